"""Search for hands in enlarged crops around the wrists instead of in the whole frame.

In a frame that shows a whole body a hand is only a few pixels wide, and MediaPipe's palm detector reduces every image
to 192 x 192 pixels. So a square around each wrist is cut out, enlarged and placed beside the other one; one inference
on this mosaic costs as much as one on the whole frame. The squares move with the wrists: a tracked hand hardly moves
inside its own square, and the landmarker goes on tracking it from inference to inference.

One affine map converts coordinates in both directions. Pixel coordinates are continuous: a pixel's centre lies at .5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from livedance_lab.estimators.base import Estimate, Estimator, HandEstimate, ImageArray
from livedance_lab.media.images import square
from livedance_lab.pose import FloatArray

__all__ = ["TILE_PX", "Crop", "CropEstimator", "estimate_with_crops", "mosaic", "to_frame_coordinates"]

TILE_PX = 256
"""Side of each enlarged crop in the mosaic."""

_PALM = [0, 5, 17]  # wrist, knuckles of index and little finger: this part of a hand does not bend
_SAME_PLACE = 0.2  # of a crop's side: two hands whose palms are nearer than this are one hand


@dataclass(frozen=True)
class Crop:
    """A square part of a frame; it may reach over the frame's edge.

    Attributes
    ----------
    left, top : float
        Its upper left corner, as fractions of the frame's width and height: 0 to 1 inside the frame.
    width, height : float
        Its size, as fractions of the frame's width and height. In pixels the crop is square, so the two fractions
        differ unless the frame is square too.
    """

    left: float
    top: float
    width: float
    height: float


@runtime_checkable
class CropEstimator(Protocol):
    """An estimator that can search in crops of a frame."""

    def estimate_crops(self, image_rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...]) -> Estimate:
        """Estimate inside the crops only; coordinates in the result are those of the whole frame.

        Parameters and errors are otherwise those of `Estimator.estimate`.
        """
        ...


def estimate_with_crops(
    estimator: Estimator, image_rgb: ImageArray, t_ms: int, find_crops: Callable[[], tuple[Crop, ...]]
) -> Estimate:
    """Estimate in crops if the estimator supports crops and there are any; otherwise in the whole frame.

    Parameters
    ----------
    estimator : Estimator
    image_rgb : ndarray of shape (H, W, 3), uint8
    t_ms : int
        Strictly increasing from call to call.
    find_crops : callable
        Returns the crops. It is called only if the estimator supports crops.

    Raises
    ------
    EstimatorError
        If inference fails.
    """
    if isinstance(estimator, CropEstimator) and (crops := find_crops()):
        return estimator.estimate_crops(image_rgb, t_ms, crops)
    return estimator.estimate(image_rgb, t_ms)


def mosaic(rgb: ImageArray, crops: tuple[Crop, ...]) -> ImageArray:
    """The crops, enlarged to the same size and placed side by side; more than two in several rows.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3), uint8
    crops : tuple of Crop

    Returns
    -------
    ndarray of shape (rows * TILE_PX, columns * TILE_PX, 3), uint8
        Black where a crop reaches over the frame's edge.
    """
    height, width = rgb.shape[:2]
    columns, rows = _grid(len(crops))
    out = np.zeros((rows * TILE_PX, columns * TILE_PX, 3), np.uint8)
    for number, c in enumerate(crops):
        top, left = number // columns * TILE_PX, number % columns * TILE_PX
        out[top : top + TILE_PX, left : left + TILE_PX] = square(
            rgb, c.left * width, c.top * height, c.width * width, c.height * height, TILE_PX
        )
    return out


def to_frame_coordinates(in_mosaic: Estimate, crops: tuple[Crop, ...]) -> Estimate:
    """Map hands found in the mosaic to coordinates of the whole frame; of two hands at one place, keep the better.

    z has the scale of x, so it is scaled like x. World landmarks are metres and stay as they are.

    Parameters
    ----------
    in_mosaic : Estimate
        Normalised by the mosaic's size.
    crops : tuple of Crop
        Those that the mosaic was made of.

    Returns
    -------
    Estimate
        Normalised by the frame's size; hands with the highest score first.
    """
    hands: list[HandEstimate] = []
    for hand in sorted(in_mosaic.hands, key=lambda hand: -hand.score):
        moved, crop = _moved(hand, crops)
        if all(np.max(np.abs(_palm(moved) - _palm(other)) / (crop.width, crop.height)) > _SAME_PLACE
               for other in hands):  # fmt: skip
            hands.append(moved)
    return replace(in_mosaic, hands=tuple(hands))


def _moved(hand: HandEstimate, crops: tuple[Crop, ...]) -> tuple[HandEstimate, Crop]:
    """The hand in coordinates of the frame, and the crop in which its palm lies."""
    columns, rows = _grid(len(crops))
    tiles = hand.xyz.astype(float) * (columns, rows, columns)  # in tiles instead of mosaics
    column, row = np.clip(np.floor(tiles[_PALM, :2].mean(axis=0)), 0, (columns - 1, rows - 1)).astype(int)
    crop = crops[min(row * columns + column, len(crops) - 1)]
    scale = (crop.width, crop.height, crop.width)
    xyz = (tiles - (column, row, 0)) * scale + (crop.left, crop.top, 0)
    return replace(hand, xyz=xyz.astype(np.float32)), crop


def _grid(n: int) -> tuple[int, int]:
    """Columns and rows of a mosaic of `n` crops: the palm detector reduces it to a square, so it is nearly one."""
    columns = max(min(n, 2), math.ceil(math.sqrt(n)))
    return columns, math.ceil(n / columns)


def _palm(hand: HandEstimate) -> FloatArray:
    """Middle of the palm, shape (2,)."""
    return np.asarray(hand.xyz[_PALM, :2].mean(axis=0))
