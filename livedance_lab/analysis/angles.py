"""Joint angles, as a registry of data and one vectorised function.

An *included angle* at B of A-B-C is the angle between the segments BA and BC:
theta = atan2(|u x v|, u . v) with u = A - B, v = C - B, 0 to 180 degrees, straight = 180. atan2 keeps its
precision near 0 and 180, where acos loses half its digits (Kahan, "How Futile are Mindless Assessments of
Roundoff in Floating-Point Computation?", 2006, section 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["ANGLES", "DEFAULT_ANGLES", "PRESETS", "AngleDefinition", "angles_deg", "definitions_of"]

_SHORTEST = 1e-6
"""Segments shorter than this (metres or pixels) have no direction."""


@dataclass(frozen=True)
class AngleDefinition:
    """What one angle means.

    Attributes
    ----------
    id : str
        Its name in tables and settings.
    landmarks : tuple of str
        A, B, C: the angle lies at B.
    preset : str
        The family of definitions it belongs to.
    dimensions : 2 or 3
        From image landmarks (pixels) or from world landmarks (metres).
    zero, sign : str
        In words: which posture gives 0, and which way is positive.
    range_deg : (float, float)
        Least and greatest value.
    """

    id: str
    landmarks: tuple[str, ...]
    preset: str
    dimensions: Literal[2, 3]
    zero: str
    sign: str
    range_deg: tuple[float, float]


def _included(joint: str, a: str, b: str, c: str) -> tuple[AngleDefinition, ...]:
    """The included angle of a joint on both sides."""
    return tuple(
        AngleDefinition(
            f"{side}_{joint}",
            (f"{side}_{a}", f"{side}_{b}", f"{side}_{c}"),
            "included",
            3,
            zero="both segments point the same way; a straight joint is 180",
            sign="unsigned",
            range_deg=(0.0, 180.0),
        )
        for side in ("left", "right")
    )


_INCLUDED = (
    *_included("elbow", "shoulder", "elbow", "wrist"),
    *_included("knee", "hip", "knee", "ankle"),
    *_included("shoulder", "elbow", "shoulder", "hip"),
    *_included("hip", "shoulder", "hip", "knee"),
)

ANGLES: dict[str, AngleDefinition] = {d.id: d for d in _INCLUDED}
"""Every angle that is known, by id."""

PRESETS: dict[str, tuple[str, ...]] = {"included": tuple(d.id for d in _INCLUDED)}
"""Families of angles that belong together, as ids."""

DEFAULT_ANGLES: tuple[str, ...] = PRESETS["included"]
"""The eight angles that are computed unless others are asked for."""


def definitions_of(ids: Sequence[str]) -> tuple[AngleDefinition, ...]:
    """The definitions of some angles.

    Raises
    ------
    SettingsError
        If an id is unknown; names those that exist.
    """
    unknown = [i for i in ids if i not in ANGLES]
    if unknown:
        raise SettingsError(f"there is no angle {unknown[0]!r}; the angles are {', '.join(ANGLES)}.")
    return tuple(ANGLES[i] for i in ids)


def angles_deg(
    world_m: npt.ArrayLike,
    visibility: npt.ArrayLike | None = None,
    definitions: Sequence[str] = DEFAULT_ANGLES,
    threshold: float = 0.5,
) -> FloatArray:
    """Joint angles of one frame or of many.

    Parameters
    ----------
    world_m : array-like of shape (..., 33, 3)
        World landmarks, metres; NaN where not seen.
    visibility : array-like of shape (..., 33), optional
        0 to 1. NaN means that the source gave none, which hides nothing.
    definitions : sequence of str
        Ids of the angles wanted.
    threshold : float, default 0.5
        A landmark less visible than this gives no angle.

    Returns
    -------
    ndarray of shape (..., A), float32
        Degrees. NaN where a landmark is missing or not visible, or a segment has no length.

    Raises
    ------
    ShapeError
        If an array has another shape.
    SettingsError
        If an id is unknown.
    """
    world = np.asarray(world_m, dtype=np.float64)
    if world.shape[-2:] != (len(BLAZEPOSE_33), 3):
        raise ShapeError(f"world_m must have shape (..., {len(BLAZEPOSE_33)}, 3), got {world.shape}.")
    a, b, c = _indices(tuple(definitions))
    at = world[..., b, :]
    angle = _included_deg(world[..., a, :] - at, world[..., c, :] - at)
    if visibility is not None:
        hidden = np.asarray(visibility) < threshold
        if hidden.shape != world.shape[:-1]:
            raise ShapeError(f"visibility must have shape {world.shape[:-1]}, got {hidden.shape}.")
        angle[hidden[..., a] | hidden[..., b] | hidden[..., c]] = np.nan
    return angle.astype(np.float32)


@lru_cache(maxsize=64)
def _indices(ids: tuple[str, ...]) -> npt.NDArray[np.intp]:
    """Landmark positions of A, B and C of each angle, shape (3, A)."""
    rows = [[BLAZEPOSE_33.index(name) for name in d.landmarks] for d in definitions_of(ids)]
    return np.array(rows, dtype=np.intp).reshape(-1, 3).T


def _included_deg(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Angle between vectors of shape (..., 3), degrees; NaN where one has no length."""
    # np.cross is ten times slower than its nine products for a handful of vectors
    ux, uy, uz = u[..., 0], u[..., 1], u[..., 2]
    vx, vy, vz = v[..., 0], v[..., 1], v[..., 2]
    cross = np.sqrt((uy * vz - uz * vy) ** 2 + (uz * vx - ux * vz) ** 2 + (ux * vy - uy * vx) ** 2)
    angle: npt.NDArray[np.float64] = np.degrees(np.arctan2(cross, ux * vx + uy * vy + uz * vz))
    shortest = np.minimum((u * u).sum(-1), (v * v).sum(-1))
    angle[shortest < _SHORTEST**2] = np.nan
    return angle
