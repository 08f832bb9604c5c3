"""Whether the server can take a session; load balancers, service managers and `livedance doctor` ask this."""

from __future__ import annotations

import asyncio
import logging

from livedance_lab.errors import LiveDanceError
from livedance_lab.server.session_manager import SessionManager

__all__ = ["Readiness"]

_log = logging.getLogger(__name__)


class Readiness:
    """Checks once, on the first request, whether the estimators can be loaded.

    Parameters
    ----------
    manager : SessionManager
    """

    def __init__(self, manager: SessionManager) -> None:
        self._manager = manager
        self._loaded = False
        self._trial: asyncio.Task[None] | None = None
        self._error = ""

    def obstacle(self) -> str:
        """Return why the server cannot take a session; empty if it can."""
        if self._manager.draining:
            return "the server is stopping."
        if self._loaded or any(hosted.session.ready for hosted in self._manager.sessions.values()):
            return ""
        if self._trial is None:
            self._trial = asyncio.get_running_loop().create_task(self._try())
        return self._error or "the estimators are being loaded for the first time."

    async def _try(self) -> None:
        try:
            await asyncio.to_thread(self._load)
            self._loaded, self._error = True, ""
        except LiveDanceError as exc:
            self._error = f"the estimators do not load: {exc}"
        except Exception as exc:  # noqa: BLE001  an incompatible library raises anything; the caller must learn of it
            _log.exception("the estimators do not load")
            self._error = f"the estimators do not load: {type(exc).__name__}, see the server's log."
        finally:
            self._trial = None  # after an error the next request tries again

    def _load(self) -> None:
        settings = self._manager.config.settings
        for kind in ("pose", "hands") if settings.hands else ("pose",):
            self._manager.estimator_factory(kind, settings).close()
