"""A session's lanes: the group for one set of settings, and the manager that replaces it.

When settings need other lanes or estimators, a new group is built and warmed up while the present one goes on working;
then they are swapped (double buffering). If the new group cannot be made, the present one stays and its settings are
restored. So a change of settings never interrupts the session.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from livedance_lab.errors import EstimatorError, LiveDanceError
from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.policies import DESIGNS, HandsGate, Policy, lane_kinds
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.scheduler import Job, Scheduler
from livedance_lab.pipeline.watchdog import Watchdog
from livedance_lab.settings import Settings

__all__ = ["LaneGroup", "LaneGroupManager"]

_log = logging.getLogger(__name__)

_GROUP_FIELDS = ("design", "pose_lanes", "hands", "complexity", "detection_confidence", "presence_confidence",
                 "tracking_confidence", "num_hands", "hand_confidence")  # fmt: skip
"""Settings that need other lanes or estimators; all others act on the present group."""


def _same_lanes(a: Settings, b: Settings) -> bool:
    return all(getattr(a, name) == getattr(b, name) for name in _GROUP_FIELDS)


class LaneGroup:
    """Lanes and policy for one set of settings.

    Parameters
    ----------
    settings : Settings
    slot : LatestSlot of ReceivedFrame
        The session's.
    scheduler : Scheduler
    make_lane : callable
        Makes a lane from its name and kinds.

    Attributes
    ----------
    lanes : list of Lane
    policy : Policy
    """

    def __init__(
        self,
        settings: Settings,
        slot: LatestSlot[ReceivedFrame],
        scheduler: Scheduler,
        make_lane: Callable[[str, tuple[str, ...]], Lane],
    ) -> None:
        self.settings, self._scheduler, self._make_lane = settings, scheduler, make_lane
        self.lanes = [make_lane(name, kinds) for name, kinds in lane_kinds(settings, scheduler.workers).items()]
        self.policy = DESIGNS[settings.design].policy(slot, [lane.state for lane in self.lanes], settings)

    def fits(self, settings: Settings) -> bool:
        """Whether these settings need no other lanes or estimators."""
        return _same_lanes(self.settings, settings)

    def warm_up(self, timeout_s: float = 60.0) -> LiveDanceError | None:
        """Start the lanes and wait for their estimators; return the first error, if any. Blocks."""
        for lane in self.lanes:
            lane.start(self.policy)
        for lane in self.lanes:
            if not lane.ready.wait(timeout_s):
                return EstimatorError(f"the estimator of lane {lane.name} was not made within {timeout_s:.0f} s.")
        return next((lane.error for lane in self.lanes if lane.error is not None), None)

    def activate(self) -> None:
        """Let the lanes be assigned frames."""
        self._scheduler.register(self.policy)
        self._scheduler.dispatch()

    def replace(self, hanging: Lane) -> None:
        """Give up a lane; a new one of its kind starts to work when its estimators are made."""
        lane = self._make_lane(hanging.name, hanging.kinds)
        self._scheduler.give_up(hanging.state)
        with self._scheduler.lock:
            self.lanes[self.lanes.index(hanging)] = lane
            self.policy.replace(hanging.state, lane.state)
        lane.start(self.policy)

    def stop(self) -> list[Job]:
        """Finish the running jobs and close the estimators; return the jobs of lanes that do not stop. Blocks."""
        self._scheduler.unregister(self.policy)
        unfinished = []
        for lane in self.lanes:
            if not lane.stop():
                _log.warning("lane %s does not stop", lane.name)
                job = self._scheduler.give_up(lane.state)
                unfinished += [job] if job is not None else []
        return unfinished


class LaneGroupManager:
    """Owns the current lane group of a session, and replaces it when the settings need another one.

    Parameters
    ----------
    build : callable
        Makes a lane group for settings.
    settings : callable
        Returns the current settings.
    event : callable
        Logs an event, given its kind, name and data.
    lock : threading.RLock
        The session's, held while groups are swapped.
    restore : callable
        Changes settings of the session back, given as a dict.
    hang_s : float
        See `Watchdog`.

    Attributes
    ----------
    current : LaneGroup or None
    wanted : bool
        Whether there should be a group: True as soon as one is being made.
    watchdog : Watchdog
    """

    def __init__(
        self,
        build: Callable[[Settings], LaneGroup],
        settings: Callable[[], Settings],
        event: Callable[[str, str, dict[str, Any]], None],
        lock: threading.RLock,
        restore: Callable[[dict[str, Any]], object],
        hang_s: float = 10.0,
    ) -> None:
        self.current: LaneGroup | None = None
        self.wanted = False
        self.watchdog = Watchdog(hang_s)
        self._build, self._settings, self._event, self._lock, self._restore = build, settings, event, lock, restore
        self._change_lock = threading.Lock()  # one change of the group at a time
        self._requested = False  # whether a thread is about to call `ensure`
        self._closed = False
        self._idle_gate = HandsGate()

    @property
    def hands_gate(self) -> HandsGate:
        """The gate of the current group's policy; without a group, one that has no effect."""
        return self.current.policy.hands_gate if self.current is not None else self._idle_gate

    def apply(self, old: Settings, new: Settings) -> bool:
        """Pass changed settings to the current group; return whether the caller must have `ensure` called.

        That is necessary if the settings need other lanes, unless another thread is about to call `ensure` and will
        read them too: many changes in a row must not make as many threads. The session's lock is held.
        """
        if self.current is not None:
            self.current.policy.settings = new
        if not self.wanted or _same_lanes(old, new) or self._requested:
            return False
        self._requested = True
        return True

    def ensure(self) -> tuple[Policy, list[Job]] | None:
        """Make sure that the current group fits the current settings. Blocks while estimators are made and freed.

        Returns
        -------
        tuple of Policy and list of Job, or None
            If a group was replaced: its policy, and the jobs of its lanes that did not stop.
        """
        with self._change_lock:
            self._requested = False  # before the settings are read: a later change makes a new request
            settings = self._settings()
            if self._closed or (self.current is not None and self.current.fits(settings)):
                return None
            self.wanted = True
            group = self._build(settings)
            error = group.warm_up()
            if error is not None:
                self._event("error", "estimator", {"reason": str(error)})
                if self.current is not None:
                    self._keep(self.current, group)
                    return None
            with self._lock:
                old, self.current = self.current, group if self.wanted else None
                group.policy.settings = self._settings()
            if not self.wanted:
                group.stop()
            else:
                group.activate()
                self._event("session", "ready", {"lanes": [lane.name for lane in group.lanes]})
            if old is None:
                return None
            unfinished = old.stop()
            self.watchdog.given_up += len(unfinished)
            return old.policy, unfinished

    def _keep(self, current: LaneGroup, failed: LaneGroup) -> None:
        """Go on with the current group, because the one that was to replace it could not be made."""
        failed.stop()
        with self._lock:
            if failed.fits(self._settings()):  # else they were changed meanwhile, and `ensure` will be called again
                self._restore({name: getattr(current.settings, name) for name in _GROUP_FIELDS})

    def stop(self) -> None:
        """Stop the current group, or the one that is being made. Blocks."""
        self.wanted = False
        with self._change_lock:
            self.wanted = False
            with self._lock:
                group, self.current = self.current, None
            if group is not None:
                group.stop()

    def close(self) -> None:
        """Make no further group; the current one works until it is stopped."""
        self._closed = True

    def replace_hanging(self, now_s: float) -> list[tuple[Job, float]]:
        """Replace lanes that hang; return the job of each, and how many seconds it has taken."""
        if not self._change_lock.acquire(blocking=False):
            return []  # the group is being changed or stopped; a lane that still hangs is found by the next check
        try:
            group = self.current
            if group is None:
                return []
            hanging = self.watchdog.check(group.lanes, now_s)
            for lane, job, seen_s in hanging:
                group.replace(lane)
                reason = f"its estimator did not answer for {seen_s:.0f} s; another takes its place."
                self._event("error", "lane given up", {"lane": lane.name, "seq": job.received.seq, "reason": reason})
            return [(job, seen_s) for _, job, seen_s in hanging]
        finally:
            self._change_lock.release()
