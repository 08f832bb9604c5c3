"""Optional constraints on landmarks: a speed limit and constant bone lengths."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Array
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["BoneLengths", "VelocityGate"]


class VelocityGate:
    """Rejects landmarks that moved faster than a speed limit.

    The distance from the last accepted position is compared with the distance allowed for the time since then. If
    landmarks are rejected for longer than `patience_s`, the next position is accepted: the earlier one was the
    outlier. Only the first two axes count, because depth from one camera is noisy.

    Parameters
    ----------
    max_speed : float
        Body sizes per second. A fist in boxing reaches about 20; 10 suits dance.
    patience_s : float, default 0.25

    Raises
    ------
    SettingsError
        If `max_speed` is not positive.
    """

    def __init__(self, max_speed: float, patience_s: float = 0.25) -> None:
        if not max_speed > 0:
            raise SettingsError(f"max_speed must be more than 0 body sizes per second, got {max_speed!r}.")
        self.max_speed, self.patience_s = max_speed, patience_s
        self.reset()

    def reset(self) -> None:
        """Clear the state: the next values are accepted."""
        self._position: Array = np.empty(0)
        self._accepted_s: Array = np.empty(0)

    def __call__(self, values: npt.ArrayLike, t_s: float, scale: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Check one sample.

        Parameters
        ----------
        values : array-like of shape (..., D)
            NaN where not seen; NaN is never rejected.
        t_s : float
            Capture time.
        scale : float or array that broadcasts with values
            Body size in the values' unit.

        Returns
        -------
        ndarray of bool, shape (...)
            True where the landmark is rejected.
        """
        x = np.asarray(values, dtype=np.float64)
        if self._position.shape != x.shape:
            self._position = np.full(x.shape, np.nan)
            self._accepted_s = np.full(x.shape[:-1], np.nan)
        size = np.asarray(scale, dtype=np.float64)
        if size.ndim:
            size = np.broadcast_to(size, x.shape)[..., :2]
        step = (x[..., :2] - self._position[..., :2]) / size
        since_s = np.rint((t_s - self._accepted_s) * 1e6) / 1e6
        too_far = np.sqrt((step * step).sum(axis=-1)) > self.max_speed * since_s
        rejected = too_far & (since_s <= self.patience_s)  # comparisons with NaN are False
        accepted = ~rejected & ~np.isnan(x).any(axis=-1)
        self._position[accepted] = x[accepted]
        self._accepted_s[accepted] = t_s
        return np.asarray(rejected)


_CHAINS: Final = (
    (("hip", "knee"), ("shoulder", "elbow")),
    (("knee", "ankle"), ("elbow", "wrist")),
    (("ankle", "heel"), ("ankle", "foot_index"), ("wrist", "pinky"), ("wrist", "index"), ("wrist", "thumb")),
)
"""Bones from the trunk outwards; the bones of one level are corrected in one vectorised step."""
_LEARNING_S: Final = 2.0


def _bones(level: tuple[tuple[str, str], ...]) -> npt.NDArray[np.intp]:
    pairs = [
        (BLAZEPOSE_33.index(f"{side}_{a}"), BLAZEPOSE_33.index(f"{side}_{b}"))
        for a, b in level
        for side in ("left", "right")
    ]
    return np.array(pairs, dtype=np.intp).T


_LEVELS: Final = tuple(_bones(level) for level in _CHAINS)
_INNER, _OUTER = np.concatenate(_LEVELS, axis=1)
_ENDS: Final = np.cumsum([0, *(bones.shape[1] for bones in _LEVELS)])
_STEPS: Final = tuple((*bones, slice(a, b)) for bones, a, b in zip(_LEVELS, _ENDS[:-1], _ENDS[1:], strict=True))


class BoneLengths:
    """Keeps the bone lengths of the limbs constant in world landmarks.

    The lengths are exponential averages over 2 s of visible landmarks. From the trunk outwards, each bone keeps its
    direction and is scaled to its average length; the landmarks beyond its end move with it. In image coordinates
    bone lengths change with the view, so that this applies to world landmarks only.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Clear all lengths."""
        self._length_m: Array = np.full(len(_INNER), np.nan)
        self._t_s = math.nan

    def __call__(self, world_m: npt.ArrayLike, t_s: float, seen: npt.NDArray[np.bool_] | None = None) -> Array:
        """Update the lengths with one sample and correct the sample.

        Parameters
        ----------
        world_m : array-like of shape (33, 3)
        t_s : float
            Capture time.
        seen : ndarray of bool, shape (33,), optional
            Landmarks that are visible enough to update the lengths; all by default.

        Returns
        -------
        ndarray of shape (33, 3), float64
            NaN stays NaN. The trunk, the head and the landmarks beyond a missing one are not changed.
        """
        x = np.array(world_m, dtype=np.float64)
        if x.shape != (len(BLAZEPOSE_33), 3):
            raise ShapeError(f"world_m must have shape ({len(BLAZEPOSE_33)}, 3), got {x.shape}.")
        clear = np.ones(len(x), dtype=bool) if seen is None else seen
        dt_s = 0.0 if math.isnan(self._t_s) else max(round((t_s - self._t_s) * 1e6) / 1e6, 0.0)
        weight = -math.expm1(-dt_s / _LEARNING_S)
        self._t_s = t_s
        bone = x[_OUTER] - x[_INNER]
        length = np.sqrt((bone * bone).sum(axis=-1))
        known = length > 0  # False for NaN
        learned = self._length_m
        followed = np.where(np.isnan(learned), length, learned + weight * (length - learned))
        self._length_m = learned = np.where(clear[_INNER] & clear[_OUTER] & known, followed, learned)
        with np.errstate(invalid="ignore", divide="ignore"):
            stretch = np.where(known & ~np.isnan(learned), learned / length, 1.0)
        stretched = bone * stretch[:, None]
        out = x.copy()
        for inner, outer, of in _STEPS:
            moved = out[inner] + stretched[of]
            out[outer] = np.where(np.isnan(moved), x[outer], moved)
        return out
