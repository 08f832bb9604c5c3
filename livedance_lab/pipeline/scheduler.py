"""Who works next: a fixed number of cores, shared by the lanes of all sessions.

MediaPipe keeps one core busy per call, so running more calls at once than there are cores only makes every
result older. The scheduler hands out *permits*, one per core; a lane works only while it holds one. It is
work-conserving: as long as any session has something worth doing and a permit is free, it is given away.
Between sessions the one that has used least core time goes first (as in fair queueing), so none starves.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from livedance_lab.pipeline.received_frame import Picture

__all__ = ["Job", "LaneHandle", "Plan", "Scheduler", "default_session_slots"]

_MOST_CREDIT_S = 0.25  # core seconds that a session which had nothing to do may catch up on
_ABSENT_AFTER_S = 1.0  # a session without work for so long leaves its share to the others


def default_session_slots(workers: int) -> int:
    """Number of sessions that so many workers can serve live: two per worker, at least two.

    With 12 ms per pose and 20 ms per hands inference, each of four sessions on two cores gets 25 results/s, and the
    newest result is 47 ms old on average (``livedance bench --simulate --stage-ms pose=12,hands=20 --cores 2``).
    """
    return 2 * max(workers, 1)


@dataclass
class Job:
    """One picture for one lane."""

    picture: Picture
    kind: str
    t_start_s: float
    stage_ms: dict[str, float] = field(default_factory=dict)
    expected_s: float = 0.0
    """How long it will keep a core, by what others of its kind did."""
    joined_by: Plan | None = None
    """The plan whose other lane looks at the same picture; the result waits for both."""


class LaneHandle:
    """The scheduler's view of a lane: idle or not, and the job handed to it."""

    def __init__(self, lock: threading.RLock) -> None:
        self.idle = False
        self.job: Job | None = None
        self.at_work: Job | None = None
        self.stopping = False
        self.given_up = False
        self.busy_since_s: float | None = None
        self.last_start_s = -math.inf
        self.wakeup = threading.Condition(lock)


class Plan(Protocol):
    """A session's wish: which of its idle lanes should take which picture now."""

    def choose(self, now_s: float, cores: float, /) -> tuple[LaneHandle, Job] | None:
        """The most useful job for one free core, or None; `cores` is the session's share of all.

        Called with the scheduler's lock held.
        """
        ...

    def took(self, job: Job, seconds: float) -> None:
        """A job is done. Called with the scheduler's lock held."""
        ...


@dataclass
class _Account:
    plan: Plan
    used_s: float = 0.0
    """Core seconds used; those of jobs under way as expected."""
    last_s: float = -math.inf
    """When it was given something last."""


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
        self._level_s = 0.0  # what those used who were served so far

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
            account, job = self._accounts.get(id(plan)), lane.at_work
            if account is not None and job is not None and lane.busy_since_s is not None and not lane.given_up:
                took_s = self._clock() - lane.busy_since_s
                account.used_s += took_s - job.expected_s
                plan.took(job, took_s)
            lane.busy_since_s = lane.at_work = None

    def stop(self, lane: LaneHandle) -> None:
        """Ask a lane to stop after what it is doing."""
        with self.lock:
            lane.stopping = True
            lane.wakeup.notify()

    def give_up(self, lane: LaneHandle) -> Job | None:
        """Wait no longer for a lane that does not stop: its core is given to others. Returns the job it is at."""
        with self.lock:
            lane.stopping = True
            job = lane.at_work
            if lane.busy_since_s is not None and not lane.given_up:
                lane.given_up = True
                self._free += 1
                self.wake()
            return job

    def _assign_one(self) -> bool:
        """Give one core to the session that has used least, of those with something to do."""
        now_s = self._clock()
        for account in self._accounts.values():  # who had nothing to do for long must not have all cores afterwards
            account.used_s = max(account.used_s, self._level_s - _MOST_CREDIT_S)
        active = sum(a.last_s > now_s - _ABSENT_AFTER_S for a in self._accounts.values())
        for account in sorted(self._accounts.values(), key=lambda a: a.used_s):
            chosen = account.plan.choose(now_s, self.workers / max(active, 1))
            if chosen is not None:
                self._hand_over(account, *chosen, now_s)
                return True
        return False

    def _hand_over(self, account: _Account, lane: LaneHandle, job: Job, now_s: float) -> None:
        self._level_s = max(self._level_s, account.used_s)
        account.used_s += job.expected_s
        account.last_s = now_s
        lane.idle = False
        lane.job = lane.at_work = job
        lane.busy_since_s = lane.last_start_s = now_s
        self._free -= 1
        lane.wakeup.notify()
