"""Joint angles from landmarks, and how far they can be trusted.

Included angles: theta = atan2(|u x v|, u . v) with u = A - B, v = C - B. atan2 keeps its precision near 0 and
180 degrees, where acos loses half its digits (Kahan, "How Futile are Mindless Assessments of Roundoff in
Floating-Point Computation?", 2006, section 12). Angles in a plane of the body project a limb's direction on it:
up is from mid-hip to mid-shoulders, left from the right hip (or shoulder) to the left one as far as it is square
to up, forwards left x up. Signed angles in the picture are those of Sports2D: the directions' own atan2,
subtracted. What each angle means stands in `livedance_lab.analysis.angle_definitions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.angle_definitions import (
    ANGLES,
    DEFAULT_ANGLES,
    PRESETS,
    VIRTUAL,
    AngleDefinition,
    angle_ids,
    definitions_of,
    labelled,
)
from livedance_lab.analysis.offline_filters import savitzky_golay
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = [
    "ANGLES", "DEFAULT_ANGLES", "OTHER_SIDE", "PRESETS", "AngleDefinition", "ViewQuality", "angle_ids", "angles_deg",
    "angular_velocity_deg_s", "definitions_of", "labelled", "unmirrored", "view_quality",
]  # fmt: skip

Array = npt.NDArray[np.float64]

_SHORTEST: Final = 1e-6
"""Segments shorter than this (metres or pixels) have no direction."""
_LEAST_PROJECTED: Final = 0.5
"""A limb of which less than this share lies in a plane of the body (more than 60 degrees out of it) has no angle
there: an arm held out to the side is neither flexed nor extended, and next to it the angle would turn wildly."""
_LEAST_IN_PLANE: Final = 0.5
"""A segment seen at less than half its length (more than 60 degrees out of the picture) is foreshortened."""
_K: Final = len(BLAZEPOSE_33)
_POINTS: Final = (*BLAZEPOSE_33.landmarks, *VIRTUAL)
_PAIRS: Final = np.array([[BLAZEPOSE_33.index(n) for n in pair] for pair in VIRTUAL.values()])


def _other_side() -> npt.NDArray[np.intp]:
    swap = {"left": "right", "right": "left"}
    names = ["_".join(swap.get(word, word) for word in name.split("_")) for name in BLAZEPOSE_33.landmarks]
    return np.array([BLAZEPOSE_33.index(name) for name in names], dtype=np.intp)


OTHER_SIDE: Final = _other_side()
"""For each body landmark, the position of the same landmark on the other side; its own for those in the middle."""


class ViewQuality(IntEnum):
    """How well a camera sees a joint."""

    GOOD = 0
    FORESHORTENED = 1
    """A segment points at the camera or away: its depth is guessed, and small errors turn the angle far."""
    HIDDEN = 2
    """A landmark is less visible than asked."""
    MISSING = 3
    """A landmark is not known at all, or a limb is square to the plane its angle is measured in."""


def angles_deg(
    world_m: npt.ArrayLike,
    visibility: npt.ArrayLike | None = None,
    definitions: Sequence[str] = DEFAULT_ANGLES,
    threshold: float = 0.5,
    *,
    keypoints_px: npt.ArrayLike | None = None,
    mirrored: bool = False,
) -> FloatArray:
    """Joint angles of one frame or of many.

    Parameters
    ----------
    world_m : array-like of shape (..., 33, 3)
        World landmarks, metres; NaN where not seen.
    visibility : array-like of shape (..., 33), optional
        0 to 1. NaN means that the source gave none, which hides nothing.
    definitions : sequence of str
        Ids of the angles wanted, or presets.
    threshold : float, default 0.5
        A landmark less visible than this gives no angle.
    keypoints_px : array-like of shape (..., 33, 2 or 3), optional
        Image landmarks in pixels; signed angles in the picture need them.
    mirrored : bool, default False
        The picture was flipped left to right before it was analysed, as many webcams do: the model's "left"
        is the person's right. Left and right are put right, and so are signs.

    Returns
    -------
    ndarray of shape (..., A), float32
        Degrees. NaN where a landmark is missing or not visible, or a segment has no length.

    Raises
    ------
    ShapeError
        If an array has another shape.
    SettingsError
        If an id is unknown, or an angle in the picture is asked for without `keypoints_px`.
    """
    plan = _plan(tuple(definitions))
    world = _points(world_m, "world_m", mirrored)
    angle = np.full((*world.shape[:-2], len(plan.definitions)), np.nan)
    for formula, group in plan.groups.items():
        if formula == "picture":
            if keypoints_px is None:
                first = plan.definitions[group.columns[0]].id
                raise SettingsError(f"{first} is an angle in the picture: it needs keypoints_px.")
            value = _in_picture_deg(_points(keypoints_px, "keypoints_px", mirrored), group)
        elif formula == "body":
            value = _in_body_plane_deg(world, group)
        else:
            value = _in_space_deg(world, group, tilt=formula == "tilt")
        angle[..., group.columns] = value
    if visibility is not None:
        seen = _visibility(visibility, world.shape[:-2], mirrored)
        angle[(seen[..., plan.points] < threshold).any(axis=-2)] = np.nan
    return angle.astype(np.float32)


def view_quality(
    world_m: npt.ArrayLike,
    visibility: npt.ArrayLike | None = None,
    definitions: Sequence[str] = DEFAULT_ANGLES,
    threshold: float = 0.5,
) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """How far each angle can be trusted, from how its segments lie to the camera.

    Parameters
    ----------
    world_m, visibility, definitions, threshold
        As for `angles_deg`.

    Returns
    -------
    quality : ndarray of shape (..., A), uint8
        `ViewQuality`.
    in_plane : ndarray of shape (..., A), float32
        Of the angle's most foreshortened segment, length in the picture's plane over its length in space, 0 to 1.
    """
    plan = _plan(tuple(definitions))
    world = _points(world_m, "world_m", mirrored=False)
    chain = world[..., plan.points, :]  # (..., 4, A, 3); shorter chains repeat their last point
    segment = np.diff(chain, axis=-3)
    length = np.linalg.norm(segment, axis=-1)
    flat = np.linalg.norm(segment[..., :2], axis=-1)
    share = np.where(length > _SHORTEST, flat / np.where(length > _SHORTEST, length, 1.0), np.inf)
    share[..., 1, [len(d.landmarks) == 4 for d in plan.definitions]] = np.inf  # B to C of four is no segment
    in_plane = share.min(axis=-2)
    missing = np.isnan(chain).any(axis=(-3, -1)) | np.isinf(in_plane)
    if "body" in plan.groups:
        missing[..., plan.groups["body"].columns] |= np.isnan(_in_body_plane_deg(world, plan.groups["body"]))
    hidden: Any = False
    if visibility is not None:
        seen = _visibility(visibility, world.shape[:-2], mirrored=False)
        hidden = (seen[..., plan.points] < threshold).any(axis=-2)
    quality = np.where(in_plane < _LEAST_IN_PLANE, ViewQuality.FORESHORTENED, ViewQuality.GOOD)
    quality = np.where(missing, ViewQuality.MISSING, np.where(hidden, ViewQuality.HIDDEN, quality))
    return quality.astype(np.uint8), np.where(missing, np.nan, in_plane).astype(np.float32)


def angular_velocity_deg_s(
    angles: npt.ArrayLike, times_s: npt.ArrayLike, definitions: Sequence[str] = DEFAULT_ANGLES, window_s: float = 0.2
) -> Array:
    """How fast joints turn.

    The derivative of a local cubic (`livedance_lab.analysis.offline_filters.savitzky_golay`), of angles unwrapped over
    their period. Live, `Filter.velocity` gives the same quantity without looking ahead.

    Parameters
    ----------
    angles : array-like of shape (T, A)
        Degrees.
    times_s : array-like of shape (T,)
    definitions : sequence of str
        What the columns are.
    window_s : float, default 0.2

    Returns
    -------
    ndarray of shape (T, A)
        Degrees per second; NaN where the angle is, and in stretches shorter than the window.
    """
    x = np.array(angles, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != len(definitions_of(definitions)):
        raise ShapeError(f"angles must have shape (T, {len(definitions_of(definitions))}), got {x.shape}.")
    for column, definition in enumerate(definitions_of(definitions)):
        seen = ~np.isnan(x[:, column])
        if definition.period_deg and seen.any():
            x[seen, column] = np.unwrap(x[seen, column], period=definition.period_deg)
    return savitzky_golay(x, times_s, window_s, 3, derivative=1)


def unmirrored(landmarks: npt.ArrayLike, width_px: float | None = None) -> Array:
    """Landmarks of a flipped picture as the unflipped one would have given them.

    Parameters
    ----------
    landmarks : array-like of shape (..., 33, D)
        x first.
    width_px : float, optional
        Of the picture, for pixels; world landmarks (origin between the hips) need none.

    Returns
    -------
    ndarray of shape (..., 33, D), float64
        x mirrored, left and right exchanged.
    """
    p = np.asarray(landmarks, dtype=np.float64)[..., OTHER_SIDE, :]
    p[..., 0] = (0.0 if width_px is None else width_px) - p[..., 0]
    return p


@dataclass(frozen=True)
class _Group:
    """Angles that are computed alike, made ready for indexing; positions are those in `_POINTS`."""

    columns: npt.NDArray[np.intp]  # where they stand among the angles asked for
    u: npt.NDArray[np.intp]  # (2, N): from, to
    v: npt.NDArray[np.intp]  # (2, N); equal positions where an angle has no second segment
    offset_deg: Array
    scale: Array
    highest_deg: Array
    period_deg: Array
    side: npt.NDArray[np.intp]  # 0 left, 1 right, 2 neither or both
    frontal: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, columns: list[int], definitions: list[AngleDefinition]) -> _Group:
        u, v, sides = [], [], []
        for d in definitions:
            at = [_POINTS.index(name) for name in d.landmarks]
            away = d.kind in ("sagittal", "frontal") or (d.kind == "signed" and len(at) == 4)
            u.append((at[0], at[1]) if away else (at[1], at[0]))
            v.append((at[2], at[3]) if len(at) == 4 else (at[1], at[2]) if len(at) == 3 else (at[1], at[1]))
            named = {name.split("_")[0] for name in d.landmarks if name not in VIRTUAL}
            sides.append(("left", "right").index(named.pop()) if len(named) == 1 else 2)
        return cls(
            np.array(columns), np.array(u).T, np.array(v).T, np.array([d.offset_deg for d in definitions]),
            np.array([d.scale for d in definitions]), np.array([d.range_deg[1] for d in definitions]),
            np.array([d.period_deg for d in definitions]), np.array(sides),
            np.array([d.kind == "frontal" for d in definitions]),
        )  # fmt: skip


_FORMULAS: Final = {"included": "space", "tilt": "tilt", "sagittal": "body", "frontal": "body", "signed": "picture"}


@dataclass(frozen=True)
class _Plan:
    """Definitions made ready for indexing."""

    definitions: tuple[AngleDefinition, ...]
    points: npt.NDArray[np.intp]  # (4, A): positions in _POINTS; shorter ones repeat their last
    groups: dict[str, _Group]  # by formula


@lru_cache(maxsize=64)
def _plan(ids: tuple[str, ...]) -> _Plan:
    wanted = definitions_of(ids)
    rows = [[_POINTS.index(n) for n in (*d.landmarks, *[d.landmarks[-1]] * (4 - len(d.landmarks)))] for d in wanted]
    columns: dict[str, list[int]] = {}
    for column, definition in enumerate(wanted):
        columns.setdefault(_FORMULAS[definition.kind], []).append(column)
    groups = {formula: _Group.of(at, [wanted[i] for i in at]) for formula, at in columns.items()}
    return _Plan(wanted, np.array(rows, dtype=np.intp).reshape(-1, 4).T, groups)


def _points(landmarks: npt.ArrayLike, name: str, mirrored: bool) -> Array:
    """Landmarks and the virtual points after them."""
    p = np.asarray(landmarks, dtype=np.float64)
    if p.ndim < 2 or p.shape[-2] != _K or p.shape[-1] not in (2, 3) or (name == "world_m" and p.shape[-1] != 3):
        last = "3" if name == "world_m" else "2 or 3"
        raise ShapeError(f"{name} must have shape (..., {_K}, {last}), got {p.shape}.")
    if mirrored:
        p = unmirrored(p)
    return np.concatenate((p, p[..., _PAIRS, :].mean(axis=-2)), axis=-2)


def _visibility(visibility: npt.ArrayLike, lead: tuple[int, ...], mirrored: bool) -> Array:
    """Visibility of landmarks and virtual points; the latter are as visible as their lesser parent."""
    v = np.asarray(visibility, dtype=np.float64)
    if v.shape != (*lead, _K):
        raise ShapeError(f"visibility must have shape {(*lead, _K)}, got {v.shape}.")
    if mirrored:
        v = v[..., OTHER_SIDE]
    return np.concatenate((v, np.fmin(v[..., _PAIRS[:, 0]], v[..., _PAIRS[:, 1]])), axis=-1)


def _in_space_deg(points: Array, group: _Group, *, tilt: bool = False) -> Array:
    """Between two segments, or of one from the vertical."""
    u, v = _segments(points, group)
    if tilt:
        v = np.broadcast_to([0.0, -1.0, 0.0], u.shape)
    angle: Array = np.degrees(np.arctan2(np.sqrt(_squared(_cross(u, v))), (u * v).sum(-1)))
    angle[np.minimum(_squared(u), _squared(v)) < _SHORTEST**2] = np.nan
    return (angle + group.offset_deg) * group.scale + 0.0  # no -0


def _in_body_plane_deg(points: Array, group: _Group) -> Array:
    """From the trunk downwards to a limb, in the body's sagittal or frontal plane."""
    up = _unit(points[..., _POINTS.index("neck"), :] - points[..., _POINTS.index("mid_hip"), :])[..., None, :]
    joint = group.u[0]
    outwards = points[..., joint, :] - points[..., OTHER_SIDE[joint], :]
    outwards = _unit(outwards - (outwards * up).sum(-1, keepdims=True) * up)
    forwards = _cross(outwards * np.where(group.side == 0, 1.0, -1.0)[:, None], up)
    limb = _unit(_segments(points, group)[0])
    x, y = -(limb * up).sum(-1), (limb * np.where(group.frontal[:, None], outwards, forwards)).sum(-1)
    angle = _wrapped(np.degrees(np.arctan2(y, x)), group)
    return np.where(np.hypot(x, y) < _LEAST_PROJECTED, np.nan, angle)


def _in_picture_deg(picture: Array, group: _Group) -> Array:
    """Sports2D's angles, the person turned to face right."""
    u, v = _segments(picture[..., :2], group)
    turn = _facing(picture)[..., group.side]
    alone = group.v[0] == group.v[1]  # against the horizontal, which does not turn with the person
    vx, vy = np.where(alone, 1.0, v[..., 0] * turn), np.where(alone, 0.0, v[..., 1])
    angle = np.degrees(np.arctan2(u[..., 1], u[..., 0] * turn) - np.arctan2(vy, vx))
    value = _wrapped((angle + group.offset_deg) * group.scale, group)
    return np.where(np.minimum(_squared(u), vx * vx + vy * vy) < _SHORTEST**2, np.nan, value)


def _facing(picture: Array) -> Array:
    """1 where the left, the right and both sides face right in the picture, from heel to toe, else -1; (..., 3).

    Sports2D mirrors each landmark by its own side; here an angle is mirrored as a whole, by the side it belongs
    to, which is the same as long as both feet point the same way and makes sense when they do not.
    """
    x = picture[..., 0]
    ways = np.stack([x[..., BLAZEPOSE_33.index(f"{side}_foot_index")] - x[..., BLAZEPOSE_33.index(f"{side}_heel")]
                     for side in ("left", "right")], axis=-1)  # fmt: skip
    return np.where(np.concatenate((ways, np.nansum(ways, axis=-1, keepdims=True)), axis=-1) < 0, -1.0, 1.0)


def _segments(points: Array, group: _Group) -> tuple[Array, Array]:
    return (
        points[..., group.u[1], :] - points[..., group.u[0], :],
        points[..., group.v[1], :] - points[..., group.v[0], :],
    )


def _cross(u: Array, v: Array) -> Array:
    """The cross product, by its nine products: np.cross is ten times slower for a handful of vectors."""
    ux, uy, uz = u[..., 0], u[..., 1], u[..., 2]
    vx, vy, vz = v[..., 0], v[..., 1], v[..., 2]
    return np.stack((uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx), axis=-1)


def _squared(v: Array) -> Array:
    return np.asarray((v * v).sum(-1))


def _unit(v: Array) -> Array:
    """Of length one; NaN where there is no length."""
    length = np.sqrt(_squared(v))[..., None]
    return v / np.where(length < _SHORTEST, np.nan, length)


def _wrapped(angle_deg: Array, group: _Group) -> Array:
    """Into the angles' range, its upper end included."""
    return np.asarray(group.highest_deg - np.mod(group.highest_deg - angle_deg, group.period_deg))
