"""Which joint angles there are and what each of them means, as data.

Presets
-------
``included``
    The angle between two segments in 3D, 0 to 180 degrees, straight = 180: elbows, knees, shoulders, hips.
    The default; DLC2Kinematics and movement use the same.
``included_all``
    The same with ankles, wrists, neck and trunk.
``flexion``
    180 minus the included angle, for knees and elbows: straight = 0. Unsigned: hyperextension counts as flexion.
``tilt``
    How far a segment leans from the vertical, 3D; the camera must be level.
``sports2d``
    Signed angles in the picture, as Sports2D and Pose2Sim define them (``Pose2Sim/common.py``: `angle_dict`,
    `points_to_angles`, `fixed_angles`), for a person seen from the side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from livedance_lab.errors import SettingsError

__all__ = ["ANGLES", "DEFAULT_ANGLES", "PRESETS", "VIRTUAL", "AngleDefinition", "angle_ids", "definitions_of"]

VIRTUAL: Final[dict[str, tuple[str, str]]] = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
    "mid_knee": ("left_knee", "right_knee"),
    "head": ("left_ear", "right_ear"),
}
"""Points half-way between two landmarks. (Sports2D's "Head" is the crown, which BlazePose does not give.)"""


@dataclass(frozen=True)
class AngleDefinition:
    """What one angle means.

    Attributes
    ----------
    id : str
        Its name in tables and settings.
    landmarks : tuple of str
        Landmarks or `VIRTUAL` points, in the order the kind asks for.
    kind : str
        "included": A, B, C, the angle at B. "flexion": 180 minus that. "tilt": A, B, from the vertical to A
        seen from B. "signed": in the picture, from the second direction to the first; two points A, B give the
        directions BA and "to the right", three BA and BC, four AB and CD.
    preset : str
        The family it belongs to.
    dimensions : 2 or 3
        From image landmarks (pixels) or from world landmarks (metres).
    zero, sign : str
        In words: which posture gives 0, and which way is positive.
    range_deg : (float, float)
        Least and greatest value.
    offset_deg, scale : float
        Of a signed angle: value = (angle + offset) * scale, wrapped.
    period_deg : float
        Values this far apart are the same; 0 for unsigned angles, which do not wrap.
    """

    id: str
    landmarks: tuple[str, ...]
    kind: Literal["included", "flexion", "tilt", "signed"]
    preset: str
    dimensions: Literal[2, 3]
    zero: str
    sign: str
    range_deg: tuple[float, float]
    offset_deg: float = 0.0
    scale: float = 1.0
    period_deg: float = 0.0


_UNSIGNED: Final = (0.0, 180.0)
_SIDES: Final = ("left", "right")


def _of_side(name: str, side: str) -> str:
    """A point on one side; those in the middle have none."""
    return name if name in VIRTUAL else f"{side}_{name}"


def _unsigned(
    kind: Literal["included", "flexion", "tilt"], angle_id: str, points: Sequence[str], preset: str
) -> AngleDefinition:
    zero = {
        "included": "both segments point the same way; a straight joint is 180",
        "flexion": "straight",
        "tilt": "upright",
    }[kind]
    return AngleDefinition(angle_id, tuple(points), kind, preset, 3, zero, "unsigned", _UNSIGNED)


def _both_sides(
    kind: Literal["included", "flexion", "tilt"], name: str, points: str, preset: str
) -> list[AngleDefinition]:
    return [_unsigned(kind, f"{side}_{name}", [_of_side(p, side) for p in points.split()], preset) for side in _SIDES]


def _sports2d(
    name: str, points: str, offset_deg: float, scale: float, zero: str, sign: str, period_deg: float = 360.0
) -> list[AngleDefinition]:
    """A signed angle; of both sides, unless it has no side or names both."""
    names = points.split()
    one = any(p.startswith(("left_", "right_")) for p in names) or all(p in VIRTUAL for p in names)
    return [
        AngleDefinition(
            f"sports2d_{name}" if one else f"sports2d_{side}_{name}",
            tuple(names if one else (_of_side(p, side) for p in names)),
            "signed", "sports2d", 2, zero, sign, (-period_deg / 2, period_deg / 2), offset_deg, scale, period_deg,
        )
        for side in (_SIDES[:1] if one else _SIDES)
    ]  # fmt: skip


_INCLUDED = [
    *_both_sides("included", "elbow", "shoulder elbow wrist", "included"),
    *_both_sides("included", "knee", "hip knee ankle", "included"),
    *_both_sides("included", "shoulder", "elbow shoulder hip", "included"),
    *_both_sides("included", "hip", "shoulder hip knee", "included"),
]
_MORE = [
    *_both_sides("included", "ankle", "knee ankle foot_index", "included_all"),
    *_both_sides("included", "wrist", "elbow wrist index", "included_all"),
    _unsigned("included", "neck", ("head", "neck", "mid_hip"), "included_all"),
    _unsigned("included", "trunk", ("neck", "mid_hip", "mid_knee"), "included_all"),
]
_FLEXION = [
    *_both_sides("flexion", "elbow_flexion", "shoulder elbow wrist", "flexion"),
    *_both_sides("flexion", "knee_flexion", "hip knee ankle", "flexion"),
]
_TILT = [
    _unsigned("tilt", "trunk_tilt", ("neck", "mid_hip"), "tilt"),
    _unsigned("tilt", "head_tilt", ("head", "neck"), "tilt"),
    *_both_sides("tilt", "thigh_tilt", "hip knee", "tilt"),
    *_both_sides("tilt", "shank_tilt", "knee ankle", "tilt"),
    *_both_sides("tilt", "arm_tilt", "shoulder elbow", "tilt"),
    *_both_sides("tilt", "forearm_tilt", "elbow wrist", "tilt"),
]
_HORIZON = "pointing to where the person faces", "counter-clockwise, person facing right"
_SPORTS2D = [
    *_sports2d("ankle", "knee ankle foot_index heel", 90, 1, "standing", "dorsiflexion"),
    *_sports2d("knee", "ankle knee hip", -180, 1, "straight", "flexion"),
    *_sports2d("hip", "knee hip mid_hip neck", 0, -1, "standing", "flexion"),
    *_sports2d("shoulder", "elbow shoulder mid_hip neck", 0, -1, "arm hanging", "flexion"),
    *_sports2d("elbow", "wrist elbow shoulder", 180, -1, "straight", "flexion"),
    *_sports2d("foot", "foot_index heel", 0, -1, *_HORIZON),
    *_sports2d("shank", "ankle knee", 0, -1, *_HORIZON),
    *_sports2d("thigh", "knee hip", 0, -1, *_HORIZON),
    *_sports2d("trunk", "neck mid_hip", 0, -1, *_HORIZON),
    *_sports2d("arm", "elbow shoulder", 0, -1, *_HORIZON),
    *_sports2d("forearm", "wrist elbow", 0, -1, *_HORIZON),
    *_sports2d("head", "head neck", 0, -1, *_HORIZON),
    *_sports2d("pelvis", "left_hip right_hip", 0, -1, "level", "left side up", 180.0),
    *_sports2d("shoulders", "left_shoulder right_shoulder", 0, -1, "level", "left side up", 180.0),
]

ANGLES: dict[str, AngleDefinition] = {d.id: d for d in (*_INCLUDED, *_MORE, *_FLEXION, *_TILT, *_SPORTS2D)}
"""Every angle that is known, by id."""

PRESETS: dict[str, tuple[str, ...]] = {
    "included": tuple(d.id for d in _INCLUDED),
    "included_all": tuple(d.id for d in (*_INCLUDED, *_MORE)),
    "flexion": tuple(d.id for d in _FLEXION),
    "tilt": tuple(d.id for d in _TILT),
    "sports2d": tuple(d.id for d in _SPORTS2D),
}
"""Families of angles that belong together, as ids."""

DEFAULT_ANGLES: tuple[str, ...] = PRESETS["included"]
"""The eight angles that are computed unless others are asked for."""


def definitions_of(ids: Sequence[str]) -> tuple[AngleDefinition, ...]:
    """The definitions of some angles.

    Parameters
    ----------
    ids : sequence of str
        Ids, or names of presets, which stand for all their angles.

    Returns
    -------
    tuple of AngleDefinition
        In that order.

    Raises
    ------
    SettingsError
        If an id is unknown; names those that exist.
    """
    out: list[AngleDefinition] = []
    for name in ids:
        if name in ANGLES:
            out.append(ANGLES[name])
        elif name in PRESETS:
            out += [ANGLES[i] for i in PRESETS[name]]
        else:
            raise SettingsError(
                f"there is no angle {name!r}; the presets are {', '.join(PRESETS)}; the angles are {', '.join(ANGLES)}."
            )
    return tuple(out)


def angle_ids(names: Sequence[str]) -> tuple[str, ...]:
    """The ids of some angles, each once, however often it was named.

    Parameters
    ----------
    names : sequence of str
        Ids, or names of presets.

    Raises
    ------
    SettingsError
        As `definitions_of`.
    """
    return tuple(dict.fromkeys(d.id for d in definitions_of(names)))
