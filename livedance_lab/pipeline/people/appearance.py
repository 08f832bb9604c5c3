"""What a person looks like: colours of trunk, thighs, shins and head, as histograms. In memory only, never logged.

Colours are sampled at fixed places between the landmarks, so a description costs a fraction of a millisecond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.estimators.base import ImageArray
from livedance_lab.media.silhouette import Mask
from livedance_lab.pose import FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["Appearance", "blended", "describe", "similarity"]

_BINS: Final = 6  # along brightness and along each of the two colour differences
_LEAST_VISIBILITY: Final = 0.5
_LEAST_SAMPLES: Final = 20  # inside the picture
_PART_WEIGHTS: Final = np.array([2.0, 1.5, 1.0, 0.5])  # trunk, thighs, shins, head: the larger, the more certain
# ITU-R BT.601: brightness, and blue and red less brightness, each 0 to 1
_TO_YCC: Final = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]]) / 255
_CONTRAST: Final = np.array([1.0, 2.0, 2.0])  # clothes rarely have the strongest colours: the middle is stretched


@dataclass(frozen=True)
class Appearance:
    """Colours of one person.

    Attributes
    ----------
    parts : ndarray of shape (4, 216), float32
        A histogram of the colours of each part of the body; each adds up to 1, or is NaN where the part is not seen.
    visible_share : float
        Share of the places that nobody else covers; 1 if nobody else was taken into account.
    """

    parts: FloatArray
    visible_share: float = 1.0


def _at(*names: str) -> list[int]:
    return [BLAZEPOSE_33.index(name) for name in names]


_TRUNK = _at("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_LIMBS = (
    [_at(f"{side}_hip", f"{side}_knee") for side in ("left", "right")],
    [_at(f"{side}_knee", f"{side}_ankle") for side in ("left", "right")],
)
_HEAD = _at("left_ear", "right_ear", "nose")
_ACROSS, _DOWN = (a.ravel() for a in np.meshgrid(np.linspace(0.15, 0.85, 8), np.linspace(0.1, 0.9, 10)))
_ALONG, _ASIDE = (a.ravel() for a in np.meshgrid(np.linspace(0.15, 0.85, 10), np.linspace(-0.12, 0.12, 4)))
_RING = np.stack([a.ravel() for a in np.meshgrid(np.linspace(-0.8, 0.8, 7), np.linspace(-0.8, 0.8, 7))], axis=1)


def describe(
    image_rgb: ImageArray, keypoints_px: FloatArray, visibility: FloatArray, covered: Mask | None = None
) -> Appearance:
    """Describe a person in a picture.

    Parameters
    ----------
    image_rgb : ndarray of shape (H, W, 3), uint8
    keypoints_px : ndarray of shape (33, >= 2)
    visibility : ndarray of shape (33,)
    covered : ndarray of shape (H, W), uint8, optional
        Not 0 where somebody else is in front.

    Returns
    -------
    Appearance
    """
    xy = keypoints_px[:, :2].astype(float)
    places: list[FloatArray | None] = [_trunk(xy) if visibility[_TRUNK].min() > _LEAST_VISIBILITY else None]
    for limbs in _LIMBS:
        seen = [_limb(*xy[ends]) for ends in limbs if visibility[ends].min() > _LEAST_VISIBILITY]
        places.append(np.concatenate(seen) if seen else None)
    places.append(_head(xy) if visibility[_HEAD].max() > _LEAST_VISIBILITY else None)
    if covered is None:
        return Appearance(np.stack([_histogram(image_rgb, at) for at in places]))
    own = [at if at is None else at[~_covers(covered, at)] for at in places]
    every, left = (sum(len(at) for at in some if at is not None) for some in (places, own))
    return Appearance(np.stack([_histogram(image_rgb, at) for at in own]), left / max(every, 1))


def _covers(mask: Mask, at: FloatArray) -> npt.NDArray[np.bool_]:
    """Which places lie on a mask."""
    x, y = np.clip(np.nan_to_num(at), 0, np.array(mask.shape[::-1]) - 1).astype(int).T
    return np.asarray(mask[y, x] > 0)


def _trunk(xy: FloatArray) -> FloatArray:
    a, b, c, d = xy[_TRUNK]
    across, down = _ACROSS[:, None], _DOWN[:, None]
    points: FloatArray = (1 - down) * ((1 - across) * a + across * b) + down * ((1 - across) * c + across * d)
    return points


def _limb(start: FloatArray, end: FloatArray) -> FloatArray:
    along = end - start
    aside = np.array([-along[1], along[0]])
    points: FloatArray = start + _ALONG[:, None] * along + _ASIDE[:, None] * aside
    return points


def _head(xy: FloatArray) -> FloatArray:
    """A square around the middle of the ears, as wide as the head: 0.6 times the distance from nose to shoulders."""
    middle = xy[_HEAD[:2]].mean(axis=0)
    radius = 0.35 * float(np.linalg.norm(middle - xy[_TRUNK[:2]].mean(axis=0)))
    points: FloatArray = middle + radius * _RING
    return points


def _histogram(image_rgb: ImageArray, at: FloatArray | None) -> FloatArray:
    """Histogram of the colours at places; each colour counts in the eight bins around it, by nearness."""
    unknown: FloatArray = np.full(_BINS**3, np.nan, np.float32)
    if at is None or not len(at) or not np.isfinite(at).all():
        return unknown
    x, y = np.floor(np.clip(at, -1, 1e6)).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < image_rgb.shape[1]) & (y < image_rgb.shape[0])
    if inside.sum() < _LEAST_SAMPLES:
        return unknown
    ycc = image_rgb[y[inside], x[inside]] @ _TO_YCC.T * _CONTRAST + (0, 0.5, 0.5)
    place = np.clip(ycc, 0, 1) * (_BINS - 1)
    low = np.minimum(place.astype(int), _BINS - 2)
    share = place - low
    counts = np.zeros(_BINS**3)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        bins = np.ravel_multi_index(tuple((low + corner).T), (_BINS,) * 3)
        counts += np.bincount(bins, weight, minlength=_BINS**3)
    return np.asarray(counts / counts.sum(), np.float32)


def similarity(a: Appearance, b: Appearance) -> float:
    """How alike two appearances are: 1 equal, 0 without a common colour, NaN without a part that both show.

    The Bhattacharyya coefficient (A. Bhattacharyya, 1943) of each part, the larger parts with more weight.
    """
    each = np.sqrt(a.parts * b.parts).sum(axis=1)
    known = np.isfinite(each)
    return float(np.average(each[known], weights=_PART_WEIGHTS[known])) if known.any() else math.nan


def blended(old: Appearance, new: Appearance, weight: float) -> Appearance:
    """`old` moved towards `new` by a weight from 0 to 1; a part that only one of them knows is taken from it."""
    mixed = (1 - weight) * old.parts + weight * new.parts
    mixed = np.where(np.isnan(old.parts), new.parts, np.where(np.isnan(new.parts), old.parts, mixed))
    return Appearance(mixed.astype(np.float32))
