"""Measures everybody in one picture: who is followed in their regions, and whoever else the detector finds.

Where two people meet, a region would slide from the one behind onto the one in front, and the detector would see only
the latter. So whoever was found is painted over before the others are searched: nearest people first.

Nothing here is kept from picture to picture, so several lanes can measure pictures at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from livedance_lab.estimators.base import Estimate, ImageArray, MeasuredPerson, Region, RegionEstimator
from livedance_lab.media.silhouette import Mask, add_silhouette, painted
from livedance_lab.pipeline.people import geometry
from livedance_lab.pipeline.people.appearance import Appearance, describe

__all__ = ["Observation", "PeopleFound", "PeopleMeasurer", "PeopleToFind", "as_estimate"]

_LEAST_VISIBLE: Final = 0.3  # of a body: with less the network invents the rest


@dataclass(frozen=True)
class Observation:
    """A person measured in one picture.

    Attributes
    ----------
    person : MeasuredPerson
    appearance : Appearance
    trail : int or None
        Key of the trail whose region it came from (`PeopleToFind.regions`); None if the detector found it.
    """

    person: MeasuredPerson
    appearance: Appearance
    trail: int | None = None


@dataclass(frozen=True)
class PeopleToFind:
    """Where to look in a picture.

    Attributes
    ----------
    regions : dict of int to Region
        Of the people who are followed, by trail, the nearest person first; in pixels of the original frame.
    detect : bool
        Whether to search the whole picture for others.
    max_people : int
    """

    regions: dict[int, Region]
    detect: bool
    max_people: int


@dataclass(frozen=True)
class PeopleFound:
    """Who was found in a picture.

    Attributes
    ----------
    observations : list of Observation
        In pixels of the original frame.
    detected : bool
        Whether the whole picture was searched.
    searched : frozenset of int
        The trails whose regions were searched.
    """

    observations: list[Observation] = field(default_factory=list)
    detected: bool = False
    searched: frozenset[int] = frozenset()


class PeopleMeasurer:
    """A region estimator that measures everybody in a picture. Only one thread may use it at a time.

    Parameters
    ----------
    estimator : RegionEstimator
    to_find : callable
        Returns where to look in a frame, given its capture time.
    """

    def __init__(self, estimator: RegionEstimator, to_find: Callable[[float], PeopleToFind]) -> None:
        self._estimator, self._to_find = estimator, to_find

    def measure(self, image_rgb: ImageArray, t_s: float, size_px: tuple[int, int]) -> PeopleFound:
        """Measure the people of a picture.

        Parameters
        ----------
        image_rgb : ndarray of shape (H, W, 3), uint8
        t_s : float
            Capture time.
        size_px : (int, int)
            Width and height of the original frame, of which the picture may be a smaller copy.

        Raises
        ------
        EstimatorError
            If inference fails.
        """
        wanted, scale = self._to_find(t_s), size_px[0] / image_rgb.shape[1]
        found: list[Observation] = []
        for trail, region in wanted.regions.items():
            self._measure(image_rgb, _scaled(region, 1 / scale), trail, found)
        if wanted.detect:
            mask = _silhouettes(image_rgb, found)
            for region in self._estimator.detect(image_rgb if mask is None else painted(image_rgb, mask)):
                if len(found) <= wanted.max_people:
                    self._measure(image_rgb, region, None, found)
        return PeopleFound([_enlarged(o, scale) for o in found], wanted.detect, frozenset(wanted.regions))

    def close(self) -> None:
        """Free the estimator."""
        self._estimator.close()

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


def as_estimate(person: MeasuredPerson) -> Estimate:
    """Return a person, in pixels of the original frame, as the estimate of one body."""
    return Estimate(pose_xyz=person.keypoints_px, pose_world_m=person.world_m, visibility=person.visibility,
                    presence=person.presence, normalised=False, score=person.score)  # fmt: skip


def _scaled(region: Region, by: float) -> Region:
    return replace(region, x_px=region.x_px * by, y_px=region.y_px * by, side_px=region.side_px * by)


def _enlarged(observation: Observation, by: float) -> Observation:
    person = observation.person
    keypoints_px = (person.keypoints_px * by).astype(np.float32)
    person = replace(person, keypoints_px=keypoints_px, next_region=_scaled(person.next_region, by))
    return replace(observation, person=person)


def _silhouettes(image_rgb: ImageArray, people: list[Observation]) -> Mask | None:
    """The pixels that these people cover; None without anybody."""
    if not people:
        return None
    mask = np.zeros(image_rgb.shape[:2], np.uint8)
    for o in people:
        add_silhouette(mask, o.person.keypoints_px, geometry.size_px(o.person))
    return mask
