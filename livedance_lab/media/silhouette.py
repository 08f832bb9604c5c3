"""The area of a picture that a person covers, drawn from their landmarks."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.media.images import ImageArray, load_cv2
from livedance_lab.pose import FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["Mask", "add_silhouette", "painted"]

Mask = npt.NDArray[np.uint8]


def _chains(width: float, *parts: str) -> list[tuple[float, int, int]]:
    """Lines of a width between consecutive parts, on both sides."""
    return [(width, BLAZEPOSE_33.index(f"{side}_{a}"), BLAZEPOSE_33.index(f"{side}_{b}"))
            for side in ("left", "right") for a, b in pairwise(parts)]  # fmt: skip


# widths as shares of the side of the square that holds the body in any pose
_LINES: Final = (
    *_chains(0.045, "shoulder", "elbow", "wrist", "index"),
    *_chains(0.06, "shoulder", "hip"),
    *_chains(0.08, "hip", "knee"),
    *_chains(0.06, "knee", "ankle", "foot_index"),
)
_TRUNK: Final = [BLAZEPOSE_33.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "hip")]
_EARS, _SHOULDERS = ([BLAZEPOSE_33.index(f"{side}_{part}") for side in ("left", "right")] for part in
                     ("ear", "shoulder"))  # fmt: skip
_HEAD: Final = 0.6  # radius, of the distance from the middle of the ears to that of the shoulders
_FARTHEST_PX, _WIDEST_PX = 16_000.0, 2000  # what OpenCV can draw


def add_silhouette(mask: Mask, keypoints_px: FloatArray, size_px: float) -> None:
    """Mark the pixels that a body covers.

    Parameters
    ----------
    mask : ndarray of shape (H, W), uint8
        Gets 255 there.
    keypoints_px : ndarray of shape (33, >= 2)
        A body with a landmark that is not finite marks nothing.
    size_px : float
        Side of the square that holds the body in any pose.
    """
    cv2 = load_cv2()
    xy = keypoints_px[:, :2]
    if not np.isfinite(xy).all():
        return
    points = np.clip(xy, -_FARTHEST_PX, _FARTHEST_PX).round().astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(points[_TRUNK]), 255)
    for width, a, b in _LINES:
        cv2.line(mask, points[a].tolist(), points[b].tolist(), 255, min(max(round(width * size_px), 1), _WIDEST_PX))
    head, neck = points[_EARS].mean(axis=0), points[_SHOULDERS].mean(axis=0)
    radius = _HEAD * float(np.hypot(*(head - neck)))
    cv2.circle(mask, head.round().astype(int).tolist(), round(min(radius, size_px, _FARTHEST_PX)), 255, -1)


def painted(rgb: ImageArray, mask: Mask) -> ImageArray:
    """The picture with its mean colour where the mask is not 0: whoever was there is gone.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3), uint8
    mask : ndarray of shape (H, W), uint8
    """
    copy = rgb.copy()
    copy[mask > 0] = rgb[::8, ::8].reshape(-1, 3).mean(axis=0).astype(np.uint8)
    return copy
