"""Double exponential smoothing: a level and its trend."""

from __future__ import annotations

import numpy as np

from livedance_lab.analysis.filters.base import Array, Filter, Parameter, register

__all__ = ["Holt"]


@register
class Holt(Filter):
    """Holt's linear trend method, with both weights given for a reference rate.

    With weights a = 1 - (1 - alpha)^(dt r) and b = 1 - (1 - beta)^(dt r) for a step dt at reference rate r:
    ``level' = p + a (x - p)`` with ``p = level + trend dt``; ``trend' = trend + b ((level' - level) / dt - trend)``.
    Motion at constant speed is followed without lag. Sources: Holt, "Forecasting seasonals and trends by exponentially
    weighted moving averages", 1957 (International Journal of Forecasting 20, 2004); weights for irregular
    steps as in Wright, "Forecasting data published at irregular time intervals using an extension of Holt's
    method", Management Science 32, 1986, without his start-up correction.
    """

    name = "holt"
    description = "Double exponential: no lag at constant speed, overshoots when the motion stops."
    parameters = (
        Parameter("alpha", 0.5, 0.01, 1.0, "", "Weight of a new sample at the reference rate."),
        Parameter("beta", 0.3, 0.0, 1.0, "", "Weight of the newest trend at the reference rate."),
        Parameter("reference_hz", 24.0, 1.0, 240.0, "Hz", "The rate for which alpha and beta are given."),
    )

    _trend_row = 1

    def _start(self, x: Array) -> Array:
        return np.stack((x, np.zeros_like(x)))

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        level, trend = state
        steps = dt_s * self.params["reference_hz"]
        a = 1.0 - (1.0 - self.params["alpha"]) ** steps
        b = 1.0 - (1.0 - self.params["beta"]) ** steps
        expected = level + trend * dt_s
        new_level = expected + a * (x - expected)
        return np.stack((new_level, trend + b * ((new_level - level) / dt_s - trend)))
