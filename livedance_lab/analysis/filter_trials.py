"""The effect of smoothing, measured without ground truth: jitter at rest, lag and loss of range in motion.

A zero-phase filter of the raw motion is the reference for lag and range. `try_filter` filters recorded landmarks
with one filter; `smoothing_effect` compares the raw and smoothed landmarks of the last seconds of a live session.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.filters import Filter, make_filter
from livedance_lab.analysis.offline_filters import zero_phase_butterworth
from livedance_lab.analysis.smoothing_metrics import jitter, lag_ms, over_windows, rom_loss
from livedance_lab.analysis.statistics import finite_mean, finite_median
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Array

__all__ = [
    "MIN_DURATION_S",
    "LandmarkSeries",
    "SmoothingEffect",
    "Trial",
    "reference_motion",
    "smoothing_effect",
    "try_filter",
]

_WARM_UP_S: Final = 1.0
"""Not evaluated, because every filter starts at the raw value."""
_JITTER_WINDOW_S: Final = 1.0
MIN_DURATION_S: Final = _WARM_UP_S + _JITTER_WINDOW_S
"""Shortest series that can be evaluated."""
_MIN_SAMPLES: Final = 8
_REFERENCE_HZ: Final = 8.0
"""Cut-off of the reference. Voluntary movement is below 6 to 10 Hz (Winter, "Biomechanics and Motor Control of Human
Movement", section 3.4)."""
_GAP_RESET_S: Final = 0.5


@dataclass(frozen=True)
class LandmarkSeries:
    """Raw landmarks of one person over time.

    Attributes
    ----------
    times_s : ndarray of shape (T,)
        Capture times.
    values : ndarray of shape (T, K, D)
        Pixels or metres; NaN where not seen.
    body_size : float
        In the same unit (`livedance_lab.analysis.smoothing.body_size`).
    """

    times_s: Array
    values: Array
    body_size: float

    def __post_init__(self) -> None:
        """Check that the arrays have matching shapes."""
        if np.ndim(self.values) != 3 or np.shape(self.times_s) != np.shape(self.values)[:1]:
            raise ShapeError(
                f"a landmark series needs times of shape (T,) and values of shape (T, K, D), got "
                f"{np.shape(self.times_s)} and {np.shape(self.values)}."
            )


@dataclass(frozen=True)
class Trial:
    """The result of one filter with one set of parameters.

    Attributes
    ----------
    filter : str
    params : dict of str to float
    jitter : float
        RMS over landmarks of the still series, in its unit.
    jitter_share : float
        The same as a share of the body size.
    lag_ms : float
        On the moving series; NaN if nothing moves.
    rom_loss : float
        Mean share of each coordinate's range that was lost on the moving series.
    """

    filter: str
    params: dict[str, float]
    jitter: float
    jitter_share: float
    lag_ms: float
    rom_loss: float


def try_filter(
    still: LandmarkSeries, moving: LandmarkSeries, name: str, params: Mapping[str, float],
    reference: Array | None = None,
) -> Trial:  # fmt: skip
    """Measure one filter.

    Parameters
    ----------
    still, moving : LandmarkSeries
    name : str
    params : mapping of str to float
    reference : ndarray of the moving series' shape, optional
        The motion without lag; computed with `reference_motion` by default.

    Returns
    -------
    Trial

    Raises
    ------
    SettingsError
        If the filter or a parameter is unknown, or a series is shorter than two seconds.
    """
    at_rest = _filtered(make_filter(name, params, _GAP_RESET_S), still)
    in_motion = _filtered(make_filter(name, params, _GAP_RESET_S), moving)
    level = _jitter(at_rest, still)
    start = _first_row(moving)
    truth = reference_motion(moving) if reference is None else reference
    lag = lag_ms(in_motion[start:], truth[start:], moving.times_s[start:])
    return Trial(name, dict(params), level, level / still.body_size, lag, _range_lost(in_motion[start:], truth[start:]))


@dataclass(frozen=True)
class SmoothingEffect:
    """The effect of smoothing in a live session.

    Attributes
    ----------
    jitter_raw, jitter : float
        Jitter in the calmest second of each landmark, median over landmarks, before and after smoothing.
    lag_ms : float
        NaN while nothing moves.
    rom_loss : float
        Mean share of the range that was lost.
    """

    jitter_raw: float = math.nan
    jitter: float = math.nan
    lag_ms: float = math.nan
    rom_loss: float = math.nan


def smoothing_effect(raw: npt.ArrayLike, smooth: npt.ArrayLike, times_s: npt.ArrayLike) -> SmoothingEffect:
    """Measure jitter, lag and loss of range in a few seconds of a session.

    Parameters
    ----------
    raw, smooth : array-like of shape (T, K, D)
    times_s : array-like of shape (T,)
        About four seconds; with less than two everything is NaN.

    Returns
    -------
    SmoothingEffect
    """
    x, y, t = (np.asarray(a, dtype=np.float64) for a in (raw, smooth, times_s))
    if len(t) < _MIN_SAMPLES or t[-1] - t[0] < 2 * _JITTER_WINDOW_S:
        return SmoothingEffect()
    reference = reference_motion(LandmarkSeries(t, x, 1.0))
    calmest = []
    for values in (x, y):
        _, levels = over_windows(jitter, t, _JITTER_WINDOW_S, _JITTER_WINDOW_S / 4, values, t)
        calmest.append(finite_median(np.nanmin(np.where(np.isnan(levels), np.inf, levels), axis=0)))
    return SmoothingEffect(calmest[0], calmest[1], lag_ms(y, reference, t), _range_lost(y, reference))


def reference_motion(moving: LandmarkSeries) -> Array:
    """Return the motion after a zero-phase low-pass, which has no lag."""
    rate_hz = 1 / float(np.median(np.diff(moving.times_s)))
    return zero_phase_butterworth(moving.values, moving.times_s, min(_REFERENCE_HZ, 0.4 * rate_hz))


def _filtered(smooth: Filter, series: LandmarkSeries) -> Array:
    return np.array([smooth(v, float(t), series.body_size) for v, t in zip(series.values, series.times_s, strict=True)])


def _jitter(values: Array, series: LandmarkSeries) -> float:
    """Return the RMS over windows and landmarks."""
    start = _first_row(series)
    t = series.times_s[start:]
    _, levels = over_windows(jitter, t, _JITTER_WINDOW_S, _JITTER_WINDOW_S / 2, values[start:], t)
    return math.sqrt(finite_mean(levels**2))


def _first_row(series: LandmarkSeries) -> int:
    """Return the first row that is evaluated."""
    t = series.times_s
    if len(t) < _MIN_SAMPLES or t[-1] - t[0] < MIN_DURATION_S:
        raise SettingsError(f"a landmark series must be at least {MIN_DURATION_S:g} s long.")
    return int(np.searchsorted(t, t[0] + _WARM_UP_S))


def _range_lost(values: Array, reference: Array) -> float:
    return finite_mean(rom_loss(values.reshape(len(values), -1), reference.reshape(len(reference), -1)))
