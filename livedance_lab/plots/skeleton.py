"""Drawing of one result as a skeleton: bones coloured by side, joints, and labels with the joint angles."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from livedance_lab.analysis.angles import ANGLES, ViewQuality, labelled
from livedance_lab.plots.theme import LIGHT
from livedance_lab.pose import FloatArray
from livedance_lab.session_data.data import SessionData
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21, HAND_SIDES, Skeleton, side_of

__all__ = ["Picture", "draw_skeleton"]

Picture = tuple[int, Any]
"""Frame number and its RGB pixels of shape (H, W, 3), uint8."""

_MIN_VISIBILITY = 0.3
_OUTLINE, _MIDDLE = "#1f2328", "#ffffff"
_HALF_LABEL_IN = (0.215, 0.115)  # half the width and height of a label with three digits
_COLOURS = {"left": LIGHT.left, "right": LIGHT.right}
_TORSO = [BLAZEPOSE_33.index(f"{side}_{part}") for side in HAND_SIDES for part in ("shoulder", "hip")]
_FACE = {i for i, name in enumerate(BLAZEPOSE_33.landmarks) if name == "nose" or any(
    part in name for part in ("eye", "ear", "mouth"))}  # fmt: skip


def draw_skeleton(axes: Axes, data: SessionData, picture: Picture | None) -> None:
    """Draw body, hands and angles of one result, on its picture if there is one.

    Parameters
    ----------
    axes : Axes
        Its frame is removed; its coordinates become pixels of the original frame.
    data : SessionData
    picture : (int, ndarray of shape (H, W, 3)) or None
        Selects the result by its frame number; None: the middle one of the results with a person.
    """
    axes.set_axis_off()
    row = _selected_row(data, picture)
    if row is None:
        axes.text(
            0.5, 0.5, "no person was detected", ha="center", va="center", color=LIGHT.muted, transform=axes.transAxes
        )
        return
    width, height = int(data.column("width_px")[row]), int(data.column("height_px")[row])
    if picture is not None:
        axes.imshow(picture[1], extent=(0, width, height, 0), interpolation="antialiased")
    else:
        axes.axvspan(0, width, color=LIGHT.line, alpha=0.6, linewidth=0)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_aspect("equal", anchor="N")
    body = np.where(data.array("visibility")[row, :, None] >= _MIN_VISIBILITY, data.array("keypoints_px_smooth")[row],
                    np.nan)  # fmt: skip
    _draw(axes, BLAZEPOSE_33, body, [_COLOURS.get(side_of(*bone), _MIDDLE) for bone in BLAZEPOSE_33.bones], 2.6)
    for side, hand in zip(HAND_SIDES, data.array("hands_px_smooth")[row], strict=True):
        _draw(axes, HAND_21, hand, [_COLOURS[side]] * len(HAND_21.bones), 1.1)
    _label_angles(axes, data, row, body, (width, height))
    axes.set_title(f"Frame {data.seq[row]}", loc="left", size=10.5, weight="bold", color=LIGHT.ink, pad=7)
    axes.set_title("smoothed landmarks and angles", loc="right", size=9, color=LIGHT.muted, pad=7)


def _selected_row(data: SessionData, picture: Picture | None) -> int | None:
    """Return the row of the picture's result, or of the middle one of the results with a person."""
    if picture is not None and picture[0] in data.seq:
        return int(np.flatnonzero(data.seq == picture[0])[0])
    found = np.flatnonzero(data.column("found"))
    return int(found[len(found) // 2]) if len(found) else None


def _draw(axes: Axes, skeleton: Skeleton, points: FloatArray, colours: list[str], width: float) -> None:
    """Draw bones with a dark outline, which is legible on any picture, and joints; the face has thin white lines."""
    for (a, b), colour in zip(skeleton.bone_indices, colours, strict=True):
        ends = points[[a, b], :2]
        if not np.isfinite(ends).all():
            continue
        face = skeleton is BLAZEPOSE_33 and {a, b} <= _FACE
        line = 1.0 if face else width
        x, y = ends.T
        axes.plot(x, y, color=_OUTLINE, linewidth=line + 1.4, alpha=0.25 if face else 0.55, solid_capstyle="round")
        axes.plot(x, y, color=_MIDDLE if face else colour, linewidth=line, solid_capstyle="round")
    if skeleton is BLAZEPOSE_33:
        joints = [i for i in range(len(skeleton)) if i not in _FACE and np.isfinite(points[i, 0])]
        axes.plot(points[joints, 0], points[joints, 1], "o", markersize=3.6, markerfacecolor=_MIDDLE,
                  markeredgecolor=_OUTLINE, markeredgewidth=0.8, zorder=4)  # fmt: skip


def _label_angles(axes: Axes, data: SessionData, row: int, body: FloatArray, size_px: tuple[int, int]) -> None:
    """Write each angle next to its joint, where there is no limb and no other label."""
    centre = np.nan_to_num(body[_TORSO, :2]).mean(axis=0)
    place_in = np.array(axes.get_window_extent().size) / axes.figure.dpi
    half = np.array(_HALF_LABEL_IN) * np.max(np.array(size_px) / place_in)  # inches to pixels of the original frame
    placed: list[FloatArray] = []
    values, views = data.array("angles_smooth_deg")[row], data.views[row]
    for name, position in labelled(data.angle_names).items():
        joints = [BLAZEPOSE_33.index(landmark) for landmark in ANGLES[name].place]
        here = body[joints, :2].mean(axis=0)
        if not np.isfinite([values[position], *here]).all():
            continue
        at = _free_place(here, _away_from_limbs(body, joints, here, centre), half, size_px, placed)
        placed.append(at)
        sign = "\u2248" if views[position] == ViewQuality.FORESHORTENED else ""
        colour = _COLOURS.get(side_of(*(BLAZEPOSE_33.landmarks[joint] for joint in joints)), LIGHT.ink)
        box = {"boxstyle": "round,pad=0.22", "facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.88}
        axes.text(at[0], at[1], f"{sign}{values[position]:.0f}°", size=8.5, weight="bold",
                  color=colour, ha="center", va="center", bbox=box, zorder=5)  # fmt: skip


def _free_place(
    joint: FloatArray, directions: FloatArray, half: FloatArray, size_px: tuple[int, int], placed: list[FloatArray]
) -> FloatArray:
    """Return the nearest free position for a label inside the picture; `directions` are tried in order."""
    for distance in (1.2, 2.0, 3.0, 4.0, 5.0):
        for direction in directions[: 4 if distance < 3 else 8]:
            at = joint + distance * direction * half
            inside = (at >= half).all() and (at <= size_px - half).all()
            if inside and all((np.abs(at - other) >= 2 * half).any() for other in placed):
                return np.asarray(at)
    return np.clip(joint, half, size_px - half)


def _away_from_limbs(body: FloatArray, joints: list[int], here: FloatArray, centre: FloatArray) -> FloatArray:
    """Return eight directions from a joint, shape (8, 2), sorted: away from its bones, then outwards, then sideways."""
    bones = [(a, b) for a, b in BLAZEPOSE_33.bone_indices if a in joints or b in joints]
    limbs = [body[end, :2] - here for bone in bones for end in bone]
    units = [limb / length for limb in limbs if (length := float(np.hypot(*limb))) > 0]  # NaN compares false
    outwards = (here - centre) / max(float(np.hypot(*(here - centre))), 1.0)
    angles = np.arange(8) * np.pi / 4
    choices = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    nearest = np.max([choices @ unit for unit in units], axis=0) if units else np.zeros(8)
    worst_last = np.argsort(nearest - 0.35 * choices @ outwards - 0.1 * np.abs(choices[:, 0]), kind="stable")
    return np.asarray(choices[worst_last])
