"""Joint angles from landmarks, and the quality of the view they were measured from.

Included angles: theta = atan2(|u x v|, u . v) with u = A - B, v = C - B. atan2 keeps its precision near 0 and
180 degrees, where acos loses half its digits (Kahan, "How Futile are Mindless Assessments of Roundoff in
Floating-Point Computation?", 2006, section 12). Angles in a plane of the body project a limb's direction on it:
up is from mid-hip to mid-shoulders; left is the component, perpendicular to up, of the direction from the right hip
(or shoulder) to the left one; forwards is left x up. Signed angles in the picture are those of Sports2D: the
difference of the two directions' atan2. `livedance_lab.analysis.angle_definitions` defines each angle.
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
from livedance_lab.pose import Array, FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33, side_of

__all__ = [
    "ANGLES", "DEFAULT_ANGLES", "OTHER_SIDE", "PRESETS", "AngleDefinition", "ViewQuality", "angle_ids", "angles_deg",
    "angular_velocity_deg_s", "definitions_of", "labelled", "unmirrored", "view_quality",
]  # fmt: skip

_SHORTEST: Final = 1e-6
"""Segments shorter than this (metres or pixels) have no direction."""
_LEAST_PROJECTED: Final = 0.5
"""Least share of a limb's length in a plane of the body; below it (more than 60 degrees out of the plane) the limb has
no angle there. An arm held out to the side is neither flexed nor extended, and near that pose the angle is unstable."""
_LEAST_IN_PLANE: Final = 0.5
"""A segment of which less than this share of its length is in the image plane (more than 60 degrees out of it) is
foreshortened."""
_K: Final = len(BLAZEPOSE_33)
_POINTS: Final = (*BLAZEPOSE_33.landmarks, *VIRTUAL)
_PAIRS: Final = np.array([[BLAZEPOSE_33.index(n) for n in pair] for pair in VIRTUAL.values()])


def _other_side() -> npt.NDArray[np.intp]:
    swap = {"left": "right", "right": "left"}
    names = ["_".join(swap.get(word, word) for word in name.split("_")) for name in BLAZEPOSE_33.landmarks]
    return np.array([BLAZEPOSE_33.index(name) for name in names], dtype=np.intp)


OTHER_SIDE: Final = _other_side()
"""For each body landmark, the index of the same landmark on the other side; its own index in the middle."""


class ViewQuality(IntEnum):
    """Quality of the camera's view of a joint."""

    GOOD = 0
    FORESHORTENED = 1
    """A segment points towards or away from the camera: its depth is uncertain, and so is the angle."""
    HIDDEN = 2
    """A landmark's visibility is below the threshold."""
    MISSING = 3
    """A landmark is missing, or a limb is perpendicular to the plane its angle is measured in."""


def angles_deg(
    world_m: npt.ArrayLike,
    visibility: npt.ArrayLike | None = None,
    definitions: Sequence[str] = DEFAULT_ANGLES,
    threshold: float = 0.5,
    *,
    keypoints_px: npt.ArrayLike | None = None,
    mirrored: bool = False,
) -> FloatArray:
    """Compute joint angles of one frame or of many.

    Parameters
    ----------
    world_m : array-like of shape (..., 33, 3)
        World landmarks, metres; NaN where not seen.
    visibility : array-like of shape (..., 33), optional
        0 to 1. NaN means unknown, and does not exclude the landmark.
    definitions : sequence of str
        Ids of the angles, or presets.
    threshold : float, default 0.5
        A landmark with less visibility gives no angle.
    keypoints_px : array-like of shape (..., 33, 2 or 3), optional
        Image landmarks in pixels, needed for signed angles in the picture.
    mirrored : bool, default False
        True if the picture was flipped left to right before it was analysed, as many webcams do: the model's "left"
        is the person's right. Left and right are exchanged then, and signs are corrected.

    Returns
    -------
    ndarray of shape (..., A), float32
        Degrees. NaN where a landmark is missing or not visible, or a segment has no length.

    Raises
    ------
    ShapeError
        If an array has another shape.
    SettingsError
        If an id is unknown, or an angle in the picture is requested without `keypoints_px`.
    """
    indexed = _indexed(tuple(definitions))
    world = _points(world_m, "world_m", mirrored)
    angle = np.full((*world.shape[:-2], len(indexed.definitions)), np.nan)
    for formula, group in indexed.groups.items():
        if formula == "picture":
            if keypoints_px is None:
                first = indexed.definitions[group.columns[0]].id
                raise SettingsError(f"{first} is an angle in the picture: it needs keypoints_px.")
            value = _in_picture_deg(_points(keypoints_px, "keypoints_px", mirrored), group)
        elif formula == "body":
            value = _in_body_plane_deg(world, group)
        else:
            value = _in_space_deg(world, group, tilt=formula == "tilt")
        angle[..., group.columns] = value
    if visibility is not None:
        seen = _visibility(visibility, world.shape[:-2], mirrored)
        angle[(seen[..., indexed.points] < threshold).any(axis=-2)] = np.nan
    return angle.astype(np.float32)


def view_quality(
    world_m: npt.ArrayLike,
    visibility: npt.ArrayLike | None = None,
    definitions: Sequence[str] = DEFAULT_ANGLES,
    threshold: float = 0.5,
) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """Rate the camera's view of each angle by the directions of its segments.

    Parameters
    ----------
    world_m, visibility, definitions, threshold
        As for `angles_deg`.

    Returns
    -------
    quality : ndarray of shape (..., A), uint8
        `ViewQuality`.
    in_plane : ndarray of shape (..., A), float32
        Length in the image plane over length in space, 0 to 1, of the angle's most foreshortened segment. NaN where
        `quality` is MISSING.
    """
    indexed = _indexed(tuple(definitions))
    world = _points(world_m, "world_m", mirrored=False)
    chain = world[..., indexed.points, :]  # (..., 4, A, 3); shorter chains repeat their last point
    segment = np.diff(chain, axis=-3)
    length = np.linalg.norm(segment, axis=-1)
    flat = np.linalg.norm(segment[..., :2], axis=-1)
    share = np.where(length > _SHORTEST, flat / np.where(length > _SHORTEST, length, 1.0), np.inf)
    share[..., 1, [len(d.landmarks) == 4 for d in indexed.definitions]] = np.inf  # of four points, B to C is no segment
    in_plane = share.min(axis=-2)
    missing = np.isnan(chain).any(axis=(-3, -1)) | np.isinf(in_plane)
    if "body" in indexed.groups:
        missing[..., indexed.groups["body"].columns] |= np.isnan(_in_body_plane_deg(world, indexed.groups["body"]))
    hidden: Any = False
    if visibility is not None:
        seen = _visibility(visibility, world.shape[:-2], mirrored=False)
        hidden = (seen[..., indexed.points] < threshold).any(axis=-2)
    quality = np.where(in_plane < _LEAST_IN_PLANE, ViewQuality.FORESHORTENED, ViewQuality.GOOD)
    quality = np.where(missing, ViewQuality.MISSING, np.where(hidden, ViewQuality.HIDDEN, quality))
    return quality.astype(np.uint8), np.where(missing, np.nan, in_plane).astype(np.float32)


def angular_velocity_deg_s(
    angles: npt.ArrayLike, times_s: npt.ArrayLike, definitions: Sequence[str] = DEFAULT_ANGLES, window_s: float = 0.2
) -> Array:
    """Compute the angular velocity of joints.

    It is the derivative of a local cubic (`livedance_lab.analysis.offline_filters.savitzky_golay`) of the angles,
    unwrapped over their period. For live use, `Filter.velocity` gives the same quantity from past samples only.

    Parameters
    ----------
    angles : array-like of shape (T, A)
        Degrees.
    times_s : array-like of shape (T,)
    definitions : sequence of str
        Ids of the columns, or presets.
    window_s : float, default 0.2

    Returns
    -------
    ndarray of shape (T, A)
        Degrees per second; NaN where the angle is NaN, and in segments shorter than the window.
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
    """Convert landmarks of a flipped picture to those of the picture that is not flipped.

    Parameters
    ----------
    landmarks : array-like of shape (..., 33, D)
        The first coordinate is x.
    width_px : float, optional
        Width of the picture, for landmarks in pixels; not needed for world landmarks (origin between the hips).

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
    """Index arrays for angles that have the same formula; points are indices into `_POINTS`."""

    columns: npt.NDArray[np.intp]  # indices into the requested angles
    u: npt.NDArray[np.intp]  # (2, N): from, to
    v: npt.NDArray[np.intp]  # (2, N): from, to; both equal where an angle has no second segment
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
            sides.append(("left", "right", "middle").index(side_of(*(n for n in d.landmarks if n not in VIRTUAL))))
        return cls(
            np.array(columns), np.array(u).T, np.array(v).T, np.array([d.offset_deg for d in definitions]),
            np.array([d.scale for d in definitions]), np.array([d.range_deg[1] for d in definitions]),
            np.array([d.period_deg for d in definitions]), np.array(sides),
            np.array([d.kind == "frontal" for d in definitions]),
        )  # fmt: skip


_FORMULAS: Final = {"included": "space", "tilt": "tilt", "sagittal": "body", "frontal": "body", "signed": "picture"}


@dataclass(frozen=True)
class _IndexedAngles:
    """Angle definitions as index arrays."""

    definitions: tuple[AngleDefinition, ...]
    points: npt.NDArray[np.intp]  # (4, A): indices into _POINTS; shorter chains repeat their last point
    groups: dict[str, _Group]  # by formula


@lru_cache(maxsize=64)
def _indexed(ids: tuple[str, ...]) -> _IndexedAngles:
    wanted = definitions_of(ids)
    rows = [[_POINTS.index(n) for n in (*d.landmarks, *[d.landmarks[-1]] * (4 - len(d.landmarks)))] for d in wanted]
    columns: dict[str, list[int]] = {}
    for column, definition in enumerate(wanted):
        columns.setdefault(_FORMULAS[definition.kind], []).append(column)
    groups = {formula: _Group.of(at, [wanted[i] for i in at]) for formula, at in columns.items()}
    return _IndexedAngles(wanted, np.array(rows, dtype=np.intp).reshape(-1, 4).T, groups)


def _points(landmarks: npt.ArrayLike, name: str, mirrored: bool) -> Array:
    """Return the landmarks with the virtual points appended."""
    p = np.asarray(landmarks, dtype=np.float64)
    if p.ndim < 2 or p.shape[-2] != _K or p.shape[-1] not in (2, 3) or (name == "world_m" and p.shape[-1] != 3):
        last = "3" if name == "world_m" else "2 or 3"
        raise ShapeError(f"{name} must have shape (..., {_K}, {last}), got {p.shape}.")
    if mirrored:
        p = unmirrored(p)
    return np.concatenate((p, p[..., _PAIRS, :].mean(axis=-2)), axis=-2)


def _visibility(visibility: npt.ArrayLike, lead: tuple[int, ...], mirrored: bool) -> Array:
    """Return the visibility of landmarks and virtual points; a virtual point has the lower one of its two parents."""
    v = np.asarray(visibility, dtype=np.float64)
    if v.shape != (*lead, _K):
        raise ShapeError(f"visibility must have shape {(*lead, _K)}, got {v.shape}.")
    if mirrored:
        v = v[..., OTHER_SIDE]
    return np.concatenate((v, np.fmin(v[..., _PAIRS[:, 0]], v[..., _PAIRS[:, 1]])), axis=-1)


def _in_space_deg(points: Array, group: _Group, *, tilt: bool = False) -> Array:
    """Compute the angle between two segments, or of one segment from the vertical."""
    u, v = _segments(points, group)
    if tilt:
        v = np.broadcast_to([0.0, -1.0, 0.0], u.shape)
    angle: Array = np.degrees(np.arctan2(np.sqrt(_squared(_cross(u, v))), (u * v).sum(-1)))
    angle[np.minimum(_squared(u), _squared(v)) < _SHORTEST**2] = np.nan
    return (angle + group.offset_deg) * group.scale + 0.0  # no -0


def _in_body_plane_deg(points: Array, group: _Group) -> Array:
    """Compute the angle from the trunk's downward direction to a limb, in the body's sagittal or frontal plane."""
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
    """Compute Sports2D's angles; a person who faces left is mirrored to face right."""
    u, v = _segments(picture[..., :2], group)
    facing = _facing(picture)[..., group.side]
    single = group.v[0] == group.v[1]  # one segment against the horizontal, which is not mirrored
    vx, vy = np.where(single, 1.0, v[..., 0] * facing), np.where(single, 0.0, v[..., 1])
    angle = np.degrees(np.arctan2(u[..., 1], u[..., 0] * facing) - np.arctan2(vy, vx))
    value = _wrapped((angle + group.offset_deg) * group.scale, group)
    return np.where(np.minimum(_squared(u), vx * vx + vy * vy) < _SHORTEST**2, np.nan, value)


def _facing(picture: Array) -> Array:
    """Return 1 where a side faces right in the picture (from heel to toe), else -1; shape (..., 3): left, right, both.

    Sports2D mirrors each landmark by its own side; here an angle is mirrored as a whole, by its own side. Both give
    the same as long as the feet point in the same direction.
    """
    x = picture[..., 0]
    toes = np.stack([x[..., BLAZEPOSE_33.index(f"{side}_foot_index")] - x[..., BLAZEPOSE_33.index(f"{side}_heel")]
                     for side in ("left", "right")], axis=-1)  # fmt: skip
    return np.where(np.concatenate((toes, np.nansum(toes, axis=-1, keepdims=True)), axis=-1) < 0, -1.0, 1.0)


def _segments(points: Array, group: _Group) -> tuple[Array, Array]:
    return (
        points[..., group.u[1], :] - points[..., group.u[0], :],
        points[..., group.v[1], :] - points[..., group.v[0], :],
    )


def _cross(u: Array, v: Array) -> Array:
    """Return the cross product; np.cross is ten times slower for a few vectors."""
    ux, uy, uz = u[..., 0], u[..., 1], u[..., 2]
    vx, vy, vz = v[..., 0], v[..., 1], v[..., 2]
    return np.stack((uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx), axis=-1)


def _squared(v: Array) -> Array:
    return np.asarray((v * v).sum(-1))


def _unit(v: Array) -> Array:
    """Return unit vectors; NaN where the length is zero."""
    length = np.sqrt(_squared(v))[..., None]
    return v / np.where(length < _SHORTEST, np.nan, length)


def _wrapped(angle_deg: Array, group: _Group) -> Array:
    """Wrap angles into their range, whose upper end is included."""
    return np.asarray(group.highest_deg - np.mod(group.highest_deg - angle_deg, group.period_deg))
