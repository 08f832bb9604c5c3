"""The One-Euro filter, and the same filter with MediaPipe's constants."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from livedance_lab.analysis.filters.base import Array, Filter, Parameter, register

__all__ = ["MediaPipeOneEuro", "OneEuro"]

_MIN_CUTOFF = Parameter(
    "min_cutoff_hz", 1.0, 0.001, 30.0, "Hz", "Cut-off at rest; a lower value removes more jitter.", True
)
_BETA = Parameter(
    "beta", 6.0, 0.0, 200.0, "Hz per body size/s", "Increase of the cut-off with speed; higher lags less in motion."
)
_DERIVATIVE = Parameter("derivative_cutoff_hz", 1.0, 0.05, 30.0, "Hz", "Cut-off of the speed that beta uses.", True)


@register
class OneEuro(Filter):
    """First-order low-pass whose cut-off rises with speed.

    Casiez, Roussel and Vogel, "1 Euro filter: a simple speed-based low-pass filter for noisy input in
    interactive systems", CHI 2012, algorithm 1: speed from the last *filtered* value, low-passed at
    `derivative_cutoff_hz`; cut-off = `min_cutoff_hz` + `beta` |speed|; weight of a new sample
    1 / (1 + 1 / (2 pi cutoff dt)). Speed is measured in body sizes per second (`scale`), so that `beta` has the
    same effect at every distance from the camera.
    """

    name = "one_euro"
    description = "One-Euro filter: strong smoothing at rest, light smoothing in motion."
    parameters = (_MIN_CUTOFF, _BETA, _DERIVATIVE)

    speed_from_filtered: ClassVar[bool] = True
    """The paper computes the speed from the last filtered value, MediaPipe from the last raw one."""

    _trend_row = 3

    def _start(self, x: Array) -> Array:
        zero = np.zeros_like(x)
        return np.stack((x, zero, x, zero))  # filtered, the paper's speed, raw, speed of the filtered

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:
        level, speed, raw, trend = state
        before = level if self.speed_from_filtered else raw
        follow = _weight(self.params["derivative_cutoff_hz"], dt_s)
        speed = speed + follow * ((x - before) / dt_s - speed)
        cutoff_hz = self.params["min_cutoff_hz"] + self.params["beta"] * np.abs(speed) / scale
        step = _weight(cutoff_hz, dt_s) * (x - level)
        # the paper's speed includes the filter's lag and is too high for extrapolation
        return np.stack((level + step, speed, x, trend + follow * (step / dt_s - trend)))


@register
class MediaPipeOneEuro(OneEuro):
    """The One-Euro filter with the constants of MediaPipe's own pose landmark smoothing.

    ``mediapipe/util/filtering/one_euro_filter.cc`` and ``modules/pose_landmark/pose_landmarks_smoothing``:
    0.05 Hz, 80, 1 Hz. There, speeds are in sizes of the region of interest, about five torso lengths for a
    person who is fully visible, hence the rescaled `beta`.
    """

    name = "mediapipe"
    description = "One-Euro filter with MediaPipe's constants."
    parameters = (
        Parameter(**{**vars(_MIN_CUTOFF), "default": 0.05}),
        Parameter(**{**vars(_BETA), "default": 80.0 / 5.0}),
        _DERIVATIVE,
    )
    speed_from_filtered = False


def _weight(cutoff_hz: float | Array, dt_s: Array) -> Array:
    """Return the weight of a new sample in a first-order low-pass, 0 to 1."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2.0 * math.pi * cutoff_hz * dt_s)))
