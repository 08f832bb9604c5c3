"""The frame ledger: every captured frame ends in exactly one state, and the sums are checked.

The client captures a frame and numbers it (`seq`, from 0 without gaps). From then on the frame is open, until it is
closed in one `FrameState`. At any moment

    captured = Σ states + in_flight + unreported

where *in flight* frames have arrived and are not closed, and *unreported* frames are known only as gaps in the numbers:
they may still arrive, or be reported as skipped. At the end of a session both are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypedDict

from livedance_lab.errors import WireError
from livedance_lab.pose import FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.session_data.session_log import SessionLog

__all__ = ["FrameAccounting", "Ledger", "LedgerSummary"]

_MAX_UNREPORTED = (
    10_000  # frames, nearly three minutes at 60 frames/s: a wrong `seq` must not make millions of `lost` rows
)
_MAX_CLOSED = 2000  # closed frames kept for the next result, so that the list stays short when results stall


class LedgerSummary(TypedDict):
    """The sums of a ledger; `conserved` is True if they add up and no frame is open."""

    captured: int
    states: dict[str, int]
    in_flight: int
    unreported: int
    conserved: bool


class Ledger:
    """States of all frames of one session; its memory grows only with the number of open frames."""

    def __init__(self) -> None:
        self.counts: dict[FrameState, int] = dict.fromkeys(FrameState, 0)
        self._captured = 0
        self._settled = 0  # every frame with a lower seq is closed
        self._closed_beyond: set[int] = set()
        self._open: set[int] = set()

    @property
    def captured(self) -> int:
        """Number of frames that the client is known to have captured."""
        return self._captured

    @property
    def in_flight(self) -> int:
        """Number of frames that have arrived and are not closed."""
        return len(self._open)

    def arrive(self, seq: int) -> None:
        """Open frame `seq`, which has arrived.

        Raises
        ------
        WireError
            Code "seq": the number was used before, or is higher than a client can have reached.
        """
        self.check_plausible(seq)
        if self.is_closed(seq) or seq in self._open:
            raise WireError("seq", f"each frame needs a new seq, got {seq} again.")
        self._open.add(seq)
        self._captured = max(self._captured, seq + 1)

    def check_plausible(self, seq: int) -> None:
        """Check that a client can have reached `seq`.

        Raises
        ------
        WireError
            Code "seq": with this number too many frames would be unreported, in one gap or in many.
        """
        accounted = sum(self.counts.values()) + len(self._open)
        if seq - accounted >= _MAX_UNREPORTED:
            raise WireError(
                "seq",
                f"seq may run ahead by {_MAX_UNREPORTED} unreported frames at most: got {seq} after {self._captured}, "
                f"{self._captured - accounted} of them unreported.",
            )

    def close(self, seq: int, state: FrameState) -> bool:
        """Close frame `seq` in `state`.

        Returns
        -------
        bool
            False if it was closed before: its first state is kept, and the caller must not log it again.
        """
        if self.is_closed(seq):
            return False
        self._open.discard(seq)
        self._captured = max(self._captured, seq + 1)
        self._closed_beyond.add(seq)
        self.counts[state] += 1
        while self._settled in self._closed_beyond:
            self._closed_beyond.remove(self._settled)
            self._settled += 1
        return True

    def is_closed(self, seq: int) -> bool:
        """Whether frame `seq` is closed."""
        return seq < self._settled or seq in self._closed_beyond

    def is_open(self, seq: int) -> bool:
        """Whether frame `seq` has arrived and is not closed."""
        return seq in self._open

    def open_seqs(self) -> list[int]:
        """Numbers of the frames that have arrived and are not closed, ascending."""
        return sorted(self._open)

    def unreported(self) -> list[int]:
        """Numbers below the highest known one that never arrived and were not reported as skipped, ascending."""
        return [
            seq for seq in range(self._settled, self._captured) if not self.is_closed(seq) and seq not in self._open
        ]

    def set_final_count(self, captured: int) -> None:
        """Take over the client's own count at the end; frames after the last known one become unreported.

        Raises
        ------
        WireError
            Code "seq" if the count is lower than the number of known frames, or too much higher.
        """
        if captured < self._captured:
            raise WireError("seq", f"{self._captured} frames are known, so captured cannot be {captured}.")
        if captured:
            self.check_plausible(captured - 1)
        self._captured = captured

    def summary(self) -> LedgerSummary:
        """The sums."""
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


class FrameAccounting:
    """Keeps ledger and frame log in step: a frame that is closed in the ledger gets one row in the log.

    It also collects the frames that end without a result; the next result's message lists them. It is not thread-safe:
    the caller holds the session's lock.

    Parameters
    ----------
    log : SessionLog

    Attributes
    ----------
    ledger : Ledger
    """

    def __init__(self, log: SessionLog) -> None:
        self.ledger = Ledger()
        self._log = log
        self._closed: list[tuple[int, str]] = []  # since the last result

    def close(self, record: FrameRecord) -> bool:
        """Close a frame that has no result; return False, and do nothing, if it was closed before."""
        if not self.ledger.close(record.seq, record.state):
            return False
        self._log.add_frame(record)
        self._closed.append((record.seq, str(record.state)))
        del self._closed[:-_MAX_CLOSED]
        return True

    def emit(self, result: PoseResult, send: Callable[[PoseResult, list[tuple[int, str]]], None]) -> None:
        """Close a frame as processed, send its result, and log both.

        The frame is counted before its result is sent, because the message contains the ledger's sums. It is logged
        after that, because its row contains the time that sending took, and it is logged even if sending fails.

        Parameters
        ----------
        result : PoseResult
            Of a frame that is open.
        send : callable
            Called with the result, and with number and state of the frames that ended without a result since the last.
        """
        self.ledger.close(result.seq, result.record.state)
        closed, self._closed = self._closed, []
        try:
            send(result, closed)
        finally:
            self._log.add_result(result)
            self._log.add_frame(result.record)

    def lose_open(self, reason: str) -> None:
        """Close every frame that has arrived and is still open as `lost`."""
        for seq in self.ledger.open_seqs():
            self._lose(seq, reason)

    def lose_unreported(self) -> None:
        """Close every unreported frame as `lost`."""
        for seq in self.ledger.unreported():
            self._lose(seq, "it never arrived")

    def resolve(self, unanswered: Iterable[int]) -> list[tuple[int, str]]:
        """Find out which of the client's unanswered frames have ended; called after a reconnection.

        A frame that never arrived is closed as `lost`. A frame that is still in flight is left out.

        Returns
        -------
        list of (int, str)
            Number, and "lost" or "closed" (it had ended before).

        Raises
        ------
        WireError
            If a number is higher than a client can have reached.
        """
        ended: list[tuple[int, str]] = []
        for seq in unanswered:
            self.ledger.check_plausible(seq)
            if not self.ledger.is_open(seq):
                ended.append((seq, "lost" if self._lose(seq, "the connection ended") else "closed"))
        return ended

    def _lose(self, seq: int, reason: str) -> bool:
        return self.close(FrameRecord(seq, FrameState.LOST, FrameTimes(), reason))
