"""Which crew is at work: made beside the old one, swapped in when it is warm, freed when it is not wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from livedance_lab.pipeline.lane_group import Crew
from livedance_lab.pipeline.policies import HandsPolicy
from livedance_lab.pipeline.scheduler import Job
from livedance_lab.pipeline.watchdog import Watchdog
from livedance_lab.settings import Settings

__all__ = ["Staff"]


class Staff:
    """The crew of one session, over its changes.

    Parameters
    ----------
    hire : callable
        Makes a crew for settings.
    settings : callable
        The settings in force.
    event : callable
        Told kind, name and data of what is worth logging.
    lock : threading.RLock
        The session's: the crew is swapped under it.
    hang_s : float
        See `Watchdog`.

    Attributes
    ----------
    watchdog : Watchdog
    """

    def __init__(
        self,
        hire: Callable[[Settings], Crew],
        settings: Callable[[], Settings],
        event: Callable[[str, str, dict[str, Any]], None],
        lock: threading.RLock,
        hang_s: float = 10.0,
    ) -> None:
        self.crew: Crew | None = None
        self.wanted = False  # whether a crew should be at work
        self._hire, self._settings, self._event, self._lock = hire, settings, event, lock
        self._changing = threading.Lock()  # one change of crew at a time
        self._closed = False  # no crew is to be made any more
        self._asked = False  # whether somebody is about to call `start`
        self._no_policy = HandsPolicy()
        self.watchdog = Watchdog(hang_s)

    @property
    def policy(self) -> HandsPolicy:
        """When the crew at work looks for hands; without a crew, one that nobody asks."""
        return self.crew.plan.policy if self.crew is not None else self._no_policy

    def follow(self, settings: Settings) -> None:
        """The crew at work acts on these from now on."""
        if self.crew is not None:
            self.crew.plan.settings = settings

    def ask(self) -> bool:
        """Whether `start` must be called for a change just made; False if whoever is about to will see it, too.

        The session's lock is held. A flood of changes must not make a flood of threads that wait for one crew.
        """
        asked, self._asked = self._asked, True
        return not asked

    def start(self) -> tuple[Crew, list[Job]] | None:
        """Put a crew for the settings in force to work; the one replaced, and jobs it did not finish. Blocks."""
        with self._changing:
            self._asked = False  # before the settings are read: a later change asks again
            if self._closed or (self.crew is not None and self.crew.fits(self._settings())):
                return None  # many changes in a row need one new crew
            self.wanted = True
            crew = self._hire(self._settings())
            error = crew.warm_up()
            if error is not None:
                self._event("error", "estimator", {"reason": str(error)})
            with self._lock:
                old, self.crew = self.crew, crew if self.wanted else None
                crew.plan.settings = self._settings()
            if not self.wanted:
                crew.stop()
            else:
                crew.go()
                self._event("session", "ready", {"lanes": [lane.name for lane in crew.lanes]})
            if old is None:
                return None
            left = old.stop()
            self.watchdog.given_up += len(left)
            return old, left

    def stop(self) -> None:
        """Free the crew, also one that is being made just now. Blocks."""
        self.wanted = False
        with self._changing:
            self.wanted = False
            with self._lock:
                crew, self.crew = self.crew, None
            if crew is not None:
                crew.stop()

    def give_up_hung(self, now_s: float) -> list[tuple[Job, float]]:
        """Put new lanes in place of those that hang; their jobs, and for how many seconds each was seen at it."""
        if not self._changing.acquire(blocking=False):
            return []  # the crew is being changed or stopped; if it still hangs then, the next look finds it
        try:
            crew = self.crew
            hung = self.watchdog.look(crew.lanes, now_s) if crew is not None else []
            for lane, job, seen_s in hung:
                assert crew is not None
                crew.replace(lane)
                seq = job.picture.frame.seq
                words = f"its estimator did not answer for {seen_s:.0f} s; another takes its place."
                self._event("error", "lane given up", {"lane": lane.name, "seq": seq, "reason": words})
            return [(job, seen_s) for _, job, seen_s in hung]
        finally:
            self._changing.release()

    def close(self) -> None:
        """No new crew from now on; the one at work goes on until it is stopped."""
        self._closed = True
