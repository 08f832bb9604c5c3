"""Exponential moving average, and no filter at all."""

from __future__ import annotations

from livedance_lab.analysis.filters.base import Array, Filter, Parameter, register

__all__ = ["Ema", "Unfiltered"]


@register
class Ema(Filter):
    """Exponential moving average whose strength does not depend on the rate of results.

    `alpha` is the weight of a new sample *at the reference rate*. A step of dt seconds weighs
    ``1 - (1 - alpha) ** (dt * reference_hz)``: the same decay per second whatever the steps, exact for
    irregular sampling of a held signal (Eckner, "Algorithms for unevenly spaced time series", 2014,
    exponential moving average with next-point interpolation).
    """

    name = "ema"
    words = "Exponential moving average: simple, lags in proportion to its strength."
    parameters = (
        Parameter("alpha", 0.7, 0.01, 1.0, "", "Weight of a new sample at the reference rate; 1 passes all."),
        Parameter("reference_hz", 24.0, 1.0, 240.0, "Hz", "The rate at which alpha is meant."),
    )

    def _start(self, x: Array) -> Array:
        return x[None]

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        keep = (1.0 - self.params["alpha"]) ** (dt_s * self.params["reference_hz"])
        return x + keep * (state - x)


@register
class Unfiltered(Filter):
    """Passes every value as it is."""

    name = "none"
    words = "No smoothing: raw values."

    def _start(self, x: Array) -> Array:
        return x[None]

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        return x[None]
