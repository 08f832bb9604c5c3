"""Base class and registry of the streaming filters; time steps and gaps are handled here, once for all filters.

A filter keeps one state per element of the array it is given (a landmark coordinate, an angle). Subclasses define
how a state starts, how it advances by one sample and how it is read at a later time. The base class decides which
elements start, advance or keep their state.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Array

__all__ = ["FILTERS", "Array", "Filter", "Parameter", "checked", "describe", "make_filter", "register"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a filter, with the metadata of its slider.

    Attributes
    ----------
    name : str
    default, minimum, maximum : float
    unit : str
        Empty for a number without a unit.
    description : str
        What it does, for users.
    logarithmic : bool
        Whether a slider should be logarithmic.
    """

    name: str
    default: float
    minimum: float
    maximum: float
    unit: str
    description: str
    logarithmic: bool = False


class Filter(ABC):
    """A streaming filter over arrays of any shape, element by element.

    Time: the step is the time since *this element* was last seen, rounded to microseconds, so that a recording
    replayed on a clock with another origin gives the same bits. A time that is not at least half a microsecond
    later than the last one changes nothing: the last output is returned again.

    Gaps: a NaN input gives a NaN output and leaves the state unchanged. An element that reappears within
    `gap_reset_s` continues from its old state with the true (long) step; after a longer gap, or after
    `reset_where`, it restarts from its raw value.

    Parameters
    ----------
    params : mapping of str to float, optional
        Values by name (`parameters`); missing ones take their defaults.
    gap_reset_s : float, default infinity
        An element that was missing for longer restarts.

    Raises
    ------
    SettingsError
        If a parameter is unknown or out of range.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    _trend_row: ClassVar[int | None] = None
    """The row of the state with the output's change per second; None: the filter has no trend."""

    def __init__(self, params: Mapping[str, float] | None = None, gap_reset_s: float = math.inf) -> None:
        self.params = checked(type(self), params)
        self.gap_reset_s = gap_reset_s
        self.reset()

    def reset(self) -> None:
        """Clear the state: the next values pass unchanged."""
        self._t_s: float | None = None  # of the last call
        self._seen_s: Array = np.empty(0)  # when each element was last seen; NaN: never, or reset since
        self._state: Array = np.empty(0)  # shape (S, *values.shape)
        self._held: Array = np.empty(0)  # last output

    def reset_where(self, mask: npt.NDArray[np.bool_]) -> None:
        """Clear the state of some elements.

        Parameters
        ----------
        mask : ndarray of bool
            In the values' shape, or in their shape without the last axis (whole landmarks).
        """
        if self._t_s is not None:
            self._seen_s[mask] = np.nan

    def take_over(self, other: Filter) -> None:
        """Continue from another filter: with its state if it is of the same class, else from its output."""
        if other._t_s is None:
            return
        self._t_s, self._seen_s, self._held = other._t_s, other._seen_s.copy(), other._held.copy()
        self._state = self._start(other._output(other._state))
        if type(other) is type(self) and other._state.shape == self._state.shape:
            self._state = other._state.copy()

    def __call__(self, values: npt.ArrayLike, t_s: float, scale: npt.ArrayLike = 1.0) -> Array:
        """Filter one sample.

        Parameters
        ----------
        values : array-like of any shape, say (K, D)
            NaN where not seen.
        t_s : float
            Capture time, seconds of a monotonic clock.
        scale : float or array-like that broadcasts with values, default 1
            Size of the body in the values' unit. Parameters that are speeds or noises are multiples of it, so
            that they do not depend on the distance to the camera.

        Returns
        -------
        ndarray of the values' shape, float64

        Raises
        ------
        ShapeError
            If the shape changed since the last call.
        SettingsError
            If `t_s` is not finite.
        """
        x = np.array(values, dtype=np.float64)
        if not math.isfinite(t_s):
            raise SettingsError(f"t_s must be finite, got {t_s!r}.")
        if self._t_s is None:
            self._seen_s = np.full(x.shape, np.nan)
            self._state = self._start(x)
        elif x.shape != self._held.shape:
            raise ShapeError(f"values must keep their shape {self._held.shape}, got {x.shape}.")
        elif round((t_s - self._t_s) * 1e6) < 1:
            return self._held.copy()
        seen = ~np.isnan(x)
        dt_s = np.rint((t_s - self._seen_s) * 1e6) / 1e6
        continues = seen & (dt_s <= self.gap_reset_s)  # False where dt_s is NaN
        advanced = self._advance(self._state, x, dt_s, np.asarray(scale, dtype=np.float64))
        if continues.all():
            self._state = advanced
        else:
            kept = np.where(seen, self._start(x), self._state)
            self._state = np.where(continues, advanced, kept)
        self._t_s = t_s
        self._seen_s[seen] = t_s
        self._held = np.where(seen, self._output(self._state), np.nan)
        return self._held.copy()

    def predict(self, t_s: float, damping_s: float = math.inf) -> Array:
        """Extrapolate the values to a later time without changing the state.

        Parameters
        ----------
        t_s : float
            Times before the last sample are treated as the last sample's time.
        damping_s : float, default infinity
            Time constant of the damping: a horizon of t is shortened to
            ``damping_s (1 - exp(-t / damping_s))``, the damped trend of Gardner and McKenzie, "Forecasting
            trends in time series", Management Science 31, 1985, in continuous time.

        Returns
        -------
        ndarray of the values' shape, float64
            NaN for elements that were never seen. Empty before the first sample.
        """
        if self._t_s is None:
            return np.empty(0)
        ahead_s, _ = self._ahead(t_s, damping_s)
        return np.where(np.isnan(ahead_s), np.nan, self._extrapolate(self._state, ahead_s))

    def velocity(self, t_s: float, damping_s: float = math.inf) -> Array:
        """Return the time derivative of `predict`, in units per second; zero for filters without a trend."""
        if self._t_s is None:
            return np.empty(0)
        ahead_s, decay = self._ahead(t_s, damping_s)
        return np.where(np.isnan(ahead_s), np.nan, self._slope(self._state, ahead_s) * decay)

    def _ahead(self, t_s: float, damping_s: float) -> tuple[Array, Array]:
        """Return the damped horizon of each element, and its derivative by `t_s`."""
        ahead_s = np.maximum(np.rint((t_s - self._seen_s) * 1e6) / 1e6, 0.0)
        decay = np.exp(-ahead_s / damping_s)  # all 1 for an infinite time constant
        return (damping_s * (1.0 - decay) if math.isfinite(damping_s) else ahead_s), decay

    def _start(self, x: Array) -> Array:
        """Return the state, of shape (S, *x.shape), of elements whose first value is x; the value alone by default."""
        return x[None]

    @abstractmethod
    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:
        """Return the state of all elements after one more sample; where x or dt_s is NaN the result is not used."""

    def _output(self, state: Array) -> Array:
        """Return the filtered values of a state; the first row unless a subclass overrides this."""
        return np.asarray(state[0])

    def _extrapolate(self, state: Array, ahead_s: Array) -> Array:
        """Return the values `ahead_s` after the last sample: along the trend; a filter without one holds its level."""
        level = self._output(state)
        return level if self._trend_row is None else level + state[self._trend_row] * ahead_s

    def _slope(self, state: Array, ahead_s: Array) -> Array:  # noqa: ARG002  (a trend is constant)
        """Return the time derivative of `_extrapolate`."""
        return np.zeros_like(self._output(state)) if self._trend_row is None else np.asarray(state[self._trend_row])


FILTERS: dict[str, type[Filter]] = {}
"""All filters by their names in `Settings.smoothing`."""


def register(cls: type[Filter]) -> type[Filter]:
    """Register a filter class under its name (class decorator)."""
    FILTERS[cls.name] = cls
    return cls


def make_filter(name: str, params: Mapping[str, float] | None = None, gap_reset_s: float = math.inf) -> Filter:
    """Create a filter of the class registered as `name`.

    Raises
    ------
    SettingsError
        If there is no such filter, or a parameter is unknown or out of range.
    """
    return _family(name)(params, gap_reset_s)


def checked(family: type[Filter], params: Mapping[str, float] | None) -> dict[str, float]:
    """Validate the parameters of a filter class and fill in the defaults.

    Raises
    ------
    SettingsError
        Names the parameter, what was expected and what was given.
    """
    given = dict(params or {})
    specs = {p.name: p for p in family.parameters}
    for name, value in given.items():
        if name not in specs:
            known = ", ".join(specs) or "none"
            raise SettingsError(f"filter {family.name!r} has no parameter {name!r}; its parameters are: {known}.")
        low, high = specs[name].minimum, specs[name].maximum
        if not low <= value <= high:  # NaN is refused too
            raise SettingsError(f"{family.name}.{name} must be from {low:g} to {high:g}, got {value!r}.")
    return {name: float(given.get(name, spec.default)) for name, spec in specs.items()}


def describe(name: str, params: Mapping[str, float] | None = None, rate_hz: float = 30.0) -> dict[str, Any]:
    """Compute a filter's cut-off frequency and delay at a given rate from its impulse response.

    For adaptive filters the values hold near rest, where their smoothing is strongest.

    Parameters
    ----------
    name : str
    params : mapping of str to float, optional
    rate_hz : float, default 30
        Samples per second.

    Returns
    -------
    dict
        ``cutoff_hz``: where the gain first falls to 1/sqrt(2) (-3 dB); infinite if it never does below half
        the rate. ``delay_ms``: group delay of slow motion, sum(n h[n]) / sum(h[n]).
    """
    smooth = _family(name)(params)
    # zeros until a Kalman gain has settled, then one impulse that is too small for the filter to adapt
    settle, size, count = 256, 1e-9, 512
    t_s = np.arange(settle + count) / rate_hz
    x = np.zeros(settle + count)
    x[settle] = size
    h = np.array([smooth([value], t) for value, t in zip(x, t_s, strict=True)])[settle:, 0] / size
    gain = np.abs(np.fft.rfft(h, 8192))
    below = np.flatnonzero(gain < math.sqrt(0.5) * gain[0])
    cutoff_hz = float(below[0] * rate_hz / 8192) if below.size else math.inf
    delay_ms = float((np.arange(count) @ h) / h.sum() / rate_hz * 1e3)
    return {"cutoff_hz": cutoff_hz, "delay_ms": delay_ms}


def _family(name: str) -> type[Filter]:
    try:
        return FILTERS[name]
    except KeyError:
        raise SettingsError(f"there is no filter {name!r}; the filters are {', '.join(sorted(FILTERS))}.") from None
