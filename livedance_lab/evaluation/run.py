"""The whole evaluation: smoothing, painting and angles against a clip's ground truth.

Live parts stream the clip through real servers, design by design, in interleaved rounds, and judge what a screen
would have shown. The rest works on landmarks of the clip found here, frame by frame, so that its figures do not
depend on how busy the machine was: streams of fixed pace and age, and filters on a still and on a moving recording,
both with sensor noise put into the pictures, because the clip itself is free of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from livedance_lab.analysis import tuning
from livedance_lab.analysis.paint_evaluation import BODY_JOINTS, RECIPES, Painted, Quality, Stream, judge, paint
from livedance_lab.benchmarks.designs import DESIGNS
from livedance_lab.evaluation.angle_errors import angle_errors
from livedance_lab.evaluation.keypoint_truth import KeypointTruth, keypoint_truth
from livedance_lab.evaluation.streams import PACES, LiveRun, Pace, find_landmarks, live_run, paced_stream
from livedance_lab.media.video import VideoSource
from livedance_lab.samples import truth_of

__all__ = ["FLOOR", "NOISE_SD", "Evaluation", "evaluate"]

Say = Callable[[str], None]
Progress = Callable[[int, int], None]

NOISE_SD: Final = 8.0
"""Standard deviation of the sensor noise put into pictures, of 255: a webcam in a dim room."""
FLOOR: Final = "floor"
"""Name of the row that is no recipe: landmarks without any latency."""
_SETTLES_S: Final = 1.0
"""Not judged: the model's tracking and the clocks' offset take so long."""
_STILL_S: Final = 8.0
_STILL_HZ: Final = 30.0
_EMA_ALPHAS: Final = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05)


@dataclass
class Evaluation:
    """Everything that was found.

    Attributes
    ----------
    about : dict
        Clip, seconds, rates, noise: what the figures rest on.
    painted : list of dict
        One row per stream and recipe: `Quality`, pace and age; of live streams over all rounds.
    trials : list of Trial
        Every filter tried, jitter against lag.
    smoothers : list of dict
        The default and EMA at equal jitter and equal lag.
    lanes : list of dict
        Jitter at rest of one landmarker and of two that take turns, before and after the default filter.
    angles : dict
        Per joint, `angle_errors` of the live default.
    """

    about: dict[str, Any]
    painted: list[dict[str, Any]] = field(default_factory=list)
    trials: list[tuning.Trial] = field(default_factory=list)
    smoothers: list[dict[str, Any]] = field(default_factory=list)
    lanes: list[dict[str, Any]] = field(default_factory=list)
    angles: dict[str, dict[str, float]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "trials": [asdict(t) for t in self.trials]}


def evaluate(
    clip: Path, *, seconds: float | None = None, fps: float | None = None,
    designs: Iterable[str] = ("original", "auto"), rounds: int = 1, live: bool = True,
    say: Say = lambda _words: None, progress: Progress = lambda _done, _all: None,
) -> Evaluation:  # fmt: skip
    """Run the evaluation.

    Parameters
    ----------
    clip : Path
        A video with its truth beside it (`keypoint_truth`; angles: `livedance_lab.samples.truth_of`).
    seconds : float, optional
        How much of it; all by default.
    fps : float, optional
        Frames offered per second to the live servers; the clip's own rate by default, at which it is as quick as it
        was danced.
    designs : iterable of str
        Of `livedance_lab.benchmarks.designs.DESIGNS`.
    rounds : int, default 1
        How often each is streamed, in turn.
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
    length_s = min(seconds or float("inf"), len(truth.times_s) / truth.rate_hz)
    out = Evaluation({"clip": clip.name, "seconds": length_s, "offered_fps": fps or truth.rate_hz, "rounds": rounds,
                      "noise_sd": NOISE_SD, "body_size_px": truth.body_size_px, "joints": len(BODY_JOINTS),
                      "turns_round": truth.turns_round})  # fmt: skip
    if live:
        _live(out, clip, truth, list(designs), say)
    say("finding landmarks in every frame")
    with VideoSource(clip) as video:
        pictures = [frame.rgb for frame in video if frame.index < length_s * video.fps]
        rate_hz = video.fps
    _simulated(out, pictures, rate_hz, truth)
    say("finding landmarks under sensor noise, standing still and moving")
    still = _still(pictures, truth)
    moving = _moving(pictures, rate_hz, truth.body_size_px)
    out.lanes = _compare_lanes(still, _still(pictures, truth, lanes=2), moving)
    say("trying filters")
    out.trials = tuning.run(still, moving, progress=progress)
    _compare_smoothers(out, still, moving)
    return out


def _live(out: Evaluation, clip: Path, truth: KeypointTruth, designs: list[str], say: Say) -> None:
    """Every design once per round, one after the other, so that a machine that drifts drifts for all."""
    runs: dict[str, list[LiveRun]] = {design: [] for design in designs}
    for number in range(out.about["rounds"]):
        for design in designs:
            say(f"streaming live, round {number + 1}: {DESIGNS[design].description}")
            run = live_run(design, clip, truth, seconds=out.about["seconds"], fps=out.about["offered_fps"])
            runs[design].append(run)
    angles = truth_of(clip)
    for design, done in runs.items():
        both = [(run.stream, run.truth) for run in done]
        out.painted += _judged(f"live: {design}", both, turning=truth.turns_round)
        if design != "original" and angles is not None and not out.angles:
            out.angles = angle_errors(done[0].data, angles)


def _simulated(out: Evaluation, pictures: list[Any], rate_hz: float, truth: KeypointTruth) -> None:
    """Streams of fixed pace, and what is left without any latency."""
    alone: list[Stream] = []
    for pace, stream in _paced(pictures, rate_hz, truth.body_size_px):
        out.painted += _judged(f"simulated: {pace.name}", [(stream, truth)], turning=truth.turns_round)
        alone += [] if pace.published or pace.lanes > 1 else [stream]
    out.painted.append(_floor(max(alone, key=lambda stream: len(stream.capture_s)), truth))


def _paced(pictures: list[Any], rate_hz: float, body_size_px: float) -> Iterable[tuple[Pace, Stream]]:
    """Streams of fixed pace; one that a slower clip makes equal to another is left out."""
    seen = set()
    for pace in PACES:
        which = pace.every(rate_hz), pace.lanes, pace.published
        if which not in seen:
            seen.add(which)
            yield pace, paced_stream(pace, pictures, rate_hz, body_size_px)


def _judged(name: str, streams: Sequence[tuple[Stream, KeypointTruth]], *, turning: bool) -> list[dict[str, Any]]:
    """One row per recipe, over all streams of that name."""
    rows = []
    for recipe in RECIPES.values():
        found = [
            judge(paint(stream, recipe), truth.times_s, truth.px, stream.body_size_px, skip_s=_SETTLES_S,
                  facing=truth.facing if turning else None)
            for stream, truth in streams
        ]  # fmt: skip
        rows.append({"stream": name, "recipe": recipe.name, "words": recipe.words,
                     "rate_hz": float(np.mean([stream.rate_hz for stream, _ in streams])),
                     "age_ms": float(np.mean([stream.age_ms for stream, _ in streams])),
                     **_together(found)})  # fmt: skip
    return rows


def _floor(stream: Stream, truth: KeypointTruth) -> dict[str, Any]:
    """What no filter and no painter can take away: raw landmarks against the truth of their own instants."""
    found = judge(Painted(stream.capture_s, stream.keypoints_px), truth.times_s, truth.px, stream.body_size_px,
                  skip_s=_SETTLES_S, facing=truth.facing if truth.turns_round else None)  # fmt: skip
    words = "raw at the instant of capture (unrest per captured frame): the model's own error"
    return {"stream": "simulated: no latency", "recipe": FLOOR, "words": words, "rate_hz": stream.rate_hz,
            "age_ms": 0.0, **_together([found])}  # fmt: skip


def _together(found: list[Quality]) -> dict[str, Any]:
    """The figures of several rounds as one: root mean squares stay root mean squares."""
    plain = [asdict(one) for one in found]
    one: dict[str, Any] = {key: float(np.mean([row[key] for row in plain])) for key in plain[0]}
    for key in ("rms_px", "rms_torso"):
        one[key] = float(np.sqrt(np.mean([row[key] ** 2 for row in plain])))
    return {**one, "shown": sum(row["shown"] for row in plain), "rounds_rms_px": [row["rms_px"] for row in plain]}


def _still(pictures: list[Any], truth: KeypointTruth, lanes: int = 1) -> tuning.Recording:
    """One picture held, with fresh noise in each frame."""
    length_s = min(_STILL_S, max(len(pictures) / truth.rate_hz, 2.5))
    times_s = np.arange(round(length_s * _STILL_HZ)) / _STILL_HZ
    held = pictures[min(truth.stillest, len(pictures) - 1)]
    settled = round(_STILL_HZ)  # tracking needs a second
    shown = ((t, held) for t in np.arange(len(times_s) + settled) / _STILL_HZ)
    found = find_landmarks(shown, noise_sd=NOISE_SD, seed=1, lanes=lanes)
    return tuning.Recording(times_s, found[settled:, list(BODY_JOINTS)], truth.body_size_px)


def _moving(pictures: list[Any], rate_hz: float, body_size_px: float) -> tuning.Recording:
    """The dance at about 30 per second, with noise."""
    every = max(round(rate_hz / _STILL_HZ), 1)
    chosen = pictures[::every]
    times_s = np.arange(len(chosen)) * every / rate_hz
    found = find_landmarks(zip(times_s, chosen, strict=True), noise_sd=NOISE_SD, seed=2)
    return tuning.Recording(times_s, found[:, list(BODY_JOINTS)], body_size_px)


def _compare_lanes(one: tuning.Recording, two: tuning.Recording, moving: tuning.Recording) -> list[dict[str, Any]]:
    rows = []
    for words, still in (("one landmarker", one), ("two in turn", two)):
        raw, smooth = (tuning.trial(still, moving, name, {}) for name in ("none", "kalman_adaptive"))
        rows.append({"landmarkers": words, "jitter_raw": raw.jitter, "jitter": smooth.jitter})
    return rows


def _compare_smoothers(out: Evaluation, still: tuning.Recording, moving: tuning.Recording) -> None:
    emas = [tuning.trial(still, moving, "ema", {"alpha": a}) for a in _EMA_ALPHAS]
    out.trials += emas
    for name in ("kalman_adaptive", "one_euro", "mediapipe", "ema"):
        one = tuning.trial(still, moving, name, {})
        out.smoothers.append({**asdict(one), **tuning.compare(one, emas)})
