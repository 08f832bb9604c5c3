"""Finds lanes whose estimator does not answer any more.

A thread cannot be stopped from outside. So a lane that hangs is given up: its frame is counted as failed, its core is
freed, and a new lane takes its place. A slow machine must never be mistaken for a hanging estimator: the limit follows
the lane's own typical duration, and time between checks that are far apart (the computer slept, or the process was
stopped) does not count.
"""

from __future__ import annotations

from collections.abc import Iterable

from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.scheduler import Job

__all__ = ["MAX_GIVEN_UP", "Watchdog"]

MAX_GIVEN_UP = 3
"""Lanes of one session; each may keep its thread and its models' memory until the server is stopped."""

_TIMES_TYPICAL = 30.0
_MAX_STEP_S = 2.0  # longest time counted between two checks; the server checks every second


class Watchdog:
    """Checks the lanes of one session.

    Parameters
    ----------
    min_limit_s : float, default 10
        No lane is given up that has processed its frame for less.

    Attributes
    ----------
    given_up : int
        Number of lanes given up so far.
    """

    def __init__(self, min_limit_s: float = 10.0) -> None:
        self.given_up = 0
        self._min_limit_s = min_limit_s
        self._last_check_s = -1e9
        self._seen: dict[Lane, tuple[Job, float]] = {}  # each lane's job, and the counted seconds it has taken so far

    @property
    def too_many_given_up(self) -> bool:
        """Whether so many lanes were given up that another one would hang too."""
        return self.given_up > MAX_GIVEN_UP

    def limit_s(self, lane: Lane) -> float:
        """How long a lane may process one frame."""
        return max(self._min_limit_s, _TIMES_TYPICAL * lane.typical_s)

    def check(self, lanes: Iterable[Lane], now_s: float) -> list[tuple[Lane, Job, float]]:
        """Check all lanes of the session once.

        Returns
        -------
        list of (Lane, Job, float)
            Lanes that hang, each with its job and the counted seconds that it has taken.
        """
        step_s = min(now_s - self._last_check_s, _MAX_STEP_S)
        self._last_check_s = now_s
        before, self._seen = self._seen, {}
        hanging = []
        for lane in lanes:
            job = lane.inferring
            if job is None:
                continue
            known = before.get(lane)
            seen_s = known[1] + step_s if known is not None and known[0] is job else 0.0
            if seen_s > self.limit_s(lane):
                hanging.append((lane, job, seen_s))
            else:
                self._seen[lane] = (job, seen_s)
        self.given_up += len(hanging)
        return hanging
