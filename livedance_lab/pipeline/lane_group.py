"""The lanes of one session and the plan they follow, made for one set of settings.

A change that concerns the estimators or the design makes a *new* crew, warms it up beside the old one and
swaps: the session never stands still for a settings change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from livedance_lab.errors import EstimatorError, LiveDanceError
from livedance_lab.estimators.base import Estimator, EstimatorFactory
from livedance_lab.pipeline.lane import Lane, LaneOwner
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.policies import JoinPlan, LanesPlan, SequentialPlan, pose_lane_count
from livedance_lab.pipeline.received_frame import Picture
from livedance_lab.pipeline.scheduler import Job, Scheduler
from livedance_lab.settings import Settings

__all__ = ["CREW_FIELDS", "Crew"]

_log = logging.getLogger(__name__)

CREW_FIELDS = ("design", "pose_lanes", "hands", "complexity", "detection_confidence", "presence_confidence",
               "tracking_confidence", "num_hands", "hand_confidence")  # fmt: skip
"""Settings that need other lanes or estimators; all others act on the crew at work."""


class Crew:
    """Lanes and plan.

    Parameters
    ----------
    settings : Settings
    slot : LatestSlot of Picture
        The session's.
    owner : LaneOwner
        The session.
    scheduler : Scheduler
    factory : EstimatorFactory
    clock : callable
        Seconds now.
    make_lane : callable, default Lane
        What to make lanes with; a simulation has its own, which need no thread.
    """

    def __init__(
        self,
        settings: Settings,
        slot: LatestSlot[Picture],
        owner: LaneOwner,
        scheduler: Scheduler,
        factory: EstimatorFactory,
        clock: Callable[[], float],
        make_lane: Callable[..., Lane] = Lane,
    ) -> None:
        self.settings = settings
        self._scheduler = scheduler

        def make(kind: str) -> Estimator:
            return factory(kind, settings)

        def lane(name: str, *kinds: str) -> Lane:
            return make_lane(kinds, name, make, owner, scheduler, clock)

        self._lane = lane

        both = ("pose", "hands") if settings.hands else ("pose",)
        self.plan: LanesPlan | SequentialPlan | JoinPlan
        if settings.design == "sequential":
            self.lanes = [lane("sequential", *both)]
            self.plan = SequentialPlan(slot, self.lanes[0].handle, settings)
        else:
            n_pose = 1 if settings.design == "join" else pose_lane_count(settings, scheduler.workers)
            pose = [lane(f"pose-{i}", "pose") for i in range(n_pose)]
            hands = [lane("hands", "hands")] if settings.hands else []
            self.lanes = pose + hands
            handles = [x.handle for x in pose], [x.handle for x in hands]
            joined = settings.design == "join" and settings.hands
            self.plan = JoinPlan(slot, handles[0][0], handles[1][0], settings) if joined else LanesPlan(
                slot, *handles, settings)  # fmt: skip

    def warm_up(self, timeout_s: float = 60.0) -> LiveDanceError | None:
        """Start the lanes and wait for their estimators; the first error, if any. Blocks."""
        for lane in self.lanes:
            lane.start(self.plan)
        for lane in self.lanes:
            if not lane.ready.wait(timeout_s):
                return EstimatorError(f"the estimator of lane {lane.name} was not made within {timeout_s:.0f} s.")
        return next((lane.error for lane in self.lanes if lane.error is not None), None)

    def fits(self, settings: Settings) -> bool:
        """Whether these settings need no other lanes or estimators."""
        return all(getattr(self.settings, name) == getattr(settings, name) for name in CREW_FIELDS)

    def go(self) -> None:
        """Take part in the scheduling."""
        self._scheduler.join(self.plan)
        self._scheduler.wake()

    def replace(self, hung: Lane) -> None:
        """Give a lane up, and let a new one of its kind take its place as soon as its estimators are made."""
        fresh = self._lane(hung.name, *hung.kinds)
        self._scheduler.give_up(hung.handle)
        with self._scheduler.lock:
            self.lanes[self.lanes.index(hung)] = fresh
            self.plan.replace(hung.handle, fresh.handle)
        fresh.start(self.plan)

    def stop(self) -> list[Job]:
        """Finish what is being done, free the estimators; the jobs of lanes that did not stop. Blocks."""
        self._scheduler.leave(self.plan)
        left = []
        for lane in self.lanes:
            if not lane.stop():
                _log.warning("lane %s does not stop", lane.name)
                job = self._scheduler.give_up(lane.handle)
                left += [job] if job is not None else []
        return left
