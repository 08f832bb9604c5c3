"""Evaluation of what is on screen: simulates a display at 60 Hz and compares it with the truth at the same times.

A *result stream* is raw keypoints with their capture and arrival times, recorded from a live session or simulated
from the landmarks of every frame. A *recipe* is a smoothing filter and a painter. `paint` plays a stream through a
recipe and records the values at every display refresh; `judge` compares them with the truth.
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
from livedance_lab.analysis.smoothing_metrics import rms_error, roughness
from livedance_lab.errors import ShapeError
from livedance_lab.pose import Array
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = [
    "BODY_JOINTS", "RECIPES", "PaintQuality", "Painted", "Recipe", "ResultStream", "judge", "paint", "simulate_stream",
]  # fmt: skip

BODY_JOINTS: Final = tuple(
    BLAZEPOSE_33.index(f"{side}_{joint}")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
"""The twelve joints on which accuracy is measured."""


@dataclass(frozen=True)
class ResultStream:
    """A sequence of results with their times.

    Attributes
    ----------
    capture_s, arrival_s : ndarray of shape (N,)
        Times on the truth's clock; capture times increase.
    keypoints_px : ndarray of shape (N, K, D)
        Raw keypoints; NaN where not seen.
    body_size_px : float
        Torso length: the scale of the filters, and of errors as a share of it.
    """

    capture_s: Array
    arrival_s: Array
    keypoints_px: Array
    body_size_px: float

    def __post_init__(self) -> None:
        """Check that the arrays have matching lengths."""
        n = len(self.keypoints_px)
        if np.shape(self.capture_s) != (n,) or np.shape(self.arrival_s) != (n,):
            raise ShapeError(
                f"{n} results need {n} capture and arrival times, got {np.shape(self.capture_s)} and "
                f"{np.shape(self.arrival_s)}."
            )

    @property
    def rate_hz(self) -> float:
        """Number of results per second."""
        return (len(self.capture_s) - 1) / float(self.capture_s[-1] - self.capture_s[0])

    @property
    def age_ms(self) -> float:
        """Median time from capture to arrival."""
        return float(np.median(self.arrival_s - self.capture_s) * 1e3)


def simulate_stream(
    times_s: Array, keypoints_px: Array, body_size_px: float, *, every: int, age_s: float, spread_s: float = 0.004,
    seed: int = 0,
) -> ResultStream:  # fmt: skip
    """Simulate a stream from the landmarks of every frame of a clip: every n-th frame, with normally distributed age.

    Parameters
    ----------
    times_s : ndarray of shape (T,)
    keypoints_px : ndarray of shape (T, K, D)
    body_size_px : float
    every : int
        1 uses every frame, 2 every second frame ...
    age_s, spread_s : float
        Mean and standard deviation of the time from capture to arrival, limited to two standard deviations. Results
        arrive in order.
    seed : int, default 0
    """
    capture_s = np.asarray(times_s, dtype=np.float64)[::every]
    spread = np.random.default_rng(seed).normal(0, 1, len(capture_s)).clip(-2, 2) * spread_s
    arrival_s = np.maximum.accumulate(capture_s + age_s + spread)
    return ResultStream(capture_s, arrival_s, np.asarray(keypoints_px, dtype=np.float64)[::every], body_size_px)


@dataclass(frozen=True)
class Recipe:
    """A smoothing filter and a painter.

    Attributes
    ----------
    name, description : str
    filter : str
        A name in `livedance_lab.analysis.filters`; "ema_per_result" is the original demo's, with a fixed weight.
    filter_params : mapping
    painter : str
        A name in `livedance_lab.analysis.interpolation.MODES`; "fixed_linear" is the original demo's.
    painter_params : mapping
    """

    name: str
    description: str
    filter: str = "none"
    filter_params: Mapping[str, float] = field(default_factory=dict)
    painter: str = "latest"
    painter_params: Mapping[str, float] = field(default_factory=dict)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("original", "EMA 0.7 per result, linear over a fixed 1/24 s", "ema_per_result", {}, "fixed_linear"),
        Recipe("latest", "raw, newest result unchanged"),
        Recipe("interpolated", "adaptive Kalman, linear interpolation", "kalman_adaptive", {}, "linear"),
        Recipe("default", "adaptive Kalman, extrapolated to paint time", "kalman_adaptive", {}, "predict"),
        Recipe("best", "raw, extrapolated to paint time with a short time constant", "none", {}, "predict",
               {"follow_s": 0.0035, "damping_s": 0.05}),
    )
}  # fmt: skip
"""The recipes that every evaluation compares."""


class _FixedLinear:
    """The original demo's painter: interpolates to the newest result for 1/24 s from its arrival.

    CornellDataScience/LiveDance, PoseEstimationService.js: the last two results, a fixed rate of 24 per second.
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
    """The values on screen.

    Attributes
    ----------
    times_s : ndarray of shape (P,)
        Times of the display refreshes.
    keypoints_px : ndarray of shape (P, K, D)
        NaN before the first result, and where nothing was drawn.
    """

    times_s: Array
    keypoints_px: Array


def paint(stream: ResultStream, recipe: Recipe, *, paint_hz: float = 60.0, phase_s: float = 0.007) -> Painted:
    """Play a stream through a recipe.

    Parameters
    ----------
    stream : ResultStream
    recipe : Recipe
    paint_hz : float, default 60
        Display refreshes per second.
    phase_s : float, default 0.007
        Time of the first refresh after the first capture, because displays and cameras are not synchronised.

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
class PaintQuality:
    """The quality of a painted stream.

    Attributes
    ----------
    rms_px, p95_px : float
        Distance from the truth at the same time, each landmark's constant bias removed.
    rms_torso : float
        RMS distance as a share of the torso length.
    roughness_px, truth_roughness_px : float
        `livedance_lab.analysis.smoothing_metrics.roughness` of the painted and of the true positions, px per
        refresh².
    shown : int
        Number of refreshes that were evaluated.
    """

    rms_px: float
    p95_px: float
    rms_torso: float
    roughness_px: float
    truth_roughness_px: float
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
) -> PaintQuality:
    """Compare the values on screen with the truth.

    Parameters
    ----------
    painted : Painted
        All 33 landmarks.
    truth_times_s : ndarray of shape (T,)
    truth_px : ndarray of shape (T, 33, 2)
    body_size_px : float
    joints : tuple of int
        Landmarks that are evaluated.
    skip_s : float, default 0.7
        Time at the start that is not evaluated, while the filters settle.
    facing : ndarray of shape (T, 2), optional
        For a person who turns round: the bias is then fixed to the body (see
        `livedance_lab.analysis.smoothing_metrics.rms_error`).

    Returns
    -------
    PaintQuality
    """
    rows = (painted.times_s >= painted.times_s[0] + skip_s) & (painted.times_s <= truth_times_s[-1])
    shown = painted.keypoints_px[rows][:, list(joints), :2]
    truth = resample(truth_px[:, list(joints)], truth_times_s, painted.times_s[rows])
    turned = None if facing is None else resample(facing, truth_times_s, painted.times_s[rows])
    figures = rms_error(shown, truth, facing=turned)
    return PaintQuality(
        rms_px=figures.rms,
        p95_px=figures.p95,
        rms_torso=figures.rms / body_size_px,
        roughness_px=roughness(shown),
        truth_roughness_px=roughness(truth),
        shown=int((~np.isnan(shown).any(axis=(1, 2))).sum()),
    )
