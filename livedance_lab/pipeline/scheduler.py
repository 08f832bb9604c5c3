"""Who works next: a fixed number of cores, shared by the lanes of all sessions.

MediaPipe keeps one core busy per call, so running more calls at once than there are cores only makes every
result older. The scheduler hands out *permits*, one per core; a lane works only while it holds one. It is
work-conserving: as long as any session has something worth doing and a permit is free, it is given away.
Between sessions the one that has used least core time goes first (as in fair queueing), so none starves.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from livedance_lab.pipeline.picture import Picture

__all__ = ["Job", "LaneHandle", "Plan", "Scheduler", "core_count"]


def core_count() -> int:
    """Cores this process may use (containers and taskset may allow fewer than the machine has)."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


@dataclass
class Job:
    """One picture for one lane."""

    picture: Picture
    kind: str
    t_start_s: float
    stage_ms: dict[str, float] = field(default_factory=dict)
    joined_by: Plan | None = None
    """The plan whose other lane looks at the same picture; the result waits for both."""


class LaneHandle:
    """The scheduler's view of a lane: idle or not, and the job handed to it."""

    def __init__(self, lock: threading.RLock) -> None:
        self.idle = False
        self.job: Job | None = None
        self.stopping = False
        self.given_up = False
        self.busy_since_s: float | None = None
        self.last_start_s = -math.inf
        self.wakeup = threading.Condition(lock)


class Plan(Protocol):
    """A session's wish: which of its idle lanes should take which picture now."""

    def choose(self, now_s: float) -> tuple[LaneHandle, Job] | None:
        """The most useful job for one free core, or None. Called with the scheduler's lock held."""
        ...


@dataclass
class _Account:
    plan: Plan
    used_s: float = 0.0


class Scheduler:
    """Permits for `workers` cores.

    Parameters
    ----------
    workers : int
        How many estimator calls may run at once.
    clock : callable
        Seconds now.
    """

    def __init__(self, workers: int, clock: Callable[[], float]) -> None:
        self.workers = workers
        self.lock = threading.RLock()
        self._clock = clock
        self._free = workers
        self._accounts: dict[int, _Account] = {}

    def join(self, plan: Plan) -> None:
        """A session begins to take part. It starts level with the least served one, not with a credit."""
        with self.lock:
            level = min((a.used_s for a in self._accounts.values()), default=0.0)
            self._accounts[id(plan)] = _Account(plan, level)

    def leave(self, plan: Plan) -> None:
        """A session takes part no more."""
        with self.lock:
            self._accounts.pop(id(plan), None)

    def wake(self) -> None:
        """Something changed (a frame came, a lane is free): give away what can be given."""
        with self.lock:
            while self._free > 0 and self._assign_one():
                pass

    def ask(self, lane: LaneHandle) -> None:
        """The lane is free: it, or another one, may get something to do."""
        with self.lock:
            lane.idle = True
            self.wake()

    def next_job(self, lane: LaneHandle) -> Job | None:
        """Wait for work; None when the lane should stop."""
        with self.lock:
            self.ask(lane)
            while lane.job is None and not lane.stopping:
                lane.wakeup.wait()
            lane.idle = False
            job, lane.job = lane.job, None
            return job  # also when stopping: a frame that was handed over must get its end

    def done(self, lane: LaneHandle, plan: Plan) -> None:
        """The lane has finished its job: its core is free and its session has used it.

        The core is given away when the lane asks for its next job, which it does at once, so that its own session
        is among those compared.
        """
        with self.lock:
            self._free += not lane.given_up
            account = self._accounts.get(id(plan))
            if account is not None and lane.busy_since_s is not None and not lane.given_up:
                account.used_s += self._clock() - lane.busy_since_s
            lane.busy_since_s = None

    def stop(self, lane: LaneHandle) -> None:
        """Ask a lane to stop after what it is doing."""
        with self.lock:
            lane.stopping = True
            lane.wakeup.notify()

    def give_up(self, lane: LaneHandle) -> None:
        """Wait no longer for a lane that does not stop: its core is given to others, however long it hangs."""
        with self.lock:
            lane.stopping = True
            if lane.busy_since_s is not None and not lane.given_up:
                lane.given_up = True
                self._free += 1
                self.wake()

    def _assign_one(self) -> bool:
        now_s = self._clock()
        for account in sorted(self._accounts.values(), key=lambda a: a.used_s):
            chosen = account.plan.choose(now_s)
            if chosen is not None:
                lane, job = chosen
                lane.idle = False
                lane.job = job
                lane.busy_since_s = lane.last_start_s = now_s
                self._free -= 1
                lane.wakeup.notify()
                return True
        return False
