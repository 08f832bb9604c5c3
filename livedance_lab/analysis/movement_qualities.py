"""Movement qualities for dance, computed from world landmarks: energy, contraction, smoothness, symmetry.

Each quality is one number per time window; `qualities_over_time` computes it in a moving window. Sources:
Camurri, Lagerlöf and Volpe, "Recognizing emotion from dance movement", International Journal of Human-Computer
Studies 59, 2003 (quantity of motion, contraction); Balasubramanian et al. 2015 (SPARC, jerk;
`livedance_lab.analysis.smoothness`); de Leva, "Adjustments to Zatsiorsky-Seluyanov's segment inertia
parameters", Journal of Biomechanics 29, 1996 (segment masses).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.smoothing import body_size
from livedance_lab.analysis.smoothing_metrics import over_windows
from livedance_lab.analysis.smoothness import evenly_sampled, log_dimensionless_jerk, sparc, speed
from livedance_lab.analysis.statistics import finite_mean
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Array
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["QUALITIES", "contraction", "energy", "jerkiness", "qualities_over_time", "smoothness", "symmetry"]


def _index(*names: str) -> npt.NDArray[np.intp]:
    return np.array([BLAZEPOSE_33.index(n) for n in names], dtype=np.intp)


_SEGMENTS: Final = {
    "upper_arm": ("shoulder", "elbow", 0.0271),
    "forearm_and_hand": ("elbow", "wrist", 0.0162 + 0.0061),
    "thigh": ("hip", "knee", 0.1416),
    "shank_and_foot": ("knee", "ankle", 0.0433 + 0.0137),
}
"""Segments of each side: start, end, share of the body's mass (de Leva 1996, men)."""
_TRUNK_MASS: Final = 0.4346 + 0.0694
"""Trunk and head; they move with the centre of shoulders and hips."""
_HANDS: Final = _index("left_wrist", "right_wrist")
_ENDS: Final = _index("left_wrist", "right_wrist", "left_ankle", "right_ankle", "nose")
_LEFT: Final = _index("left_elbow", "left_wrist", "left_knee", "left_ankle")
_RIGHT: Final = _index("right_elbow", "right_wrist", "right_knee", "right_ankle")
_SHOULDERS, _HIPS = _index("left_shoulder", "right_shoulder"), _index("left_hip", "right_hip")


def smoothness(world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    """Return the SPARC of the hands' speed, mean of both; nearer to zero is smoother.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : array-like of shape (T,)

    Returns
    -------
    float
        NaN if no hand is visible in the whole window (gaps up to 0.25 s are filled) or nothing moves.
    """
    return _of_hands(sparc, world_m, times_s)


def jerkiness(world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    """Return the log dimensionless jerk of the hands' speed, mean of both; nearer to zero is smoother.

    Parameters, returns and NaN rules are those of `smoothness`.
    """
    return _of_hands(log_dimensionless_jerk, world_m, times_s)


def energy(world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    """Return the mean kinetic energy per kilogram of body mass: half the segments' masses times speed squared.

    An approximation: each segment has the speed of its midpoint, rotation is ignored, and the origin of world
    landmarks is between the hips, so that moving through the room does not count.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : array-like of shape (T,)

    Returns
    -------
    float
        Joule per kilogram of the visible segments' mass; NaN if none is visible.
    """
    x, rate_hz = evenly_sampled(_world(world_m), times_s)
    if len(x) < 2:
        return float("nan")
    midpoints, masses = [], []
    for start, end, mass in _SEGMENTS.values():
        for side in ("left", "right"):
            midpoints.append(x[:, _index(f"{side}_{start}", f"{side}_{end}")].mean(axis=1))
            masses.append(mass)
    midpoints.append(x[:, np.concatenate((_SHOULDERS, _HIPS))].mean(axis=1))
    masses.append(_TRUNK_MASS)
    speed2 = ((np.diff(np.stack(midpoints, axis=1), axis=0) * rate_hz) ** 2).sum(axis=-1)  # (T - 1, segments)
    seen_mass = np.where(np.isnan(speed2), 0.0, np.array(masses))
    if not seen_mass.sum() > 0:
        return float("nan")
    return float(0.5 * (seen_mass * np.nan_to_num(speed2)).sum() / seen_mass.sum())


def contraction(world_m: npt.ArrayLike, times_s: npt.ArrayLike | None = None) -> float:  # noqa: ARG001 (all take times)
    """Return how close head, hands and feet are to the centre of the body: 1 curled up, towards 0 spread wide.

    The contraction index of Camurri et al., from landmarks instead of a silhouette: ``1 / (1 + d)`` with d the mean
    distance of nose, wrists and ankles from the centre of shoulders and hips, in torso lengths.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : ignored

    Returns
    -------
    float
        NaN if no frame has all of these landmarks.
    """
    x = _world(world_m)
    centre = x[:, np.concatenate((_SHOULDERS, _HIPS))].mean(axis=1)
    distance = np.linalg.norm(x[:, _ENDS] - centre[:, None], axis=-1).mean(axis=1)
    size = np.array([body_size(frame) for frame in x])
    return finite_mean(1 / (1 + distance / size))


def symmetry(world_m: npt.ArrayLike, times_s: npt.ArrayLike | None = None) -> float:  # noqa: ARG001 (all take times)
    """Return how well the left side mirrors the right: 1 for a mirror image, 0 for a difference of a torso length.

    Elbows, wrists, knees and ankles of one side are mirrored in the body's median plane (through the centre of the
    hips, perpendicular to the line from hip to hip and shoulder to shoulder) and compared with the other side's.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : ignored

    Returns
    -------
    float
        At least 0; NaN if no frame has all of these landmarks.
    """
    x = _world(world_m)
    across = (x[:, _HIPS[0]] - x[:, _HIPS[1]]) + (x[:, _SHOULDERS[0]] - x[:, _SHOULDERS[1]])
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    centre = x[:, _HIPS].mean(axis=1)[:, None]
    left, right = x[:, _LEFT] - centre, x[:, _RIGHT] - centre
    mirrored = left - 2 * (left * across[:, None]).sum(axis=-1, keepdims=True) * across[:, None]
    apart = np.linalg.norm(mirrored - right, axis=-1).mean(axis=1) / np.array([body_size(frame) for frame in x])
    return finite_mean(np.maximum(1 - apart, 0))


QUALITIES = {
    "smoothness": smoothness,
    "jerkiness": jerkiness,
    "energy": energy,
    "contraction": contraction,
    "symmetry": symmetry,
}
"""All qualities by name; each takes (world_m, times_s)."""


def qualities_over_time(
    world_m: npt.ArrayLike,
    times_s: npt.ArrayLike,
    names: Iterable[str] = tuple(QUALITIES),
    window_s: float = 2.0,
    step_s: float = 0.25,
) -> tuple[Array, dict[str, Array]]:
    """Compute qualities in a moving window.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
        Smoothed or raw world landmarks, metres; NaN where not seen.
    times_s : array-like of shape (T,)
    names : iterable of str
        Of `QUALITIES`.
    window_s, step_s : float

    Returns
    -------
    ends_s : ndarray of shape (N,)
        End of each window, because a live curve has no later samples.
    values : dict of str to ndarray of shape (N,)

    Raises
    ------
    SettingsError
        If a name is unknown.
    """
    wanted = list(names)
    for name in wanted:
        if name not in QUALITIES:
            raise SettingsError(f"there is no quality {name!r}; the qualities are {', '.join(QUALITIES)}.")
    x, t = _world(world_m), np.asarray(times_s, dtype=np.float64)
    ends_s = np.empty(0)
    values: dict[str, Array] = {}
    for name in wanted:
        ends_s, values[name] = over_windows(QUALITIES[name], t, window_s, step_s, x, t)
    return ends_s, values


def _of_hands(measure: Callable[[Array, float], float], world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    hands, rate_hz = speed(_world(world_m)[:, _HANDS], times_s)
    return finite_mean(np.array([measure(hands[:, side], rate_hz) for side in range(hands.shape[1])]))


def _world(world_m: npt.ArrayLike) -> Array:
    x = np.asarray(world_m, dtype=np.float64)
    if x.ndim != 3 or x.shape[1:] != (len(BLAZEPOSE_33), 3):
        raise ShapeError(f"world_m must have shape (T, {len(BLAZEPOSE_33)}, 3), got {x.shape}.")
    return x
