"""A frame that has arrived, with its decoded pixels."""

from __future__ import annotations

import threading
from collections.abc import Callable

from livedance_lab.estimators.base import ImageArray
from livedance_lab.media.images import MAX_PIXELS, decode_rgb, downscale, probe
from livedance_lab.pose import Frame, FrameRecord, FrameState

__all__ = ["ReceivedFrame"]


class ReceivedFrame:
    """A frame, and its pixels, which are decoded on first use and at most once for all lanes.

    The frame itself is a separate object, because a recording may keep it for long and must not keep the pixels.

    Parameters
    ----------
    frame : Frame
    bytes_up : int
        Size of the message that carried it.
    short_side_px : int
        A larger image is reduced to this before inference.
    clock : callable
        Returns the time in seconds; used for the stage times.
    max_pixels : int
        An image with more pixels is not decoded.

    Attributes
    ----------
    seq, times
        Those of the frame.
    stage_ms : dict of str to float
        Duration of "decode" and "downscale", once they are done.
    """

    def __init__(
        self,
        frame: Frame,
        bytes_up: int,
        short_side_px: int,
        clock: Callable[[], float],
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.frame, self.seq, self.times = frame, frame.seq, frame.times
        self.stage_ms: dict[str, float] = {}
        self._bytes_up = bytes_up
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
            If the bytes are not a complete image.
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

    def record(self, state: FrameState, reason: str = "", stage_ms: dict[str, float] | None = None) -> FrameRecord:
        """The ledger's entry for this frame."""
        return FrameRecord(self.seq, state, self.times, reason, self._bytes_up, stage_ms or {})


def _upright_size(frame: Frame, decoded: ImageArray) -> tuple[int, int]:
    """Width and height of the camera's image in upright orientation.

    A phone stores a portrait image in landscape orientation and sets an EXIF flag. A client that reads the stored size
    reports width and height exchanged.
    """
    upright = (decoded.shape[1], decoded.shape[0])
    reported = frame.source_size_px
    if reported == (0, 0):
        return upright
    _, *stored = probe(frame.image)
    turned = upright == tuple(reversed(stored)) != tuple(stored)
    reported_as_stored = (reported[0] > reported[1]) == (stored[0] > stored[1])
    return (reported[1], reported[0]) if turned and reported_as_stored else reported
