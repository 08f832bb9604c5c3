"""Which joint angles there are and what each of them means, as data.

Presets
-------
``included``
    The angle between two segments in 3D, 0 to 180 degrees, straight = 180: elbows, knees, shoulders, hips.
    The default; DLC2Kinematics and movement use the same.
``included_all``
    The same with ankles, wrists, neck and trunk.
``clinical``
    Movements from the neutral (anatomical) position, which is 0: flexion of elbows, knees, wrists, neck and trunk
    as 180 minus the included angle, unsigned, so that hyperextension counts as flexion; dorsiflexion of the ankles,
    plantarflexion negative; flexion and abduction of shoulders and hips against the trunk, extension and adduction
    negative, as the limb's angle projected on the body's own sagittal or frontal plane (what a goniometer aligned
    with the trunk reads), none where the limb points more than 60 degrees out of that plane. BlazePose has no
    spine and no pelvis: the trunk is the line from mid-hip to mid-shoulders.
``tilt``
    How far a segment leans from the vertical, 3D; the camera must be level.
``sports2d``
    Signed angles in the picture, as Sports2D and Pose2Sim define them (``Pose2Sim/common.py``: `angle_dict`,
    `points_to_angles`, `fixed_angles`), for a person seen from the side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

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
        "included": A, B, C, the angle at B; with a fourth point D between the directions BA and CD. "tilt": A, B,
        from the vertical to A seen from B. "sagittal", "frontal": A, B of a limb, from the trunk downwards to the
        direction AB, projected on that plane of the body. "signed": in the picture, from the second direction to
        the first; two points A, B give the directions BA and "to the right", three BA and BC, four AB and CD.
    preset : str
        The family it belongs to.
    dimensions : 2 or 3
        From image landmarks (pixels) or from world landmarks (metres).
    zero, sign : str
        In words: which posture gives 0, and which way is positive.
    range_deg : (float, float)
        Least and greatest value.
    offset_deg, scale : float
        value = (angle + offset) * scale; of a signed angle then wrapped into `range_deg`.
    period_deg : float
        Values this far apart are the same; 0 for angles that do not wrap.
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
        """Where to write it: half-way between these landmarks, at the joint or in the middle of the segment."""
        at = self.landmarks[:1] if self.kind in ("sagittal", "frontal") else self.landmarks
        at = at if len(at) < 3 else at[1:2]
        return tuple(landmark for point in at for landmark in VIRTUAL.get(point, (point,)))


_UNSIGNED: Final = (0.0, 180.0)
_SIDES: Final = ("left", "right")


def _of_side(name: str, side: str) -> str:
    """A point on one side; those in the middle have none."""
    return name if name in VIRTUAL else f"{side}_{name}"


def _sides_of(points: str) -> list[tuple[str, tuple[str, ...]]]:
    """What goes before the name, and the points, of the left and the right; once where no point has a side."""
    names = points.split()
    if all(p in VIRTUAL for p in names):
        return [("", tuple(names))]
    return [(f"{side}_", tuple(_of_side(p, side) for p in names)) for side in _SIDES]


def _included(name: str, points: str, preset: str) -> list[AngleDefinition]:
    zero = "folded onto itself; a straight joint is 180"
    return [
        AngleDefinition(side + name, at, "included", preset, 3, zero, "unsigned", _UNSIGNED)
        for side, at in _sides_of(points)
    ]


def _flexion(name: str, points: str) -> list[AngleDefinition]:
    return [
        AngleDefinition(side + name, at, "included", "clinical", 3, "straight", "unsigned", _UNSIGNED, -180.0, -1.0)
        for side, at in _sides_of(points)
    ]


def _dorsiflexion(name: str, points: str) -> list[AngleDefinition]:
    zero = "the foot square to the shank"
    return [
        AngleDefinition(side + name, at, "included", "clinical", 3, zero, "dorsiflexion", (-90.0, 90.0), -90.0, -1.0)
        for side, at in _sides_of(points)
    ]


def _tilt(name: str, points: str) -> list[AngleDefinition]:
    return [
        AngleDefinition(side + name, at, "tilt", "tilt", 3, "upright", "unsigned", _UNSIGNED)
        for side, at in _sides_of(points)
    ]


def _of_limb(kind: Literal["sagittal", "frontal"], name: str, points: str) -> list[AngleDefinition]:
    zero = "in line with the trunk, hanging"
    sign = "forwards" if kind == "sagittal" else "away from the body's middle"
    return [
        AngleDefinition(side + name, at, kind, "clinical", 3, zero, sign, (-90.0, 270.0), 0.0, 1.0, 360.0)
        for side, at in _sides_of(points)
    ]


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
    *_sports2d("pelvis", "left_hip right_hip", 0, -1, "level", "rising to where the person faces", 180.0),
    *_sports2d("shoulders", "left_shoulder right_shoulder", 0, -1, "level", "rising to where the person faces", 180.0),
]

ANGLES: dict[str, AngleDefinition] = {d.id: d for d in (*_INCLUDED, *_MORE, *_CLINICAL, *_TILT, *_SPORTS2D)}
"""Every angle that is known, by id."""

PRESETS: dict[str, tuple[str, ...]] = {
    "included": tuple(d.id for d in _INCLUDED),
    "included_all": tuple(d.id for d in (*_INCLUDED, *_MORE)),
    "clinical": tuple(d.id for d in _CLINICAL),
    "tilt": tuple(d.id for d in _TILT),
    "sports2d": tuple(d.id for d in _SPORTS2D),
    "all": tuple(ANGLES),
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


def labelled(angle_ids: Sequence[str]) -> dict[str, int]:
    """The angles to be written into a picture, and their positions: at each place the first one.

    Parameters
    ----------
    angle_ids : sequence of str
        Unknown ones are left out.
    """
    first: dict[tuple[str, ...], int] = {}
    for position, name in enumerate(angle_ids):
        if name in ANGLES:
            first.setdefault(ANGLES[name].place, position)
    return {angle_ids[position]: position for position in first.values()}


def label_places(angle_ids: Sequence[str]) -> list[list[int]]:
    """Where each angle is written into a picture, for those who do not know the registry.

    Returns
    -------
    list of list of int
        Positions of the landmarks it stands half-way between; none for an angle that is not `labelled`.
    """
    written = labelled(angle_ids)
    return [
        [BLAZEPOSE_33.index(landmark) for landmark in ANGLES[name].place] if name in written else []
        for name in angle_ids
    ]


def by_joint(angle_names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Angles of the same joint together: joint to side ("left", "right", "middle") to position."""
    joints: dict[str, dict[str, int]] = {}
    for position, name in enumerate(angle_names):
        side = re.search("(?:^|_)(left|right)_", name)
        joint = name if side is None else name.replace(f"{side[1]}_", "", 1)
        joints.setdefault(joint, {})["middle" if side is None else side[1]] = position
    return joints
