"""Whether the server can take a session: what load balancers, service managers and `livedance doctor` ask."""

from __future__ import annotations

import asyncio
import logging

from livedance_lab.errors import LiveDanceError
from livedance_lab.server.session_manager import Hub

__all__ = ["Readiness"]

_log = logging.getLogger(__name__)


class Readiness:
    """Looks once whether the estimators load, when somebody asks; who never asks pays nothing.

    Parameters
    ----------
    hub : Hub
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._loaded = False
        self._trial: asyncio.Task[None] | None = None
        self._error = ""

    def obstacle(self) -> str:
        """What is in the way, in words; empty: ready."""
        if self._hub.draining:
            return "the server is stopping."
        if self._loaded or any(room.session.ready for room in self._hub.rooms.values()):
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
        except Exception as exc:  # noqa: BLE001  a library that does not fit raises anything; who asks must hear of it
            _log.exception("the estimators do not load")
            self._error = f"the estimators do not load: {type(exc).__name__}, see the server's log."
        finally:
            self._trial = None  # after an error the next one to ask has it tried again

    def _load(self) -> None:
        settings = self._hub.config.settings
        for kind in ("pose", "hands") if settings.hands else ("pose",):
            self._hub.factory(kind, settings).close()
