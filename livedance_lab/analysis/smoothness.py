"""Smoothness of a movement from its speed profile: spectral arc length and dimensionless jerk."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.offline_filters import MAX_FILLED_GAP_S, interpolate_gaps, resample
from livedance_lab.pose import Array

__all__ = ["dimensionless_jerk", "evenly_sampled", "log_dimensionless_jerk", "sparc", "speed"]


def sparc(speed: npt.ArrayLike, rate_hz: float, *, max_hz: float = 10.0, threshold: float = 0.05) -> float:
    """Return the spectral arc length (SPARC) of a speed profile.

    Balasubramanian, Melendez-Calderon, Roby-Brami and Burdet, "On the analysis of movement smoothness",
    Journal of NeuroEngineering and Rehabilitation 12:112, 2015: minus the length of the curve of the
    amplitude spectrum, normalised by its zero-frequency value, up to the last frequency (at most `max_hz`)
    whose amplitude reaches `threshold`; the spectrum is zero-padded by four octaves.

    Parameters
    ----------
    speed : array-like of shape (T,)
        Speed (not negative), sampled evenly.
    rate_hz : float
    max_hz : float, default 10
    threshold : float, default 0.05

    Returns
    -------
    float
        Negative; nearer to zero is smoother (the smoothest movements have about -1.6). NaN if a value is NaN or
        nothing moves.
    """
    v = np.asarray(speed, dtype=np.float64)
    if len(v) < 4 or np.isnan(v).any() or not v.sum() > 0:
        return float("nan")
    bins = int(2 ** (np.ceil(np.log2(len(v))) + 4))
    f_hz = np.arange(bins) * rate_hz / bins
    amplitude = np.abs(np.fft.fft(v, bins))
    amplitude /= amplitude[0]  # the paper divides by the greatest; a speed's spectrum is greatest at 0 Hz
    below = f_hz <= max_hz
    f_hz, amplitude = f_hz[below], amplitude[below]
    last = np.flatnonzero(amplitude >= threshold)[-1]
    f_hz, amplitude = f_hz[: last + 1], amplitude[: last + 1]
    if len(f_hz) < 2:
        return float("nan")
    return float(-np.sum(np.hypot(np.diff(f_hz) / (f_hz[-1] - f_hz[0]), np.diff(amplitude))))


def dimensionless_jerk(speed: npt.ArrayLike, rate_hz: float) -> float:
    """Return the jerk of a movement, normalised by its duration and peak speed.

    -(T³ / v_peak²) ∫ |d²v/dt²|² dt: Hogan and Sternad, "Sensitivity of smoothness measures to movement
    duration, amplitude, and arrests", Journal of Motor Behavior 41, 2009; as in Balasubramanian et al. 2015.

    Parameters
    ----------
    speed : array-like of shape (T,)
        Sampled evenly.
    rate_hz : float

    Returns
    -------
    float
        Negative; nearer to zero is smoother. A minimum-jerk reach has -204.8. NaN if a value is NaN or nothing
        moves.
    """
    v = np.asarray(speed, dtype=np.float64)
    peak = np.abs(v).max() if len(v) > 3 else 0.0
    if not peak > 0 or np.isnan(v).any():
        return float("nan")
    dt_s = 1.0 / rate_hz
    jerk = np.diff(v, 2) / dt_s**2
    return float(-((len(v) * dt_s) ** 3) / peak**2 * (jerk**2).sum() * dt_s)


def log_dimensionless_jerk(speed: npt.ArrayLike, rate_hz: float) -> float:
    """Return -ln |dimensionless jerk| (Balasubramanian et al. 2015); parameters as for `dimensionless_jerk`.

    Returns
    -------
    float
        A greater value is smoother. A minimum-jerk reach has -5.3. NaN if a value is NaN or the speed is constant.
    """
    jerk = -dimensionless_jerk(speed, rate_hz)
    return -math.log(jerk) if jerk > 0 else float("nan")


def speed(values: npt.ArrayLike, times_s: npt.ArrayLike) -> tuple[Array, float]:
    """Return the speed of landmarks on an even time grid.

    Parameters
    ----------
    values : array-like of shape (T, K, D)
    times_s : array-like of shape (T,)

    Returns
    -------
    speed : ndarray of shape (T - 1, K)
        In the values' unit per second; NaN in gaps longer than 0.25 s.
    rate_hz : float
        The recording's median rate.
    """
    x, rate_hz = evenly_sampled(values, times_s)
    return np.linalg.norm(np.diff(x, axis=0), axis=-1) * rate_hz, rate_hz


def evenly_sampled(values: npt.ArrayLike, times_s: npt.ArrayLike) -> tuple[Array, float]:
    """Resample a recording to an even grid of its median step; gaps up to 0.25 s are filled.

    Parameters
    ----------
    values : array-like of shape (T, ...)
    times_s : array-like of shape (T,)

    Returns
    -------
    values : ndarray of shape (N, ...)
    rate_hz : float
        NaN for fewer than two samples.
    """
    t = np.asarray(times_s, dtype=np.float64)
    x = interpolate_gaps(values, t, MAX_FILLED_GAP_S)
    if len(t) < 2:
        return x, float("nan")
    step_s = float(np.median(np.diff(t)))
    count = round((t[-1] - t[0]) / step_s) + 1
    return resample(x, t, np.linspace(t[0], t[-1], count), max_gap_s=MAX_FILLED_GAP_S), 1.0 / step_s
