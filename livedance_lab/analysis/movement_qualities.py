"""Qualities of movement for dance, on windows of world landmarks: how much, how wide, how smooth, how even.

Each is one number per window, so that a curve of them follows a dance (`over_time`), live or afterwards. Sources:
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
from livedance_lab.analysis.smoothing_metrics import sliding
from livedance_lab.analysis.smoothness import even, log_dimensionless_jerk, sparc
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["QUALITIES", "contraction", "energy", "jerkiness", "over_time", "smoothness", "symmetry"]

Array = npt.NDArray[np.float64]


def _index(*names: str) -> npt.NDArray[np.intp]:
    return np.array([BLAZEPOSE_33.index(n) for n in names], dtype=np.intp)


_SEGMENTS: Final = {
    "upper_arm": ("shoulder", "elbow", 0.0271),
    "forearm_and_hand": ("elbow", "wrist", 0.0162 + 0.0061),
    "thigh": ("hip", "knee", 0.1416),
    "shank_and_foot": ("knee", "ankle", 0.0433 + 0.0137),
}
"""From, to, share of the body's mass (de Leva 1996, men), on each side."""
_TRUNK_MASS: Final = 0.4346 + 0.0694
"""Trunk and head, moving with the middle of shoulders and hips."""
_HANDS: Final = _index("left_wrist", "right_wrist")
_ENDS: Final = _index("left_wrist", "right_wrist", "left_ankle", "right_ankle", "nose")
_LEFT: Final = _index("left_elbow", "left_wrist", "left_knee", "left_ankle")
_RIGHT: Final = _index("right_elbow", "right_wrist", "right_knee", "right_ankle")
_SHOULDERS, _HIPS = _index("left_shoulder", "right_shoulder"), _index("left_hip", "right_hip")


def smoothness(world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    """SPARC of the hands' speed, mean of both; nearer to zero is smoother.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : array-like of shape (T,)

    Returns
    -------
    float
        NaN if neither hand is seen throughout (gaps up to 0.25 s are bridged) or nothing moves.
    """
    return _of_hands(sparc, world_m, times_s)


def jerkiness(world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    """Log dimensionless jerk of the hands' speed, mean of both; nearer to zero is smoother.

    Parameters, returns and NaN rules are those of `smoothness`.
    """
    return _of_hands(log_dimensionless_jerk, world_m, times_s)


def energy(world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    """Mean kinetic energy per kilogram of body mass: half of the segments' masses times speed squared.

    A proxy: each segment moves as its middle, turning about itself is left out, and the origin of world
    landmarks is the hips, so that travelling through the room does not count.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : array-like of shape (T,)

    Returns
    -------
    float
        Joule per kilogram. Of the segments that were seen, as a share of their mass; NaN without any.
    """
    x, rate_hz = _even_world(world_m, times_s)
    if len(x) < 2:
        return float("nan")
    middles, masses = [], []
    for start, end, mass in _SEGMENTS.values():
        for side in ("left", "right"):
            middles.append(x[:, _index(f"{side}_{start}", f"{side}_{end}")].mean(axis=1))
            masses.append(mass)
    middles.append(x[:, np.concatenate((_SHOULDERS, _HIPS))].mean(axis=1))
    masses.append(_TRUNK_MASS)
    speed2 = ((np.diff(np.stack(middles, axis=1), axis=0) * rate_hz) ** 2).sum(axis=-1)  # (T - 1, segments)
    seen_mass = np.where(np.isnan(speed2), 0.0, np.array(masses))
    if not seen_mass.sum() > 0:
        return float("nan")
    return float(0.5 * (seen_mass * np.nan_to_num(speed2)).sum() / seen_mass.sum())


def contraction(world_m: npt.ArrayLike, times_s: npt.ArrayLike | None = None) -> float:  # noqa: ARG001 (all take times)
    """How close head, hands and feet are to the body's middle: 1 curled up, towards 0 spread wide.

    The index of Camurri et al. from landmarks instead of a silhouette: ``1 / (1 + d)`` with d the mean distance
    of nose, wrists and ankles from the middle of shoulders and hips, in torso lengths.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : ignored

    Returns
    -------
    float
        NaN if head, hands and feet, or the trunk, were never all seen.
    """
    x = _world(world_m)
    middle = x[:, np.concatenate((_SHOULDERS, _HIPS))].mean(axis=1)
    distance = np.linalg.norm(x[:, _ENDS] - middle[:, None], axis=-1).mean(axis=1)
    size = np.array([body_size(frame) for frame in x])
    index = 1 / (1 + distance / size)
    seen = index[~np.isnan(index)]
    return float(seen.mean()) if seen.size else float("nan")


def symmetry(world_m: npt.ArrayLike, times_s: npt.ArrayLike | None = None) -> float:  # noqa: ARG001 (all take times)
    """How much left mirrors right: 1 a mirror image, 0 as far apart as a torso length.

    Elbows, wrists, knees and ankles of one side are mirrored in the body's own plane (through the hips' middle,
    across the line from hip to hip) and compared with the other side's.

    Parameters
    ----------
    world_m : array-like of shape (T, 33, 3)
    times_s : ignored

    Returns
    -------
    float
        Not below 0; NaN if never all were seen.
    """
    x = _world(world_m)
    across = (x[:, _HIPS[0]] - x[:, _HIPS[1]]) + (x[:, _SHOULDERS[0]] - x[:, _SHOULDERS[1]])
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    middle = x[:, _HIPS].mean(axis=1)[:, None]
    left, right = x[:, _LEFT] - middle, x[:, _RIGHT] - middle
    mirrored = left - 2 * (left * across[:, None]).sum(axis=-1, keepdims=True) * across[:, None]
    apart = np.linalg.norm(mirrored - right, axis=-1).mean(axis=1) / np.array([body_size(frame) for frame in x])
    seen = apart[~np.isnan(apart)]
    return float(np.maximum(1 - seen, 0).mean()) if seen.size else float("nan")


QUALITIES = {
    "smoothness": smoothness,
    "jerkiness": jerkiness,
    "energy": energy,
    "contraction": contraction,
    "symmetry": symmetry,
}
"""Every quality by name; each takes (world_m, times_s)."""


def over_time(
    world_m: npt.ArrayLike,
    times_s: npt.ArrayLike,
    names: Iterable[str] = tuple(QUALITIES),
    window_s: float = 2.0,
    step_s: float = 0.25,
) -> tuple[Array, dict[str, Array]]:
    """Qualities over a moving window.

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
        When each window ends: a live curve knows nothing later.
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
        ends_s, values[name] = sliding(QUALITIES[name], t, window_s, step_s, x, t)
    return ends_s, values


def _of_hands(measure: Callable[[Array, float], float], world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> float:
    x, rate_hz = _even_world(world_m, times_s)
    hands = np.linalg.norm(np.diff(x[:, _HANDS], axis=0), axis=-1) * rate_hz
    both = np.array([measure(hands[:, side], rate_hz) for side in range(hands.shape[1])])
    seen = both[~np.isnan(both)]
    return float(seen.mean()) if seen.size else float("nan")


def _world(world_m: npt.ArrayLike) -> Array:
    x = np.asarray(world_m, dtype=np.float64)
    if x.ndim != 3 or x.shape[1:] != (len(BLAZEPOSE_33), 3):
        raise ShapeError(f"world_m must have shape (T, {len(BLAZEPOSE_33)}, 3), got {x.shape}.")
    return x


def _even_world(world_m: npt.ArrayLike, times_s: npt.ArrayLike) -> tuple[Array, float]:
    return even(_world(world_m), times_s)
