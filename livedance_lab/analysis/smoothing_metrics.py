"""What smoothing gains and costs, as numbers: jitter, lag, error, lost range, overshoot, smoothness.

Arrays run along time first, shape (T, ...); `times_s` has shape (T,) and may be uneven. NaN samples do not
count; a measure that nothing is left for is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.interpolate
import scipy.signal

from livedance_lab.analysis.offline_filters import resample
from livedance_lab.analysis.smoothness import dimensionless_jerk, even, log_dimensionless_jerk, sparc, speed
from livedance_lab.errors import ShapeError

__all__ = [
    "ErrorFigures", "dimensionless_jerk", "high_frequency_power", "jitter", "lag_ms", "log_dimensionless_jerk",
    "overshoot", "rms_error", "rom_deg", "rom_loss", "second_difference", "sliding", "sparc", "speed",
]  # fmt: skip

Array = npt.NDArray[np.float64]

_LONGEST_FILLED_S: Final = 0.25


def jitter(values: npt.ArrayLike, times_s: npt.ArrayLike) -> Array:
    """How much landmarks (or angles) that should rest move about: RMS distance from their linear trend.

    A straight drift (a person swaying slowly) does not count as jitter; keep windows near a second.

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
    # two degrees of freedom went into the line
    variance = np.where(count > 2, rest / np.maximum(count - 2, 1), np.nan)
    return np.asarray(np.sqrt(variance.sum(axis=-1)))


def second_difference(values: npt.ArrayLike) -> float:
    """Unrest of what is painted: mean length of p[n+1] - 2 p[n] + p[n-1] over frames and landmarks.

    Parameters
    ----------
    values : array-like of shape (T, K, D)
        One row per painted frame.

    Returns
    -------
    float
        In the values' unit per frame; steady motion has none.
    """
    x = np.asarray(values, dtype=np.float64)
    return _mean(np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=-1))


def lag_ms(values: npt.ArrayLike, reference: npt.ArrayLike, times_s: npt.ArrayLike, max_lag_ms: float = 300.0) -> float:
    """How late a smoothed signal is against a reference: the shift at which their speeds correlate best.

    Cross-correlation of the derivatives (which ignore offsets and slow posture), summed over all
    series; the peak is placed between samples by the parabola through its three highest points (Cespedes et
    al., "Methods for estimation of subsample time delays of digitized echo signals", Ultrasonic Imaging 17,
    1995). Use a zero-phase reference: truth, or the raw signal through `zero_phase_butterworth`.

    Parameters
    ----------
    values, reference : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    max_lag_ms : float, default 300
        Shifts up to this are looked at, both ways.

    Returns
    -------
    float
        Milliseconds; positive when `values` come later. NaN when nothing moves or the peak is at the edge.
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
    """Derivative of each series on an even grid, shape (N, series); NaN in long gaps.

    By cubic splines: straight lines between uneven samples would have their corners at the same times in both
    signals, which pulls the lag towards zero.
    """
    seen = resample(values, t, even_s, max_gap_s=_LONGEST_FILLED_S).reshape(len(even_s), -1)
    out = np.full_like(seen, np.nan)
    for column, series in enumerate(values.reshape(len(values), -1).T):
        known = ~np.isnan(series)
        if known.sum() >= 4:
            slope = scipy.interpolate.CubicSpline(t[known], series[known]).derivative()
            out[:, column] = np.where(np.isnan(seen[:, column]), np.nan, slope(even_s))
    return out


def _overlap(a: Array, b: Array, shift: int) -> float:
    """Correlation coefficient of a, `shift` steps later, with b."""
    a, b = (a[shift:], b[: len(b) - shift]) if shift >= 0 else (a[:shift], b[-shift:])
    size = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / size) if size > 0 else 0.0


@dataclass(frozen=True)
class ErrorFigures:
    """Distance from the truth.

    Attributes
    ----------
    rms, p95 : float
        Of the distance per landmark and frame, in the values' unit.
    bias : ndarray of shape (K, D)
        Mean signed difference of each landmark; it was taken out before if asked for.
    """

    rms: float
    p95: float
    bias: Array


def rms_error(
    values: npt.ArrayLike, truth: npt.ArrayLike, *, remove_bias: bool = True, facing: npt.ArrayLike | None = None
) -> ErrorFigures:
    """Error against the truth at the same instants.

    Parameters
    ----------
    values, truth : array-like of shape (T, K, D)
    remove_bias : bool, default True
        Take out each landmark's constant difference first: a model's "shoulder" is another spot of the body
        than a rig's joint, which is not an error of tracking.
    facing : array-like of shape (T, 2), optional
        Where the body faces, as the cosine and sine of its turn. The difference that is taken out is then fixed to
        the body and not to the picture: of somebody who turns round it moves from one side of a joint to the
        other. An offset d of a body turned by a is seen at d_x cos a + d_z sin a, so that it is fitted, by least
        squares, as a constant plus a multiple of each.

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
    """What is left of differences once an offset fixed to the body is taken out, shape (T, K, D)."""
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
    """Range of motion: from the 1st to the 99th percentile, so that one odd frame does not stretch it.

    Parameters
    ----------
    angles_deg : array-like of shape (T, A)

    Returns
    -------
    ndarray of shape (A,)
    """
    low, high = _percentiles(np.asarray(angles_deg, dtype=np.float64), (1, 99))
    return np.asarray(high - low)


def rom_loss(values: npt.ArrayLike, reference: npt.ArrayLike) -> Array:
    """Share of the range of motion that smoothing took away; negative if it added some.

    Parameters
    ----------
    values, reference : array-like of shape (T, A)
        Smoothed; raw through a zero-phase filter, or truth.

    Returns
    -------
    ndarray of shape (A,)
        0 nothing lost, 1 everything. NaN where the reference does not move.
    """
    before = rom_deg(reference)
    return 1.0 - rom_deg(values) / np.where(before > 0, before, np.nan)


def overshoot(values: npt.ArrayLike, reference: npt.ArrayLike) -> Array:
    """How far values swing beyond the reference's extremes, as a share of the reference's range.

    The step-response overshoot of control engineering, for any motion; both sides, the larger.

    Parameters
    ----------
    values, reference : array-like of shape (T, A)

    Returns
    -------
    ndarray of shape (A,)
        0 when the extremes are not passed. NaN where the reference does not move.
    """
    low, high = _percentiles(np.asarray(reference, dtype=np.float64), (0, 100))
    least, most = _percentiles(np.asarray(values, dtype=np.float64), (0, 100))
    beyond = np.maximum(np.maximum(most - high, low - least), 0.0)
    return np.asarray(beyond / np.where(high > low, high - low, np.nan))


def high_frequency_power(values: npt.ArrayLike, times_s: npt.ArrayLike, above_hz: float = 8.0) -> Array:
    """Share of a signal's power above a frequency that human movement hardly reaches.

    Welch's periodogram ("The use of fast Fourier transform for the estimation of power spectra", IEEE Trans.
    Audio Electroacoust. 15, 1967), two-second windows, linear trend removed. Voluntary movement lies below
    about 6 to 10 Hz (Winter, "Biomechanics and Motor Control of Human Movement", section 3.4).

    Parameters
    ----------
    values : array-like of shape (T, A)
    times_s : array-like of shape (T,)
    above_hz : float, default 8

    Returns
    -------
    ndarray of shape (A,)
        0 to 1; NaN where there is a gap longer than 0.25 s, nothing moves, or fewer than 8 samples.
    """
    x, rate_hz = even(values, times_s)
    if len(x) < 8:
        return np.full(x.shape[1:], np.nan)
    gap = np.isnan(x).any(axis=0)
    f_hz, power = scipy.signal.welch(
        np.where(gap, 0.0, x), rate_hz, nperseg=min(len(x), round(2 * rate_hz)), detrend="linear", axis=0
    )
    total = power.sum(axis=0)
    return np.asarray(power[f_hz > above_hz].sum(axis=0) / np.where(total > 0, total, np.nan))


def sliding(
    measure: Callable[..., float | Array],
    times_s: npt.ArrayLike,
    window_s: float,
    step_s: float,
    *arrays: npt.ArrayLike,
) -> tuple[Array, Array]:
    """A measure over a moving window, for curves of it over time.

    Parameters
    ----------
    measure : callable
        Called with the slices of `arrays`, in their order.
    times_s : array-like of shape (T,)
    window_s, step_s : float
    *arrays : array-like of shape (T, ...)

    Returns
    -------
    ends_s : ndarray of shape (N,)
        When each window ends.
    results : ndarray of shape (N, ...)
    """
    t = np.asarray(times_s, dtype=np.float64)
    data = [np.asarray(a) for a in arrays]
    ends_s = np.arange(t[0] + window_s, t[-1] + 1e-9, step_s) if len(t) else np.empty(0)
    bounds = [(np.searchsorted(t, e - window_s - 1e-9), np.searchsorted(t, e + 1e-9)) for e in ends_s]
    return ends_s, np.array([measure(*(d[a:b] for d in data)) for a, b in bounds])


def _percentiles(x: Array, q: tuple[float, float]) -> Array:
    """NaN-aware percentiles along time; NaN for a series of nothing but NaN."""
    empty = np.isnan(x).all(axis=0)
    out = np.nanpercentile(np.where(empty, 0.0, x), q, axis=0)
    return np.where(empty, np.nan, out)


def _mean(x: Array) -> float:
    seen = x[~np.isnan(x)]
    return float(seen.mean()) if seen.size else float("nan")
