"""Who is who in the frames of one session: estimates by id, events, and ids that nobody has any more."""

from __future__ import annotations

from collections.abc import Callable

from livedance_lab.estimators.base import Estimate
from livedance_lab.pipeline.people.measurement import PeopleFound, PeopleToFind, as_estimate
from livedance_lab.pipeline.people.tracker import PeopleTracker, PersonEvent, TrackedPerson

__all__ = ["PeopleFollower"]


class PeopleFollower:
    """The tracker of one session, fed in capture order.

    Parameters
    ----------
    tracker : PeopleTracker
    on_event : callable
        Called with each `PersonEvent`.
    """

    def __init__(self, tracker: PeopleTracker, on_event: Callable[[PersonEvent], None] = lambda _event: None) -> None:
        self._tracker, self._on_event = tracker, on_event

    def to_find(self, t_s: float) -> PeopleToFind:
        """Where to look in a frame captured at a time."""
        detect = self._tracker.wants_detection(t_s)
        return PeopleToFind(self._tracker.regions(t_s), detect, self._tracker.max_people)

    def follow(self, t_s: float, found: PeopleFound) -> list[TrackedPerson]:
        """Take what was found in the next frame, and return its people by id."""
        people = self._tracker.update(t_s, found.observations, detected=found.detected, searched=found.searched)
        for event in self._tracker.take_events():
            self._on_event(event)
        return people

    def estimates(self, t_s: float, found: PeopleFound) -> dict[int, Estimate]:
        """As `follow`, with everybody's body as an estimate."""
        return {tracked.id: as_estimate(tracked.person) for tracked in self.follow(t_s, found)}

    @property
    def known_ids(self) -> frozenset[int]:
        """Everybody who is there or may return; other ids are not used again."""
        return self._tracker.known_ids
