"""Small maths of movement: rotations, minimum-jerk easing, keys and waves."""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

X, Y, Z = np.eye(3)


def unit(v: npt.ArrayLike) -> FloatArray:
    """Return the vector scaled to length 1."""
    v = np.asarray(v, float)
    return v / np.linalg.norm(v)


def rot(axis: npt.ArrayLike, angle_deg: float) -> FloatArray:
    """Return the matrix of shape (3, 3) that turns by an angle about an axis (Rodrigues)."""
    a = math.radians(angle_deg)
    x, y, z = unit(axis)
    c, s = math.cos(a), math.sin(a)
    C = 1 - c
    return np.array(
        [
            [c + x * x * C, x * y * C - z * s, x * z * C + y * s],
            [y * x * C + z * s, c + y * y * C, y * z * C - x * s],
            [z * x * C - y * s, z * y * C + x * s, c + z * z * C],
        ]
    )


def signed_angle_deg(a: FloatArray, b: FloatArray, axis: FloatArray) -> float:
    """Angle from a to b about an axis they are both across."""
    return math.degrees(math.atan2(np.dot(np.cross(a, b), axis), np.dot(a, b)))


def ease(s: float) -> float:
    """Minimum-jerk step from 0 to 1 (Flash & Hogan 1985); clipped outside."""
    s = min(1.0, max(0.0, s))
    return s * s * s * (s * (6 * s - 15) + 10)


def window(t_s: float, start_s: float, end_s: float, fade_s: float = 0.35) -> float:
    """1 inside [start, end], easing to 0 at both ends (inside the interval)."""
    return ease((t_s - start_s) / fade_s) * ease((end_s - t_s) / fade_s)


def keys(t_s: float, *keyframes: tuple[float, npt.ArrayLike]) -> FloatArray:
    """Minimum-jerk interpolation between (time, value) keys; held before the first and after the last."""
    if t_s <= keyframes[0][0]:
        return np.asarray(keyframes[0][1], float)
    for (t0_s, v0), (t1_s, v1) in pairwise(keyframes):
        if t_s < t1_s:
            s = ease((t_s - t0_s) / (t1_s - t0_s))
            return (1 - s) * np.asarray(v0, float) + s * np.asarray(v1, float)
    return np.asarray(keyframes[-1][1], float)


def wave(t_s: float, start_s: float, rate_hz: float, phase_cycles: float = 0.0) -> float:
    """Sine of a rate, in phase at start_s."""
    return math.sin(2 * math.pi * (rate_hz * (t_s - start_s) + phase_cycles))
