"""Which frames are on the way, and whether one more may go: the producer's half of the frame ledger.

Latest-wins on the server cannot empty what already queues in the socket, so a producer watches how many of
its frames are unanswered. Result or refusal *n* answers every frame up to *n*: a dropped frame never leaks a
credit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal

from livedance_lab.client.pacing import PacingGauge

__all__ = ["Credit", "Pacing"]

Pacing = Literal["auto", "paced", "free"]

ESCAPE_S = 0.25  # an answer that never comes must not stop a paced stream
_TOLD_KEPT = 1000  # a connection that breaks swallows what was said in its last moments


class Credit:
    """Counts one producer's frames.

    Parameters
    ----------
    pacing : {"auto", "paced", "free"}
        Paced: no more unanswered frames than `window`. Auto: paced where that pays, see `livedance_lab.client.pacing`.
    window : int
        Frames that may be unanswered: as many as the server has pose lanes.

    Attributes
    ----------
    gauge : PacingGauge
        What "auto" decides by.
    """

    def __init__(self, pacing: Pacing = "auto", window: int = 1) -> None:
        self.pacing: Pacing = pacing
        self.window = window
        self.gauge = PacingGauge()
        self.captured = self.sent = self.skipped = self.answered = 0
        self.unanswered: dict[int, float] = {}  # seq -> when it was sent
        self._skipped_unreported: list[tuple[int, float]] = []
        self._skipped_told: deque[tuple[int, float]] = deque(maxlen=_TOLD_KEPT)

    def capture(self) -> int:
        """Number of a newly captured frame."""
        self.captured += 1
        return self.captured - 1

    def may_send(self, now_s: float, *, socket_busy: bool) -> bool:
        """Whether a frame captured now should be sent."""
        if socket_busy:
            return False
        if not self.is_paced or len(self.unanswered) < self.window:
            return True
        return now_s - max(self.unanswered.values()) >= ESCAPE_S

    @property
    def is_paced(self) -> bool:
        """Whether pacing is in force."""
        return self.pacing == "paced" or (self.pacing == "auto" and self.gauge.auto.paced)

    def reconsider(self, now_s: float, round_trip_s: float) -> dict[str, str | float] | None:
        """What the server should hear if "auto" has just switched."""
        return self.gauge.look(now_s, round_trip_s, self.window) if self.pacing == "auto" else None

    def send(self, seq: int, now_s: float) -> None:
        """Frame `seq` goes out."""
        self.unanswered[seq] = now_s
        self.sent += 1

    def skip(self, seq: int, t_capture_s: float) -> None:
        """Frame `seq` is not sent."""
        self.skipped += 1
        self._skipped_unreported.append((seq, t_capture_s))

    def answer(self, seq: int) -> None:
        """Everything up to `seq` is answered."""
        for done in [s for s in self.unanswered if s <= seq]:
            del self.unanswered[done]
            self.answered += 1

    def take_skipped(self, most: int = 5000) -> list[tuple[int, float]]:
        """Skipped frames the server has not been told of."""
        told, self._skipped_unreported = self._skipped_unreported[:most], self._skipped_unreported[most:]
        self._skipped_told += told
        return told

    def connected(self, next_seq: int, closed: Iterable[int], *, resumed: bool) -> None:
        """A connection begins.

        Parameters
        ----------
        next_seq : int
            Number of the first frame the server knows nothing of.
        closed : iterable of int
            Unanswered frames that have ended meanwhile.
        resumed : bool
            Whether the server knew the session; if not, frames are numbered from `next_seq` again.
        """
        for seq in closed:
            self.answered += self.unanswered.pop(seq, None) is not None
        if not resumed:
            self.captured = 0
            self.gauge = PacingGauge()
            self.unanswered.clear()
            self._skipped_unreported.clear()
            self._skipped_told.clear()
        self.captured = max(self.captured, next_seq)
        # said once too often does no harm; said on a connection that was breaking it may not have been heard
        self._skipped_unreported[:0] = self._skipped_told
        self._skipped_told.clear()
