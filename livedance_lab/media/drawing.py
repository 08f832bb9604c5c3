"""Draws bodies onto images, and writes images into video files."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from livedance_lab.errors import ImageError
from livedance_lab.media.images import ImageArray, load_cv2
from livedance_lab.pose import Body
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21, Skeleton, side_of

__all__ = ["VideoFile", "draw_body"]

_LEFT, _RIGHT, _MIDDLE = (76, 194, 255), (255, 159, 69), (244, 246, 248)  # as in the live view
_EDGE = (20, 20, 20)  # a thin dark rim makes lines visible on any background
_SUBPIXEL_BITS = 4
_LAST_OF_FACE = BLAZEPOSE_33.index("mouth_right")
_Colour = tuple[int, int, int]


def draw_body(rgb: ImageArray, body: Body, min_visibility: float = 0.5) -> ImageArray:
    """Return a copy of an image with the body and hands drawn onto it.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3), uint8
        The original frame; `body` is in its pixels.
    body : Body
    min_visibility : float, default 0.5
        Body landmarks below it are left out, with their bones.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        The person's left side in blue, the right one in orange, as in the live view.
    """
    image = rgb.copy()
    width = max(2, round(min(rgb.shape[:2]) / 160))
    body_px = np.where(body.visibility[:, None] >= min_visibility, body.keypoints_px[:, :2], np.nan)
    colours = [{"left": _LEFT, "right": _RIGHT}.get(side_of(name), _MIDDLE) for name in BLAZEPOSE_33.landmarks]
    widths = [1 if i <= _LAST_OF_FACE else width for i in range(len(BLAZEPOSE_33))]
    _draw(image, BLAZEPOSE_33, body_px, colours, widths)
    for hand_px, colour in zip(body.hands_px[:, :, :2], (_LEFT, _RIGHT), strict=True):
        _draw(image, HAND_21, hand_px, [colour] * len(HAND_21), [1] * len(HAND_21))
    return image


def _draw(image: ImageArray, skeleton: Skeleton, points_px: Any, colours: list[_Colour], widths: list[int]) -> None:
    cv2 = load_cv2()
    known = np.isfinite(points_px).all(axis=1)
    fixed = np.round(np.nan_to_num(points_px) * 2**_SUBPIXEL_BITS).astype(int)
    style = {"lineType": cv2.LINE_AA, "shift": _SUBPIXEL_BITS}
    bones = [(a, b, min(widths[a], widths[b])) for a, b in skeleton.bone_indices if known[a] and known[b]]
    for a, b, width in bones:
        if width > 1:  # a rim would hide thinner lines
            cv2.line(image, fixed[a].tolist(), fixed[b].tolist(), _EDGE, width + 2, **style)
    for a, b, width in bones:
        colour = colours[a] if colours[a] == colours[b] else _MIDDLE
        cv2.line(image, fixed[a].tolist(), fixed[b].tolist(), colour, width, **style)
    for i in np.flatnonzero(known):
        dots = [(widths[i] + 1, _EDGE), (widths[i], colours[i])] if widths[i] > 1 else [(1, colours[i])]
        for radius, colour in dots:
            cv2.circle(image, fixed[i].tolist(), radius * 2**_SUBPIXEL_BITS, colour, -1, **style)


class VideoFile:
    """An MP4 file to which images are appended, at a constant rate.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    size_px : (int, int)
        Width, height of every image.
    fps : float

    Raises
    ------
    ImageError
        Code "video" if it cannot be written.
    """

    def __init__(self, path: Path, size_px: tuple[int, int], fps: float) -> None:
        cv2 = load_cv2()
        self._size_px = size_px
        # MPEG-4 part 2: every OpenCV wheel contains this encoder; none contains one for H.264
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size_px)
        self._to_bgr = cv2.COLOR_RGB2BGR
        if not self._writer.isOpened():
            raise ImageError("video", f"{path} cannot be written as an MP4 video of {size_px[0]} x {size_px[1]}.")

    def add(self, rgb: ImageArray) -> None:
        """Append one image.

        Raises
        ------
        ImageError
            Code "size" if its size is not that of the file.
        """
        height, width = rgb.shape[:2]
        if (width, height) != self._size_px:
            raise ImageError("size", f"the video's images are {self._size_px}, got {(width, height)}.")
        self._writer.write(load_cv2().cvtColor(rgb, self._to_bgr))

    def close(self) -> None:
        """Finish the file."""
        self._writer.release()

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
