"""Estimates a session's load: how long its jobs take, how often frames arrive, and how many pose lanes that needs."""

from __future__ import annotations

import math

from livedance_lab.pipeline.received_frame import ReceivedFrame

__all__ = ["SessionLoad"]

_GAIN = 0.1  # of the moving averages: about the last ten values count
_FIRST_GUESS_S = {"pose": 0.03, "hands": 0.04}
_FIRST_INTERVAL_S = 1 / 60
_ADD_ABOVE, _REMOVE_BELOW = 0.85, 0.7  # busy share of the lanes in use; of the lanes with one removed
_HOLD_S = 2.0  # least time between two changes of the number


class SessionLoad:
    """Moving averages of one session's job durations and frame interval.

    Parameters
    ----------
    max_pose_lanes : int
        Number of pose lanes of the session.

    Attributes
    ----------
    typical_s : dict of str to float
        How long a job of each kind keeps a core.
    interval_s : float
        Time between two captured frames.
    pose_lanes : int
        Number of pose lanes to use: the fewest that keep up with the camera, because a landmarker that sees every frame
        tracks more steadily than two that see every other frame.
    """

    def __init__(self, max_pose_lanes: int) -> None:
        self.typical_s = dict(_FIRST_GUESS_S)
        self.interval_s = _FIRST_INTERVAL_S
        self.pose_lanes = self._max_pose_lanes = max_pose_lanes
        self._last: tuple[int, float] | None = None
        self._hold_until_s = -math.inf

    def observe_duration(self, kind: str, duration_s: float) -> None:
        """Update the typical duration with a job that is done."""
        self.typical_s[kind] += _GAIN * (duration_s - self.typical_s[kind])

    def observe_start(self, frame: ReceivedFrame, now_s: float) -> None:
        """Update interval and number of lanes when a pose lane starts on a frame.

        Frames between this one and the previous one were captured too, even if no lane processed them.
        """
        seq, t_s = frame.seq, frame.times.t_capture_s
        if self._last is not None and seq > self._last[0]:
            self.interval_s += _GAIN * ((t_s - self._last[1]) / (seq - self._last[0]) - self.interval_s)
        self._last = seq, t_s
        busy = self.typical_s["pose"] / max(self.interval_s, 1e-3)  # lanes that this camera keeps busy
        wanted = (
            self.pose_lanes + (busy > _ADD_ABOVE * self.pose_lanes) - (busy < _REMOVE_BELOW * (self.pose_lanes - 1))
        )
        wanted = min(max(wanted, 1), self._max_pose_lanes)
        if wanted != self.pose_lanes and now_s >= self._hold_until_s:
            self.pose_lanes, self._hold_until_s = wanted, now_s + _HOLD_S
