"""Search for the best filter on a person's own recording: each filter's jitter at rest against its lag in motion.

It needs raw landmarks of a part where the person stands still (10 s are enough) and of a part where they move.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.filter_trials import MIN_DURATION_S, LandmarkSeries, Trial, reference_motion, try_filter
from livedance_lab.analysis.filters import FILTERS, Parameter
from livedance_lab.analysis.smoothing import body_size
from livedance_lab.analysis.statistics import finite_median
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Array

__all__ = ["candidates", "compare", "pareto_front", "still_and_moving", "suggest", "try_filters"]
Candidates = Sequence[tuple[str, Mapping[str, float]]]
"""Filters as names and parameters."""

_FIXED: Final = {"reference_hz", "measurement_noise", "derivative_cutoff_hz", "order"}


def candidates(names: Iterable[str] | None = None, per_parameter: int = 5) -> list[tuple[str, dict[str, float]]]:
    """Return filters with parameters distributed over their ranges.

    Parameters
    ----------
    names : iterable of str, optional
        Names in `livedance_lab.analysis.filters.FILTERS`; all of them by default.
    per_parameter : int, default 5
        Number of values per parameter. Only the first two parameters of a filter are varied, without those that
        have little effect or only set a scale; the others keep their defaults.

    Returns
    -------
    list of (str, dict)
    """
    out: list[tuple[str, dict[str, float]]] = []
    for name in names if names is not None else sorted(FILTERS):
        varied = [p for p in FILTERS[name].parameters if p.name not in _FIXED][:2]
        values = [_values_of(p, per_parameter) for p in varied]
        out += [
            (name, dict(zip((p.name for p in varied), chosen, strict=True))) for chosen in itertools.product(*values)
        ]
    return out


def _values_of(parameter: Parameter, count: int) -> list[float]:
    """Return values over the useful part of a range: by factors around the default, or evenly."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.logarithmic:
        low, high = max(low, parameter.default / 30), min(high, parameter.default * 30)
        return [float(v) for v in np.geomspace(low, high, count)]
    if parameter.maximum > 1:  # a strength without a natural upper limit: small values have the largest effect
        return [float(v) for v in parameter.default * np.geomspace(0.2, min(5.0, high / parameter.default), count)]
    return [float(v) for v in np.linspace(max(low, 0.05), high, count)]


def still_and_moving(
    raw: npt.ArrayLike, times_s: npt.ArrayLike, still_s: float = 10.0
) -> tuple[LandmarkSeries, LandmarkSeries]:
    """Select the two series for the search from one session's raw landmarks.

    Parameters
    ----------
    raw : array-like of shape (T, 33, 2 or 3)
        BlazePose landmarks in one unit; NaN where not seen.
    times_s : array-like of shape (T,)
    still_s : float, default 10
        Length of the still series; at most a third of the session.

    Returns
    -------
    still, moving : LandmarkSeries
        The part with the lowest speed, and the whole session.
    """
    x, t = np.asarray(raw, dtype=np.float64), np.asarray(times_s, dtype=np.float64)
    if len(t) < 3 or x.shape[:2] != (len(t), 33):
        raise ShapeError(f"raw must have shape (T, 33, D) with T = {len(t)}, three or more, got {x.shape}.")
    length_s = max(min(still_s, (t[-1] - t[0]) / 3), MIN_DURATION_S + 0.1)
    speed = _rows_median(np.linalg.norm(np.diff(x, axis=0), axis=-1)) / np.diff(t)
    ends = np.searchsorted(t, t + length_s)
    starts = np.flatnonzero(ends < len(t))
    calmest = min(starts, key=lambda n: np.nanmean(speed[n : ends[n]]), default=0)
    size = finite_median(np.array([body_size(body) for body in x]))
    still = slice(calmest, ends[calmest])
    return LandmarkSeries(t[still], x[still], size), LandmarkSeries(t, x, size)


def _rows_median(values: Array) -> Array:
    """Return the median of each row without NaN; infinity for a row of NaN, which must not count as still."""
    empty = np.asarray(np.isnan(values).all(axis=1))
    return np.where(empty, np.inf, np.nanmedian(np.where(empty[:, None], 0.0, values), axis=1))


def try_filters(
    still: LandmarkSeries,
    moving: LandmarkSeries,
    filters: Candidates | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Trial]:
    """Measure many filters.

    Parameters
    ----------
    still, moving : LandmarkSeries
    filters : sequence of (name, parameters), optional
        `candidates` by default.
    progress : callable, optional
        Called with the number of finished trials and the number of all trials, before each trial and at the end.

    Returns
    -------
    list of Trial
        In the order of `filters`.
    """
    wanted = list(candidates() if filters is None else filters)
    reference = reference_motion(moving)
    trials = []
    for done, (name, params) in enumerate(wanted):
        progress(done, len(wanted))
        trials.append(try_filter(still, moving, name, params, reference))
    progress(len(wanted), len(wanted))
    return trials


def pareto_front(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that no other trial beats in both jitter and lag, by increasing lag.

    Trials without a lag (nothing moved) are ignored. A negative lag (overshoot) counts by its absolute value.
    """
    front: list[Trial] = []
    for trial in sorted((t for t in trials if np.isfinite(t.lag_ms)), key=lambda t: (abs(t.lag_ms), t.jitter)):
        if not front or trial.jitter < front[-1].jitter:
            front.append(trial)
    return front


def suggest(
    still: LandmarkSeries,
    moving: LandmarkSeries,
    max_lag_ms: float,
    *,
    max_rom_loss: float = 0.05,
    filters: Candidates | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    trials: Sequence[Trial] | None = None,
) -> Trial:
    """Return the trial with the least jitter within limits of lag and loss of range.

    Parameters
    ----------
    still, moving : LandmarkSeries
    max_lag_ms : float
    max_rom_loss : float, default 0.05
        Share of the range of motion that may be lost.
    filters, progress
        As in `try_filters`.
    trials : sequence of Trial, optional
        The result of `try_filters` for these series; computed if not given.

    Returns
    -------
    Trial

    Raises
    ------
    SettingsError
        If no trial is within the limits. Unfiltered landmarks have no lag, so this means that nothing moves.
    """
    if trials is None:
        trials = try_filters(still, moving, filters, progress)
    allowed = [t for t in trials if abs(t.lag_ms) <= max_lag_ms and t.rom_loss <= max_rom_loss]
    if not allowed:
        raise SettingsError(
            f"none of {len(trials)} filters has a lag of at most {max_lag_ms:g} ms and loses at most "
            f"{max_rom_loss:.0%} of the range; is there motion in the moving part?"
        )
    return min(allowed, key=lambda t: (t.jitter, abs(t.lag_ms)))


def compare(trial: Trial, others: Sequence[Trial]) -> dict[str, float]:
    """Compare a trial with another filter's curve, at equal jitter and at equal lag.

    Parameters
    ----------
    trial : Trial
    others : sequence of Trial
        One filter with several strengths; its curve is interpolated linearly between them.

    Returns
    -------
    dict
        ``lag_ratio``: the trial's lag over the other's at the trial's jitter; ``jitter_ratio``: its jitter over the
        other's at the trial's lag. NaN outside the range of the other's curve.
    """
    lag, level = np.array([t.lag_ms for t in others]), np.array([t.jitter for t in others])
    by_level, by_lag = np.argsort(level), np.argsort(lag)
    other_lag_ms = np.interp(trial.jitter, level[by_level], lag[by_level], left=np.nan, right=np.nan)
    other_jitter = np.interp(trial.lag_ms, lag[by_lag], level[by_lag], left=np.nan, right=np.nan)
    return {"lag_ratio": float(trial.lag_ms / other_lag_ms), "jitter_ratio": float(trial.jitter / other_jitter)}
