"""Kalman filters with constant velocity and with constant acceleration, one independent axis per element.

Motion and noise models: Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and
Navigation", 2001, sections 6.2.2 (continuous white noise acceleration) and 6.2.3 (white noise jerk). Both
have exact transition and noise matrices for any step, so irregular sampling needs no approximation.

Noises are given in body sizes. The gain depends only on their ratio, not on the body's size on screen.
Covariances are kept per element, because elements may appear and disappear independently.

The browser's twin of `KalmanCa` is ``widgets/static/kalman.js``.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from livedance_lab.analysis.filters.base import Array, Filter, Parameter, register

__all__ = ["KalmanAdaptive", "KalmanCa", "KalmanCv"]

_FIRST_SPEED = 1.0
"""Standard deviation of the initial speed, body sizes per second."""
_FIRST_ACCELERATION = 10.0
"""Standard deviation of the initial acceleration, body sizes per second squared."""

_MEASUREMENT = Parameter(
    "measurement_noise",
    0.01,
    0.0005,
    0.2,
    "body sizes",
    "Standard deviation of a landmark's error; a higher value smooths more.",
    True,
)


@register
class KalmanCv(Filter):
    """Constant-velocity model; deviations from constant speed are modelled as acceleration noise."""

    name = "kalman_cv"
    description = "Kalman filter, constant velocity: predicts motion at constant speed."
    parameters: ClassVar[tuple[Parameter, ...]] = (
        _MEASUREMENT,
        Parameter(
            "acceleration_noise",
            3.0,
            0.01,
            100.0,
            "body sizes/s^1.5",
            "How fast the speed may change; a higher value lags less.",
            True,
        ),
    )

    _trend_row = 1

    def _start(self, x: Array) -> Array:
        zero = np.zeros_like(x)
        r = self.params["measurement_noise"] ** 2
        return np.stack((x, zero, zero + r, zero, zero + _FIRST_SPEED**2))  # x, v, then P: xx, xv, vv

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        return self._follow(state, x, dt_s, self.params["acceleration_noise"])

    def _follow(self, state: Array, x: Array, dt_s: Array, acceleration_noise: float | Array) -> Array:
        """Predict over dt_s, then correct with x."""
        position, velocity, p_xx, p_xv, p_vv = state
        r, q = self.params["measurement_noise"] ** 2, acceleration_noise**2
        dt2 = dt_s * dt_s
        p_xx = p_xx + 2 * dt_s * p_xv + dt2 * p_vv + q * dt2 * dt_s / 3
        p_xv = p_xv + dt_s * p_vv + q * dt2 / 2
        p_vv = p_vv + q * dt_s
        k_x, k_v = p_xx / (p_xx + r), p_xv / (p_xx + r)
        expected = position + velocity * dt_s
        innovation = x - expected
        rest = 1.0 - k_x
        return np.stack(
            (expected + k_x * innovation, velocity + k_v * innovation, rest * p_xx, rest * p_xv, p_vv - k_v * p_xv)
        )


@register
class KalmanAdaptive(KalmanCv):
    """Constant-velocity model whose acceleration noise grows with speed.

    The acceleration noise is ``rest_noise + agility u`` with u the landmark's recent speed in body sizes per
    second: the larger of the filter's own speed and the previous u, which decays with a time constant of 1 s,
    so that a turning point, where the speed is zero, does not count as rest. Noise that follows the state is the
    idea of adaptive Kalman filters for manoeuvring targets (Bar-Shalom et al. 2001, section 11.2); the One-Euro
    filter makes its cut-off follow the speed in the same way.

    All axes of one landmark (the last axis of arrays with two or more) share u, the speed along the first two
    axes: depth from one camera is an estimate whose noise must not count as motion.
    """

    name = "kalman_adaptive"
    description = "Adaptive Kalman filter: very little jitter at rest, very little lag in motion."
    parameters = (
        _MEASUREMENT,
        Parameter("rest_noise", 0.005, 0.0001, 10.0, "body sizes/s^1.5",
                  "Acceleration noise at rest; a lower value removes more jitter.", logarithmic=True),
        Parameter("agility", 1.5, 0.0, 20.0, "s^-0.5",
                  "Acceleration noise per unit of speed; a higher value lags less in motion."),
    )  # fmt: skip
    _FADES_S = 1.0

    def _start(self, x: Array) -> Array:
        return np.concatenate((super()._start(x), np.zeros_like(x)[None]))

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:
        speed = np.abs(state[1]) / scale
        if x.ndim > 1:  # NaN: an axis that was never seen
            plane = speed[..., :2]
            speed = np.sqrt(np.nansum(plane * plane, axis=-1, keepdims=True))
        recent = np.fmax(speed, state[5] * np.exp(-dt_s / self._FADES_S))
        noise = self.params["rest_noise"] + self.params["agility"] * recent
        return np.concatenate((self._follow(state[:5], x, dt_s, noise), recent[None]))


@register
class KalmanCa(Filter):
    """Constant-acceleration model; deviations from constant acceleration are modelled as jerk noise."""

    name = "kalman_ca"
    description = "Kalman filter, constant acceleration: follows curves, overshoots more."
    parameters = (
        _MEASUREMENT,
        Parameter(
            "jerk_noise",
            60.0,
            0.1,
            5000.0,
            "body sizes/s^2.5",
            "How fast the acceleration may change; a higher value lags less.",
            True,
        ),
    )

    def _start(self, x: Array) -> Array:
        zero = np.zeros_like(x)
        r = self.params["measurement_noise"] ** 2
        # x, v, a, then the upper half of P: xx, xv, xa, vv, va, aa
        return np.stack((x, zero, zero, zero + r, zero, zero, zero + _FIRST_SPEED**2, zero,
                         zero + _FIRST_ACCELERATION**2))  # fmt: skip

    def _advance(self, state: Array, x: Array, dt_s: Array, scale: Array) -> Array:  # noqa: ARG002
        position, velocity, acceleration, p_xx, p_xv, p_xa, p_vv, p_va, p_aa = state
        r, q = self.params["measurement_noise"] ** 2, self.params["jerk_noise"] ** 2
        dt = dt_s
        half = dt * dt / 2
        # F P F' with F = [[1, dt, dt²/2], [0, 1, dt], [0, 0, 1]], row by row, then + Q
        row_x = p_xx + dt * p_xv + half * p_xa, p_xv + dt * p_vv + half * p_va, p_xa + dt * p_va + half * p_aa
        row_v = p_vv + dt * p_va, p_va + dt * p_aa
        p_xx = row_x[0] + dt * row_x[1] + half * row_x[2] + q * half * half * dt / 5
        p_xv = row_x[1] + dt * row_x[2] + q * half * half / 2
        p_xa = row_x[2] + q * half * dt / 3
        p_vv = row_v[0] + dt * row_v[1] + q * half * dt * 2 / 3
        p_va = row_v[1] + q * half
        p_aa = p_aa + q * dt
        s = p_xx + r
        k_x, k_v, k_a = p_xx / s, p_xv / s, p_xa / s
        expected = position + velocity * dt + acceleration * half
        innovation = x - expected
        return np.stack((
            expected + k_x * innovation, velocity + acceleration * dt + k_v * innovation,
            acceleration + k_a * innovation,
            (1 - k_x) * p_xx, (1 - k_x) * p_xv, (1 - k_x) * p_xa,
            p_vv - k_v * p_xv, p_va - k_v * p_xa, p_aa - k_a * p_xa,
        ))  # fmt: skip

    def _extrapolate(self, state: Array, ahead_s: Array) -> Array:
        return np.asarray(state[0] + state[1] * ahead_s + state[2] * ahead_s**2 / 2)

    def _slope(self, state: Array, ahead_s: Array) -> Array:
        return np.asarray(state[1] + state[2] * ahead_s)
