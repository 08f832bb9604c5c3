"""Finds lanes whose estimator does not answer any more.

A thread cannot be stopped from outside, so a hung one is given up: its frame is counted as failed, its core goes
to others, and a new lane takes its place. A slow machine must never be taken for a hung one: the limit follows the
lane's own usual time, and time in which nobody looked (the computer slept, the process was stopped) does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from livedance_lab.pipeline.scheduler import Job

if TYPE_CHECKING:
    from livedance_lab.pipeline.lane import Lane

__all__ = ["MOST_GIVEN_UP", "Watchdog"]

MOST_GIVEN_UP = 3
"""Lanes of one session; each may keep its thread and its models' memory until the server is stopped."""

_TIMES_USUAL = 30.0
_LONGEST_STEP_S = 2.0  # between two looks; the server looks every second


class Watchdog:
    """Watches the lanes of one session.

    Parameters
    ----------
    least_s : float, default 10
        No lane is given up that has been at one picture for less.
    """

    def __init__(self, least_s: float = 10.0) -> None:
        self.given_up = 0
        self._least_s = least_s
        self._last_look_s = -1e9
        self._watched: dict[Lane, tuple[Job, float]] = {}  # what each lane is at, and seconds we have seen it so

    @property
    def out_of_patience(self) -> bool:
        """Whether so many lanes were given up that another try would not help."""
        return self.given_up > MOST_GIVEN_UP

    def limit_s(self, lane: Lane) -> float:
        """How long a lane may be at one picture."""
        return max(self._least_s, _TIMES_USUAL * lane.usual_s)

    def look(self, lanes: Iterable[Lane], now_s: float) -> list[tuple[Lane, Job, float]]:
        """Look once.

        Parameters
        ----------
        lanes : iterable of Lane
            All that the session has now.
        now_s : float

        Returns
        -------
        list of (Lane, Job, float)
            Lanes that hang, each with its job and for how many seconds it was seen at it.
        """
        step_s = min(now_s - self._last_look_s, _LONGEST_STEP_S)
        self._last_look_s = now_s
        before, self._watched = self._watched, {}
        hung = []
        for lane in lanes:
            job = lane.at_work
            if job is None:
                continue
            known = before.get(lane)
            seen_s = known[1] + step_s if known is not None and known[0] is job else 0.0
            if seen_s > self.limit_s(lane):
                hung.append((lane, job, seen_s))
            else:
                self._watched[lane] = (job, seen_s)
        self.given_up += len(hung)
        return hung
