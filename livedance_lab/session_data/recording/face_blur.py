"""Makes faces unrecognisable in kept images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from livedance_lab.media.images import ImageArray, decode_rgb, encode_jpeg
from livedance_lab.pose import Body, Frame
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["blur_faces", "pixelate"]

_FACE = slice(0, BLAZEPOSE_33.index("mouth_right") + 1)
_MARGIN = 1.1  # of the landmarks' extent, on every side: for hair, chin and the motion of the head in one frame
_CELLS = 6  # so few squares across that nobody can be recognised
_QUALITY = 0.9


def blur_faces(frame: Frame, bodies: Sequence[Body]) -> bytes | None:
    """Return the frame's image with every face pixelated.

    Parameters
    ----------
    frame : Frame
    bodies : sequence of Body
        Everybody's newest pose, of this frame or of one just before it.

    Returns
    -------
    bytes or None
        JPEG; None if the place of a face is unknown, because an image that may show a face is not stored then.

    Raises
    ------
    ImageError
        If the image cannot be decoded.
    """
    faces_px = [body.keypoints_px[_FACE, :2] for body in bodies]
    if not faces_px or not all(np.isfinite(face_px).all() for face_px in faces_px):
        return None
    pixels = decode_rgb(frame.image).copy()
    height, width = pixels.shape[:2]
    shown = np.array(frame.source_size_px if all(frame.source_size_px) else (width, height))
    for face_px in faces_px:
        points = face_px * (np.array([width, height]) / shown)
        low, high = points.min(axis=0), points.max(axis=0)
        margin = _MARGIN * max(high - low)
        left, top = np.clip(low - margin, 0, [width, height]).astype(int)
        right, bottom = np.clip(high + margin, 0, [width, height]).astype(int)
        pixelate(pixels[top:bottom, left:right])
    return encode_jpeg(pixels, _QUALITY)


def pixelate(region: ImageArray) -> None:
    """Replace a region in place by a few squares of its mean colours."""
    height, width = region.shape[:2]
    rows = np.unique(np.linspace(0, height, _CELLS + 1).astype(int))
    columns = np.unique(np.linspace(0, width, _CELLS + 1).astype(int))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            cell = region[top:bottom, left:right]
            cell[:] = cell.mean(axis=(0, 1)).astype(np.uint8)
