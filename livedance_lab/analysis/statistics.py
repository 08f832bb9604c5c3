"""Rates and percentiles, in a sliding time window or of a finished session."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Window", "finite_mean", "finite_median", "percentiles"]

PERCENTILES = (50, 95, 99)


def percentiles(values: Sequence[float] | npt.NDArray[Any]) -> dict[str, float]:
    """Return p50, p95 and p99 of the finite values; NaN if there are none.

    Linear interpolation between order statistics (Hyndman & Fan 1996, type 7; NumPy's default).
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return {f"p{p}": math.nan for p in PERCENTILES}
    return {f"p{p}": float(v) for p, v in zip(PERCENTILES, np.percentile(finite, PERCENTILES), strict=True)}


def finite_mean(values: npt.NDArray[Any]) -> float:
    """Return the mean of the finite values; NaN if there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan


def finite_median(values: npt.NDArray[Any]) -> float:
    """Return the median of the finite values; NaN if there are none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else math.nan


class Window:
    """Values of the last few seconds; thread-safe.

    Parameters
    ----------
    length_s : float, default 2.0
        Length of the window.
    """

    def __init__(self, length_s: float = 2.0) -> None:
        self.length_s = length_s
        self._items: deque[tuple[float, float]] = deque()
        self._lock = threading.Lock()

    def add(self, t_s: float, value: float = 1.0) -> None:
        """Add a value measured at `t_s`."""
        with self._lock:
            self._items.append((t_s, value))
            self._discard_old(t_s)

    def rate_hz(self, now_s: float) -> float:
        """Return the number of values per second; 0 if the window is empty."""
        with self._lock:
            self._discard_old(now_s)
            return len(self._items) / self.length_s

    def percentiles(self, now_s: float) -> dict[str, float]:
        """Return p50, p95 and p99 of the values in the window."""
        with self._lock:
            self._discard_old(now_s)
            values = [v for _, v in self._items]
        return percentiles(values)

    def _discard_old(self, now_s: float) -> None:
        while self._items and self._items[0][0] < now_s - self.length_s:
            self._items.popleft()
