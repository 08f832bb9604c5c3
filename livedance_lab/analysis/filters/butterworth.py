"""Streaming Butterworth low-pass for irregular time steps."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from livedance_lab.analysis.filters.base import Array, Filter, Parameter, register

__all__ = ["Butterworth"]

_DAMPING: Final = {2: (math.sqrt(0.5),), 4: (math.cos(math.pi / 8), math.cos(3 * math.pi / 8))}
"""Damping ratios of the second-order sections of a Butterworth prototype (poles evenly spaced on a circle)."""
_HIGHEST_CYCLES_PER_STEP: Final = 0.45
"""The cut-off is limited to this; the Nyquist frequency is half a cycle per step."""


@register
class Butterworth(Filter):
    """Second- or fourth-order Butterworth low-pass: flat pass band; the delay grows as the cut-off falls.

    Each second-order section ``y'' = w² (u - y) - 2 d w y'`` is integrated over the true step by the
    trapezoidal rule with pre-warped w. For even steps this equals the bilinear transform and gives the same
    numbers as ``scipy.signal.butter(order, cutoff_hz, fs=...)``; for uneven steps the section is re-discretised at
    each step. Its states (y, y'/w) are in the signal's unit for any step, so that they carry over.
    Source: Oppenheim and Schafer, "Discrete-Time Signal Processing", section 7.1.2 (bilinear transform).
    """

    name = "butterworth"
    description = "Butterworth low-pass: a cut-off in hertz, as reported in biomechanics."
    parameters = (
        Parameter("cutoff_hz", 6.0, 0.1, 60.0, "Hz", "Higher frequencies are attenuated.", logarithmic=True),
        Parameter("order", 2, 2, 4, "", "2 or 4; 4 is steeper and has more delay."),
    )

    _trend_row = -1

    def _start(self, x: Array) -> Array:
        zero = np.zeros_like(x)
        # last input; y and y'/w of each section; y' of the last
        return np.stack((x, *(part for _ in self._damping for part in (x, zero)), zero))

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        cycles = np.minimum(self.params["cutoff_hz"] * dt_s, _HIGHEST_CYCLES_PER_STEP)
        h = np.tan(math.pi * cycles)  # w dt / 2, pre-warped
        out, before, now, new_slope = [x], state[0], x, x
        for i, damping in enumerate(self._damping):
            y, slope = state[1 + 2 * i], state[2 + 2 * i]
            drag = 2 * damping * h
            new_slope = (slope * (1 - drag - h * h) + h * (before + now - 2 * y)) / (1 + drag + h * h)
            new_y = y + h * (slope + new_slope)
            out += [new_y, new_slope]
            before, now = y, new_y
        return np.stack((*out, new_slope * 2 * h / dt_s))

    def _output(self, state: Array) -> Array:
        return np.asarray(state[-3])

    @property
    def _damping(self) -> tuple[float, ...]:
        return _DAMPING[4 if self.params["order"] > 3 else 2]
