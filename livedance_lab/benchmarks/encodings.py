"""Measures what each image encoding costs and loses, in a real browser with the widget's own capture code.

Chromium (through Playwright) gets the clip as its camera. While the clip runs, the encoding of every frame is timed.
Then single frames are held, and each is encoded in every way and also without loss. For each encoding an estimator of
its own finds the landmarks, which are compared with those of the lossless image in the camera's full size.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from livedance_lab.benchmarks.browser import page_with
from livedance_lab.estimators.base import factory
from livedance_lab.media.images import ImageArray, decode_rgb, encode_jpeg
from livedance_lab.media.video import VideoSource
from livedance_lab.pose import FloatArray
from livedance_lab.settings import Settings
from livedance_lab.wire.frames import HEADER_BYTES

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["COLUMNS", "measure_encodings"]

_SHORT_SIDES_PX = (256, 384, 512)
_QUALITIES = (0.7, 0.8, 0.9)
_ORIGINAL = {"shortSidePx": 1e9, "type": "image/jpeg", "quality": 0.8}  # full size, as in the original demo
_LOSSLESS = {"shortSidePx": 1e9, "type": "image/png", "quality": 1.0}

COLUMNS = {
    "short_side_px": "short side px",
    "format": "format",
    "quality": "quality",
    "bytes_up": "bytes/frame",
    "of_original": "× original's",
    "encode_p50_ms": "encode p50 ms",
    "encode_p95_ms": "p95 ms",
    "moved_p50_px": "moved p50 px",
    "moved_p95_px": "p95 px",
}
"""Columns and their headings. Moved: distance to the landmarks of the lossless image, in the camera's pixels."""

Encoding = dict[str, Any]


def measure_encodings(
    source: Path,
    *,
    stills: int = 24,
    timed: int = 60,
    say: Callable[[str], None] = lambda _words: None,
) -> list[dict[str, Any]]:
    """Measure every encoding that the settings offer.

    Parameters
    ----------
    source : Path
        Video file; its images are those of the camera.
    stills : int
        Number of frames whose landmarks are compared.
    timed : int
        Number of frames whose encoding is timed, for each way.
    say : callable
        Called with a description of each step.

    Returns
    -------
    list of dict
        One row of `COLUMNS` for each way; the first is that of the original demo (base64 in JSON).

    Raises
    ------
    LiveDanceError
        If Playwright or Chromium is missing.
    """
    encodings = [
        {"shortSidePx": side, "type": f"image/{kind}", "quality": quality}
        for side in _SHORT_SIDES_PX for kind in ("jpeg", "webp") for quality in _QUALITIES
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        say("writing the camera's video")
        film = _film(source, Path(folder) / "camera.mjpeg", seconds=4)
        times_ms, stills_of = _encode_in_browser(film, [_ORIGINAL, *encodings], stills, timed, say)
    landmarks = []
    for number, images in enumerate(zip(*stills_of, strict=True)):  # one encoding after the other
        say(f"finding landmarks: {number + 1} of {len(encodings) + 2}")
        landmarks.append(_landmarks([decode_rgb(image) for image in images], decode_rgb(stills_of[0][0]).shape))
    lossless, *others = landmarks
    rows: list[dict[str, Any]] = []
    for number, (encoding, found) in enumerate(zip([_ORIGINAL, *encodings], others, strict=True), 1):
        n_bytes = float(np.mean([len(frame[number]) for frame in stills_of]))
        n_bytes = n_bytes * 4 / 3 if encoding is _ORIGINAL else n_bytes + HEADER_BYTES  # base64
        p50_ms, p95_ms = np.percentile(times_ms[number - 1], [50, 95])
        moved_p50_px, moved_p95_px = np.nanpercentile(np.linalg.norm(found - lossless, axis=-1), [50, 95])
        side = "full" if encoding is _ORIGINAL else encoding["shortSidePx"]
        values = (side, str(encoding["type"]).removeprefix("image/"), encoding["quality"], n_bytes,
                  n_bytes / (rows[0]["bytes_up"] if rows else n_bytes), p50_ms, p95_ms, moved_p50_px,
                  moved_p95_px)  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _film(source: Path, path: Path, seconds: float) -> Path:
    """Write a clip in the form that Chromium's fake camera reads: one JPEG after another."""
    with VideoSource(source) as video, path.open("wb") as file:
        for frame in video:
            if frame.t_s >= seconds:
                break
            file.write(encode_jpeg(frame.rgb, 1.0))
    return path


def _encode_in_browser(
    film: Path, encodings: list[Encoding], stills: int, timed: int, say: Callable[[str], None]
) -> tuple[list[list[float]], list[list[bytes]]]:
    """Milliseconds per frame for each encoding; and for each still frame its encodings, the lossless one first."""
    with page_with("encodings.js", film) as page:
        page.evaluate("begin()")
        times_ms = []
        for number, encoding in enumerate(encodings):
            say(f"timing: {number + 1} of {len(encodings)}")
            times_ms.append(page.evaluate("([e, n]) => time(e, n)", [encoding, timed]))
        return times_ms, [_stills(page, [_LOSSLESS, *encodings]) for _ in range(stills)]


def _stills(page: Page, encodings: list[Encoding]) -> list[bytes]:
    """One frame of the camera in every encoding."""
    return [base64.b64decode(text) for text in page.evaluate("(encodings) => still(encodings)", encodings)]


def _landmarks(images: list[ImageArray], shape: tuple[int, ...]) -> FloatArray:
    """Landmarks of successive images, in pixels of an image of `shape`; NaN below the visibility threshold.

    Returns
    -------
    ndarray of shape (N, 33, 2)
    """
    settings = Settings()
    estimator = factory("mediapipe")("pose", settings)
    found = np.full((len(images), 33, 2), np.nan)
    for number, image in enumerate(images):
        estimate = estimator.estimate(image, number * 33)
        if estimate.pose_xyz is not None and estimate.visibility is not None:
            visible = estimate.visibility >= settings.visibility_threshold
            found[number, visible] = estimate.pose_xyz[visible, :2] * (shape[1], shape[0])
    estimator.close()
    return found
