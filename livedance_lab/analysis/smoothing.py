"""Smoothing of one person: a filter for each group of landmarks, at the body's scale, with a flag per landmark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.angle_definitions import definitions_of
from livedance_lab.analysis.constraints import BoneLengths, VelocityGate
from livedance_lab.analysis.filters import Filter, make_filter
from livedance_lab.errors import ShapeError
from livedance_lab.pose import BODY_SHAPES, Array, Body, Flag, FloatArray
from livedance_lab.settings import Smoothing
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["ANGLE_SCALE_DEG", "BodySmoother", "body_size"]

ANGLE_SCALE_DEG: Final = math.degrees(2.0)
"""The "body size" of angles: the rotation that moves the end of a limb half a torso long by one torso length, so
that one set of filter parameters has much the same effect on positions and on angles."""

_L_SHOULDER, _R_SHOULDER, _L_HIP, _R_HIP = (
    BLAZEPOSE_33.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
)
# head and trunk move slowly and together; the limbs move fast
_TORSO: Final = np.r_[0:13, _L_HIP, _R_HIP]
_LIMBS: Final = np.setdiff1d(np.arange(len(BLAZEPOSE_33)), _TORSO)
_GROUPS: Final[tuple[Literal["torso", "limbs", "world", "angles", "hands"], ...]] = (
    "torso",
    "limbs",
    "world",
    "angles",
    "hands",
)
_PARTS: Final = (("torso", _TORSO), ("limbs", _LIMBS))
_SIZE_TIME_CONSTANT_S: Final = 1.0


def body_size(landmarks: npt.ArrayLike) -> float:
    """Return the size of a body: its torso length, or an estimate from the shoulders where that is foreshortened.

    Parameters
    ----------
    landmarks : array-like of shape (33, 2 or 3)
        Pixels or metres; depth is used if given.

    Returns
    -------
    float
        The larger of the mid-shoulder to mid-hip distance and 1.2 shoulder widths, in the landmarks' unit.
        If one of them is missing, the other; NaN if both are missing.
    """
    p = np.asarray(landmarks, dtype=np.float64)
    across = p[_L_SHOULDER] - p[_R_SHOULDER]
    along = (p[_L_SHOULDER] + p[_R_SHOULDER] - p[_L_HIP] - p[_R_HIP]) / 2
    return float(np.fmax(math.sqrt(along @ along), 1.2 * math.sqrt(across @ across)))


class _GroupFilter:
    """The filter of one landmark group, with its velocity gate if there is one.

    Attributes
    ----------
    held : ndarray of bool, or False
        Landmarks that the gate rejected in the last call; the output has the filter's prediction instead.
    """

    def __init__(self, choice: Smoothing, gap_reset_s: float, gated: bool) -> None:
        self.filter: Filter = make_filter(choice.filter, choice.params, gap_reset_s)
        self.gate = VelocityGate(choice.max_speed) if gated and choice.max_speed > 0 else None
        self.reset()

    def reset(self) -> None:
        self.filter.reset()
        self.held: npt.NDArray[np.bool_] | Literal[False] = False
        self._t_s = -math.inf
        if self.gate is not None:
            self.gate.reset()

    def take_over(self, other: _GroupFilter) -> None:
        self.filter.take_over(other.filter)
        self._t_s, self.held = other._t_s, other.held
        if self.gate is not None and other.gate is not None and self.gate.max_speed == other.gate.max_speed:
            self.gate = other.gate

    def __call__(self, values: npt.ArrayLike, t_s: float, scale: npt.ArrayLike) -> Array:
        if self.gate is None or not t_s > self._t_s:
            self._t_s = max(t_s, self._t_s)
            return self.filter(values, t_s, scale)
        self._t_s = t_s
        self.held = self.gate(values, t_s, scale)
        if not self.held.any():
            return self.filter(values, t_s, scale)
        out = self.filter(np.where(self.held[..., None], np.nan, values), t_s, scale)
        return np.where(self.held[..., None], self.filter.predict(t_s), out)


class BodySmoother:
    """Smooths everything of one person: image landmarks, world landmarks, angles and hands.

    Deterministic: the same inputs give the same bits. The filters' states are float64; outputs are float32.

    Parameters
    ----------
    smoothing : Smoothing
        The filter, with exceptions for "torso" (head and trunk), "limbs", "world", "angles" and "hands".
    gap_reset_s : float
        A landmark that was missing or not visible for longer restarts from its raw value.
    angle_ids : sequence of str, optional
        Names of the angles. Needed to smooth signed angles across the jump from 180 to -180 degrees.

    Raises
    ------
    SettingsError
        If a filter or a parameter is unknown or out of range.
    """

    def __init__(self, smoothing: Smoothing, gap_reset_s: float, angle_ids: Sequence[str] | None = None) -> None:
        angles = definitions_of(angle_ids or ())
        self._periods: Array = np.array([d.period_deg for d in angles])
        self._highest_deg: Array = np.array([d.range_deg[1] for d in angles])
        self._filters: dict[str, _GroupFilter] = {}
        self._bones: BoneLengths | None = None
        self.reconfigure(smoothing, gap_reset_s)
        self.reset()

    def reconfigure(self, smoothing: Smoothing, gap_reset_s: float) -> None:
        """Set another filter and keep the state: a filter of another class starts from the last smoothed values.

        Raises
        ------
        SettingsError
            As the constructor; nothing is changed then.
        """
        chosen = {group: smoothing.groups.get(group, smoothing) for group in _GROUPS}
        new: dict[str, _GroupFilter] = {
            group: _GroupFilter(choice, gap_reset_s, gated=group != "angles") for group, choice in chosen.items()
        }
        for name, old in self._filters.items():
            new[name].take_over(old)
        self._filters, self.gap_reset_s = new, gap_reset_s
        self._bones = (self._bones or BoneLengths()) if chosen["world"].rigid_bones else None

    def reset(self) -> None:
        """Clear all states: the next body passes unsmoothed."""
        for each in self._filters.values():
            each.reset()
        if self._bones is not None:
            self._bones.reset()
        self._t_s = math.nan
        self._unseen_since_s: Array = np.full(len(BLAZEPOSE_33), np.nan)
        self._size_px = self._size_m = math.nan
        self._hands: tuple[FloatArray, FloatArray] | None = None
        self._unwrapped: Array = np.full(len(self._periods), np.nan)

    def __call__(
        self,
        raw: Body,
        angles_deg: FloatArray,
        t_s: float,
        visibility_threshold: float = 0.5,
        *,
        hands_t_s: float | None = None,
        hands_fresh: bool = True,
    ) -> tuple[Body, FloatArray, npt.NDArray[np.uint8]]:
        """Smooth one result.

        Parameters
        ----------
        raw : Body
            The model's output; NaN where not seen.
        angles_deg : ndarray of shape (A,)
            Raw angles.
        t_s : float
            Capture time of the body's frame, seconds. If it is not later than the last one, the last smoothed
            values are returned and the states are not changed.
        visibility_threshold : float, default 0.5
            A landmark with less visibility is flagged, and counts as missing for the restart after a gap.
        hands_t_s : float, optional
            Capture time of the frame the hands were detected in; that of the body by default.
        hands_fresh : bool, default True
            False if the hands are those of the last call; they are not filtered again then.

        Returns
        -------
        smooth : Body
            NaN where raw is NaN; visibility, presence and scores are unchanged.
        angles_smooth_deg : ndarray of shape (A,), float32
        flags : ndarray of shape (33,), uint8
            Per body landmark: `Flag.MEASURED`, `LOW_VISIBILITY`, `HELD` (rejected by the speed limit) or `MISSING`.
        """
        missing = np.isnan(raw.keypoints_px[:, 0])
        hidden = raw.visibility < visibility_threshold
        if not t_s <= self._t_s:  # also true for the first, where `_t_s` is NaN
            self._restart_after_occlusion(missing | hidden, t_s)
            self._follow_size(raw, t_s)
            self._t_s = t_s
        body, angles = self._smooth_body(raw, angles_deg, t_s, clear=~(missing | hidden))
        hands_px, hands_world_m = self._smooth_hands(raw, t_s if hands_t_s is None else hands_t_s, hands_fresh)
        flags = np.where(hidden, Flag.LOW_VISIBILITY, Flag.MEASURED)
        for group, index in _PARTS:
            flags[index] = np.where(self._filters[group].held, Flag.HELD, flags[index])
        flags[missing] = Flag.MISSING
        smooth = replace(raw, **body, hands_px=hands_px, hands_world_m=hands_world_m)
        return smooth, angles, flags.astype(np.uint8)

    def _smooth_body(
        self, raw: Body, angles_deg: FloatArray, t_s: float, clear: npt.NDArray[np.bool_]
    ) -> tuple[dict[str, FloatArray], FloatArray]:
        size_px, size_m = (1.0 if math.isnan(s) else s for s in (self._size_px, self._size_m))
        keypoints = np.empty(BODY_SHAPES["keypoints_px"], dtype=np.float32)
        for group, index in _PARTS:
            keypoints[index] = self._filters[group](raw.keypoints_px[index], t_s, size_px)
        world = self._filters["world"](raw.world_m, t_s, size_m)
        if self._bones is not None:
            world = self._bones(world, t_s, clear)
        return {"keypoints_px": keypoints, "world_m": world.astype(np.float32)}, self._smooth_angles(angles_deg, t_s)

    def _smooth_angles(self, angles_deg: FloatArray, t_s: float) -> FloatArray:
        smooth = self._filters["angles"]
        if not self._periods.any():
            return smooth(angles_deg, t_s, ANGLE_SCALE_DEG).astype(np.float32)
        if np.shape(angles_deg) != self._periods.shape:
            raise ShapeError(f"angles must have shape {self._periods.shape}, got {np.shape(angles_deg)}.")
        wraps = self._periods > 0
        period = np.where(wraps, self._periods, 1.0)
        turns = np.where(wraps & ~np.isnan(self._unwrapped), np.rint((self._unwrapped - angles_deg) / period), 0.0)
        values = angles_deg + period * turns
        self._unwrapped = np.where(np.isnan(values), self._unwrapped, values)
        out = smooth(values, t_s, ANGLE_SCALE_DEG)
        wrapped = self._highest_deg - np.mod(self._highest_deg - out, period)
        return np.where(wraps, wrapped, out).astype(np.float32)

    def _smooth_hands(self, raw: Body, t_s: float, fresh: bool) -> tuple[FloatArray, FloatArray]:
        """Filter both arrays together, as one of shape (2, 2, 21, 3): pixels, then metres."""
        values = np.stack((raw.hands_px, raw.hands_world_m))
        if fresh and math.isfinite(t_s):
            sizes = np.nan_to_num(np.array([self._size_px, self._size_m]), nan=1.0)
            smooth = self._filters["hands"](values, t_s, sizes[:, None, None, None]).astype(np.float32)
            self._hands = (smooth[0], smooth[1])
        if self._hands is None:
            return raw.hands_px, raw.hands_world_m
        # hands that were removed meanwhile, because they were too old, are NaN in the output too
        px, world = (np.where(np.isnan(r), r, s) for r, s in zip(values, self._hands, strict=True))
        return px, world

    def _restart_after_occlusion(self, unseen: npt.NDArray[np.bool_], t_s: float) -> None:
        """Restart landmarks that are visible again after more than `gap_reset_s`.

        The model outputs positions of hidden landmarks too, so that the filters themselves see no gap.
        """
        with np.errstate(invalid="ignore"):
            visible_again = ~unseen & (t_s - self._unseen_since_s > self.gap_reset_s)
        if visible_again.any():
            for group, index in _PARTS:
                self._filters[group].filter.reset_where(visible_again[index])
            self._filters["world"].filter.reset_where(visible_again)
        begins = unseen & np.isnan(self._unseen_since_s)
        self._unseen_since_s[begins] = t_s
        self._unseen_since_s[~unseen] = np.nan

    def _follow_size(self, raw: Body, t_s: float) -> None:
        """Update the body size with a slow average, so that a single outlier does not change the smoothing."""
        dt_s = 0.0 if math.isnan(self._t_s) else round((t_s - self._t_s) * 1e6) / 1e6
        weight = 1.0 - math.exp(-dt_s / _SIZE_TIME_CONSTANT_S)
        for name, landmarks in (("_size_px", raw.keypoints_px[:, :2]), ("_size_m", raw.world_m)):
            now, before = body_size(landmarks), getattr(self, name)
            if now > 0:  # False for NaN
                setattr(self, name, now if math.isnan(before) else before + weight * (now - before))
