"""The streams that an evaluation judges: from real servers, and simulated at a fixed pace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from livedance_lab.analysis.paint_evaluation import ResultStream, simulate_stream
from livedance_lab.benchmarks.designs import DESIGNS
from livedance_lab.benchmarks.fresh_session import fresh_session
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.estimators.base import Estimator, MonotonicMs, factory
from livedance_lab.evaluation.keypoint_truth import KeypointTruth
from livedance_lab.media.images import decode_rgb, downscale, encode_jpeg
from livedance_lab.pose import Array
from livedance_lab.session_data.data import SessionData
from livedance_lab.settings import Settings

__all__ = ["PACES", "LiveRun", "Pace", "find_landmarks", "live_run", "paced_stream"]

_LARGE = 2160  # a short side that no image reaches: nothing is downscaled


@dataclass(frozen=True)
class Pace:
    """The pace of a simulated stream.

    Attributes
    ----------
    name : str
    rate_hz : float
        Results per second.
    age_s : float
        From capture to arrival.
    lanes : int
        Number of landmarkers that process the frames in turn.
    published : bool
        MediaPipe with its own smoothing, on full-size images, as the original demo uses it.
    """

    name: str
    rate_hz: float
    age_s: float
    lanes: int = 1
    published: bool = False

    def every(self, clip_hz: float) -> int:
        """Return how many frames of a clip there are for each one that is processed: 1, 2 ..."""
        return max(round(clip_hz / self.rate_hz), 1)


PACES: Final = (
    Pace("original", 15.0, 0.085, published=True),
    Pace("one landmarker", 30.0, 0.034),
    Pace("one, every frame", 60.0, 0.034),
    Pace("two in turn", 60.0, 0.034, lanes=2),
)
"""The pace of the original demo, of one landmarker and of two; and one landmarker that is twice as fast, which shows
what alternating between two costs."""


@dataclass
class LiveRun:
    """One design's stream through a real server, and the truth on the same clock.

    Attributes
    ----------
    stream : ResultStream
    truth : KeypointTruth
        At the capture time of each frame.
    data : SessionData
    """

    stream: ResultStream
    truth: KeypointTruth
    data: SessionData


def live_run(
    design: str, clip: Path, truth: KeypointTruth, *, seconds: float, fps: float, estimator: str = "mediapipe"
) -> LiveRun:
    """Stream a clip once through a new server, and return what arrived when.

    `estimator` is used where the design itself names none.
    """
    chosen = DESIGNS[design]
    side = Settings(short_side_px=_LARGE, jpeg_quality=0.8) if chosen.legacy else Settings()
    encoded = EncodedClip.read(clip, side, seconds)
    with fresh_session({"estimator": estimator, **chosen.server}, **chosen.settings) as (_, session):
        how: dict[str, Any] = {"fps": fps, "pacing": chosen.pacing, "legacy": chosen.legacy}
        session.stream(encoded, seconds=seconds, end=True, **how)  # without warm-up, so that seq is the clip's frame
        data = session.data()
    frames = data.frames.drop_duplicates("seq", keep="last").set_index("seq")
    rows = data.column("found") & np.isin(data.seq, frames.index)
    arrival_s = frames["t_result_s"].fillna(frames["t_emit_s"]).reindex(data.seq[rows]).to_numpy(dtype=np.float64)
    keypoints = data.array("keypoints_px")[rows].astype(np.float64)
    index = frames.index.to_numpy() % len(encoded.images)  # a clip that is shorter than the run begins again
    captured_s = frames["t_capture_s"].to_numpy(dtype=np.float64)
    return LiveRun(
        ResultStream(data.t_capture_s[rows], arrival_s, keypoints, truth.body_size_px),
        KeypointTruth(captured_s, truth.px[index], truth.facing[index]), data,
    )  # fmt: skip


def paced_stream(
    pace: Pace, images: list[Any], clip_hz: float, body_size_px: float, estimator: str = "mediapipe"
) -> ResultStream:
    """Simulate a stream of fixed pace and age, so that its figures do not depend on the machine's load."""
    every = pace.every(clip_hz)
    times_s = np.arange(0, len(images), every) / clip_hz
    shown = zip(times_s, images[::every], strict=True)
    found = find_landmarks(shown, lanes=pace.lanes, published=pace.published, estimator=estimator)
    return simulate_stream(times_s, found, body_size_px, every=1, age_s=pace.age_s)


def find_landmarks(
    images: Iterable[tuple[float, Any]], *, noise_sd: float = 0.0, seed: int = 0, lanes: int = 1,
    published: bool = False, estimator: str = "mediapipe",
) -> Array:  # fmt: skip
    """Estimate the landmarks of images after encoding them as a client does.

    Parameters
    ----------
    images : iterable of (float, ndarray)
        Capture time in seconds; RGB of shape (H, W, 3).
    noise_sd : float, default 0
        Standard deviation of the sensor noise that is added, of 255.
    seed : int, default 0
    lanes : int, default 1
        Number of landmarkers that process them in turn.
    published : bool, default False
        See `Pace`.
    estimator : str, default "mediapipe"
        Family of the landmarkers that are not `published`.

    Returns
    -------
    ndarray of shape (T, 33, 2)
        Pixels of the clip; NaN if no person was found.
    """
    settings = Settings(hands=False, short_side_px=_LARGE, jpeg_quality=0.8) if published else Settings(hands=False)
    make = factory("mediapipe_published" if published else estimator)
    rng, clocks = np.random.default_rng(seed), [MonotonicMs() for _ in range(lanes)]
    estimators: list[Estimator] = []
    out: list[Array] = []
    try:
        estimators.extend(make("pose", settings) for _ in range(lanes))
        for n, (t_s, rgb) in enumerate(images):
            height, width = rgb.shape[:2]
            if noise_sd:
                noise = noise_sd * rng.standard_normal(rgb.shape, dtype=np.float32)
                rgb = np.clip(rgb + noise, 0, 255).astype(np.uint8)
            sent = encode_jpeg(downscale(rgb, settings.short_side_px), settings.jpeg_quality)
            found = estimators[n % lanes].estimate(decode_rgb(sent), clocks[n % lanes](t_s)).pose_xyz
            missing = np.full((33, 2), np.nan)
            out.append(missing if found is None else found[:, :2].astype(np.float64) * (width, height))
    finally:
        for landmarker in estimators:
            landmarker.close()
    return np.array(out)
