"""The whole evaluation: smoothing, painting and angles against a clip's ground truth.

The live part streams the clip through real servers, design by design, in interleaved rounds, and judges what a screen
would have shown. The rest uses landmarks that are estimated here, frame by frame, so that its figures do not depend on
the machine's load: streams of fixed pace and age, and filters on a still and on a moving recording, both with sensor
noise added to the images, because the rendered clip has none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from livedance_lab.analysis import filter_search
from livedance_lab.analysis.filter_trials import LandmarkSeries, Trial, try_filter
from livedance_lab.analysis.paint_evaluation import (
    BODY_JOINTS,
    RECIPES,
    Painted,
    PaintQuality,
    Recipe,
    ResultStream,
    judge,
    paint,
)
from livedance_lab.benchmarks.designs import DESIGNS
from livedance_lab.estimators.base import SMOOTHING_PARAMS
from livedance_lab.evaluation.angle_errors import angle_errors
from livedance_lab.evaluation.keypoint_truth import KeypointTruth, keypoint_truth
from livedance_lab.evaluation.streams import PACES, LiveRun, Pace, find_landmarks, live_run, paced_stream
from livedance_lab.media.video import VideoSource
from livedance_lab.progress import Progress, no_progress
from livedance_lab.samples import angle_truth
from livedance_lab.settings import Smoothing

__all__ = ["FLOOR", "NOISE_SD", "Evaluation", "evaluate"]

NOISE_SD: Final = 8.0
"""Standard deviation of the sensor noise that is added to images, of 255: a webcam in a dim room."""
FLOOR: Final = "floor"
"""Name of the row without a recipe: landmarks without any latency."""
_SETTLES_S: Final = 1.0
"""Left out at the beginning: the model's tracking and the clock offset need so long."""
_STILL_S: Final = 8.0
_STILL_HZ: Final = 30.0
_DEFAULT_FILTER: Final = Smoothing().filter
_EMA_ALPHAS: Final = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05)


@dataclass
class Evaluation:
    """The results of an evaluation.

    Attributes
    ----------
    about : dict
        The conditions: clip, seconds, rates, noise.
    painted : list of dict
        One row per stream and recipe: `PaintQuality`, rate and age; for live streams over all rounds.
    trials : list of Trial
        Every filter that was tried: jitter against lag.
    smoothers : list of dict
        The default filter and others, compared with EMA at equal jitter and at equal lag.
    lanes : list of dict
        Jitter at rest of one landmarker and of two in turn, before and after the default filter.
    angles : dict
        Per joint, `angle_errors` of the live default.
    """

    about: dict[str, Any]
    painted: list[dict[str, Any]] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    smoothers: list[dict[str, Any]] = field(default_factory=list)
    lanes: list[dict[str, Any]] = field(default_factory=list)
    angles: dict[str, dict[str, float]] = field(default_factory=dict)


def evaluate(
    clip: Path, *, seconds: float | None = None, fps: float | None = None,
    designs: Iterable[str] = ("original", "auto"), rounds: int = 1, live: bool = True, estimator: str = "mediapipe",
    progress: Progress = no_progress,
) -> Evaluation:  # fmt: skip
    """Run the evaluation.

    Parameters
    ----------
    clip : Path
        A video with its truth beside it (`keypoint_truth`; angles: `livedance_lab.samples.angle_truth`).
    seconds : float, optional
        How much of it; by default all.
    fps : float, optional
        Frames offered per second to the live servers; by default the clip's own rate, which is the speed of the dance.
    designs : iterable of str
        Of `livedance_lab.benchmarks.designs.DESIGNS`.
    rounds : int, default 1
        How often each design is streamed, in turn.
    live : bool, default True
        False leaves out the servers.
    estimator : str, default "mediapipe"
        Family of estimators; the design "original" has its own.
    progress : Progress, optional
        Called at the beginning of each step, and for each filter that is tried.

    Returns
    -------
    Evaluation

    Raises
    ------
    LiveDanceError
        If the clip has no truth or a server fails.
    """
    truth = keypoint_truth(clip)
    length_s = min(seconds or float("inf"), len(truth.times_s) / truth.rate_hz)
    out = Evaluation({"clip": clip.name, "seconds": length_s, "offered_fps": fps or truth.rate_hz, "rounds": rounds,
                      "noise_sd": NOISE_SD, "body_size_px": truth.body_size_px, "joints": len(BODY_JOINTS),
                      "turns_round": truth.turns_round, "estimator": estimator})  # fmt: skip
    if live:
        _live(out, clip, truth, list(designs), progress)
    progress(math.nan, "estimating landmarks in every frame")
    with VideoSource(clip) as video:
        images = [frame.rgb for frame in video if frame.index < length_s * video.fps]
        rate_hz = video.fps
    _simulated(out, images, rate_hz, truth)
    progress(math.nan, "estimating landmarks under sensor noise, standing still and moving")
    still = _still(images, truth, estimator)
    moving = _moving(images, rate_hz, truth.body_size_px, estimator)
    out.lanes = _compare_lanes(still, _still(images, truth, estimator, lanes=2), moving, estimator)
    out.trials = filter_search.try_filters(
        still, moving, progress=lambda done, total: progress(done / total, "trying filters")
    )
    _compare_smoothers(out, still, moving)
    return out


def _live(out: Evaluation, clip: Path, truth: KeypointTruth, designs: list[str], progress: Progress) -> None:
    """Stream every design once per round, so that a change of the machine's speed affects all of them."""
    runs: dict[str, list[LiveRun]] = {design: [] for design in designs}
    for number in range(out.about["rounds"]):
        for design in designs:
            progress(math.nan, f"streaming live, round {number + 1}: {DESIGNS[design].description}")
            run = live_run(design, clip, truth, seconds=out.about["seconds"], fps=out.about["offered_fps"],
                           estimator=out.about["estimator"])  # fmt: skip
            runs[design].append(run)
    angles = angle_truth(clip)
    for design, done in runs.items():
        both = [(run.stream, run.truth) for run in done]
        out.painted += _judged(f"live: {design}", both, out.about["estimator"], turning=truth.turns_round)
        if design != "original" and angles is not None and not out.angles:
            out.angles = angle_errors(done[0].data, angles)


def _simulated(out: Evaluation, images: list[Any], rate_hz: float, truth: KeypointTruth) -> None:
    """Judge streams of fixed pace, and landmarks without any latency."""
    alone: list[ResultStream] = []
    for pace, stream in _paced(images, rate_hz, truth.body_size_px, out.about["estimator"]):
        out.painted += _judged(f"simulated: {pace.name}", [(stream, truth)], out.about["estimator"],
                               turning=truth.turns_round)  # fmt: skip
        alone += [] if pace.published or pace.lanes > 1 else [stream]
    out.painted.append(_floor(max(alone, key=lambda stream: len(stream.capture_s)), truth))


def _paced(
    images: list[Any], rate_hz: float, body_size_px: float, estimator: str
) -> Iterable[tuple[Pace, ResultStream]]:
    """Yield streams of fixed pace, without those that a clip of lower rate makes equal to another one."""
    seen = set()
    for pace in PACES:
        which = pace.every(rate_hz), pace.lanes, pace.published
        if which not in seen:
            seen.add(which)
            yield pace, paced_stream(pace, images, rate_hz, body_size_px, estimator)


def _judged(
    name: str, streams: Sequence[tuple[ResultStream, KeypointTruth]], estimator: str, *, turning: bool
) -> list[dict[str, Any]]:
    """Return one row per recipe, over all streams of that name."""
    rows = []
    for recipe in (_suited(recipe, estimator) for recipe in RECIPES.values()):
        found = [
            judge(paint(stream, recipe), truth.times_s, truth.px, stream.body_size_px, skip_s=_SETTLES_S,
                  facing=truth.facing if turning else None)
            for stream, truth in streams
        ]  # fmt: skip
        rows.append({"stream": name, "recipe": recipe.name, "description": recipe.description,
                     "rate_hz": float(np.mean([stream.rate_hz for stream, _ in streams])),
                     "age_ms": float(np.mean([stream.age_ms for stream, _ in streams])),
                     **_together(found)})  # fmt: skip
    return rows


def _params(filter_name: str, estimator: str) -> dict[str, float]:
    """A filter's parameters for an estimator: its own, but for the default filter."""
    return SMOOTHING_PARAMS.get(estimator, {}) if filter_name == _DEFAULT_FILTER else {}


def _suited(recipe: Recipe, estimator: str) -> Recipe:
    """The recipe, with the default smoothing of an estimator."""
    return replace(recipe, filter_params={**recipe.filter_params, **_params(recipe.filter, estimator)})


def _floor(stream: ResultStream, truth: KeypointTruth) -> dict[str, Any]:
    """Judge raw landmarks at their instants of capture: the error that no filter and no painting can remove."""
    found = judge(Painted(stream.capture_s, stream.keypoints_px), truth.times_s, truth.px, stream.body_size_px,
                  skip_s=_SETTLES_S, facing=truth.facing if truth.turns_round else None)  # fmt: skip
    description = "raw at the instant of capture (roughness per captured frame): the model's own error"
    return {"stream": "simulated: no latency", "recipe": FLOOR, "description": description, "rate_hz": stream.rate_hz,
            "age_ms": 0.0, **_together([found])}  # fmt: skip


def _together(found: list[PaintQuality]) -> dict[str, Any]:
    """Combine the figures of several rounds: root mean squares quadratically, others by their mean."""
    plain = [asdict(one) for one in found]
    one: dict[str, Any] = {key: float(np.mean([row[key] for row in plain])) for key in plain[0]}
    for key in ("rms_px", "rms_torso"):
        one[key] = float(np.sqrt(np.mean([row[key] ** 2 for row in plain])))
    return {**one, "shown": sum(row["shown"] for row in plain), "rounds_rms_px": [row["rms_px"] for row in plain]}


def _still(images: list[Any], truth: KeypointTruth, estimator: str, lanes: int = 1) -> LandmarkSeries:
    """Make a recording of one image, repeated with new noise in each frame."""
    length_s = min(_STILL_S, max(len(images) / truth.rate_hz, 2.5))
    times_s = np.arange(round(length_s * _STILL_HZ)) / _STILL_HZ
    held = images[min(truth.stillest, len(images) - 1)]
    settled = round(_STILL_HZ)  # tracking needs a second
    shown = ((t, held) for t in np.arange(len(times_s) + settled) / _STILL_HZ)
    found = find_landmarks(shown, noise_sd=NOISE_SD, seed=1, lanes=lanes, estimator=estimator)
    return LandmarkSeries(times_s, found[settled:, list(BODY_JOINTS)], truth.body_size_px)


def _moving(images: list[Any], rate_hz: float, body_size_px: float, estimator: str) -> LandmarkSeries:
    """Make a recording of the dance at about 30 frames per second, with noise."""
    every = max(round(rate_hz / _STILL_HZ), 1)
    chosen = images[::every]
    times_s = np.arange(len(chosen)) * every / rate_hz
    found = find_landmarks(zip(times_s, chosen, strict=True), noise_sd=NOISE_SD, seed=2, estimator=estimator)
    return LandmarkSeries(times_s, found[:, list(BODY_JOINTS)], body_size_px)


def _compare_lanes(
    one: LandmarkSeries, two: LandmarkSeries, moving: LandmarkSeries, estimator: str
) -> list[dict[str, Any]]:
    rows = []
    for name, still in (("one landmarker", one), ("two in turn", two)):
        raw, smooth = (try_filter(still, moving, filter_name, _params(filter_name, estimator))
                       for filter_name in ("none", _DEFAULT_FILTER))  # fmt: skip
        rows.append({"landmarkers": name, "jitter_raw": raw.jitter, "jitter": smooth.jitter})
    return rows


def _compare_smoothers(out: Evaluation, still: LandmarkSeries, moving: LandmarkSeries) -> None:
    emas = [try_filter(still, moving, "ema", {"alpha": a}) for a in _EMA_ALPHAS]
    out.trials += emas
    for name in (_DEFAULT_FILTER, "one_euro", "mediapipe", "ema"):
        one = try_filter(still, moving, name, _params(name, out.about["estimator"]))
        out.smoothers.append({**asdict(one), **filter_search.compare(one, emas)})
