"""How many of a session's captured frames ended in which state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from livedance_lab.pose import FrameState

__all__ = ["LedgerCounts"]


@dataclass(frozen=True)
class LedgerCounts:
    """How many captured frames ended in which state, and whether all are accounted for.

    Attributes
    ----------
    captured : int
        Frames captured: sequence numbers from the first to the last one known.
    states : dict of str to int
        Frames per `FrameState`, every state named, 0 included.
    missing_seqs : tuple of int
        Captured frames without an entry. Only a session that was cut off (or still runs) has any: they were in work
        when the last row was written.
    repeated : int
        Entries beyond one per frame; anything but 0 is a defect.
    """

    captured: int
    states: dict[str, int]
    missing_seqs: tuple[int, ...]
    repeated: int

    @property
    def conserved(self) -> bool:
        """Whether captured = Σ states, with exactly one state per frame."""
        return not self.missing_seqs and not self.repeated and self.captured == sum(self.states.values())

    @property
    def dropped_share(self) -> float:
        """Share of the captured frames without a result, 0 to 1; NaN when nothing was captured."""
        return 1 - self.states[FrameState.PROCESSED] / self.captured if self.captured else math.nan

    def plain(self) -> dict[str, Any]:
        """The counts as JSON values."""
        return {
            "captured": self.captured,
            "states": self.states,
            "conserved": self.conserved,
            "missing": len(self.missing_seqs),
            "repeated": self.repeated,
            "dropped_share": round(self.dropped_share, 6),
        }
