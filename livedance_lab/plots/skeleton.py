"""Drawing of one result as a skeleton: bones coloured by side, joints, and labels with the joint angles.

Of several people each has their name above the head and a contour in a colour of their own, as in the live view; there
are no angles then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from livedance_lab.analysis.angles import ANGLES, ViewQuality, labelled
from livedance_lab.plots.theme import LIGHT, person_colour
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
    """Draw everybody's body and hands in one frame, on its picture if there is one; of one person also the angles.

    Parameters
    ----------
    axes : Axes
        Its frame is removed; its coordinates become pixels of the original frame.
    data : SessionData
    picture : (int, ndarray of shape (H, W, 3)) or None
        Selects the frame by its number; None: the middle one of the frames that show the most people.
    """
    axes.set_axis_off()
    rows = _selected_rows(data, picture)
    if not len(rows):
        axes.text(
            0.5, 0.5, "no person was detected", ha="center", va="center", color=LIGHT.muted, transform=axes.transAxes
        )
        return
    width, height = int(data.column("width_px")[rows[0]]), int(data.column("height_px")[rows[0]])
    if picture is not None:
        axes.imshow(picture[1], extent=(0, width, height, 0), interpolation="antialiased")
    else:
        axes.axvspan(0, width, color=LIGHT.line, alpha=0.6, linewidth=0)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_aspect("equal", anchor="N")
    people = data.person.to_numpy(dtype=np.int32, na_value=0)
    for row in rows:
        body = np.where(data.array("visibility")[row, :, None] >= _MIN_VISIBILITY,
                        data.array("keypoints_px_smooth")[row], np.nan)  # fmt: skip
        id = int(people[row])
        contour = _OUTLINE if data.follows_one or not id else person_colour(id)
        sides = [_COLOURS.get(side_of(*bone), _MIDDLE) for bone in BLAZEPOSE_33.bones]
        _draw(axes, BLAZEPOSE_33, body, sides, 2.6, contour)
        for side, hand in zip(HAND_SIDES, data.array("hands_px_smooth")[row], strict=True):
            _draw(axes, HAND_21, hand, [_COLOURS[side]] * len(HAND_21.bones), 1.1, contour)
        if data.follows_one:
            _label_angles(axes, data, row, body, (width, height))
        elif np.isfinite(body).any():
            _label_person(axes, data.names.get(id, f"person_{id}"), body, contour, height)
    axes.set_title(f"Frame {data.seq[rows[0]]}", loc="left", size=10.5, weight="bold", color=LIGHT.ink, pad=7)
    note = "smoothed landmarks" + (" and angles" if data.follows_one else "")
    axes.set_title(note, loc="right", size=9, color=LIGHT.muted, pad=7)


def _selected_rows(data: SessionData, picture: Picture | None) -> npt.NDArray[np.intp]:
    """Return the rows of the picture's frame, or of the middle one of the frames that show the most people."""
    if picture is not None and picture[0] in data.seq:
        return np.flatnonzero(data.seq == picture[0])
    seqs, n_people = np.unique(data.seq[data.column("found")], return_counts=True)
    if not len(seqs):
        return np.empty(0, dtype=np.intp)
    most = seqs[n_people == n_people.max()]
    return np.flatnonzero(data.seq == most[len(most) // 2])


def _label_person(axes: Axes, name: str, body: FloatArray, colour: str, height_px: int) -> None:
    """Write a name above the highest landmark that is seen."""
    top = int(np.nanargmin(body[:, 1]))
    box = {"boxstyle": "round,pad=0.22", "facecolor": "#ffffff", "edgecolor": colour, "alpha": 0.9}
    axes.text(body[top, 0], max(body[top, 1] - 0.02 * height_px, 0.05 * height_px), name, size=8.5, weight="bold",
              color=colour, ha="center", va="bottom", bbox=box, zorder=5, clip_on=True)  # fmt: skip


def _draw(
    axes: Axes, skeleton: Skeleton, points: FloatArray, colours: list[str], width: float, contour: str
) -> None:  # fmt: skip
    """Draw bones with an outline, legible on any picture if it is dark, and joints; the face has thin white lines."""
    edge, strong = (1.4, 0.55) if contour == _OUTLINE else (3.2, 0.95)
    for (a, b), colour in zip(skeleton.bone_indices, colours, strict=True):
        ends = points[[a, b], :2]
        if not np.isfinite(ends).all():
            continue
        face = skeleton is BLAZEPOSE_33 and {a, b} <= _FACE
        line = 1.0 if face else width
        x, y = ends.T
        axes.plot(x, y, color=contour, linewidth=line + edge, alpha=0.25 if face else strong, solid_capstyle="round")
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
