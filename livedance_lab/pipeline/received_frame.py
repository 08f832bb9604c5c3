"""A frame's pixels, decoded at most once however many lanes look at it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from livedance_lab.estimators.base import ImageArray
from livedance_lab.media.images import MAX_PIXELS, decode_rgb, downscale, probe
from livedance_lab.pose import Frame

__all__ = ["Picture"]


class Picture:
    """A received frame and, on demand, its pixels.

    Parameters
    ----------
    frame : Frame
    bytes_up : int
        Size of the message that brought it.
    short_side_px : int
        Larger pictures are shrunk to it before inference.
    clock : callable
        Seconds now, for the stage times.
    max_pixels : int
        Larger pictures are not decoded.
    """

    def __init__(
        self,
        frame: Frame,
        bytes_up: int,
        short_side_px: int,
        clock: Callable[[], float],
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.frame, self.bytes_up = frame, bytes_up
        self.stage_ms: dict[str, float] = {}
        self._short_side_px = short_side_px
        self._clock = clock
        self._max_pixels = max_pixels
        self._lock = threading.Lock()
        self._pixels: ImageArray | None = None

    def pixels(self) -> ImageArray:
        """RGB pixels of shape (H, W, 3), uint8.

        Raises
        ------
        ImageError
            If the bytes are not a whole picture.
        """
        with self._lock:
            if self._pixels is None:
                start_s = self._clock()
                decoded = decode_rgb(self.frame.image, self._max_pixels)
                decoded_s = self._clock()
                self.frame.source_size_px = _upright_size(self.frame, decoded)
                self._pixels = downscale(decoded, self._short_side_px)
                self.stage_ms["decode"] = (decoded_s - start_s) * 1000
                self.stage_ms["downscale"] = (self._clock() - decoded_s) * 1000
            return self._pixels


def _upright_size(frame: Frame, decoded: ImageArray) -> tuple[int, int]:
    """Width, height of the camera's picture as it is seen, whichever way round the client has them.

    A phone stores a portrait lying and says in EXIF how it is held; a client that reads the stored size names that.
    """
    upright = (decoded.shape[1], decoded.shape[0])
    said = frame.source_size_px
    if said == (0, 0):
        return upright
    _, *stored = probe(frame.image)
    turned = upright == tuple(reversed(stored)) != tuple(stored)
    lies_as_stored = (said[0] > said[1]) == (stored[0] > stored[1])
    return (said[1], said[0]) if turned and lies_as_stored else said
