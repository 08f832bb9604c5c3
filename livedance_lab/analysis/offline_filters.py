"""Filters for finished recordings: they use later samples too, and have no lag. NaN-aware, on true (uneven) times.

All take ``values`` of shape (T, ...) and ``times_s`` of shape (T,), strictly increasing, and return float64 of
the values' shape. NaN stays NaN except in `interpolate_gaps`.

Filters that need even steps (Butterworth, Savitzky-Golay) work on each segment without gaps of each series. The
segment is interpolated linearly to the recording's median step, filtered, and interpolated back to the true times;
recordings with even steps are not changed by the interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Array

__all__ = ["MAX_FILLED_GAP_S", "interpolate_gaps", "resample", "savitzky_golay", "zero_phase_butterworth"]

MAX_FILLED_GAP_S = 0.25
"""Gaps up to this length are interpolated before speeds, lags and smoothness are computed."""
_PAUSE_S = 0.5  # a segment ends where no sample follows for this long and for three steps


def zero_phase_butterworth(
    values: npt.ArrayLike, times_s: npt.ArrayLike, cutoff_hz: float = 6.0, order: int = 4
) -> Array:
    """Apply a Butterworth low-pass forward and backward, which has no lag at any frequency.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    cutoff_hz : float, default 6
        -3 dB point of both passes together; the single pass has a higher cut-off accordingly (Winter,
        "Biomechanics and Motor Control of Human Movement", 4th ed., section 3.4.4.2).
    order : int, default 4
        Of both passes together; usually 2 or 4.

    Returns
    -------
    ndarray of shape (T, ...)
        Segments with fewer than 4 `order` samples are returned unchanged.

    Raises
    ------
    SettingsError
        If the cut-off is not between 0 and half the rate, or the order is not even.
    """
    from scipy import signal  # here: joint angles import this module, and a live server does without SciPy's 75 MB

    x, t = _checked(values, times_s)
    if order < 2 or order % 2:
        raise SettingsError(f"order must be even, for two passes, got {order!r}.")
    rate_hz = _rate_hz(t)
    if not 0 < cutoff_hz < rate_hz / 2:
        raise SettingsError(
            f"cutoff_hz must be from 0 to {rate_hz / 2:.3g} Hz at {rate_hz:.3g} samples/s, got {cutoff_hz!r}."
        )
    # two passes have their -3 dB point at (sqrt(2) - 1) ** (1 / order) of a single pass's; exact on the warped axis
    single = math.tan(math.pi * cutoff_hz / rate_hz) / (math.sqrt(2) - 1) ** (1 / order)
    sos = signal.butter(order // 2, 2 / math.pi * math.atan(single), output="sos")
    return _by_segment(x, t, 4 * order, lambda y: signal.sosfiltfilt(sos, y, padlen=min(4 * order, len(y)) - 1))


def savitzky_golay(
    values: npt.ArrayLike, times_s: npt.ArrayLike, window_s: float = 0.25, degree: int = 3, derivative: int = 0
) -> Array:
    """Fit local polynomials: smooths while preserving peaks, or gives derivatives.

    Savitzky and Golay, "Smoothing and differentiation of data by simplified least squares procedures",
    Analytical Chemistry 36, 1964; ``scipy.signal.savgol_filter``.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    window_s : float, default 0.25
        Rounded to an odd number of samples greater than `degree`.
    degree : int, default 3
    derivative : int, default 0
        0 smooths; 1 gives units per second, 2 units per second squared.

    Returns
    -------
    ndarray of shape (T, ...)
        Segments shorter than the window are NaN for a derivative, and unchanged otherwise.
    """
    from scipy import signal

    x, t = _checked(values, times_s)
    rate_hz = _rate_hz(t)
    length = max(round(window_s * rate_hz) // 2 * 2 + 1, degree // 2 * 2 + 3)
    return _by_segment(
        x,
        t,
        length,
        lambda y: signal.savgol_filter(y, length, degree, derivative, delta=1 / rate_hz),
        otherwise=np.nan if derivative else None,
    )


def interpolate_gaps(values: npt.ArrayLike, times_s: npt.ArrayLike, max_gap_s: float) -> Array:
    """Fill short gaps; longer gaps and both ends stay NaN.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    max_gap_s : float
        Longest time between the samples around a gap that is filled.

    Returns
    -------
    ndarray of shape (T, ...)
    """
    x, t = _checked(values, times_s)
    out = x.copy()
    for series in _series(out):
        seen = np.flatnonzero(~np.isnan(series))
        if seen.size < 2:
            continue
        gone = np.flatnonzero(np.isnan(series))
        after = np.searchsorted(seen, gone)
        gone, after = gone[inside := (after > 0) & (after < seen.size)], after[inside]
        short = t[seen[after]] - t[seen[after - 1]] <= max_gap_s + 1e-9
        fill = gone[short]
        series[fill] = np.interp(t[fill], t[seen], series[seen])
    return out


def resample(
    values: npt.ArrayLike, times_s: npt.ArrayLike, new_times_s: npt.ArrayLike, max_gap_s: float = np.inf
) -> Array:
    """Interpolate values linearly to other times.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    new_times_s : array-like of shape (N,)
    max_gap_s : float, default infinity
        The result is NaN between samples that are further apart, and outside the recording.

    Returns
    -------
    ndarray of shape (N, ...)
    """
    x, t = _checked(values, times_s)
    new_s = np.asarray(new_times_s, dtype=np.float64)
    out = np.full((len(new_s), *x.shape[1:]), np.nan)
    for series, target in zip(_series(x), _series(out), strict=True):
        seen = ~np.isnan(series)
        t_seen = t[seen]
        if not t_seen.size:
            continue
        right = np.clip(np.searchsorted(t_seen, new_s), 0, t_seen.size - 1)
        left = np.maximum(right - 1, 0)
        inside = (new_s >= t_seen[0]) & (new_s <= t_seen[-1])
        near = (t_seen[right] == new_s) | (t_seen[right] - t_seen[left] <= max_gap_s + 1e-9)
        keep = inside & near
        target[keep] = np.interp(new_s[keep], t_seen, series[seen])
    return out


def _checked(values: npt.ArrayLike, times_s: npt.ArrayLike) -> tuple[Array, Array]:
    x, t = np.array(values, dtype=np.float64), np.asarray(times_s, dtype=np.float64)
    if x.ndim == 0 or t.shape != x.shape[:1]:
        raise ShapeError(f"times_s must have shape ({x.shape[0] if x.ndim else 'T'},), got {t.shape}.")
    if not np.all(np.diff(t) > 0):
        raise SettingsError("times_s must be finite and strictly increasing.")
    return x, t


def _rate_hz(times_s: Array) -> float:
    if len(times_s) < 2:
        raise ShapeError(f"at least 2 samples are needed, got {len(times_s)}.")
    return float(1 / np.median(np.diff(times_s)))


def _series(values: Array) -> npt.NDArray[np.float64]:
    """Return views of all series, shape (N, T); writing to them writes to `values`, which must be contiguous."""
    return values.reshape(len(values), -1).T


def _by_segment(
    x: Array, t: Array, shortest: int, work: Callable[[Array], Array], otherwise: float | None = None
) -> Array:
    """Apply `work` to each segment of each series on an even grid of the median step.

    NaN and pauses end a segment.
    """
    step_s = 1 / _rate_hz(t)
    pauses = np.flatnonzero(np.diff(t) > max(_PAUSE_S, 3 * step_s)) + 1
    out = x if otherwise is None else np.where(np.isnan(x), np.nan, otherwise)
    out = np.ascontiguousarray(out)
    for series, target in zip(_series(x.copy()), _series(out), strict=True):
        for segment in _segments(~np.isnan(series), pauses):
            t_in = t[segment]
            count = round((t_in[-1] - t_in[0]) / step_s) + 1
            if len(t_in) < 2 or count < shortest:
                continue
            even_s = np.linspace(t_in[0], t_in[-1], count)
            y = work(np.interp(even_s, t_in, series[segment]))
            target[segment] = np.interp(t_in, even_s, y)
    return out


def _segments(seen: npt.NDArray[np.bool_], pauses: npt.NDArray[np.intp]) -> list[slice]:
    """Return the runs of True, split before each sample that follows a pause."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], seen, [False])).astype(np.int8)))
    runs = [[a, *pauses[(pauses > a) & (pauses < b)], b] for a, b in edges.reshape(-1, 2)]
    return [slice(a, b) for run in runs for a, b in pairwise(run)]
