"""Follows the people of consecutive pictures: one region for each, the detector only when somebody may be missing."""

from __future__ import annotations

from livedance_lab.estimators.base import ImageArray, RegionEstimator
from livedance_lab.pipeline.people import geometry
from livedance_lab.pipeline.people.appearance import describe
from livedance_lab.pipeline.people.tracker import Observation, PeopleTracker, PersonEvent, TrackedPerson

__all__ = ["PeopleFollower"]


class PeopleFollower:
    """A region estimator and a tracker, picture by picture.

    Parameters
    ----------
    estimator : RegionEstimator
    tracker : PeopleTracker
    """

    def __init__(self, estimator: RegionEstimator, tracker: PeopleTracker) -> None:
        self._estimator, self._tracker = estimator, tracker

    def __call__(self, image_rgb: ImageArray, t_s: float) -> tuple[list[TrackedPerson], list[PersonEvent]]:
        """Find the people of the next picture.

        Parameters
        ----------
        image_rgb : ndarray of shape (H, W, 3), uint8
        t_s : float
            Capture time, later than that of the picture before.

        Returns
        -------
        people : list of TrackedPerson
            By id, keypoints in pixels of this picture.
        events : list of PersonEvent

        Raises
        ------
        EstimatorError
            If inference fails.
        """
        observations: list[Observation] = []
        for trail, region in self._tracker.regions(t_s).items():
            person = self._estimator.landmarks(image_rgb, region)
            if person is not None:
                colours = describe(image_rgb, person.keypoints_px, person.visibility)
                observations.append(Observation(person, colours, trail))
        detected = self._tracker.wants_detection(t_s)
        if detected:
            observations += self._detect(image_rgb, observations)
        people = self._tracker.update(t_s, observations, detected=detected)
        return people, self._tracker.take_events()

    def _detect(self, image_rgb: ImageArray, known: list[Observation]) -> list[Observation]:
        """People whom no region shows."""
        found: list[Observation] = []
        for region in self._estimator.detect(image_rgb):
            others = [o.person for o in [*known, *found]]
            if len(others) >= self._tracker.max_people + 1:
                break
            if any(geometry.same_place(region, other.next_region) for other in others):
                continue
            person = self._estimator.landmarks(image_rgb, region)
            if person is not None and not any(geometry.same_body(person, other) for other in others):
                colours = describe(image_rgb, person.keypoints_px, person.visibility)
                found.append(Observation(person, colours))
        return found
