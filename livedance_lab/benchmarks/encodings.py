"""What an encoding costs and what it loses, in a real browser: the widget's own capture code, a clip as its camera.

Chromium (through Playwright) shows the clip as a camera would. Encoding is timed frame by frame as it runs; then
single frames are held still and encoded in every way and without loss, and the landmarks that a model of its own finds
in each are compared with those in the lossless picture of the camera's full size.
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
_ORIGINAL = {"shortSidePx": 1e9, "type": "image/jpeg", "quality": 0.8}  # full size, as the original demo
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
"""Measured values and their headings. Moved: distance to the lossless picture's landmarks, in the camera's pixels."""

_SCRIPT = """
import { FrameEncoder, fitShortSide } from "./capture.js";
import { HEADER_BYTES } from "./frames.js";

const video = document.querySelector("video");
const encoder = new FrameEncoder();
const constraints = { video: { width: { ideal: 4096 }, height: { ideal: 4096 }, frameRate: { ideal: 60 } } };

const nextFrame = () => new Promise((resolve) => video.requestVideoFrameCallback(resolve));

async function encode({ shortSidePx, type, quality }) {
  const [widthPx, heightPx] = fitShortSide(video.videoWidth, video.videoHeight, shortSidePx);
  return await encoder.encode(video, { widthPx, heightPx, type, quality });
}

function toBase64(message) {
  let text = "";
  for (const byte of new Uint8Array(message, HEADER_BYTES)) text += String.fromCharCode(byte);
  return btoa(text);
}

window.begin = async () => {
  video.srcObject = await navigator.mediaDevices.getUserMedia(constraints);
  await video.play();
  await nextFrame();
  return [video.videoWidth, video.videoHeight];
};

window.time = async (encoding, frames) => {
  const timesMs = [];
  for (let i = -3; i < frames; i += 1) {
    await nextFrame();
    const { encodeMs } = await encode(encoding);
    if (i >= 0) timesMs.push(encodeMs); // the first ones make the canvas
  }
  return timesMs;
};

window.still = async (encodings) => {
  await video.play();
  await nextFrame();
  video.pause();
  const pictures = [];
  for (const encoding of encodings) pictures.push(toBase64((await encode(encoding)).message));
  return pictures;
};
"""

Encoding = dict[str, Any]


def measure_encodings(
    source: Path,
    *,
    stills: int = 24,
    timed: int = 60,
    say: Callable[[str], None] = lambda _words: None,
) -> list[dict[str, Any]]:
    """Encode a clip in every way that the settings offer.

    Parameters
    ----------
    source : Path
        Video file; its pictures are the camera's.
    stills : int
        Frames whose landmarks are compared.
    timed : int
        Frames whose encoding is timed, for each way.
    say : callable
        Told what is being done.

    Returns
    -------
    list of dict
        One row of `COLUMNS` for each way; the first is the original demo's recipe (base64 in JSON).

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
        say("writing the camera's film")
        film = _film(source, Path(folder) / "camera.mjpeg", seconds=4)
        times_ms, pictures = _in_a_browser(film, [_ORIGINAL, *encodings], stills, timed, say)
    landmarks = []
    for number, images in enumerate(zip(*pictures, strict=True)):  # one encoding after the other
        say(f"looking for landmarks: {number + 1} of {len(encodings) + 2}")
        landmarks.append(_landmarks([decode_rgb(image) for image in images], decode_rgb(pictures[0][0]).shape))
    lossless, *others = landmarks
    rows: list[dict[str, Any]] = []
    for number, (encoding, found) in enumerate(zip([_ORIGINAL, *encodings], others, strict=True), 1):
        n_bytes = float(np.mean([len(frame[number]) for frame in pictures]))
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
    """A clip as Chromium's fake camera takes it: JPEG after JPEG."""
    with VideoSource(source) as video, path.open("wb") as file:
        for frame in video:
            if frame.t_s >= seconds:
                break
            file.write(encode_jpeg(frame.rgb, 1.0))
    return path


def _in_a_browser(
    film: Path, encodings: list[Encoding], stills: int, timed: int, say: Callable[[str], None]
) -> tuple[list[list[float]], list[list[bytes]]]:
    """Milliseconds of every frame for each encoding; and of single frames every encoding, lossless first."""
    with page_with(_SCRIPT, film) as page:
        page.evaluate("begin()")
        times_ms = []
        for number, encoding in enumerate(encodings):
            say(f"timing: {number + 1} of {len(encodings)}")
            times_ms.append(page.evaluate("([e, n]) => time(e, n)", [encoding, timed]))
        return times_ms, [_stills(page, [_LOSSLESS, *encodings]) for _ in range(stills)]


def _stills(page: Page, encodings: list[Encoding]) -> list[bytes]:
    return [base64.b64decode(text) for text in page.evaluate("(encodings) => still(encodings)", encodings)]


def _landmarks(pictures: list[ImageArray], shape: tuple[int, ...]) -> FloatArray:
    """Landmarks of pictures in order, in pixels of a picture of `shape`; NaN where not surely seen.

    Returns
    -------
    ndarray of shape (N, 33, 2)
    """
    settings = Settings()
    estimator = factory("mediapipe")("pose", settings)
    found = np.full((len(pictures), 33, 2), np.nan)
    for number, picture in enumerate(pictures):
        estimate = estimator.estimate(picture, number * 33)
        if estimate.pose_xyz is not None and estimate.visibility is not None:
            sure = estimate.visibility >= settings.visibility_threshold
            found[number, sure] = estimate.pose_xyz[sure, :2] * (shape[1], shape[0])
    estimator.close()
    return found
