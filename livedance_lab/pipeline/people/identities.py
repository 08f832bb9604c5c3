"""Who is who in one session: the one person of an estimator that follows one, or everybody by the tracker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from livedance_lab.estimators.base import Estimate, Estimator, EstimatorFactory, RegionEstimatorFactory
from livedance_lab.pipeline.people.follower import PeopleFollower
from livedance_lab.pipeline.people.measurement import PeopleMeasurer, PeopleToFind
from livedance_lab.pipeline.people.tracker import PeopleTracker, PersonEvent
from livedance_lab.pipeline.result_builder import ResultBuilder, people_of
from livedance_lab.pipeline.scheduler import Job
from livedance_lab.settings import Settings

__all__ = ["Identities"]


class Identities:
    """The people of one session. `of` is called with the session's lock held.

    Parameters
    ----------
    builder : ResultBuilder
        Forgets who has left for good.
    factory : EstimatorFactory
    make_regions : RegionEstimatorFactory or None
        Makes the estimators of a session that follows several people.
    lock : threading.RLock
        The session's.
    event : callable
        Logs an event: kind, name, data, time.
    """

    def __init__(
        self,
        builder: ResultBuilder,
        factory: EstimatorFactory,
        make_regions: RegionEstimatorFactory | None,
        lock: threading.RLock,
        event: Callable[[str, str, dict[str, Any], float], None],
    ) -> None:
        self._builder, self._factory, self._make_regions, self._event = builder, factory, make_regions, event
        self._lock = lock
        builder.on_followed_change = self._log_followed_change
        self._follower = PeopleFollower(PeopleTracker(builder.settings.max_people), self._log)

    def make_estimator(self, settings: Settings, kind: str) -> Estimator | PeopleMeasurer:
        """Make what a lane needs for "pose" or "hands"."""
        if self._make_regions is not None and kind == "pose":
            return PeopleMeasurer(self._make_regions(settings), self._to_find)
        return self._factory(kind, settings)

    def _to_find(self, t_s: float) -> PeopleToFind:
        with self._lock:
            return self._follower.to_find(t_s)

    def of(self, job: Job, estimate: Estimate) -> dict[int, Estimate]:
        """Everybody's estimate by id; to be called in capture order, and not for frames that were too late."""
        if job.people is None:
            return people_of(estimate)
        people = self._follower.estimates(job.received.times.t_capture_s, job.people)
        self._builder.keep_only(self._follower.known_ids)
        return people

    def _log_followed_change(self, id: int, before: int, t_s: float) -> None:
        self._event("people", "followed person changed", {"person": id, "before": before}, t_s)

    def _log(self, event: PersonEvent) -> None:
        self._event("people", event.name, event.data, event.t_s)
