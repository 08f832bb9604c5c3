"""How well a recipe paints: what would be on screen at 60 Hz, against the truth at the same instants.

A *stream* is what results are to a screen: raw keypoints, when they were captured, when they arrived. It
comes from a live session or is simulated from landmarks of every frame. A *recipe* is a smoothing filter and
a painter. `paint` plays a stream through a recipe and looks at the screen at every refresh; `judge` compares
with the truth. Pure: numpy arrays in, numbers out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.filters import make_filter
from livedance_lab.analysis.interpolation import Painter, make_painter
from livedance_lab.analysis.offline_filters import resample
from livedance_lab.analysis.smoothing_metrics import rms_error, second_difference
from livedance_lab.errors import ShapeError
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = [
    "BODY_JOINTS", "RECIPES", "Painted", "Quality", "Recipe", "Stream", "judge", "paint", "simulate_stream",
]  # fmt: skip

Array = npt.NDArray[np.float64]

BODY_JOINTS: Final = tuple(
    BLAZEPOSE_33.index(f"{side}_{joint}")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
"""The twelve joints that accuracy is measured on."""


@dataclass(frozen=True)
class Stream:
    """Results as a screen gets them.

    Attributes
    ----------
    capture_s, arrival_s : ndarray of shape (N,)
        On one clock, the truth's; captures increase.
    keypoints_px : ndarray of shape (N, K, D)
        Raw. NaN where not seen.
    body_size_px : float
        Torso length, for filters that count in it and for errors as a share of it.
    """

    capture_s: Array
    arrival_s: Array
    keypoints_px: Array
    body_size_px: float

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        n = len(self.keypoints_px)
        if np.shape(self.capture_s) != (n,) or np.shape(self.arrival_s) != (n,):
            raise ShapeError(
                f"{n} results need {n} capture and arrival times, got {np.shape(self.capture_s)} and "
                f"{np.shape(self.arrival_s)}."
            )

    @property
    def rate_hz(self) -> float:
        """Results per second."""
        return (len(self.capture_s) - 1) / float(self.capture_s[-1] - self.capture_s[0])

    @property
    def age_ms(self) -> float:
        """Median time from capture to arrival."""
        return float(np.median(self.arrival_s - self.capture_s) * 1e3)


def simulate_stream(
    times_s: Array, keypoints_px: Array, body_size_px: float, *, every: int, age_s: float, spread_s: float = 0.004,
    seed: int = 0,
) -> Stream:  # fmt: skip
    """A stream from landmarks of every frame of a clip: every n-th frame, at a normally spread age.

    Parameters
    ----------
    times_s : ndarray of shape (T,)
    keypoints_px : ndarray of shape (T, K, D)
    body_size_px : float
    every : int
        1 keeps every frame, 2 every other one ...
    age_s, spread_s : float
        Mean and standard deviation (within two of them) of capture to arrival; order is kept.
    seed : int, default 0
    """
    capture_s = np.asarray(times_s, dtype=np.float64)[::every]
    spread = np.random.default_rng(seed).normal(0, 1, len(capture_s)).clip(-2, 2) * spread_s
    arrival_s = np.maximum.accumulate(capture_s + age_s + spread)
    return Stream(capture_s, arrival_s, np.asarray(keypoints_px, dtype=np.float64)[::every], body_size_px)


@dataclass(frozen=True)
class Recipe:
    """How results become a picture.

    Attributes
    ----------
    name, words : str
    filter : str
        Of `livedance_lab.analysis.filters`; "ema_per_result" is the original's fixed weight.
    filter_params : mapping
    painter : str
        Of `livedance_lab.analysis.interpolation.MODES`; "fixed_linear" is the original's.
    painter_params : mapping
    """

    name: str
    words: str
    filter: str = "none"
    filter_params: Mapping[str, float] = field(default_factory=dict)
    painter: str = "latest"
    painter_params: Mapping[str, float] = field(default_factory=dict)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("original", "EMA 0.7 per result, linear over a fixed 1/24 s", "ema_per_result", {}, "fixed_linear"),
        Recipe("latest", "raw, newest result as it is"),
        Recipe("interpolated", "adaptive Kalman, linear in the past", "kalman_adaptive", {}, "linear"),
        Recipe("default", "adaptive Kalman, predicted to paint time, gliding", "kalman_adaptive", {}, "predict"),
        Recipe(
            "best",
            "raw, predicted to paint time, barely gliding",
            "none",
            {},
            "predict",
            {"follow_s": 0.0035, "damping_s": 0.05},
        ),
    )
}
"""The recipes every evaluation compares."""


class _FixedLinear:
    """The original's painter: from the result before to the newest over 1/24 s from its arrival.

    CornellDataScience/LiveDance, PoseEstimationService.js: two last results, a fixed rate of 24 per second.
    """

    _SPAN_S = 1 / 24

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._older: Array | None = None
        self._newer: Array | None = None
        self._since_s = 0.0

    def add(self, values: npt.ArrayLike, t_s: float, arrival_s: float) -> None:  # noqa: ARG002
        self._older, self._newer = self._newer, np.array(values, dtype=np.float64)
        self._since_s = arrival_s

    def paint(self, t_s: float) -> Array | None:
        if self._older is None or self._newer is None:
            return self._newer
        w = min((t_s - self._since_s) / self._SPAN_S, 1.0)
        return np.asarray(self._older + w * (self._newer - self._older))


def _smoother(recipe: Recipe, body_size_px: float) -> Callable[[Array, float], Array]:
    if recipe.filter != "ema_per_result":
        smooth = make_filter(recipe.filter, recipe.filter_params, gap_reset_s=0.5)
        return lambda values, t_s: smooth(values, t_s, body_size_px)
    last: list[Array] = []

    def ema_per_result(values: Array, _t_s: float) -> Array:
        last[:] = [values if not last else np.where(np.isnan(last[0]), values, 0.7 * values + 0.3 * last[0])]
        return last[0]

    return ema_per_result


@dataclass(frozen=True)
class Painted:
    """What was on screen.

    Attributes
    ----------
    times_s : ndarray of shape (P,)
        Refreshes.
    keypoints_px : ndarray of shape (P, K, D)
        NaN before the first result, and where nothing was shown.
    """

    times_s: Array
    keypoints_px: Array


def paint(stream: Stream, recipe: Recipe, *, paint_hz: float = 60.0, phase_s: float = 0.007) -> Painted:
    """Play a stream through a recipe.

    Parameters
    ----------
    stream : Stream
    recipe : Recipe
    paint_hz : float, default 60
        Refreshes per second.
    phase_s : float, default 0.007
        When the first refresh comes after time zero: screens and cameras do not tick together.

    Returns
    -------
    Painted
    """
    painter: Painter = _FixedLinear() if recipe.painter == "fixed_linear" else make_painter(
        recipe.painter, **recipe.painter_params)  # fmt: skip
    smooth = _smoother(recipe, stream.body_size_px)
    times_s = np.arange(stream.capture_s[0] + phase_s, stream.capture_s[-1], 1 / paint_hz)
    shown = np.full((len(times_s), *stream.keypoints_px.shape[1:]), np.nan)
    order = np.argsort(stream.arrival_s, kind="stable")
    arrived = 0
    for n, now_s in enumerate(times_s):
        while arrived < len(order) and stream.arrival_s[order[arrived]] <= now_s:
            k = order[arrived]
            capture_s, arrival_s = float(stream.capture_s[k]), float(stream.arrival_s[k])
            painter.add(smooth(stream.keypoints_px[k], capture_s), capture_s, arrival_s)
            arrived += 1
        values = painter.paint(float(now_s))
        if values is not None:
            shown[n] = values
    return Painted(times_s, shown)


@dataclass(frozen=True)
class Quality:
    """How good a painted stream was.

    Attributes
    ----------
    rms_px, p95_px : float
        Distance from the truth at the same instant, each landmark's constant bias removed.
    rms_torso : float
        The same as a share of the torso length.
    second_difference_px : float
        Unrest per painted frame; `truth_second_difference_px` is the motion's own.
    shown : int
        Refreshes that counted.
    """

    rms_px: float
    p95_px: float
    rms_torso: float
    second_difference_px: float
    truth_second_difference_px: float
    shown: int


def judge(
    painted: Painted,
    truth_times_s: Array,
    truth_px: Array,
    body_size_px: float,
    *,
    joints: tuple[int, ...] = BODY_JOINTS,
    skip_s: float = 0.7,
    facing: Array | None = None,
) -> Quality:
    """Compare what was on screen with the truth.

    Parameters
    ----------
    painted : Painted
        Of all 33 landmarks.
    truth_times_s : ndarray of shape (T,)
    truth_px : ndarray of shape (T, 33, 2)
    body_size_px : float
    joints : tuple of int
        Which landmarks count.
    skip_s : float, default 0.7
        At the start, while everything settles.
    facing : ndarray of shape (T, 2), optional
        Of somebody who turns round: the bias is then fixed to the body (see
        `livedance_lab.analysis.smoothing_metrics.rms_error`).

    Returns
    -------
    Quality
    """
    rows = (painted.times_s >= painted.times_s[0] + skip_s) & (painted.times_s <= truth_times_s[-1])
    shown = painted.keypoints_px[rows][:, list(joints), :2]
    truth = resample(truth_px[:, list(joints)], truth_times_s, painted.times_s[rows])
    turned = None if facing is None else resample(facing, truth_times_s, painted.times_s[rows])
    figures = rms_error(shown, truth, facing=turned)
    return Quality(
        rms_px=figures.rms,
        p95_px=figures.p95,
        rms_torso=figures.rms / body_size_px,
        second_difference_px=second_difference(shown),
        truth_second_difference_px=second_difference(truth),
        shown=int((~np.isnan(shown).any(axis=(1, 2))).sum()),
    )
