"""What a session tells to whoever carries its news: the server's hub, or a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from livedance_lab.pipeline.ledger import LedgerSummary
from livedance_lab.pose import FrameState, PoseResult

if TYPE_CHECKING:
    from livedance_lab.pipeline.session import Session

__all__ = ["SessionListener"]


class SessionListener(Protocol):
    """Who wants to know. Called from lane threads and from the loop's; must return at once."""

    def on_result(self, session: Session, result: PoseResult, closed: list[tuple[int, str]]) -> None:
        """A result is leaving, with the frames that ended without one since the last."""
        ...

    def on_refused(self, session: Session, seq: int, state: FrameState, code: str, message: str) -> None:
        """Frame `seq` was rejected or failed."""
        ...

    def on_event(self, session: Session, event: dict[str, Any]) -> None:
        """An event was logged."""
        ...

    def on_ended(self, session: Session, summary: LedgerSummary) -> None:
        """The ledger is closed."""
        ...
