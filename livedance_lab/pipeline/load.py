"""What a session asks of the machine: how long its jobs take, how often frames come, how many pose lanes that needs."""

from __future__ import annotations

import math

from livedance_lab.pose import Frame

__all__ = ["Load"]

_FOLLOW = 0.1  # of the difference, each time: some ten jobs are remembered
_FIRST_GUESS_S = {"pose": 0.03, "hands": 0.04}
_FIRST_INTERVAL_S = 1 / 60
_MORE_ABOVE, _FEWER_BELOW = 0.85, 0.7  # busy share of the lanes in use, or of one fewer
_HOLD_S = 2.0  # after a change


class Load:
    """Follows one session's jobs and frames.

    Parameters
    ----------
    most : int
        Pose lanes there are.

    Attributes
    ----------
    usual_s : dict of str to float
        How long a job of each kind keeps a core.
    interval_s : float
        Between two captured frames.
    pose_lanes : int
        As few as keep up with the camera: a landmarker that sees every frame follows more steadily than two that see
        every other one.
    """

    def __init__(self, most: int) -> None:
        self.usual_s = dict(_FIRST_GUESS_S)
        self.interval_s = _FIRST_INTERVAL_S
        self.pose_lanes = self._most = most
        self._last: tuple[int, float] | None = None
        self._held_until_s = -math.inf

    def took(self, kind: str, seconds: float) -> None:
        """A job of this kind is done."""
        self.usual_s[kind] += _FOLLOW * (seconds - self.usual_s[kind])

    def begun(self, frame: Frame, now_s: float) -> None:
        """A pose lane begins with a frame; those between it and the last one were captured, too."""
        seq, t_s = frame.seq, frame.times.t_capture_s
        if self._last is not None and seq > self._last[0]:
            self.interval_s += _FOLLOW * ((t_s - self._last[1]) / (seq - self._last[0]) - self.interval_s)
        self._last = seq, t_s
        busy = self.usual_s["pose"] / max(self.interval_s, 1e-3)  # lanes kept busy by this camera
        wanted = (
            self.pose_lanes + (busy > _MORE_ABOVE * self.pose_lanes) - (busy < _FEWER_BELOW * (self.pose_lanes - 1))
        )
        wanted = min(max(wanted, 1), self._most)
        if wanted != self.pose_lanes and now_s >= self._held_until_s:
            self.pose_lanes, self._held_until_s = wanted, now_s + _HOLD_S
