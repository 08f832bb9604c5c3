"""Compares bodies in a picture: where they are, how large, and whether two are one. Distances are in body sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from livedance_lab.estimators.base import MeasuredPerson, Region
from livedance_lab.pose import FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["centre_px", "far_apart", "floor_px", "pose_distance", "same_body", "same_place", "shifted", "size_px"]

_BODY: Final = [k for k, name in enumerate(BLAZEPOSE_33.landmarks) if name.split("_")[-1] in
                ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")]  # fmt: skip
_TRUNK: Final = [k for k, name in enumerate(BLAZEPOSE_33.landmarks) if name.split("_")[-1] in ("shoulder", "hip")]
_FEET: Final = [k for k, name in enumerate(BLAZEPOSE_33.landmarks) if name.split("_")[1:] in
                (["ankle"], ["heel"], ["foot", "index"])]  # fmt: skip
_SAME_BODY: Final = 0.045  # median distance of the landmarks
_SAME_PLACE: Final = 0.08  # distance of the middles
_APART: Final = 0.35


def size_px(person: MeasuredPerson) -> float:
    """Body size: the side of the square that holds the body in any pose, from the landmarks."""
    return max(person.next_region.side_px, 1e-6)


def centre_px(person: MeasuredPerson) -> FloatArray:
    """Middle of shoulders and hips, shape (2,)."""
    middle: FloatArray = person.keypoints_px[_TRUNK, :2].mean(axis=0).astype(float)
    return middle


def floor_px(person: MeasuredPerson) -> float:
    """How far down the feet are: of two people on one floor, the one whose feet are lower is nearer to the camera."""
    return float(person.keypoints_px[_FEET, 1].max())


def pose_distance(a: MeasuredPerson, b: MeasuredPerson, moved_px: FloatArray | float = 0.0) -> float:
    """Median distance of the body's landmarks, in sizes of the smaller body, after moving `a` by an offset."""
    apart = np.linalg.norm(a.keypoints_px[_BODY, :2] + moved_px - b.keypoints_px[_BODY, :2], axis=1)
    return float(np.median(apart)) / min(size_px(a), size_px(b))


def same_body(a: MeasuredPerson, b: MeasuredPerson) -> bool:
    """Whether two measurements in one picture are of the same body."""
    return pose_distance(a, b) < _SAME_BODY


def same_place(a: Region, b: Region) -> bool:
    """Whether two regions of one picture would show the same body."""
    return float(np.hypot(a.x_px - b.x_px, a.y_px - b.y_px)) < _SAME_PLACE * min(a.side_px, b.side_px)


def far_apart(a: Region, b: Region) -> bool:
    """Whether neither body of two regions can hide much of the other."""
    return float(np.hypot(a.x_px - b.x_px, a.y_px - b.y_px)) > _APART * max(a.side_px, b.side_px)


def shifted(region: Region, by_px: FloatArray) -> Region:
    """The region, moved."""
    return replace(region, x_px=region.x_px + float(by_px[0]), y_px=region.y_px + float(by_px[1]))
