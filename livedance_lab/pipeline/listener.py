"""The callbacks of a session; the server and the tests implement them."""

from __future__ import annotations

from typing import Any, Protocol

from livedance_lab.pipeline.ledger import LedgerSummary
from livedance_lab.pose import FrameState, PoseResult

__all__ = ["SessionListener"]


class SessionListener(Protocol):
    """Receives what happens in sessions. It is called from lane threads and from the event loop, and must not block."""

    def on_result(
        self, session_id: str, result: PoseResult, closed: list[tuple[int, str]], ledger: LedgerSummary
    ) -> None:
        """Handle a result; `closed` has number and state of the frames that ended without one since the last."""
        ...

    def on_refused(self, session_id: str, seq: int, state: FrameState, code: str, message: str) -> None:
        """Handle a frame that was rejected or has failed."""
        ...

    def on_event(self, session_id: str, event: dict[str, Any]) -> None:
        """Handle an event, which has been logged: `t_s`, `kind`, `name` and `data`."""
        ...

    def on_ended(self, session_id: str, ledger: LedgerSummary) -> None:
        """Handle the end of the session: every frame is closed."""
        ...
