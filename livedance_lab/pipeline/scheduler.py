"""Assigns free cores to the lanes of all sessions, by least service.

One MediaPipe call keeps one core busy, so more simultaneous calls than cores only make every result older. The
scheduler has one *permit* per core, and a lane works only while it holds a permit. It is work-conserving: while a
permit is free and any session has a useful job, the permit is assigned. The session that has used the least core time
is served first (as in fair queueing), so no session starves.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from livedance_lab.pipeline.people.measurement import PeopleFound
from livedance_lab.pipeline.received_frame import ReceivedFrame

__all__ = ["Job", "LaneState", "Scheduler", "SchedulingPolicy", "default_session_slots"]

_MAX_CREDIT_S = 0.25  # core seconds that a session may catch up after it had nothing to do
_ABSENT_AFTER_S = 1.0  # a session without a job for so long leaves its share of the cores to the others


def default_session_slots(workers: int) -> int:
    """Number of sessions that so many workers can serve live: two per worker, at least two.

    With 12 ms per pose and 20 ms per hands inference, each of four sessions on two cores gets 25 results/s, and the
    newest result is 47 ms old on average (``livedance bench --simulate --stage-ms pose=12,hands=20 --cores 2``).
    """
    return 2 * max(workers, 1)


@dataclass
class Job:
    """One frame for one lane.

    Attributes
    ----------
    received : ReceivedFrame
    kinds : tuple of str
        What is estimated, in this order: "pose", "hands" or both.
    t_start_s : float
        Assignment to the lane, later the start of inference.
    stage_ms : dict of str to float
        Duration of each kind's inference, once it is done.
    expected_s : float
        How long the job will probably keep a core.
    people : PeopleFound or None
        Everybody whom a lane found, in a session that follows several people.
    joined_by : SchedulingPolicy or None
        The policy that gave the same frame to another lane too; the result needs both estimates.
    """

    received: ReceivedFrame
    kinds: tuple[str, ...]
    t_start_s: float
    stage_ms: dict[str, float] = field(default_factory=dict)
    expected_s: float = 0.0
    people: PeopleFound | None = None
    joined_by: SchedulingPolicy | None = None


class LaneState:
    """The part of a lane that scheduler and policies use, guarded by the scheduler's lock.

    It is separate from `Lane`, which owns a thread and estimators, so that scheduling can be stepped without either.

    Parameters
    ----------
    kinds : tuple of str
        What the lane estimates.
    lock : threading.RLock
        The scheduler's.

    Attributes
    ----------
    idle : bool
        Whether a job may be assigned to it.
    assigned : Job or None
        A job that the lane has not yet fetched.
    running : Job or None
        The job for which the lane holds a core: from assignment to `Scheduler.done`.
    stopping, given_up : bool
    running_since_s : float or None
    last_start_s : float
        When it was last assigned a job.
    wakeup : threading.Condition
        Notified when a job is assigned or the lane must stop.
    """

    def __init__(self, kinds: tuple[str, ...], lock: threading.RLock) -> None:
        self.kinds = kinds
        self.idle = False
        self.assigned: Job | None = None
        self.running: Job | None = None
        self.stopping = False
        self.given_up = False
        self.running_since_s: float | None = None
        self.last_start_s = -math.inf
        self.wakeup = threading.Condition(lock)


class SchedulingPolicy(Protocol):
    """Decides which idle lane of one session takes which frame. All calls hold the scheduler's lock."""

    def choose(self, now_s: float, cores: float, /) -> tuple[LaneState, Job] | None:
        """The most useful job for one free core, or None; `cores` is the session's share of all cores."""
        ...

    def observe_duration(self, job: Job, duration_s: float) -> None:
        """Note how long a finished job has kept its core."""
        ...


@dataclass
class _Account:
    policy: SchedulingPolicy
    used_s: float = 0.0
    """Core seconds used; a running job counts with its expected duration."""
    last_s: float = -math.inf
    """When it was last assigned a core."""


class Scheduler:
    """Permits for `workers` cores.

    Parameters
    ----------
    workers : int
        Number of estimator calls that may run at the same time.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, workers: int, clock: Callable[[], float]) -> None:
        self.workers = workers
        self.lock = threading.RLock()
        self._clock = clock
        self._free = workers
        self._accounts: dict[int, _Account] = {}
        self._virtual_s = 0.0  # highest `used_s` at which a session has been served

    def register(self, policy: SchedulingPolicy) -> None:
        """Let a session take part. It starts at the level of the least served session, without a credit."""
        with self.lock:
            level_s = min((a.used_s for a in self._accounts.values()), default=0.0)
            self._accounts[id(policy)] = _Account(policy, level_s)

    def unregister(self, policy: SchedulingPolicy) -> None:
        """Assign no more cores to a session."""
        with self.lock:
            self._accounts.pop(id(policy), None)

    def dispatch(self) -> None:
        """Assign free cores while any session has a useful job; called when a frame arrives or a lane becomes idle."""
        with self.lock:
            while self._free > 0 and self._assign_one():
                pass

    def next_job(self, lane: LaneState) -> Job | None:
        """Wait until the lane is assigned a job, and return it; None if the lane must stop."""
        with self.lock:
            self.mark_idle(lane)
            while lane.assigned is None and not lane.stopping:
                lane.wakeup.wait()
            lane.idle = False
            job, lane.assigned = lane.assigned, None
            return job  # also when the lane must stop: the frame has left the slot and has to be counted

    def mark_idle(self, lane: LaneState) -> None:
        """Note that the lane is idle, and assign free cores."""
        with self.lock:
            lane.idle = True
            self.dispatch()

    def done(self, lane: LaneState, policy: SchedulingPolicy) -> None:
        """Free the core of a lane that has finished its job, and charge the time to its session.

        The core is assigned again when the lane becomes idle, which follows at once, so that its own session is among
        those compared.
        """
        with self.lock:
            self._free += not lane.given_up
            account, job = self._accounts.get(id(policy)), lane.running
            if account is not None and job is not None and lane.running_since_s is not None and not lane.given_up:
                duration_s = self._clock() - lane.running_since_s
                account.used_s += duration_s - job.expected_s
                policy.observe_duration(job, duration_s)
            lane.running_since_s = lane.running = None

    def stop(self, lane: LaneState) -> None:
        """Tell a lane to stop after its present job."""
        with self.lock:
            lane.stopping = True
            lane.wakeup.notify()

    def give_up(self, lane: LaneState) -> Job | None:
        """Free the core of a lane that does not stop; return the job that it was running."""
        with self.lock:
            lane.stopping = True
            job = lane.running
            if lane.running_since_s is not None and not lane.given_up:
                lane.given_up = True
                self._free += 1
                self.dispatch()
            return job

    def _assign_one(self) -> bool:
        """Assign one core to the session that has used the least, of those with a useful job."""
        now_s = self._clock()
        for account in self._accounts.values():  # a session that was idle for long must not get all cores afterwards
            account.used_s = max(account.used_s, self._virtual_s - _MAX_CREDIT_S)
        active = sum(a.last_s > now_s - _ABSENT_AFTER_S for a in self._accounts.values())
        for account in sorted(self._accounts.values(), key=lambda a: a.used_s):
            chosen = account.policy.choose(now_s, self.workers / max(active, 1))
            if chosen is not None:
                self._assign(account, *chosen, now_s)
                return True
        return False

    def _assign(self, account: _Account, lane: LaneState, job: Job, now_s: float) -> None:
        self._virtual_s = max(self._virtual_s, account.used_s)
        account.used_s += job.expected_s
        account.last_s = now_s
        lane.idle = False
        lane.assigned = lane.running = job
        lane.running_since_s = lane.last_start_s = now_s
        self._free -= 1
        lane.wakeup.notify()
