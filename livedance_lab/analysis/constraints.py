"""What a body cannot do: jump, or change the length of its bones. Both are optional."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.filters.base import Array
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["BoneLengths", "VelocityGate"]


class VelocityGate:
    """Tells which landmarks moved faster than anything moves, and are therefore wrong.

    The distance from where a landmark was last believed is compared with what it may have covered since. A
    place that is insisted on for `patience_s` is believed in the end: then it was the old one that was wrong.
    Only the first two axes count, because depth from one camera jumps by itself.

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
        """Forget the past: the next values are believed."""
        self._place: Array = np.empty(0)
        self._believed_s: Array = np.empty(0)

    def __call__(self, values: npt.ArrayLike, t_s: float, scale: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Judge one sample.

        Parameters
        ----------
        values : array-like of shape (..., D)
            NaN where not seen; that is never called wrong.
        t_s : float
            Capture time.
        scale : float or array that broadcasts with values
            Body size in the values' unit.

        Returns
        -------
        ndarray of bool, shape (...)
            True: not to be believed.
        """
        x = np.asarray(values, dtype=np.float64)
        if self._place.shape != x.shape:
            self._place = np.full(x.shape, np.nan)
            self._believed_s = np.full(x.shape[:-1], np.nan)
        size = np.asarray(scale, dtype=np.float64)
        if size.ndim:
            size = np.broadcast_to(size, x.shape)[..., :2]
        step = (x[..., :2] - self._place[..., :2]) / size
        since_s = np.rint((t_s - self._believed_s) * 1e6) / 1e6
        too_far = np.sqrt((step * step).sum(axis=-1)) > self.max_speed * since_s
        wrong = too_far & (since_s <= self.patience_s)  # comparisons with NaN are False
        believed = ~wrong & ~np.isnan(x).any(axis=-1)
        self._place[believed] = x[believed]
        self._believed_s[believed] = t_s
        return np.asarray(wrong)


_CHAINS: Final = (
    (("hip", "knee"), ("shoulder", "elbow")),
    (("knee", "ankle"), ("elbow", "wrist")),
    (("ankle", "heel"), ("ankle", "foot_index"), ("wrist", "pinky"), ("wrist", "index"), ("wrist", "thumb")),
)
"""Bones from the trunk outwards, one tuple per step, so that a step can be done at once."""
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
    """Keeps the limbs' bones at the lengths they have had lately.

    Lengths are learned from what is seen (an exponential average over 2 s of clear views); then, from the trunk
    outwards, each bone keeps its direction and gets its length, and what hangs from its end moves along. For
    world landmarks: in the picture bones do change their length.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all lengths."""
        self._length_m: Array = np.full(len(_INNER), np.nan)
        self._t_s = math.nan

    def __call__(self, world_m: npt.ArrayLike, t_s: float, seen: npt.NDArray[np.bool_] | None = None) -> Array:
        """Learn from one sample and correct it.

        Parameters
        ----------
        world_m : array-like of shape (33, 3)
        t_s : float
            Capture time.
        seen : ndarray of bool, shape (33,), optional
            Which landmarks are clear enough to learn from; all by default.

        Returns
        -------
        ndarray of shape (33, 3), float64
            NaN stays NaN. The trunk, the head, and what hangs from a landmark that is not seen stay as they are.
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
