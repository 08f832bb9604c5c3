"""Definitions of all joint angles, as data.

Presets
-------
``included``
    The angle between two segments in 3D, 0 to 180 degrees, straight = 180: elbows, knees, shoulders, hips.
    The default; DLC2Kinematics and movement use the same definition.
``included_all``
    The same with ankles, wrists, neck and trunk.
``clinical``
    Rotations from the neutral (anatomical) position, which is 0. Flexion of elbows, knees, wrists, neck and trunk is
    180 minus the included angle, unsigned, so that hyperextension counts as flexion. Dorsiflexion of the ankles is
    positive, plantarflexion negative. Flexion and abduction of shoulders and hips are measured against the trunk
    (extension and adduction negative), as the limb's angle projected on the body's own sagittal or frontal plane, as
    a goniometer aligned with the trunk measures it; NaN where the limb points more than 60 degrees out of that plane.
    BlazePose has no spine and no pelvis: the trunk is the line from mid-hip to mid-shoulders.
``tilt``
    Angle of a segment from the vertical, 3D; the camera must be level.
``sports2d``
    Signed angles in the picture, as Sports2D and Pose2Sim define them (``Pose2Sim/common.py``: `angle_dict`,
    `points_to_angles`, `fixed_angles`), for a person seen from the side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from livedance_lab.errors import SettingsError
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = [
    "ANGLES",
    "DEFAULT_ANGLES",
    "PRESETS",
    "VIRTUAL",
    "AngleDefinition",
    "angle_ids",
    "by_joint",
    "definitions_of",
    "label_places",
    "labelled",
]

VIRTUAL: Final[dict[str, tuple[str, str]]] = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
    "mid_knee": ("left_knee", "right_knee"),
    "head": ("left_ear", "right_ear"),
}
"""Midpoints of two landmarks. (Sports2D's "Head" is the crown, which BlazePose does not have.)"""


@dataclass(frozen=True)
class AngleDefinition:
    """The definition of one angle.

    Attributes
    ----------
    id : str
        Its name in tables and settings.
    landmarks : tuple of str
        Landmarks or `VIRTUAL` points, in the order that `kind` requires.
    kind : str
        "included": A, B, C, the angle at B; with a fourth point D between the directions BA and CD. "tilt": A, B,
        from the vertical to A seen from B. "sagittal", "frontal": A, B of a limb, from the trunk downwards to the
        direction AB, projected on that plane of the body. "signed": in the picture, from the second direction to
        the first; two points A, B give the directions BA and "to the right", three BA and BC, four AB and CD.
    preset : str
        The preset that contains it.
    dimensions : 2 or 3
        2: computed from image landmarks (pixels), 3: from world landmarks (metres).
    zero, sign : str
        Description of the posture that gives 0, and of the positive direction.
    range_deg : (float, float)
        Minimum and maximum.
    offset_deg, scale : float
        value = (angle + offset) * scale; signed angles are then wrapped into `range_deg`.
    period_deg : float
        Values that differ by this are equal; 0 for angles that do not wrap.
    """

    id: str
    landmarks: tuple[str, ...]
    kind: Literal["included", "tilt", "sagittal", "frontal", "signed"]
    preset: str
    dimensions: Literal[2, 3]
    zero: str
    sign: str
    range_deg: tuple[float, float]
    offset_deg: float = 0.0
    scale: float = 1.0
    period_deg: float = 0.0

    @property
    def place(self) -> tuple[str, ...]:
        """The landmarks whose midpoint is the label's position: the joint, or the middle of the segment."""
        at = self.landmarks[:1] if self.kind in ("sagittal", "frontal") else self.landmarks
        at = at if len(at) < 3 else at[1:2]
        return tuple(landmark for point in at for landmark in VIRTUAL.get(point, (point,)))


_UNSIGNED: Final = (0.0, 180.0)


def _define(name: str, points: str, *fields: Any, prefix: str = "") -> list[AngleDefinition]:
    """Define an angle for the left and the right side; once if no point has a side, or if a point names its own.

    `fields` are those of `AngleDefinition` after `landmarks`.
    """
    names = points.split()
    if all(p in VIRTUAL for p in names) or any(p.startswith(("left_", "right_")) for p in names):
        return [AngleDefinition(prefix + name, tuple(names), *fields)]
    return [
        AngleDefinition(f"{prefix}{side}_{name}", tuple(p if p in VIRTUAL else f"{side}_{p}" for p in names), *fields)
        for side in ("left", "right")
    ]


def _included(name: str, points: str, preset: str) -> list[AngleDefinition]:
    zero = "folded onto itself; a straight joint is 180"
    return _define(name, points, "included", preset, 3, zero, "unsigned", _UNSIGNED)


def _flexion(name: str, points: str) -> list[AngleDefinition]:
    return _define(name, points, "included", "clinical", 3, "straight", "unsigned", _UNSIGNED, -180.0, -1.0)


def _dorsiflexion(name: str, points: str) -> list[AngleDefinition]:
    zero = "the foot perpendicular to the shank"
    return _define(name, points, "included", "clinical", 3, zero, "dorsiflexion", (-90.0, 90.0), -90.0, -1.0)


def _tilt(name: str, points: str) -> list[AngleDefinition]:
    return _define(name, points, "tilt", "tilt", 3, "upright", "unsigned", _UNSIGNED)


def _of_limb(kind: Literal["sagittal", "frontal"], name: str, points: str) -> list[AngleDefinition]:
    zero = "in line with the trunk, hanging"
    sign = "forwards" if kind == "sagittal" else "away from the median plane"
    return _define(name, points, kind, "clinical", 3, zero, sign, (-90.0, 270.0), 0.0, 1.0, 360.0)


def _sports2d(
    name: str, points: str, offset_deg: float, scale: float, zero: str, sign: str, period_deg: float = 360.0
) -> list[AngleDefinition]:
    range_deg = (-period_deg / 2, period_deg / 2)
    return _define(name, points, "signed", "sports2d", 2, zero, sign, range_deg, offset_deg, scale, period_deg,
                   prefix="sports2d_")  # fmt: skip


_INCLUDED = [
    *_included("elbow", "shoulder elbow wrist", "included"),
    *_included("knee", "hip knee ankle", "included"),
    *_included("shoulder", "elbow shoulder hip", "included"),
    *_included("hip", "shoulder hip knee", "included"),
]
_MORE = [
    *_included("ankle", "knee ankle foot_index", "included_all"),
    *_included("wrist", "elbow wrist index", "included_all"),
    *_included("neck", "head neck mid_hip", "included_all"),
    *_included("trunk", "neck mid_hip mid_knee", "included_all"),
]
_CLINICAL = [
    *_of_limb("sagittal", "shoulder_flexion", "shoulder elbow"),
    *_of_limb("frontal", "shoulder_abduction", "shoulder elbow"),
    *_flexion("elbow_flexion", "shoulder elbow wrist"),
    *_of_limb("sagittal", "hip_flexion", "hip knee"),
    *_of_limb("frontal", "hip_abduction", "hip knee"),
    *_flexion("knee_flexion", "hip knee ankle"),
    *_dorsiflexion("ankle_dorsiflexion", "knee ankle heel foot_index"),
    *_flexion("wrist_flexion", "elbow wrist index"),
    *_flexion("neck_flexion", "head neck mid_hip"),
    *_flexion("trunk_flexion", "neck mid_hip mid_knee"),
]
_TILT = [
    *_tilt("trunk_tilt", "neck mid_hip"),
    *_tilt("head_tilt", "head neck"),
    *_tilt("thigh_tilt", "hip knee"),
    *_tilt("shank_tilt", "knee ankle"),
    *_tilt("arm_tilt", "shoulder elbow"),
    *_tilt("forearm_tilt", "elbow wrist"),
]
_HORIZON = "pointing in the direction the person faces", "counter-clockwise, person facing right"
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
    *_sports2d("pelvis", "left_hip right_hip", 0, -1, "level", "rising in the facing direction", 180.0),
    *_sports2d("shoulders", "left_shoulder right_shoulder", 0, -1, "level", "rising in the facing direction", 180.0),
]

ANGLES: dict[str, AngleDefinition] = {d.id: d for d in (*_INCLUDED, *_MORE, *_CLINICAL, *_TILT, *_SPORTS2D)}
"""All angles by id."""

PRESETS: dict[str, tuple[str, ...]] = {
    "included": tuple(d.id for d in _INCLUDED),
    "included_all": tuple(d.id for d in (*_INCLUDED, *_MORE)),
    "clinical": tuple(d.id for d in _CLINICAL),
    "tilt": tuple(d.id for d in _TILT),
    "sports2d": tuple(d.id for d in _SPORTS2D),
    "all": tuple(ANGLES),
}
"""Groups of angles by name, as ids."""

DEFAULT_ANGLES: tuple[str, ...] = PRESETS["included"]
"""The eight angles that are computed by default."""


def definitions_of(ids: Sequence[str]) -> tuple[AngleDefinition, ...]:
    """Return the definitions of some angles.

    Parameters
    ----------
    ids : sequence of str
        Ids, or names of presets, which are replaced by all their angles.

    Returns
    -------
    tuple of AngleDefinition
        In the order of `ids`.

    Raises
    ------
    SettingsError
        If an id is unknown; the message lists all ids.
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
    """Return the ids of some angles without duplicates.

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


def labelled(angle_ids: Sequence[str]) -> dict[str, int]:
    """Return the angles that get a label in a picture and their positions; of several at one place, the first.

    Parameters
    ----------
    angle_ids : sequence of str
        Unknown ones are ignored.
    """
    first: dict[tuple[str, ...], int] = {}
    for position, name in enumerate(angle_ids):
        if name in ANGLES:
            first.setdefault(ANGLES[name].place, position)
    return {angle_ids[position]: position for position in first.values()}


def label_places(angle_ids: Sequence[str]) -> list[list[int]]:
    """Return the label position of each angle in a picture, for the browser.

    Returns
    -------
    list of list of int
        Indices of the landmarks whose midpoint is the position; empty for an angle that is not `labelled`.
    """
    written = labelled(angle_ids)
    return [
        [BLAZEPOSE_33.index(landmark) for landmark in ANGLES[name].place] if name in written else []
        for name in angle_ids
    ]


def by_joint(angle_names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Group angles by joint: joint to side ("left", "right", "middle") to position."""
    joints: dict[str, dict[str, int]] = {}
    for position, name in enumerate(angle_names):
        side = re.search("(?:^|_)(left|right)_", name)
        joint = name if side is None else name.replace(f"{side[1]}_", "", 1)
        joints.setdefault(joint, {})["middle" if side is None else side[1]] = position
    return joints
