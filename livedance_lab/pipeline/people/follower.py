"""Follows the people of consecutive pictures: one region for each, the detector only when somebody may be missing.

Where two people meet, a region would slide from the one behind onto the one in front, and the detector would see only
the latter. So whoever was found is painted over before the others are searched: nearest people first.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from livedance_lab.estimators.base import ImageArray, Region, RegionEstimator
from livedance_lab.media.silhouette import Mask, add_silhouette, painted
from livedance_lab.pipeline.people import geometry
from livedance_lab.pipeline.people.appearance import describe
from livedance_lab.pipeline.people.tracker import Observation, PeopleTracker, PersonEvent, TrackedPerson

__all__ = ["PeopleFollower"]

_LEAST_VISIBLE: Final = 0.3  # of a body: with less the network invents the rest


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
            self._measure(image_rgb, region, trail, observations)
        detected = self._tracker.wants_detection(t_s)
        if detected:
            mask = _silhouettes(image_rgb, observations)
            for region in self._estimator.detect(image_rgb if mask is None else painted(image_rgb, mask)):
                if len(observations) <= self._tracker.max_people:
                    self._measure(image_rgb, region, None, observations)
        people = self._tracker.update(t_s, observations, detected=detected)
        return people, self._tracker.take_events()

    def _measure(self, image_rgb: ImageArray, region: Region, trail: int | None, found: list[Observation]) -> None:
        """Measure who is in a region and was not found yet, and add them to those who were."""
        near = [o for o in found if not geometry.far_apart(region, o.person.next_region)]
        mask = _silhouettes(image_rgb, near)
        person = self._estimator.landmarks(image_rgb if mask is None else painted(image_rgb, mask), region)
        if person is None or any(geometry.same_body(person, o.person) for o in near):
            return
        appearance = describe(image_rgb, person.keypoints_px, person.visibility, mask)
        if appearance.visible_share >= _LEAST_VISIBLE:
            found.append(Observation(person, appearance, trail))


def _silhouettes(image_rgb: ImageArray, people: list[Observation]) -> Mask | None:
    """The pixels that these people cover; None without anybody."""
    if not people:
        return None
    mask = np.zeros(image_rgb.shape[:2], np.uint8)
    for o in people:
        add_silhouette(mask, o.person.keypoints_px, geometry.size_px(o.person))
    return mask
