"""A session's books: what the ledger counts is logged, once, and told to the producer with the next result."""

from __future__ import annotations

from collections.abc import Iterable

from livedance_lab.pipeline.ledger import Ledger
from livedance_lab.pose import FrameRecord, FrameState, FrameTimes
from livedance_lab.session_data.log import SessionLog

__all__ = ["Books"]

_CLOSED_KEPT = 2000  # ends told with the next result; a stall must not make the list grow without limit


class Books:
    """Ledger and frame log, kept in step. Not thread-safe: the session's lock is held by every caller.

    Parameters
    ----------
    log : SessionLog
    """

    def __init__(self, log: SessionLog) -> None:
        self.ledger = Ledger()
        self._log = log
        self._closed_since: list[tuple[int, str]] = []

    def close(
        self,
        seq: int,
        state: FrameState,
        times: FrameTimes | None = None,
        reason: str = "",
        bytes_up: int = 0,
        stage_ms: dict[str, float] | None = None,
    ) -> bool:
        """Frame `seq` has ended without a result; False if it had ended before, and then nothing is written."""
        if not self.ledger.close(seq, state):
            return False
        self._log.add_frame(FrameRecord(seq, state, times or FrameTimes(), reason, bytes_up, stage_ms or {}))
        self._closed_since.append((seq, str(state)))
        del self._closed_since[:-_CLOSED_KEPT]
        return True

    def take_closed(self) -> list[tuple[int, str]]:
        """Frames that ended without a result since the last call."""
        closed, self._closed_since = self._closed_since, []
        return closed

    def lose_open(self, reason: str) -> None:
        """Whatever has arrived and is not closed is `lost`."""
        for seq in self.ledger.open_seqs():
            self.close(seq, FrameState.LOST, reason=reason)

    def lose_unreported(self) -> None:
        """Whatever is known only as a hole in the numbers is `lost`."""
        for seq in self.ledger.unreported():
            self.close(seq, FrameState.LOST, reason="it never arrived")

    def resolve(self, unanswered: Iterable[int]) -> list[tuple[int, str]]:
        """On reconnection: which of the client's unanswered frames have ended meanwhile.

        What never arrived is `lost` from now on; what is still in work is left out.

        Raises
        ------
        WireError
            If a number is absurd.
        """
        ends: list[tuple[int, str]] = []
        for seq in unanswered:
            self.ledger.expect(seq)
            if not self.ledger.is_open(seq):
                lost = self.close(seq, FrameState.LOST, reason="the connection ended")
                ends.append((seq, str(FrameState.LOST) if lost else "closed"))
        return ends
