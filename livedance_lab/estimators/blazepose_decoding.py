"""The arithmetic around BlazePose's two networks: pure numpy, no model.

Sources: Bazarevsky et al., "BlazePose: On-device real-time body pose tracking" (2020), and MediaPipe's pose graph
(`pose_detector_graph.cc`, `pose_landmarks_detector_graph.cc`, Apache-2.0), whose steps and constants these are, so that
the landmarks equal those of its Tasks API.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.estimators.base import Region
from livedance_lab.pose import FloatArray

__all__ = ["DETECTOR_PX", "LANDMARKS_PX", "body_region", "detections", "letterbox", "refined", "sigmoid", "to_picture",
           "to_source", "turned"]  # fmt: skip

DETECTOR_PX: Final = 224
"""Side of the detector's input."""
LANDMARKS_PX: Final = 256
"""Side of the landmark network's input."""

_STRIDES: Final = ((8, 2), (16, 2), (32, 6))  # grid spacing in pixels of the input, and anchors at each of its points
_SAME_PERSON_OVERLAP: Final = 0.3
_REGION_SCALE: Final = 1.25
_KERNEL: Final = 7  # side of the square of the heatmap, in its cells, in which a landmark is refined
_LEAST_HEAT: Final = 0.5  # a heatmap without a value above it does not move the landmark


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)), without overflow."""
    values: FloatArray = 1 / (1 + np.exp(-np.clip(x, -80, 80)))
    return values


def _anchors() -> FloatArray:
    """Middles of the detector's anchors, as fractions of its input; shape (2254, 2)."""
    grids = []
    for stride, count in _STRIDES:
        cells = DETECTOR_PX // stride
        x, y = np.meshgrid(np.arange(cells), np.arange(cells))
        grids.append(np.repeat((np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells, count, axis=0))
    return np.concatenate(grids).astype(np.float32)


_ANCHORS: Final = _anchors()


def letterbox(width_px: int, height_px: int) -> npt.NDArray[np.float64]:
    """The affine map from the detector's input, which holds the whole picture, to the picture; shape (2, 3)."""
    scale = max(width_px, height_px) / DETECTOR_PX
    return np.array(
        [[scale, 0, (width_px - DETECTOR_PX * scale) / 2], [0, scale, (height_px - DETECTOR_PX * scale) / 2]]
    )


def detections(
    boxes: FloatArray, logits: FloatArray, least_score: float, to_picture_px: npt.NDArray[np.float64]
) -> list[Region]:
    """Decode the detector's outputs; overlapping boxes become one, weighted by their scores.

    Parameters
    ----------
    boxes : ndarray of shape (2254, 12)
        For each anchor a box (x, y, width, height) and four points, of which the first two are used: the middle of the
        hips, and a point of a circle around them that holds the whole body; pixels of the input, from the anchor.
    logits : ndarray of shape (2254,)
    least_score : float
        Boxes below it are ignored; 0 to 1.
    to_picture_px : ndarray of shape (2, 3)
        From `letterbox`.

    Returns
    -------
    list of Region
        The highest score first.
    """
    scores = sigmoid(logits)
    kept = np.flatnonzero(scores >= least_score)
    scores, values, anchors = scores[kept], boxes[kept] / DETECTOR_PX, _ANCHORS[kept]
    middle, half = values[:, :2] + anchors, values[:, 2:4] / 2
    low, high = middle - half, middle + half
    points = values[:, 4:8].reshape(-1, 2, 2) + anchors[:, None]
    area = np.prod(high - low, axis=1)
    left = np.ones(len(kept), bool)
    found = []
    while left.any():
        best = int(np.where(left, scores, -1).argmax())
        common = np.prod(np.clip(np.minimum(high, high[best]) - np.maximum(low, low[best]), 0, None), axis=1)
        same = left & (common > _SAME_PERSON_OVERLAP * (area + area[best] - common))
        same[best] = True
        weights = scores[same] / scores[same].sum()
        hips, circle = (
            np.tensordot(weights, points[same], axes=1) * DETECTOR_PX @ to_picture_px[:, :2].T + (to_picture_px[:, 2])
        )
        found.append(body_region(hips, circle, float(scores[best])))
        left &= ~same
    return found


def body_region(hips_px: FloatArray, circle_px: FloatArray, score: float = math.nan) -> Region:
    """The region of a body from the middle of its hips and the point of the circle around it, above the head."""
    x, y = (float(v) for v in circle_px - hips_px)
    angle = math.pi / 2 - math.atan2(-y, x)
    angle -= 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))
    side = 2 * math.hypot(x, y) * _REGION_SCALE
    return Region(float(hips_px[0]), float(hips_px[1]), side, angle, score)


def to_source(region: Region) -> npt.NDArray[np.float64]:
    """The affine map from the landmark network's input to the picture; shape (2, 3)."""
    scale = region.side_px / LANDMARKS_PX
    c, s = math.cos(region.angle_rad) * scale, math.sin(region.angle_rad) * scale
    half = LANDMARKS_PX / 2
    return np.array([[c, -s, region.x_px - half * (c - s)], [s, c, region.y_px - half * (s + c)]])


def refined(xy: FloatArray, heatmaps: FloatArray) -> FloatArray:
    """Move each landmark to the centre of mass of its heatmap within 7 x 7 cells around it.

    Parameters
    ----------
    xy : ndarray of shape (N, 2)
        Fractions of the network's input.
    heatmaps : ndarray of shape (H, W, N)
        Logits.

    Returns
    -------
    ndarray of shape (N, 2)
        A landmark outside the input, or without any heat above 0.5 nearby, stays where it is.
    """
    height, width, n = heatmaps.shape
    offsets = np.arange(_KERNEL) - _KERNEL // 2
    column, row = (xy[:, 0] * width).astype(int), (xy[:, 1] * height).astype(int)  # towards 0, as MediaPipe does
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    columns, rows = column[:, None] + offsets, row[:, None] + offsets
    exists = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    near = heatmaps[
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
        np.arange(n)[:, None, None],
    ]
    heat = sigmoid(near) * exists
    total = heat.sum(axis=(1, 2))
    moves = inside & (heat.max(axis=(1, 2)) >= _LEAST_HEAT)
    total = np.where(moves, total, 1)
    x = (heat.sum(axis=1) * columns).sum(axis=1) / total / width
    y = (heat.sum(axis=2) * rows).sum(axis=1) / total / height
    return np.where(moves[:, None], np.stack([x, y], axis=1), xy)


def to_picture(xyz: FloatArray, region: Region) -> FloatArray:
    """Landmarks in pixels of the picture.

    Parameters
    ----------
    xyz : ndarray of shape (N, 3)
        Fractions of the network's input.
    region : Region

    Returns
    -------
    ndarray of shape (N, 3), float32
        z on the scale of x.
    """
    from_middle = (xyz - (0.5, 0.5, 0.0)) * region.side_px
    middle = np.array([region.x_px, region.y_px, 0.0])
    return np.asarray(turned(from_middle, region.angle_rad) + middle, np.float32)


def turned(xyz: FloatArray, angle_rad: float) -> FloatArray:
    """Points turned clockwise in the picture's plane; shape (N, 3)."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    out: FloatArray = xyz @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], dtype=xyz.dtype)
    return out
