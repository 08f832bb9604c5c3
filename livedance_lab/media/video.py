"""Reads the frames of video files and local cameras."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from livedance_lab.clock import now_s
from livedance_lab.errors import ImageError
from livedance_lab.media.images import ImageArray, load_cv2

__all__ = ["VideoFrame", "VideoSource"]


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video.

    Attributes
    ----------
    index : int
        Counts from 0.
    t_s : float
        File: seconds from its first frame, by its own time stamps. Camera: `clock.now_s` when the frame arrived.
    rgb : ndarray of shape (H, W, 3), uint8
    """

    index: int
    t_s: float
    rgb: ImageArray


class VideoSource:
    """A video file or a local camera; iterate once over it to get its frames.

    Parameters
    ----------
    source : str, Path or int
        A file name, or the index of a camera (also as text, "0").

    Attributes
    ----------
    is_camera : bool
    fps : float
        Nominal frame rate, hertz; NaN if the source does not name one.
    assumed_fps : float
        The same, but 30 if the source does not name one.
    size_px : (int, int)
        Width, height of the first frame, with a phone's rotation applied.
    frame_count : int
        The estimate in the file's header; 0 for a camera or if unknown.

    Raises
    ------
    ImageError
        Code "source" if it does not exist or gives no image.
    """

    def __init__(self, source: str | Path | int) -> None:
        text = str(source)
        self.is_camera = text.isdecimal()
        self._name = f"camera {text}" if self.is_camera else f"video {text}"
        if not self.is_camera and not Path(text).is_file():
            raise ImageError("source", f"there is no video file {text!r}.")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # keeps FFmpeg from writing to the terminal
        cv2 = load_cv2()
        self._capture = cv2.VideoCapture(int(text) if self.is_camera else text)
        self._position = cv2.CAP_PROP_POS_MSEC
        first = self._read(0)
        if first is None:
            self.close()
            advice = "is it plugged in, and not used by another program?" if self.is_camera else "is it a video?"
            raise ImageError("source", f"{self._name} gives no image; {advice}")
        self._first: VideoFrame | None = first
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps <= 1000 else math.nan
        self.assumed_fps = 30.0 if math.isnan(self.fps) else self.fps
        height, width = first.rgb.shape[:2]
        self.size_px = (width, height)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = 0 if self.is_camera or not count > 0 else int(count)

    def __iter__(self) -> Iterator[VideoFrame]:
        """Frames in order; times strictly increase."""
        frame, self._first = self._first, None
        start_s = frame.t_s if frame and not self.is_camera else 0.0
        last_s = -math.inf
        while frame is not None:
            t_s = frame.t_s - start_s
            if not t_s > last_s:  # some files lack time stamps or repeat them
                t_s = last_s + (1e-3 if math.isnan(self.fps) else 1 / self.fps)
            yield VideoFrame(frame.index, t_s, frame.rgb)
            last_s = t_s
            frame = self._read(frame.index + 1)

    def close(self) -> None:
        """Release the file or camera; closing twice does nothing."""
        self._capture.release()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _read(self, index: int) -> VideoFrame | None:
        """Return the next frame with its own time stamp; None at the end."""
        cv2 = load_cv2()
        ok, bgr = self._capture.read()
        if not ok:
            return None
        t_s = now_s() if self.is_camera else float(self._capture.get(self._position)) / 1000
        return VideoFrame(index, t_s, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
