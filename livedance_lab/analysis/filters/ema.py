"""Exponential moving average, and the filter that passes values through."""

from __future__ import annotations

from livedance_lab.analysis.filters.base import Array, Filter, Parameter, register

__all__ = ["Ema", "Unfiltered"]


@register
class Ema(Filter):
    """Exponential moving average whose time constant does not depend on the rate of results.

    `alpha` is the weight of a new sample *at the reference rate*. After a step of dt seconds the weight is
    ``1 - (1 - alpha) ** (dt * reference_hz)``: the same decay per second for any steps, exact for
    irregular sampling of a held signal (Eckner, "Algorithms for unevenly spaced time series", 2014,
    exponential moving average with next-point interpolation).
    """

    name = "ema"
    description = "Exponential moving average: simple; the lag grows with the smoothing."
    parameters = (
        Parameter("alpha", 0.7, 0.01, 1.0, "", "Weight of a new sample at the reference rate; 1: no smoothing."),
        Parameter("reference_hz", 24.0, 1.0, 240.0, "Hz", "The rate for which alpha is given."),
    )

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        keep = (1.0 - self.params["alpha"]) ** (dt_s * self.params["reference_hz"])
        return x + keep * (state - x)


@register
class Unfiltered(Filter):
    """Passes every value through."""

    name = "none"
    description = "No smoothing: raw values."

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        return x[None]
