"""The whole evaluation: smoothing, painting and angles against a clip's ground truth.

Live parts stream the clip through real servers, design by design, and judge what a screen would have shown.
The rest works on landmarks of the clip found here, frame by frame, so that its figures do not depend on how
busy the machine was: streams of fixed pace and age, and filters on a still and on a moving recording, both with
sensor noise put into the pictures, because the clip itself is free of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from livedance_lab.analysis import tuning
from livedance_lab.analysis.evaluate import BODY_JOINTS, RECIPES, Quality, Stream, judge, paint, simulate_stream
from livedance_lab.analysis.smoothing import body_size
from livedance_lab.client.feed import EncodedClip
from livedance_lab.client.session import LiveSession
from livedance_lab.errors import LiveDanceError
from livedance_lab.estimators.base import MonotonicMs, factory
from livedance_lab.imaging import decode_rgb, downscale, encode_jpeg
from livedance_lab.runs.accuracy import angle_errors
from livedance_lab.runs.bench import DESIGNS
from livedance_lab.runs.samples import truth_of
from livedance_lab.server import LiveServer
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33
from livedance_lab.tables.data import SessionData
from livedance_lab.video import VideoSource

__all__ = ["NOISE_SD", "Evaluation", "KeypointTruth", "LiveRun", "evaluate", "keypoint_truth", "live_run"]

Array = npt.NDArray[np.float64]
Say = Callable[[str], None]

NOISE_SD: Final = 8.0
"""Standard deviation of the sensor noise put into pictures, of 255: a webcam in a dim room."""
_SETTLES_S: Final = 1.0
"""Not judged: the model's tracking and the clocks' offset take so long."""
_STILL_S: Final = 8.0
_STILL_HZ: Final = 30.0
_EMA_ALPHAS: Final = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05)
_SIMULATED: Final = ((15.0, 0.085), (30.0, 0.034), (60.0, 0.040))
"""Results per second and their age: the original's pace, one landmarker's, two landmarkers'."""


@dataclass(frozen=True)
class KeypointTruth:
    """Where every landmark truly is, frame by frame.

    Attributes
    ----------
    times_s : ndarray of shape (T,)
    px : ndarray of shape (T, 33, 2)
        Pixels of the clip; NaN for landmarks the truth does not have.
    """

    times_s: Array
    px: Array

    @property
    def body_size_px(self) -> float:
        """Median torso length."""
        return float(np.nanmedian([body_size(frame) for frame in self.px]))

    @property
    def stillest(self) -> int:
        """The frame around which least moves for half a second."""
        steps = np.linalg.norm(np.diff(self.px[:, BODY_JOINTS], axis=0), axis=-1).sum(axis=1)
        width = max(round(0.5 / float(np.median(np.diff(self.times_s)))), 1)
        return int(np.argmin(np.convolve(steps, np.ones(width), "valid"))) + width // 2


def keypoint_truth(clip: Path) -> KeypointTruth:
    """The truth that lies beside a clip as ``NAME_truth.parquet``.

    Columns: frame, time_s, joint (BlazePose names), u_px, v_px.

    Raises
    ------
    LiveDanceError
        If there is none, or it lacks a column.
    """
    path = clip.with_name(f"{clip.stem}_truth.parquet")
    if not path.is_file():
        raise LiveDanceError(f"an evaluation needs the truth of {clip.name}: there is no {path}.")
    try:
        table = pd.read_parquet(path, columns=["frame", "time_s", "joint", "u_px", "v_px"])
    except (KeyError, ValueError) as exc:
        raise LiveDanceError(f"{path} must have columns frame, time_s, joint, u_px, v_px: {exc}") from exc
    wide = [table.pivot(index="frame", columns="joint", values=axis).reindex(columns=list(BLAZEPOSE_33.landmarks))
            for axis in ("u_px", "v_px")]  # fmt: skip
    times_s = table.groupby("frame")["time_s"].first().to_numpy(dtype=np.float64)
    return KeypointTruth(times_s, np.stack([w.to_numpy(dtype=np.float64) for w in wide], axis=-1))


@dataclass
class LiveRun:
    """One design's stream through a real server, and the truth on the same clock.

    Attributes
    ----------
    name, words : str
    stream : Stream
    truth_times_s : ndarray of shape (F,)
        When each captured frame was captured.
    truth_px : ndarray of shape (F, 33, 2)
    data : SessionData
    """

    name: str
    words: str
    stream: Stream
    truth_times_s: Array
    truth_px: Array
    data: SessionData


def live_run(design: str, clip: Path, truth: KeypointTruth, *, seconds: float, fps: float) -> LiveRun:
    """Stream a clip through a server of its own, once, and keep what arrived when."""
    chosen = DESIGNS[design]
    side = Settings(short_side_px=2160) if chosen.legacy else Settings()
    encoded = EncodedClip.read(clip, side, seconds)
    with LiveServer.start(reuse=False, port=0) as server, LiveSession.open(server, **chosen.settings) as session:
        how: dict[str, Any] = {"fps": fps, "pacing": chosen.pacing, "legacy": chosen.legacy}
        session.stream(encoded, seconds=seconds, end=True, **how)  # from the first frame on: seq is the clip's
        data = session.data()
    frames = data.frames.drop_duplicates("seq", keep="last").set_index("seq")
    rows = data.column("found") & np.isin(data.seq, frames.index)
    arrival_s = frames["t_result_s"].fillna(frames["t_emit_s"]).reindex(data.seq[rows]).to_numpy(dtype=np.float64)
    keypoints = data.array("keypoints_px")[rows].astype(np.float64)
    shown = len(encoded.images)  # the clip begins again where it is shorter than the run
    index = frames.index.to_numpy() % shown
    return LiveRun(
        design, chosen.words, Stream(data.t_capture_s[rows], arrival_s, keypoints, truth.body_size_px),
        frames["t_capture_s"].to_numpy(dtype=np.float64), truth.px[index], data,
    )  # fmt: skip


def _landmarks(pictures: Iterable[tuple[float, Any]], noise_sd: float, seed: int = 0) -> Array:
    """Keypoints in pixels of the clip, shape (T, 33, 2), of pictures as a client would send them."""
    settings = Settings(hands=False)
    estimator = factory("mediapipe")("pose", settings)
    rng, clock = np.random.default_rng(seed), MonotonicMs()
    out: list[Array] = []
    try:
        for t_s, rgb in pictures:
            height, width = rgb.shape[:2]
            if noise_sd:
                rgb = np.clip(rgb + rng.normal(0, noise_sd, rgb.shape), 0, 255).astype(np.uint8)
            sent = encode_jpeg(downscale(rgb, settings.short_side_px), settings.jpeg_quality)
            found = estimator.estimate(decode_rgb(sent), clock(t_s)).pose_xyz
            missing = np.full((33, 2), np.nan)
            out.append(missing if found is None else found[:, :2].astype(np.float64) * (width, height))
    finally:
        estimator.close()
    return np.array(out)


@dataclass
class Evaluation:
    """Everything that was found.

    Attributes
    ----------
    about : dict
        Clip, seconds, rates, noise: what the figures rest on.
    painted : list of dict
        One row per stream and recipe: `Quality`, pace and age.
    trials : list of Trial
        Every filter tried, jitter against lag.
    smoothers : list of dict
        The default and EMA at equal jitter and equal lag.
    angles : dict
        Per joint, `angle_errors` of the live default.
    """

    about: dict[str, Any]
    painted: list[dict[str, Any]] = field(default_factory=list)
    trials: list[tuning.Trial] = field(default_factory=list)
    smoothers: list[dict[str, Any]] = field(default_factory=list)
    angles: dict[str, dict[str, float]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "trials": [asdict(t) for t in self.trials]}


def evaluate(
    clip: Path, *, seconds: float | None = None, fps: float = 60.0, designs: Iterable[str] = ("original", "auto"),
    live: bool = True, say: Say = lambda _words: None, progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluation:  # fmt: skip
    """Run the evaluation.

    Parameters
    ----------
    clip : Path
        A video with its truth beside it (`keypoint_truth`; angles: `livedance_lab.runs.samples.truth_of`).
    seconds : float, optional
        How much of it; all by default.
    fps : float, default 60
        Frames offered per second to the live servers.
    designs : iterable of str
        Of `livedance_lab.runs.bench.DESIGNS`; "original" is what ratios refer to.
    live : bool, default True
        False leaves out the servers.
    say : callable, optional
        Told in words what happens.
    progress : callable, optional
        Told how many filters are tried, and of how many.

    Returns
    -------
    Evaluation

    Raises
    ------
    LiveDanceError
        If the clip has no truth or a part of the live path fails.
    """
    truth = keypoint_truth(clip)
    length_s = min(seconds or float("inf"), len(truth.times_s) / _rate_hz(truth))
    out = Evaluation({"clip": clip.name, "seconds": length_s, "offered_fps": fps, "noise_sd": NOISE_SD,
                      "body_size_px": truth.body_size_px, "joints": len(BODY_JOINTS)})  # fmt: skip
    for design in designs if live else ():
        say(f"streaming live: {DESIGNS[design].words}")
        run = live_run(design, clip, truth, seconds=length_s, fps=fps)
        _judge_all(out, f"live: {design}", run.stream, run.truth_times_s, run.truth_px)
        angles = truth_of(clip)
        if design != "original" and angles is not None and not out.angles:
            out.angles = angle_errors(run.data, angles)
    say("finding landmarks in every frame")
    with VideoSource(clip) as video:
        pictures = [frame.rgb for frame in video if frame.index < length_s * video.fps]
        rate_hz = video.fps
    times_s = np.arange(len(pictures)) / rate_hz
    raw = _landmarks(zip(times_s, pictures, strict=True), 0.0)
    for pace_hz, age_s in _SIMULATED:
        every = max(round(rate_hz / pace_hz), 1)
        stream = simulate_stream(times_s, raw, truth.body_size_px, every=every, age_s=age_s)
        _judge_all(out, f"simulated: {pace_hz:g}/s", stream, truth.times_s, truth.px)
    say("finding landmarks under sensor noise, standing still and moving")
    still, moving = _recordings(pictures, rate_hz, truth)
    say("trying filters")
    out.trials = tuning.run(still, moving, progress=progress)
    _compare_smoothers(out, still, moving)
    return out


def _judge_all(out: Evaluation, name: str, stream: Stream, truth_times_s: Array, truth_px: Array) -> None:
    for recipe in RECIPES.values():
        painted = paint(stream, recipe)
        quality: Quality = judge(painted, truth_times_s, truth_px, stream.body_size_px, skip_s=_SETTLES_S)
        out.painted.append({"stream": name, "recipe": recipe.name, "words": recipe.words, "rate_hz": stream.rate_hz,
                            "age_ms": stream.age_ms, **asdict(quality)})  # fmt: skip


def _recordings(pictures: list[Any], rate_hz: float, truth: KeypointTruth) -> tuple[tuning.Recording, tuning.Recording]:
    """One picture held with fresh noise in each frame, and the dance, both at about 30 per second."""
    length_s = min(_STILL_S, max(len(pictures) / rate_hz, 2.5))
    still_s = np.arange(round(length_s * _STILL_HZ)) / _STILL_HZ
    held = pictures[min(truth.stillest, len(pictures) - 1)]
    settled = _STILL_HZ  # the model's own filter needs a second
    still = _landmarks(((t, held) for t in np.arange(len(still_s) + settled) / _STILL_HZ), NOISE_SD, 1)
    every = max(round(rate_hz / _STILL_HZ), 1)
    chosen = pictures[::every]
    moving_s = np.arange(len(chosen)) * every / rate_hz
    moving = _landmarks(zip(moving_s, chosen, strict=True), NOISE_SD, 2)
    joints = list(BODY_JOINTS)
    size = truth.body_size_px
    return (
        tuning.Recording(still_s, still[int(settled) :, joints], size),
        tuning.Recording(moving_s, moving[:, joints], size),
    )


def _compare_smoothers(out: Evaluation, still: tuning.Recording, moving: tuning.Recording) -> None:
    emas = [tuning.trial(still, moving, "ema", {"alpha": a}) for a in _EMA_ALPHAS]
    out.trials += emas
    for name in ("kalman_adaptive", "one_euro", "mediapipe", "ema"):
        one = tuning.trial(still, moving, name, {})
        out.smoothers.append({**asdict(one), **tuning.compare(one, emas)})


def _rate_hz(truth: KeypointTruth) -> float:
    return 1 / float(np.median(np.diff(truth.times_s)))
