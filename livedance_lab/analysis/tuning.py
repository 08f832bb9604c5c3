"""Choosing a filter by numbers: what each costs in lag and gains in calm, on a person's own recording.

Needs two pieces of raw landmarks: one where the person stands still (10 s are plenty), one where they move.
Jitter is measured on the first, lag and lost range on the second; no truth is needed, because a zero-phase
filter of the raw motion serves as reference.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.filters import FILTERS, Filter, Parameter, make_filter
from livedance_lab.analysis.offline_filters import zero_phase_butterworth
from livedance_lab.analysis.smoothing import body_size
from livedance_lab.analysis.smoothing_metrics import jitter, lag_ms, rom_loss, sliding
from livedance_lab.errors import SettingsError, ShapeError

__all__ = [
    "Reading",
    "Recording",
    "Trial",
    "candidates",
    "compare",
    "pareto_front",
    "reading",
    "run",
    "still_and_moving",
    "suggest",
    "trial",
]

Array = npt.NDArray[np.float64]

_WARM_UP_S: Final = 1.0
"""Not judged: every filter starts at the raw value."""
_JITTER_WINDOW_S: Final = 1.0
_REFERENCE_HZ: Final = 8.0
"""The reference keeps what human movement is made of (`high_frequency_power`)."""
_GAP_RESET_S: Final = 0.5


@dataclass(frozen=True)
class Recording:
    """Raw landmarks of one person over some time.

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
        """Check that the parts belong together."""
        if np.ndim(self.values) != 3 or np.shape(self.times_s) != np.shape(self.values)[:1]:
            raise ShapeError(
                f"a recording is times of shape (T,) and values of shape (T, K, D), got {np.shape(self.times_s)} and "
                f"{np.shape(self.values)}."
            )


@dataclass(frozen=True)
class Trial:
    """What one filter with one set of parameters did.

    Attributes
    ----------
    filter : str
    params : dict of str to float
    jitter : float
        RMS over landmarks on the still recording, in its unit.
    jitter_share : float
        The same as a share of the body size.
    lag_ms : float
    rom_loss : float
        Mean share of each coordinate's range that was lost on the moving recording.
    """

    filter: str
    params: dict[str, float]
    jitter: float
    jitter_share: float
    lag_ms: float
    rom_loss: float


def candidates(names: Iterable[str] | None = None, per_parameter: int = 5) -> list[tuple[str, dict[str, float]]]:
    """Filters with parameters spread over their ranges.

    Parameters
    ----------
    names : iterable of str, optional
        Of `livedance_lab.analysis.filters.FILTERS`; all of them by default.
    per_parameter : int, default 5
        Values per parameter; at most two parameters of a filter are varied (those that matter most come
        first in its list, after noises that only matter as a ratio), the others keep their defaults.

    Returns
    -------
    list of (str, dict)
    """
    out: list[tuple[str, dict[str, float]]] = []
    for name in names if names is not None else sorted(FILTERS):
        varied = [p for p in FILTERS[name].parameters if p.name not in _FIXED][:2]
        values = [_spread(p, per_parameter) for p in varied]
        out += [
            (name, dict(zip((p.name for p in varied), chosen, strict=True))) for chosen in itertools.product(*values)
        ]
    return out


_FIXED: Final = {"reference_hz", "measurement_noise", "derivative_cutoff_hz", "order"}


def _spread(parameter: Parameter, count: int) -> list[float]:
    """Values over the useful part of a range: by factors around the default, or evenly."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.logarithmic:
        low, high = max(low, parameter.default / 30), min(high, parameter.default * 30)
        return [float(v) for v in np.geomspace(low, high, count)]
    if parameter.maximum > 1:  # strengths without an upper end: towards zero they matter most
        return [float(v) for v in parameter.default * np.geomspace(0.2, min(5.0, high / parameter.default), count)]
    return [float(v) for v in np.linspace(max(low, 0.05), high, count)]


def still_and_moving(raw: npt.ArrayLike, times_s: npt.ArrayLike, still_s: float = 10.0) -> tuple[Recording, Recording]:
    """The two recordings that filters are tried on, from one session's raw landmarks.

    Parameters
    ----------
    raw : array-like of shape (T, 33, 2 or 3)
        BlazePose landmarks in one unit; NaN where not seen.
    times_s : array-like of shape (T,)
    still_s : float, default 10
        The calmest stretch of this length is the still one; of at most a third of the session.

    Returns
    -------
    still, moving : Recording
        The calmest stretch, and everything.
    """
    x, t = np.asarray(raw, dtype=np.float64), np.asarray(times_s, dtype=np.float64)
    if len(t) < 3 or x.shape[:2] != (len(t), 33):
        raise ShapeError(f"raw must have shape (T, 33, D) with T = {len(t)}, three or more, got {x.shape}.")
    length_s = max(min(still_s, (t[-1] - t[0]) / 3), _WARM_UP_S + _JITTER_WINDOW_S + 0.1)
    speed = _rows_median(np.linalg.norm(np.diff(x, axis=0), axis=-1)) / np.diff(t)
    ends = np.searchsorted(t, t + length_s)
    starts = np.flatnonzero(ends < len(t))
    calmest = min(starts, key=lambda n: np.nanmean(speed[n : ends[n]]), default=0)
    sizes = np.array([body_size(body) for body in x])
    size = _median(sizes)
    still = slice(calmest, ends[calmest])
    return Recording(t[still], x[still], size), Recording(t, x, size)


def trial(
    still: Recording, moving: Recording, name: str, params: Mapping[str, float], reference: Array | None = None
) -> Trial:
    """Try one filter.

    Parameters
    ----------
    still, moving : Recording
    name : str
    params : mapping of str to float
    reference : ndarray of the moving recording's shape, optional
        Without lag; the recording's own zero-phase filter by default (`run` computes it once).

    Returns
    -------
    Trial

    Raises
    ------
    SettingsError
        If the filter or a parameter is unknown, or a recording is shorter than two seconds.
    """
    calm = _filtered(make_filter(name, params, _GAP_RESET_S), still)
    moved = _filtered(make_filter(name, params, _GAP_RESET_S), moving)
    level = _jitter(calm, still)
    from_row = _warm(moving)
    truth = _reference(moving) if reference is None else reference
    lag = lag_ms(moved[from_row:], truth[from_row:], moving.times_s[from_row:])
    flat = (len(truth) - from_row, -1)
    lost = rom_loss(moved[from_row:].reshape(flat), truth[from_row:].reshape(flat))
    return Trial(name, dict(params), level, level / still.body_size, lag, _mean(lost))


def run(
    still: Recording,
    moving: Recording,
    filters: Sequence[tuple[str, Mapping[str, float]]] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Trial]:
    """Try many filters.

    Parameters
    ----------
    still, moving : Recording
    filters : sequence of (name, parameters), optional
        `candidates` by default.
    progress : callable, optional
        Told how many are done, and of how many, before each and at the end.

    Returns
    -------
    list of Trial
        In the order of `filters`.
    """
    wanted = list(candidates() if filters is None else filters)
    reference = _reference(moving)
    trials = []
    for done, (name, params) in enumerate(wanted):
        progress(done, len(wanted))
        trials.append(trial(still, moving, name, params, reference))
    progress(len(wanted), len(wanted))
    return trials


def pareto_front(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that no other beats in both jitter and lag, by rising lag.

    Trials without a lag (nothing moved) are left out. A lag below zero (overshoot) counts by its size.
    """
    front: list[Trial] = []
    for one in sorted((t for t in trials if np.isfinite(t.lag_ms)), key=lambda t: (abs(t.lag_ms), t.jitter)):
        if not front or one.jitter < front[-1].jitter:
            front.append(one)
    return front


def suggest(
    still: Recording,
    moving: Recording,
    max_lag_ms: float,
    *,
    max_rom_loss: float = 0.05,
    filters: Sequence[tuple[str, Mapping[str, float]]] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    trials: Sequence[Trial] | None = None,
) -> Trial:
    """The calmest filter that is not later than wanted.

    Parameters
    ----------
    still, moving : Recording
    max_lag_ms : float
    max_rom_loss : float, default 0.05
        Share of the range that may be lost.
    filters, progress
        As in `run`.
    trials : sequence of Trial, optional
        What `run` gave for these recordings; it is run if they are not given.

    Returns
    -------
    Trial

    Raises
    ------
    SettingsError
        If none fits (even unfiltered landmarks lag nothing, so that is a recording without motion).
    """
    if trials is None:
        trials = run(still, moving, filters, progress)
    fit = [t for t in trials if abs(t.lag_ms) <= max_lag_ms and t.rom_loss <= max_rom_loss]
    if not fit:
        raise SettingsError(
            f"none of {len(trials)} filters lags at most {max_lag_ms:g} ms and loses at most {max_rom_loss:.0%} of the "
            f"range; is there motion in the moving part?"
        )
    return min(fit, key=lambda t: (t.jitter, abs(t.lag_ms)))


def compare(ours: Trial, others: Sequence[Trial]) -> dict[str, float]:
    """A filter against the curve of another one, at equal jitter and at equal lag.

    Parameters
    ----------
    ours : Trial
    others : sequence of Trial
        One filter at several strengths; between them its curve is taken as straight.

    Returns
    -------
    dict
        ``lag_ratio``: our lag over theirs at our jitter; ``jitter_ratio``: our jitter over theirs at our lag.
        NaN where their curve does not reach that far.
    """
    lag, level = np.array([t.lag_ms for t in others]), np.array([t.jitter for t in others])
    by_level, by_lag = np.argsort(level), np.argsort(lag)
    lag_there = np.interp(ours.jitter, level[by_level], lag[by_level], left=np.nan, right=np.nan)
    level_there = np.interp(ours.lag_ms, lag[by_lag], level[by_lag], left=np.nan, right=np.nan)
    return {"lag_ratio": float(ours.lag_ms / lag_there), "jitter_ratio": float(ours.jitter / level_there)}


@dataclass(frozen=True)
class Reading:
    """What a live session shows of its smoothing, over its last seconds.

    Attributes
    ----------
    jitter_raw, jitter : float
        In the calmest second of each landmark, median over landmarks, before and after smoothing.
    lag_ms : float
        NaN while nothing moves.
    rom_loss : float
        Mean share of range lost.
    """

    jitter_raw: float
    jitter: float
    lag_ms: float
    rom_loss: float


def reading(raw: npt.ArrayLike, smooth: npt.ArrayLike, times_s: npt.ArrayLike) -> Reading:
    """Jitter, lag and lost range of the last few seconds of a live session.

    Parameters
    ----------
    raw, smooth : array-like of shape (T, K, D)
    times_s : array-like of shape (T,)
        Four seconds or so; under two everything is NaN.

    Returns
    -------
    Reading
    """
    x, y, t = (np.asarray(a, dtype=np.float64) for a in (raw, smooth, times_s))
    if len(t) < 8 or t[-1] - t[0] < 2 * _JITTER_WINDOW_S:
        return Reading(*[float("nan")] * 4)
    reference = _reference(Recording(t, x, 1.0))
    calm = []
    for values in (x, y):
        _, levels = sliding(jitter, t, _JITTER_WINDOW_S, _JITTER_WINDOW_S / 4, values, t)
        calm.append(_median(np.nanmin(np.where(np.isnan(levels), np.inf, levels), axis=0)))
    flat = (len(t), -1)
    lost = _mean(rom_loss(y.reshape(flat), reference.reshape(flat)))
    return Reading(calm[0], calm[1], lag_ms(y, reference, t), lost)


def _filtered(smooth: Filter, recording: Recording) -> Array:
    rows = [smooth(v, float(t), recording.body_size) for v, t in zip(recording.values, recording.times_s, strict=True)]
    return np.array(rows)


def _jitter(values: Array, recording: Recording) -> float:
    """RMS over windows and landmarks."""
    start = _warm(recording)
    t = recording.times_s[start:]
    _, levels = sliding(jitter, t, _JITTER_WINDOW_S, _JITTER_WINDOW_S / 2, values[start:], t)
    seen = levels[~np.isnan(levels)]
    return float(np.sqrt((seen**2).mean())) if seen.size else float("nan")


def _warm(recording: Recording) -> int:
    """First row that is judged."""
    t = recording.times_s
    if len(t) < 8 or t[-1] - t[0] < _WARM_UP_S + _JITTER_WINDOW_S:
        raise SettingsError(f"a recording must be {_WARM_UP_S + _JITTER_WINDOW_S:g} s long or longer.")
    return int(np.searchsorted(t, t[0] + _WARM_UP_S))


def _reference(moving: Recording) -> Array:
    rate_hz = 1 / float(np.median(np.diff(moving.times_s)))
    return zero_phase_butterworth(moving.values, moving.times_s, min(_REFERENCE_HZ, 0.4 * rate_hz))


def _mean(values: Array) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.mean()) if seen.size else float("nan")


def _rows_median(values: Array) -> Array:
    """Median of each row over what is known; infinite where nothing is: nobody stands still unseen."""
    empty = np.asarray(np.isnan(values).all(axis=1))
    return np.where(empty, np.inf, np.nanmedian(np.where(empty[:, None], 0.0, values), axis=1))


def _median(values: Array) -> float:
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if seen.size else float("nan")
