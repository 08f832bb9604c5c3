"""Counts a producer's unanswered frames and decides whether one more may be sent.

The server's latest-wins slot cannot empty what already queues in the socket, so a producer limits how many of its
frames are unanswered. The result or refusal of frame *n* answers every frame up to *n*, so that a dropped frame
never reduces the credit permanently.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal

from livedance_lab.client.pacing import PacingGauge

__all__ = ["FrameCredit", "Pacing"]

Pacing = Literal["auto", "paced", "free"]

ESCAPE_S = 0.25  # an answer that never comes must not stop a paced stream
_REPORTS_KEPT = 1000  # skipped frames that are reported again after a break: the last messages before it may be lost


class FrameCredit:
    """Counts one producer's frames.

    Parameters
    ----------
    pacing : {"auto", "paced", "free"}
        Paced: at most `window` frames are unanswered. Auto: paced where that gives newer results, see
        `livedance_lab.client.pacing`.
    window : int
        The largest number of unanswered frames when paced: as many as the server has pose lanes.

    Attributes
    ----------
    gauge : PacingGauge
        The measurements that "auto" decides by.
    captured, sent, skipped, answered : int
        Frames so far.
    unanswered : dict of int to float
        Frame number to the time it was sent, seconds.
    """

    def __init__(self, pacing: Pacing = "auto", window: int = 1) -> None:
        self.pacing: Pacing = pacing
        self.window = window
        self.gauge = PacingGauge()
        self.captured = self.sent = self.skipped = self.answered = 0
        self.unanswered: dict[int, float] = {}
        self._skipped_unreported: list[tuple[int, float]] = []
        self._skipped_reported: deque[tuple[int, float]] = deque(maxlen=_REPORTS_KEPT)

    def capture(self) -> int:
        """Count a newly captured frame and return its number."""
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
        """Whether the number of unanswered frames is limited at present."""
        return self.pacing == "paced" or (self.pacing == "auto" and self.gauge.auto.paced)

    def reconsider(self, now_s: float, round_trip_s: float) -> dict[str, str | float] | None:
        """Let "auto" decide again; return the message for the server if it switched."""
        if self.pacing == "auto":
            return self.gauge.judge(now_s, round_trip_s, self.window)
        self.gauge.restart(now_s)
        return None

    def send(self, seq: int, now_s: float) -> None:
        """Note that frame `seq` is sent."""
        self.unanswered[seq] = now_s
        self.sent += 1

    def skip(self, seq: int, t_capture_s: float) -> None:
        """Note that frame `seq` is not sent."""
        self.skipped += 1
        self._skipped_unreported.append((seq, t_capture_s))

    def answer(self, seq: int) -> None:
        """Note that every frame up to `seq` is answered."""
        for done in [s for s in self.unanswered if s <= seq]:
            del self.unanswered[done]
            self.answered += 1

    def take_skipped(self, most: int = 5000) -> list[tuple[int, float]]:
        """Return up to `most` skipped frames that have not been reported yet, and count them as reported."""
        taken, self._skipped_unreported = self._skipped_unreported[:most], self._skipped_unreported[most:]
        self._skipped_reported += taken
        return taken

    def connected(self, next_seq: int, closed: Iterable[int], *, resumed: bool) -> None:
        """Continue on a new connection.

        Parameters
        ----------
        next_seq : int
            Number of the first frame that the server does not know.
        closed : iterable of int
            Unanswered frames that have ended in the meantime.
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
            self._skipped_reported.clear()
        self.captured = max(self.captured, next_seq)
        # the last reports before the break may be lost; the server ignores what it knows already
        self._skipped_unreported[:0] = self._skipped_reported
        self._skipped_reported.clear()
