"""The frame ledger: every captured frame ends in exactly one state, and the sums are checked.

A frame is *captured* by the client, which numbers it (`seq`, from 0 without holes). From then on it is
open until it is closed in one `FrameState`. At any moment

    captured = Σ states + in_flight + unreported

where *in flight* frames have arrived and are not closed, and *unreported* ones are known only as holes in
the numbers: they may still be on the way, or be reported as skipped. At the end of a session both are 0.
"""

from __future__ import annotations

from typing import TypedDict

from livedance_lab.errors import WireError
from livedance_lab.pose import FrameState

__all__ = ["Ledger", "LedgerSummary"]

_MOST_UNREPORTED = 10_000  # wild numbers must not make millions of `lost` rows: nearly three minutes at 60 frames/s


class LedgerSummary(TypedDict):
    """The ledger in numbers."""

    captured: int
    states: dict[str, int]
    in_flight: int
    unreported: int
    conserved: bool


class Ledger:
    """States of all frames of one session, in memory that grows only with what is still open."""

    def __init__(self) -> None:
        self.counts: dict[FrameState, int] = dict.fromkeys(FrameState, 0)
        self._captured = 0
        self._settled = 0  # every seq below it is closed
        self._closed_beyond: dict[int, FrameState] = {}
        self._open: set[int] = set()

    @property
    def captured(self) -> int:
        """Frames the client is known to have captured."""
        return self._captured

    @property
    def in_flight(self) -> int:
        """Frames that arrived and are not closed."""
        return len(self._open)

    def arrive(self, seq: int) -> None:
        """Frame `seq` has arrived.

        Raises
        ------
        WireError
            Code "seq": the number was used before, or runs further ahead than a client can have captured.
        """
        self.expect(seq)
        if seq < self._settled or seq in self._closed_beyond or seq in self._open:
            raise WireError("seq", f"each frame needs a new seq, got {seq} again.")
        self._open.add(seq)
        self._captured = max(self._captured, seq + 1)

    def expect(self, seq: int) -> None:
        """Check that a client can have reached `seq`.

        Raises
        ------
        WireError
            Code "seq": with it too many frames would be known only as holes, in one leap or in many.
        """
        accounted = sum(self.counts.values()) + len(self._open)
        if seq - accounted >= _MOST_UNREPORTED:
            raise WireError(
                "seq",
                f"seq may run ahead by {_MOST_UNREPORTED} unreported frames at most: got {seq} after {self._captured}, "
                f"{self._captured - accounted} of them unreported.",
            )

    def close(self, seq: int, state: FrameState) -> bool:
        """Frame `seq` has ended in `state`.

        Returns
        -------
        bool
            False if it had ended before (the first state stands), so that a caller never logs it twice.
        """
        if seq < self._settled or seq in self._closed_beyond:
            return False
        self._open.discard(seq)
        self._captured = max(self._captured, seq + 1)
        self._closed_beyond[seq] = state
        self.counts[state] += 1
        while self._settled in self._closed_beyond:
            del self._closed_beyond[self._settled]
            self._settled += 1
        return True

    def is_closed(self, seq: int) -> bool:
        """Whether frame `seq` has ended."""
        return seq < self._settled or seq in self._closed_beyond

    def is_open(self, seq: int) -> bool:
        """Whether frame `seq` has arrived and not ended."""
        return seq in self._open

    def open_seqs(self) -> list[int]:
        """Frames that arrived and have not ended."""
        return sorted(self._open)

    def unreported(self) -> list[int]:
        """Numbers below the highest that never arrived and were not reported as skipped."""
        return [
            seq
            for seq in range(self._settled, self._captured)
            if seq not in self._closed_beyond and seq not in self._open
        ]

    def captured_in_all(self, captured: int) -> None:
        """The client's own final count: trailing frames that never arrived become known.

        Raises
        ------
        WireError
            Code "seq" if the count is below what has arrived, or too far above.
        """
        if captured < self._captured:
            raise WireError("seq", f"{self._captured} frames are known, so captured cannot be {captured}.")
        if captured:
            self.expect(captured - 1)
        self._captured = captured

    def summary(self) -> LedgerSummary:
        """The numbers; `conserved` says whether they add up with nothing left open."""
        closed = sum(self.counts.values())
        in_flight = len(self._open)
        unreported = self._captured - closed - in_flight
        return {
            "captured": self._captured,
            "states": {str(state): n for state, n in self.counts.items()},
            "in_flight": in_flight,
            "unreported": unreported,
            "conserved": in_flight == 0 and unreported == 0 and closed == self._captured,
        }
