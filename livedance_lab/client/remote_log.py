"""Reads a session's log and its main figures from the server, which keeps them."""

from __future__ import annotations

from typing import Any

from livedance_lab.errors import ServerError
from livedance_lab.launcher import LiveServer
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.log_copy import LogCopy
from livedance_lab.wire.messages import parse_json

__all__ = ["RemoteLog"]

_FACTS_WITHIN_S = 0.5


class RemoteLog:
    """The log of one session on a server.

    The server keeps the log in its own process: nothing is lost while a notebook cell runs.

    Parameters
    ----------
    server : LiveServer
    session_id : str
    """

    def __init__(self, server: LiveServer, session_id: str) -> None:
        self._server, self._path = server, f"/sessions/{session_id}"
        self._copy = LogCopy(self._fetch)

    def data(self) -> SessionData:
        """Everything logged so far, as tables."""
        self._copy.update()
        return self._copy.data(self.manifest)

    @property
    def manifest(self) -> dict[str, Any]:
        """What produced the data: versions, models, settings, clock."""
        return dict(self._server.get(f"{self._path}/manifest"))

    def facts(self) -> dict[str, str]:
        """Return the main figures as short texts, or why there are none; waits at most a second for the server."""
        try:
            now, recording = (parse_json(self._server.call("GET", self._path + what, timeout_s=_FACTS_WITHIN_S)[0])
                              for what in ("", "/recording"))  # fmt: skip
        except ServerError as exc:
            return {"state": f"state unknown: {exc}"}
        captured, processed = now["ledger"]["captured"], now["ledger"]["states"]["processed"]
        return {
            "state": "ended" if now["ended"] else "running",
            "opened": f"opened {now['age_s']:.0f} s ago",
            "frames": f"{captured} frames captured, {processed} processed",
            "rate": f"{now['results_per_s']:.1f} results/s",
            "recording": f"recorded in {recording['path']}" if recording["recording"] else "not recorded",
        }

    def _fetch(self, table: str, after: int) -> tuple[bytes, int, int]:
        data, headers = self._server.call("GET", f"{self._path}/log/{table}?after={after}", timeout_s=60.0)
        return data, int(headers["X-Next-Row"]), int(headers["X-Forgotten-Rows"])
