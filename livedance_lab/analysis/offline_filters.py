"""Filters for whole recordings: they look ahead, so they need no lag. NaN-aware, on true (uneven) times.

All take ``values`` of shape (T, ...) and ``times_s`` of shape (T,), strictly increasing, and return float64 of
the values' shape. NaN stays NaN unless a function says that it fills.

Filters that need even steps (Butterworth, Savitzky-Golay) work on each unbroken stretch of each series,
brought to the recording's median step by linear interpolation and read back at the true times; recordings
with even steps are not touched by that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import SettingsError, ShapeError

__all__ = [
    "hampel",
    "interpolate_gaps",
    "resample",
    "rolling_median",
    "savitzky_golay",
    "zero_phase_butterworth",
]

Array = npt.NDArray[np.float64]

_PAUSE_S = 0.5  # longer without a sample, and three steps: a stretch ends


def zero_phase_butterworth(
    values: npt.ArrayLike, times_s: npt.ArrayLike, cutoff_hz: float = 6.0, order: int = 4
) -> Array:
    """Low-pass forward and backward: no lag at any frequency.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    cutoff_hz : float, default 6
        -3 dB point of the *whole*, both passes together; the single pass is widened accordingly (Winter,
        "Biomechanics and Motor Control of Human Movement", 4th ed., section 3.4.4.2).
    order : int, default 4
        Of both passes together: 2 or 4 are usual.

    Returns
    -------
    ndarray of shape (T, ...)
        Stretches too short to filter (fewer than 4 `order` samples) come back as they are.

    Raises
    ------
    SettingsError
        If the cut-off is not between 0 and half the rate, or the order is not even.
    """
    from scipy import signal  # here: joint angles import this module, and a live server needs none of SciPy's 75 MB

    x, t = _checked(values, times_s)
    if order < 2 or order % 2:
        raise SettingsError(f"order must be even, for two passes, got {order!r}.")
    rate_hz = _rate_hz(t)
    if not 0 < cutoff_hz < rate_hz / 2:
        raise SettingsError(
            f"cutoff_hz must be from 0 to {rate_hz / 2:.3g} Hz at {rate_hz:.3g} samples/s, got {cutoff_hz!r}."
        )
    # two passes reach -3 dB where one has (sqrt(2) - 1) ** (1 / order) of its own; exact on the warped axis
    single = math.tan(math.pi * cutoff_hz / rate_hz) / (math.sqrt(2) - 1) ** (1 / order)
    sos = signal.butter(order // 2, 2 / math.pi * math.atan(single), output="sos")
    return _by_stretch(x, t, 4 * order, lambda y: signal.sosfiltfilt(sos, y, padlen=min(4 * order, len(y)) - 1))


def savitzky_golay(
    values: npt.ArrayLike, times_s: npt.ArrayLike, window_s: float = 0.25, degree: int = 3, derivative: int = 0
) -> Array:
    """Local polynomial fit: keeps peaks, and gives derivatives.

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
        0 smooths; 1 gives units per second, 2 per second squared.

    Returns
    -------
    ndarray of shape (T, ...)
        NaN in stretches shorter than the window when a derivative is asked for; else those are untouched.
    """
    from scipy import signal

    x, t = _checked(values, times_s)
    rate_hz = _rate_hz(t)
    length = max(round(window_s * rate_hz) // 2 * 2 + 1, degree // 2 * 2 + 3)
    return _by_stretch(
        x,
        t,
        length,
        lambda y: signal.savgol_filter(y, length, degree, derivative, delta=1 / rate_hz),
        otherwise=np.nan if derivative else None,
    )


def rolling_median(values: npt.ArrayLike, times_s: npt.ArrayLike, window_s: float = 0.2) -> Array:
    """Median of all values within half a window before and after; NaN values do not count.

    Returns
    -------
    ndarray of shape (T, ...)
    """
    x, t = _checked(values, times_s)
    out = np.full_like(x, np.nan)
    series, medians = _series(x).T, _series(out).T
    for i, near in enumerate(_windows(t, window_s)):
        seen = ~np.isnan(series[i])
        medians[i, seen] = np.nanmedian(series[near][:, seen], axis=0)
    return out


def hampel(
    values: npt.ArrayLike, times_s: npt.ArrayLike, window_s: float = 0.35, sigmas: float = 3.0
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Replace outliers by the local median.

    An outlier is further from the median of its window than `sigmas` times 1.4826 the window's median
    absolute deviation: Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974;
    Pearson et al., "Generalized Hampel filters", EURASIP J. Adv. Signal Process. 2016:87.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    window_s : float, default 0.35
    sigmas : float, default 3
        How many robust standard deviations are still believed.

    Returns
    -------
    cleaned : ndarray of shape (T, ...)
    outliers : ndarray of bool, same shape
        What was replaced.
    """
    x, t = _checked(values, times_s)
    cleaned, outliers = x.copy(), np.zeros(x.shape, dtype=bool)
    series, target, found = _series(x).T, _series(cleaned).T, outliers.reshape(len(x), -1)
    for i, near in enumerate(_windows(t, window_s)):
        seen = ~np.isnan(series[i])
        window = series[near][:, seen]
        median = np.nanmedian(window, axis=0)
        deviation = 1.4826 * np.nanmedian(np.abs(window - median), axis=0)
        off = np.abs(series[i, seen] - median) > sigmas * deviation
        found[i, seen] = off
        target[i, seen] = np.where(off, median, series[i, seen])
    return cleaned, outliers


def interpolate_gaps(values: npt.ArrayLike, times_s: npt.ArrayLike, max_gap_s: float, kind: str = "linear") -> Array:
    """Fill gaps that are short enough; longer ones, and both ends, stay NaN.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    max_gap_s : float
        Longest time from the last sample before to the first one after a gap that is still filled.
    kind : {"linear", "pchip"}, default "linear"
        "pchip": monotone cubic, without overshoot (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 1984).

    Returns
    -------
    ndarray of shape (T, ...)
    """
    x, t = _checked(values, times_s)
    if kind not in ("linear", "pchip"):
        raise SettingsError(f"kind must be 'linear' or 'pchip', got {kind!r}.")
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
        if kind == "linear":
            series[fill] = np.interp(t[fill], t[seen], series[seen])
        else:
            from scipy.interpolate import PchipInterpolator

            series[fill] = PchipInterpolator(t[seen], series[seen])(t[fill])
    return out


def resample(
    values: npt.ArrayLike, times_s: npt.ArrayLike, new_times_s: npt.ArrayLike, max_gap_s: float = np.inf
) -> Array:
    """Values at other times, by linear interpolation between neighbours.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)
    new_times_s : array-like of shape (N,)
    max_gap_s : float, default infinity
        Between samples further apart, and outside the recording, the result is NaN.

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
    """Views of all series along time, shape (N, T): writing to one writes to `values` (which is contiguous)."""
    return values.reshape(len(values), -1).T


def _windows(times_s: Array, window_s: float) -> list[slice]:
    """The samples within half a window of each one."""
    first = np.searchsorted(times_s, times_s - window_s / 2 - 1e-9)
    last = np.searchsorted(times_s, times_s + window_s / 2 + 1e-9)
    return [slice(a, b) for a, b in zip(first, last, strict=True)]


def _by_stretch(
    x: Array, t: Array, shortest: int, work: Callable[[Array], Array], otherwise: float | None = None
) -> Array:
    """Apply `work` to each unbroken stretch of each series on an even grid of the median step.

    A pause ends a stretch, too: nobody knows what happened in it.
    """
    step_s = 1 / _rate_hz(t)
    pauses = np.flatnonzero(np.diff(t) > max(_PAUSE_S, 3 * step_s)) + 1
    out = x if otherwise is None else np.where(np.isnan(x), np.nan, otherwise)
    out = np.ascontiguousarray(out)
    for series, target in zip(_series(x.copy()), _series(out), strict=True):
        for stretch in _stretches(~np.isnan(series), pauses):
            t_in = t[stretch]
            count = round((t_in[-1] - t_in[0]) / step_s) + 1
            if len(t_in) < 2 or count < shortest:
                continue
            even_s = np.linspace(t_in[0], t_in[-1], count)
            y = work(np.interp(even_s, t_in, series[stretch]))
            target[stretch] = np.interp(t_in, even_s, y)
    return out


def _stretches(seen: npt.NDArray[np.bool_], pauses: npt.NDArray[np.intp]) -> list[slice]:
    """Runs of True, cut before each sample that follows a pause."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], seen, [False])).astype(np.int8)))
    runs = [[a, *pauses[(pauses > a) & (pauses < b)], b] for a, b in edges.reshape(-1, 2)]
    return [slice(a, b) for run in runs for a, b in pairwise(run)]
