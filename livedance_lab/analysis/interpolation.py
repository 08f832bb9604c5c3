"""Painters: which values to draw at time t, from results that arrive late and at uneven intervals.

Twin of ``widgets/static/interpolation.js``; both are tested with ``data/golden/interpolation.json``. Change both or
neither. Times are arguments, in seconds of one monotonic clock; values are arrays of shape (K, D), usually keypoints
in pixels, NaN where not seen.

A *painter* receives results (`add`: values, capture time, arrival time) and returns the values to draw (`paint`).
Its modes are:

``linear``, ``hermite``
    Interpolate between measured results. What is drawn is `delay_s` old, so that nearly always a newer result has
    arrived to interpolate towards. No extrapolation, but a delay.
``predict``
    Extrapolate the motion from capture time to paint time, and follow that target smoothly instead of jumping at
    each result. No delay, but a prediction error, which `ShownError` measures.
``latest``
    Draw the newest result unchanged.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.filters import make_filter
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Array

__all__ = [
    "MODES", "BufferedPainter", "LatestPainter", "Painter", "PredictivePainter", "ShownError", "hermite", "linear",
    "make_painter",
]  # fmt: skip

MAX_GAP_S: Final = 0.25
"""Longest gap between results that is interpolated; after a longer pause a painter restarts."""
_REMEMBERED: Final = 30
"""Number of results a painter keeps."""


def linear(times_s: Array, values: Array, t_s: float) -> Array:
    """Interpolate values linearly between results.

    Parameters
    ----------
    times_s : ndarray of shape (N,)
        Capture times, increasing; at least one.
    values : ndarray of shape (N, K, D)
    t_s : float
        Before the first and after the last result, that result is returned.

    Returns
    -------
    ndarray of shape (K, D)
        The value of the nearer neighbour (at the middle: of the newer one) for coordinates that are NaN in one of
        them, and for all coordinates if the neighbours are more than `MAX_GAP_S` apart.
    """
    return _between(times_s, values, t_s, _on_line)


def hermite(times_s: Array, values: Array, t_s: float) -> Array:
    """Interpolate values with cubic Hermite curves, which have no corners at results.

    The tangent at a result is that of the parabola through it and its two neighbours (for even steps, a
    Catmull-Rom spline). At the ends, and next to NaN or a gap, it is the slope of the segment.

    Parameters, returns and NaN rules are those of `linear`.
    """
    return _between(times_s, values, t_s, _on_cubic)


_Curve = Callable[[Array, Array, int, float], Array]


def _between(times_s: Array, values: Array, t_s: float, curve: _Curve) -> Array:
    """Find the neighbours of t_s and apply the rules for ends, gaps and NaN, which both curves share."""
    right = int(np.searchsorted(times_s, t_s, side="right"))  # first result after t_s
    if right == 0 or right == len(times_s):
        return np.array(values[0 if right == 0 else -1], dtype=np.float64)
    older, newer = values[right - 1], values[right]
    span_s = times_s[right] - times_s[right - 1]
    w = (t_s - times_s[right - 1]) / span_s
    nearer = older if w < 0.5 else newer
    if span_s > MAX_GAP_S:
        return np.array(nearer, dtype=np.float64)
    smooth = curve(times_s, values, right, w)
    return np.where(np.isnan(older) | np.isnan(newer), nearer, smooth)


def _on_line(times_s: Array, values: Array, right: int, w: float) -> Array:  # noqa: ARG001
    return np.asarray(values[right - 1] + w * (values[right] - values[right - 1]))


def _on_cubic(times_s: Array, values: Array, right: int, w: float) -> Array:
    """Evaluate the Hermite basis on the segment from right - 1 to right; tangents are in units per segment."""
    a, b = values[right - 1], values[right]
    span_s: float = times_s[right] - times_s[right - 1]
    slope: Array = b - a

    def tangent_at(other: int, *, at_left: bool) -> Array:
        """Return the slope, at one end, of the parabola through this segment and the result `other`."""
        if not 0 <= other < len(times_s):
            return slope
        next_span_s = abs(times_s[other] - times_s[right - 1 if at_left else right])
        if next_span_s > MAX_GAP_S:
            return slope
        next_slope = (a - values[other] if at_left else values[other] - b) * (span_s / next_span_s)
        tangent: Array = (slope * next_span_s + next_slope * span_s) / (next_span_s + span_s)
        return np.where(np.isnan(tangent), slope, tangent)

    m_a, m_b = tangent_at(right - 2, at_left=True), tangent_at(right + 1, at_left=False)
    w2, w3 = w * w, w * w * w
    return np.asarray((2 * w3 - 3 * w2 + 1) * a + (w3 - 2 * w2 + w) * m_a + (3 * w2 - 2 * w3) * b + (w3 - w2) * m_b)


class Painter(Protocol):
    """Computes the values to draw."""

    def add(self, values: npt.ArrayLike, t_s: float, arrival_s: float) -> None:
        """Add a result: values of shape (K, D), capture time, arrival time; ignored if it is not newer."""
        ...

    def paint(self, t_s: float) -> Array | None:
        """Return the values to draw at `t_s`; None before the first result."""
        ...

    def reset(self) -> None:
        """Clear all results."""
        ...


class LatestPainter:
    """Draws the newest result unchanged."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Clear all results."""
        self._t_s = -math.inf
        self._values: Array | None = None

    def add(self, values: npt.ArrayLike, t_s: float, arrival_s: float) -> None:  # noqa: ARG002
        """Add a result; ignored if it is not newer."""
        if t_s > self._t_s:
            self._t_s, self._values = t_s, np.array(values, dtype=np.float64)

    def paint(self, t_s: float) -> Array | None:  # noqa: ARG002
        """Return the newest result; None before the first."""
        return None if self._values is None else self._values.copy()


class BufferedPainter:
    """Interpolates between results, with the smallest delay that their arrival times allow.

    To interpolate from result k to k+1 the painted time must not reach k's capture time before k+1 has arrived.
    Therefore `delay_s` follows the 90th percentile (nearest rank) of ``arrival[k+1] - capture[k]`` over the last 30
    results. It changes by at most a tenth of the elapsed time, so that the motion does not stutter.

    Parameters
    ----------
    curve : callable
        `linear` or `hermite`.
    """

    _SLEW = 0.1
    _RANK = 0.9

    def __init__(self, curve: Callable[[Array, Array, float], Array] = linear) -> None:
        self._curve = curve
        self.reset()

    def reset(self) -> None:
        """Clear all results."""
        self._samples: deque[tuple[float, Array]] = deque(maxlen=_REMEMBERED)
        self._needed_s: deque[float] = deque(maxlen=_REMEMBERED)
        self.delay_s = math.nan
        self._painted_s = math.nan

    def add(self, values: npt.ArrayLike, t_s: float, arrival_s: float) -> None:
        """Add a result; ignored if it is not newer."""
        if self._samples:
            before_s = self._samples[-1][0]
            if not t_s > before_s:
                return
            if t_s - before_s <= MAX_GAP_S:
                self._needed_s.append(arrival_s - before_s)
        self._samples.append((t_s, np.array(values, dtype=np.float64)))

    def paint(self, t_s: float) -> Array | None:
        """Return the values of `delay_s` ago; None before the first result."""
        if not self._samples:
            return None
        self._follow_delay(t_s)
        times_s = np.array([s for s, _ in self._samples])
        values = np.stack([v for _, v in self._samples])
        return self._curve(times_s, values, t_s - (0.0 if math.isnan(self.delay_s) else self.delay_s))

    def _follow_delay(self, t_s: float) -> None:
        if not self._needed_s:
            return
        ranked = sorted(self._needed_s)
        needed_s = ranked[math.ceil(self._RANK * len(ranked)) - 1]
        if math.isnan(self.delay_s):
            self.delay_s = needed_s
        else:
            most_s = self._SLEW * max(t_s - self._painted_s, 0.0)
            self.delay_s += min(max(needed_s - self.delay_s, -most_s), most_s)
        self._painted_s = t_s


class PredictivePainter:
    """Extrapolates to paint time and follows the extrapolation smoothly.

    1. Every result is filtered by a Kalman filter with constant acceleration
       (`livedance_lab.analysis.filters.kalman.KalmanCa`), which gives position, velocity and acceleration at
       capture time.
    2. The target at paint time is their extrapolation over h = damping_s (1 - exp(-age / damping_s)): nearly the
       whole age for a young result, at most `damping_s` for an old one.
    3. The drawn values follow the target like a critically damped spring with time constant `follow_s` that moves
       with the target's velocity, so that motion at constant velocity is followed without lag. With the
       error e = shown - target and w = 1 / follow_s the step over dt is exact if the target's velocity is
       constant: ``e' = (e + (de + w e) dt) exp(-w dt)``, ``de' = (de - w (de + w e) dt) exp(-w dt)``.

    Values that appear are drawn at the target at once; values that disappear are NaN at once.

    Parameters
    ----------
    follow_s : float, default 0.016
        A longer time constant reduces roughness and increases the error; 0 jumps to the target.
    damping_s : float, default 0.045
        Time constant of the damped extrapolation.
    jerk_noise : float, default 150
        Jerk noise of `KalmanCa`, whose measurement noise is 0.01.

    Raises
    ------
    SettingsError
        If a parameter is out of range.
    """

    def __init__(self, follow_s: float = 0.016, damping_s: float = 0.045, jerk_noise: float = 150.0) -> None:
        if not 0 <= follow_s <= 1 or not 0 < damping_s <= 10:
            raise SettingsError(
                f"follow_s must be from 0 to 1 s and damping_s from 0 to 10 s, got {follow_s!r} and {damping_s!r}."
            )
        self._filter = make_filter("kalman_ca", {"jerk_noise": jerk_noise}, gap_reset_s=MAX_GAP_S)
        self.follow_s, self.damping_s = follow_s, damping_s
        self.reset()

    def reset(self) -> None:
        """Clear all results."""
        self._filter.reset()
        self._added_s = self._painted_s = -math.inf
        self._missing: npt.NDArray[np.bool_] = np.empty(0, dtype=bool)
        self._shown: Array = np.empty(0)
        self._velocity: Array = np.empty(0)

    def add(self, values: npt.ArrayLike, t_s: float, arrival_s: float) -> None:  # noqa: ARG002
        """Add a result; ignored if it is not newer."""
        if t_s > self._added_s:
            self._missing = np.isnan(self._filter(values, t_s))
            self._added_s = t_s

    def paint(self, t_s: float) -> Array | None:
        """Return the extrapolated values; None before the first result."""
        if math.isinf(self._added_s):
            return None
        if t_s <= self._painted_s:
            return self._shown.copy()
        target = np.where(self._missing, np.nan, self._filter.predict(t_s, self.damping_s))
        velocity = self._filter.velocity(t_s, self.damping_s)
        dt_s = t_s - self._painted_s
        if self.follow_s == 0 or dt_s > MAX_GAP_S:
            self._shown, self._velocity = target, velocity
        else:
            self._follow(target, velocity, dt_s)
        self._painted_s = t_s
        return self._shown.copy()

    def _follow(self, target: Array, velocity: Array, dt_s: float) -> None:
        """Make one step of the critically damped spring towards a target that moves with `velocity`."""
        w = 1.0 / self.follow_s
        decay = math.exp(-w * dt_s)
        error = self._shown - (target - velocity * dt_s)
        pull = (self._velocity - velocity) + w * error
        shown = target + (error + pull * dt_s) * decay
        moving = velocity + (self._velocity - velocity - w * pull * dt_s) * decay
        appears = np.isnan(shown)
        self._shown = np.where(appears, target, shown)
        self._velocity = np.where(appears, velocity, moving)


class ShownError:
    """The error of what was on screen, measured when the result of that instant arrives.

    Parameters
    ----------
    keep_s : float, default 1
        How long painted values are kept; older results are not compared.
    """

    def __init__(self, keep_s: float = 1.0) -> None:
        self._keep_s = keep_s
        self._painted: deque[tuple[float, Array]] = deque()

    def painted(self, t_s: float, values: npt.ArrayLike) -> None:
        """Keep the values that were drawn at `t_s`; ignored if the time is not later than the last."""
        if self._painted and t_s <= self._painted[-1][0]:
            return
        self._painted.append((t_s, np.array(values, dtype=np.float64)))
        while self._painted[0][0] < t_s - self._keep_s:
            self._painted.popleft()

    def compare(self, t_s: float, values: npt.ArrayLike) -> float:
        """Return the RMS distance between a result and what was on screen at its capture time.

        Parameters
        ----------
        t_s : float
            Capture time.
        values : array-like of shape (K, D)

        Returns
        -------
        float
            In the values' unit, over landmarks that both have. NaN if nothing was painted before or after that time,
            or the two paintings around it are more than `MAX_GAP_S` apart.

        Raises
        ------
        ShapeError
            If the shape differs from that of the painted values.
        """
        times_s = np.array([s for s, _ in self._painted])
        right = int(np.searchsorted(times_s, t_s))
        if right == 0 or right == len(times_s) or times_s[right] - times_s[right - 1] > MAX_GAP_S:
            return math.nan
        (older_s, older), (newer_s, newer) = self._painted[right - 1], self._painted[right]
        now = np.asarray(values, dtype=np.float64)
        if now.shape != older.shape:
            raise ShapeError(f"values must have the shape painted, {older.shape}, got {now.shape}.")
        shown = older + (t_s - older_s) / (newer_s - older_s) * (newer - older)
        squares = ((now - shown) ** 2).sum(axis=-1)
        seen = squares[~np.isnan(squares)]
        return math.sqrt(float(seen.mean())) if seen.size else math.nan


MODES: dict[str, Callable[..., Painter]] = {
    "latest": LatestPainter,
    "linear": lambda: BufferedPainter(linear),
    "hermite": lambda: BufferedPainter(hermite),
    "predict": PredictivePainter,
}
"""All painters by name."""


def make_painter(mode: str, **params: float) -> Painter:
    """Create a painter.

    Parameters
    ----------
    mode : str
        One of `MODES`; "interpolate" is an alias of "linear".
    **params : float
        Parameters of `PredictivePainter` for "predict".

    Raises
    ------
    SettingsError
        If the mode or a parameter is unknown.
    """
    make = MODES.get("linear" if mode == "interpolate" else mode)
    if make is None:
        raise SettingsError(f"there is no painter {mode!r}; the painters are {', '.join(MODES)}.")
    try:
        return make(**params)
    except TypeError as exc:
        raise SettingsError(f"painter {mode!r} does not take {', '.join(params)}.") from exc
