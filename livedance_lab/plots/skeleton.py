"""One result drawn as a figure of a person: bones by side, joints, and the angles where they are measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from livedance_lab.analysis.angles import ANGLES, ViewQuality, labelled
from livedance_lab.plots.theme import LIGHT
from livedance_lab.pose import FloatArray
from livedance_lab.session_data.data import SessionData
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21, Skeleton

__all__ = ["Picture", "draw_skeleton"]

Picture = tuple[int, Any]
"""Frame number and its RGB pixels of shape (H, W, 3), uint8."""

_SHOWN_VISIBILITY = 0.3
_RIM, _MIDDLE = "#1f2328", "#ffffff"
_HALF_LABEL_IN = (0.215, 0.115)  # half the width and height of a label with three digits
_SIDES = {"left": LIGHT.left, "right": LIGHT.right}
_TORSO = [BLAZEPOSE_33.index(f"{side}_{part}") for side in _SIDES for part in ("shoulder", "hip")]
_FACE = {i for i, name in enumerate(BLAZEPOSE_33.landmarks) if name == "nose" or any(
    part in name for part in ("eye", "ear", "mouth"))}  # fmt: skip


def draw_skeleton(axes: Axes, data: SessionData, picture: Picture | None) -> None:
    """Body, hands and angles of one result, on its picture if there is one.

    Parameters
    ----------
    axes : Axes
        Loses its frame; pixels of the original frame become its coordinates.
    data : SessionData
    picture : (int, ndarray of shape (H, W, 3)) or None
        Chooses the result by its frame number; without it, the middle one of those with a person.
    """
    axes.set_axis_off()
    row = _shown_row(data, picture)
    if row is None:
        axes.text(0.5, 0.5, "nobody was seen", ha="center", va="center", color=LIGHT.quiet, transform=axes.transAxes)
        return
    width, height = int(data.column("width_px")[row]), int(data.column("height_px")[row])
    if picture is not None:
        axes.imshow(picture[1], extent=(0, width, height, 0), interpolation="antialiased")
    else:
        axes.axvspan(0, width, color=LIGHT.line, alpha=0.6, linewidth=0)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_aspect("equal", anchor="N")
    body = np.where(data.array("visibility")[row, :, None] >= _SHOWN_VISIBILITY, data.array("keypoints_px_smooth")[row],
                    np.nan)  # fmt: skip
    _draw(axes, BLAZEPOSE_33, body, {side: side for side in _SIDES}, 2.6)
    for side, hand in zip(_SIDES, data.array("hands_px_smooth")[row], strict=True):
        _draw(axes, HAND_21, hand, {"": side}, 1.1)
    _label_angles(axes, data, row, body, (width, height))
    axes.set_title(f"Frame {data.seq[row]}", loc="left", size=10.5, weight="bold", color=LIGHT.ink, pad=7)
    axes.set_title("smoothed landmarks and angles", loc="right", size=9, color=LIGHT.quiet, pad=7)


def _shown_row(data: SessionData, picture: Picture | None) -> int | None:
    """The result of the picture, or else the one in the middle of those with a person."""
    if picture is not None and picture[0] in data.seq:
        return int(np.flatnonzero(data.seq == picture[0])[0])
    found = np.flatnonzero(data.column("found"))
    return int(found[len(found) // 2]) if len(found) else None


def _draw(axes: Axes, skeleton: Skeleton, points: FloatArray, sides: dict[str, str], width: float) -> None:
    """Bones with a dark rim, legible on any ground, and a dot at each joint; the face is thin lines only."""
    for a, b in skeleton.bone_indices:
        ends = points[[a, b], :2]
        if not np.isfinite(ends).all():
            continue
        names = (skeleton.landmarks[a], skeleton.landmarks[b])
        thin = skeleton is BLAZEPOSE_33 and {a, b} <= _FACE
        own = [s for start, s in sides.items() if not thin and all(name.startswith(start) for name in names)]
        line = 1.0 if thin else width
        x, y = ends.T
        axes.plot(x, y, color=_RIM, linewidth=line + 1.4, alpha=0.25 if thin else 0.55, solid_capstyle="round")
        axes.plot(x, y, color=_SIDES[own[0]] if own else _MIDDLE, linewidth=line, solid_capstyle="round")
    if skeleton is BLAZEPOSE_33:
        joints = [i for i in range(len(skeleton)) if i not in _FACE and np.isfinite(points[i, 0])]
        axes.plot(points[joints, 0], points[joints, 1], "o", markersize=3.6, markerfacecolor=_MIDDLE,
                  markeredgecolor=_RIM, markeredgewidth=0.8, zorder=4)  # fmt: skip


def _label_angles(axes: Axes, data: SessionData, row: int, body: FloatArray, size_px: tuple[int, int]) -> None:
    """Each angle at its place, where no limb runs and no other label stands; at each place only the first."""
    middle = np.nan_to_num(body[_TORSO, :2]).mean(axis=0)
    place_in = np.array(axes.get_window_extent().size) / axes.figure.dpi
    half = np.array(_HALF_LABEL_IN) * np.max(np.array(size_px) / place_in)  # inches to pixels of the original frame
    placed: list[FloatArray] = []
    values, views = data.array("angles_smooth_deg")[row], data.views[row]
    for name, position in labelled(data.angle_names).items():
        joints = [BLAZEPOSE_33.index(landmark) for landmark in ANGLES[name].place]
        here = body[joints, :2].mean(axis=0)
        if not np.isfinite([values[position], *here]).all():
            continue
        at = _free_place(here, _away_from_limbs(body, joints, here, middle), half, size_px, placed)
        placed.append(at)
        about = "\u2248" if views[position] == ViewQuality.FORESHORTENED else ""
        box = {"boxstyle": "round,pad=0.22", "facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.88}
        axes.text(at[0], at[1], f"{about}{values[position]:.0f}°", size=8.5, weight="bold",
                  color=_colour(joints), ha="center", va="center", bbox=box, zorder=5)  # fmt: skip


def _colour(joints: list[int]) -> str:
    sides = {BLAZEPOSE_33.landmarks[joint].split("_")[0] for joint in joints}
    return _SIDES.get(sides.pop(), LIGHT.ink) if len(sides) == 1 else LIGHT.ink


def _free_place(
    joint: FloatArray, directions: FloatArray, half: FloatArray, size_px: tuple[int, int], placed: list[FloatArray]
) -> FloatArray:
    """The nearest place for a label, best direction first, that is inside the picture and not taken."""
    for reach in (1.2, 2.0, 3.0, 4.0, 5.0):
        for direction in directions[: 4 if reach < 3 else 8]:
            at = joint + reach * direction * half
            inside = (at >= half).all() and (at <= size_px - half).all()
            if inside and all((np.abs(at - other) >= 2 * half).any() for other in placed):
                return np.asarray(at)
    return np.clip(joint, half, size_px - half)


def _away_from_limbs(body: FloatArray, joints: list[int], here: FloatArray, middle: FloatArray) -> FloatArray:
    """Eight directions from a place, shape (8, 2): first those away from its bones, then outwards, then sideways."""
    bones = [(a, b) for a, b in BLAZEPOSE_33.bone_indices if a in joints or b in joints]
    limbs = [body[end, :2] - here for bone in bones for end in bone]
    units = [limb / length for limb in limbs if (length := float(np.hypot(*limb))) > 0]  # NaN compares false
    outwards = (here - middle) / max(float(np.hypot(*(here - middle))), 1.0)
    turns = np.arange(8) * np.pi / 4
    choices = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    nearest = np.max([choices @ unit for unit in units], axis=0) if units else np.zeros(8)
    worst_last = np.argsort(nearest - 0.35 * choices @ outwards - 0.1 * np.abs(choices[:, 0]), kind="stable")
    return np.asarray(choices[worst_last])
