"""Looking for hands where they must be: close-ups side by side instead of the whole picture.

A hand is a few pixels in a picture of a whole body, and MediaPipe's palm detector sees every picture at 192 x 192
pixels. So a square around each wrist is cut out, enlarged and laid beside the other one, and one look at both costs
what a look at the whole picture does. The squares move with the wrists, so that a tracked hand hardly moves inside its
own, and tracking from look to look goes on working.

Coordinates go there and back by the same affine map, in continuous pixel coordinates (a pixel's centre lies at .5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from livedance_lab.estimators.base import Estimate, HandEstimate, ImageArray
from livedance_lab.media.images import square
from livedance_lab.pose import FloatArray

__all__ = ["TILE_PX", "CloseUps", "Crop", "back", "mosaic"]

TILE_PX = 256
"""Side of each close-up as the model gets it."""

_PALM = [0, 5, 17]  # wrist and the knuckles of index and little finger: the part that does not bend
_SAME_PLACE = 0.2  # of a crop's side


@dataclass(frozen=True)
class Crop:
    """A square of a picture, which may reach over its edge.

    Attributes
    ----------
    left, top : float
        Of its corner, in widths and in heights of the picture: 0 to 1 inside.
    width, height : float
        Likewise; they differ where the picture is not square, as the crop is.
    """

    left: float
    top: float
    width: float
    height: float


@runtime_checkable
class CloseUps(Protocol):
    """An estimator that can look at parts of a picture."""

    def estimate_close_ups(self, image_rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...]) -> Estimate:
        """As `Estimator.estimate`, but it looks into the crops only; coordinates are of the whole picture."""
        ...


def mosaic(rgb: ImageArray, crops: tuple[Crop, ...]) -> ImageArray:
    """The close-ups side by side.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3), uint8
    crops : tuple of Crop

    Returns
    -------
    ndarray of shape (TILE_PX, n * TILE_PX, 3), uint8
        Black beyond the picture's edge.
    """
    height, width = rgb.shape[:2]
    tiles = [square(rgb, c.left * width, c.top * height, c.width * width, c.height * height, TILE_PX) for c in crops]
    return np.concatenate(tiles, axis=1)


def back(seen: Estimate, crops: tuple[Crop, ...]) -> Estimate:
    """Hands seen in a mosaic, where they are in the picture; of two at one place, the surer one.

    z, which is on the scale of x, follows the enlargement; world landmarks are metres and stay.
    """
    hands: list[HandEstimate] = []
    for hand in sorted(seen.hands, key=lambda hand: -hand.score):
        moved, crop = _moved(hand, crops)
        if all(np.max(np.abs(_palm(moved) - _palm(other)) / (crop.width, crop.height)) > _SAME_PLACE
               for other in hands):  # fmt: skip
            hands.append(moved)
    return replace(seen, hands=tuple(hands))


def _moved(hand: HandEstimate, crops: tuple[Crop, ...]) -> tuple[HandEstimate, Crop]:
    tiles = hand.xyz.astype(float) * (len(crops), 1, len(crops))  # in tiles instead of mosaics
    position = int(np.clip(np.floor(tiles[_PALM, 0].mean()), 0, len(crops) - 1))
    crop = crops[position]
    scale = (crop.width, crop.height, crop.width)
    xyz = (tiles - (position, 0, 0)) * scale + (crop.left, crop.top, 0)
    return replace(hand, xyz=xyz.astype(np.float32)), crop


def _palm(hand: HandEstimate) -> FloatArray:
    middle: FloatArray = hand.xyz[_PALM, :2].mean(axis=0)
    return middle
