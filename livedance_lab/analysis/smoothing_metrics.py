"""Metrics of smoothing: jitter, roughness, lag, error, loss of range of motion.

The first axis of arrays is time, shape (T, ...); `times_s` has shape (T,) and may be uneven. NaN samples are
ignored; a metric without any sample is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.interpolate

from livedance_lab.analysis.offline_filters import MAX_FILLED_GAP_S, resample
from livedance_lab.analysis.statistics import finite_mean
from livedance_lab.errors import ShapeError
from livedance_lab.pose import Array

__all__ = ["ErrorFigures", "jitter", "lag_ms", "over_windows", "rms_error", "rom_deg", "rom_loss", "roughness"]


def jitter(values: npt.ArrayLike, times_s: npt.ArrayLike) -> Array:
    """Return the scatter of landmarks (or angles) at rest: RMS distance from their linear trend.

    A linear drift (a person who sways slowly) does not count as jitter; use windows of about a second.

    Parameters
    ----------
    values : array-like of shape (T, K, D) or (T, K)
        K landmarks in D dimensions, or K scalars.
    times_s : array-like of shape (T,)

    Returns
    -------
    ndarray of shape (K,)
        In the values' unit; divide by `livedance_lab.analysis.smoothing.body_size` for a share of the torso.
        NaN with fewer than three samples.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[..., None] if x.ndim == 2 else x
    if x.ndim != 3:
        raise ShapeError(f"values must have shape (T, K) or (T, K, D), got {x.shape}.")
    t = np.asarray(times_s, dtype=np.float64)
    seen = ~np.isnan(x)
    count = np.maximum(seen.sum(axis=0), 1)
    tt = np.where(seen, t[:, None, None], 0.0)
    t0 = np.where(seen, t[:, None, None] - tt.sum(axis=0) / count, 0.0)
    x0 = np.where(seen, x - np.where(seen, x, 0.0).sum(axis=0) / count, 0.0)
    slope = (t0 * x0).sum(axis=0) / np.maximum((t0 * t0).sum(axis=0), 1e-300)
    rest = ((x0 - slope * t0) ** 2).sum(axis=0)
    # the line has two degrees of freedom
    variance = np.where(count > 2, rest / np.maximum(count - 2, 1), np.nan)
    return np.asarray(np.sqrt(variance.sum(axis=-1)))


def roughness(values: npt.ArrayLike) -> float:
    """Return the mean length of the second difference p[n+1] - 2 p[n] + p[n-1] over frames and landmarks.

    Parameters
    ----------
    values : array-like of shape (T, K, D)
        One row per painted frame.

    Returns
    -------
    float
        In the values' unit per frame²; 0 for motion at constant velocity.
    """
    x = np.asarray(values, dtype=np.float64)
    return finite_mean(np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=-1))


def lag_ms(values: npt.ArrayLike, reference: npt.ArrayLike, times_s: npt.ArrayLike, max_lag_ms: float = 300.0) -> float:
    """Return the lag of a smoothed signal against a reference: the shift at which their derivatives correlate best.

    The cross-correlation of the derivatives (which do not depend on offsets) is summed over all series. The
    position of its peak between samples is that of the parabola through the three highest points (Cespedes et
    al., "Methods for estimation of subsample time delays of digitized echo signals", Ultrasonic Imaging 17,
    1995). Use a reference without lag: truth, or the raw signal after `zero_phase_butterworth`.

    Parameters
    ----------
    values, reference : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    max_lag_ms : float, default 300
        Largest shift that is tried, in both directions.

    Returns
    -------
    float
        Milliseconds; positive if `values` are later. NaN if nothing moves or the peak is at the largest shift.
    """
    x, y = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if x.shape != y.shape:
        raise ShapeError(f"reference must have the values' shape {x.shape}, got {y.shape}.")
    t = np.asarray(times_s, dtype=np.float64)
    if len(t) < 4:
        return float("nan")
    step_s = float(np.median(np.diff(t)))
    even_s = np.arange(t[0], t[-1] + step_s / 2, step_s)
    speeds = [_even_speed(v, t, even_s) for v in (x, y)]
    both = ~np.isnan(speeds[0]) & ~np.isnan(speeds[1])
    a, b = (np.where(both, s, 0.0) for s in speeds)
    reach = min(int(np.ceil(max_lag_ms / 1e3 / step_s)), len(a) - 2)
    score = np.array([_overlap(a, b, shift) for shift in range(-reach, reach + 1)])
    peak = int(np.argmax(score))
    if not score[peak] > 0 or peak in (0, len(score) - 1):
        return float("nan")
    left, top, right = score[peak - 1 : peak + 2]
    bend = left - 2 * top + right
    between = 0.5 * (left - right) / bend if bend else 0.0
    return float((peak - reach + between) * step_s * 1e3)


def _even_speed(values: Array, t: Array, even_s: Array) -> Array:
    """Return the derivative of each series on an even grid, shape (N, series); NaN in long gaps.

    Cubic splines are used because linear interpolation between uneven samples has its corners at the same times
    in both signals, which biases the lag towards zero.
    """
    seen = resample(values, t, even_s, max_gap_s=MAX_FILLED_GAP_S).reshape(len(even_s), -1)
    out = np.full_like(seen, np.nan)
    for column, series in enumerate(values.reshape(len(values), -1).T):
        known = ~np.isnan(series)
        if known.sum() >= 4:
            slope = scipy.interpolate.CubicSpline(t[known], series[known]).derivative()
            out[:, column] = np.where(np.isnan(seen[:, column]), np.nan, slope(even_s))
    return out


def _overlap(a: Array, b: Array, shift: int) -> float:
    """Return the correlation coefficient of a, `shift` steps later, with b."""
    a, b = (a[shift:], b[: len(b) - shift]) if shift >= 0 else (a[:shift], b[-shift:])
    size = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / size) if size > 0 else 0.0


@dataclass(frozen=True)
class ErrorFigures:
    """The error against the truth.

    Attributes
    ----------
    rms, p95 : float
        RMS and 95th percentile of the distance per landmark and frame, in the values' unit.
    bias : ndarray of shape (K, D)
        Mean signed difference of each landmark, before it was removed.
    """

    rms: float
    p95: float
    bias: Array


def rms_error(
    values: npt.ArrayLike, truth: npt.ArrayLike, *, remove_bias: bool = True, facing: npt.ArrayLike | None = None
) -> ErrorFigures:
    """Compute the error against the truth at the same times.

    Parameters
    ----------
    values, truth : array-like of shape (T, K, D)
    remove_bias : bool, default True
        Remove each landmark's constant difference first: a model's "shoulder" is another point of the body
        than a rig's joint, which is not a tracking error.
    facing : array-like of shape (T, 2), optional
        Direction the body faces, as the cosine and sine of its rotation. The bias is then fixed to the body and not
        to the picture: when a person turns round it moves from one side of a joint to the other. An offset d of a
        body rotated by a appears at d_x cos a + d_z sin a, so that the bias is fitted, by least squares, as a
        constant plus multiples of the cosine and the sine.

    Returns
    -------
    ErrorFigures
    """
    x, y = np.asarray(values, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 3:
        raise ShapeError(f"values and truth must have one shape (T, K, D), got {x.shape} and {y.shape}.")
    difference = x - y
    count = np.maximum((~np.isnan(difference)).sum(axis=0), 1)
    bias = np.where(np.isnan(difference).all(axis=0), np.nan, np.nansum(difference, axis=0) / count)
    rest = difference - bias if remove_bias else difference
    if remove_bias and facing is not None:
        rest = _without_turning_bias(difference, np.asarray(facing, dtype=np.float64))
    distance = np.linalg.norm(rest, axis=-1)
    seen = distance[~np.isnan(distance)]
    if not seen.size:
        return ErrorFigures(float("nan"), float("nan"), bias)
    return ErrorFigures(float(np.sqrt((seen**2).mean())), float(np.percentile(seen, 95)), bias)


def _without_turning_bias(difference: Array, facing: Array) -> Array:
    """Remove an offset that is fixed to the body from differences of shape (T, K, D)."""
    if facing.shape != (len(difference), 2):
        raise ShapeError(f"facing must have shape ({len(difference)}, 2), got {facing.shape}.")
    basis = np.column_stack((np.ones(len(facing)), facing))
    rest = np.full_like(difference, np.nan)
    for landmark in range(difference.shape[1]):
        own = difference[:, landmark]
        seen = ~np.isnan(own).any(axis=-1)
        if seen.any():
            fitted, *_ = np.linalg.lstsq(basis[seen], own[seen], rcond=None)
            rest[seen, landmark] = own[seen] - basis[seen] @ fitted
    return rest


def rom_deg(angles_deg: npt.ArrayLike) -> Array:
    """Return the range of motion, from the 1st to the 99th percentile, which excludes single outliers.

    Parameters
    ----------
    angles_deg : array-like of shape (T, A)

    Returns
    -------
    ndarray of shape (A,)
        In the unit of the values; NaN for a column of NaN.
    """
    low, high = _percentiles(np.asarray(angles_deg, dtype=np.float64), (1, 99))
    return np.asarray(high - low)


def rom_loss(values: npt.ArrayLike, reference: npt.ArrayLike) -> Array:
    """Return the share of the range of motion that smoothing removed; negative if it added some.

    Parameters
    ----------
    values, reference : array-like of shape (T, A)
        The smoothed values; the raw values after a zero-phase filter, or truth.

    Returns
    -------
    ndarray of shape (A,)
        0: nothing lost, 1: everything. NaN where the reference does not move.
    """
    before = rom_deg(reference)
    return 1.0 - rom_deg(values) / np.where(before > 0, before, np.nan)


def over_windows(
    metric: Callable[..., float | Array],
    times_s: npt.ArrayLike,
    window_s: float,
    step_s: float,
    *arrays: npt.ArrayLike,
) -> tuple[Array, Array]:
    """Compute a metric in a moving window.

    Parameters
    ----------
    metric : callable
        Called with the slices of `arrays`, in their order.
    times_s : array-like of shape (T,)
    window_s, step_s : float
    *arrays : array-like of shape (T, ...)

    Returns
    -------
    ends_s : ndarray of shape (N,)
        End of each window.
    results : ndarray of shape (N, ...)
    """
    t = np.asarray(times_s, dtype=np.float64)
    data = [np.asarray(a) for a in arrays]
    ends_s = np.arange(t[0] + window_s, t[-1] + 1e-9, step_s) if len(t) else np.empty(0)
    bounds = [(np.searchsorted(t, e - window_s - 1e-9), np.searchsorted(t, e + 1e-9)) for e in ends_s]
    return ends_s, np.array([metric(*(d[a:b] for d in data)) for a, b in bounds])


def _percentiles(x: Array, q: tuple[float, float]) -> Array:
    """Return NaN-aware percentiles along time; NaN for a series of only NaN."""
    empty = np.isnan(x).all(axis=0)
    out = np.nanpercentile(np.where(empty, 0.0, x), q, axis=0)
    return np.where(empty, np.nan, out)
