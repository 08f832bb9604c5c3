"""A session's landmarks and angles as arrays with names, from which every motion format is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.angle_definitions import ANGLES
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.time_grid import Grid
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21, HAND_LANDMARKS, HAND_SIDES

__all__ = ["LandmarkArrays", "angle_rows", "angles_deg", "landmark_arrays", "tracks"]


@dataclass(frozen=True)
class LandmarkArrays:
    """Landmarks of all T results.

    Attributes
    ----------
    names : tuple of str
        The K landmarks.
    bones : ndarray of shape (B, 2), int64
        Pairs of landmark positions.
    xyz : ndarray of shape (T, K, 3), float32
        Pixels of the original frame (x right, y down) or metres; NaN where not seen.
    confidence : ndarray of shape (T, K), float32
        Visibility of body landmarks, handedness score of hand landmarks; 0 to 1, NaN where not seen.
    """

    names: tuple[str, ...]
    bones: npt.NDArray[np.int64]
    xyz: npt.NDArray[Any]
    confidence: npt.NDArray[Any]


def landmark_arrays(data: SessionData, space: Literal["px", "m"], *, smooth: bool, hands: bool) -> LandmarkArrays:
    """Return the landmarks of a session.

    Parameters
    ----------
    data : SessionData
    space : "px" or "m"
        Image or world landmarks. World hands have their origin at the hand, world bodies at mid-hip.
    smooth : bool
        Smoothed values instead of raw ones.
    hands : bool
        Append both hands to the body.

    Returns
    -------
    LandmarkArrays
    """
    suffix = "_smooth" if smooth else ""
    xyz = data.array({"px": "keypoints_px", "m": "world_m"}[space] + suffix)
    confidence = data.array("visibility")
    names, bones = BLAZEPOSE_33.landmarks, list(BLAZEPOSE_33.bone_indices)
    if hands:
        of_hands = data.array({"px": "hands_px", "m": "hands_world_m"}[space] + suffix)
        xyz = np.concatenate([xyz, of_hands.reshape(len(xyz), -1, 3)], axis=1)
        confidence = np.concatenate([confidence, np.repeat(data.array("hands_score"), len(HAND_21), axis=1)], axis=1)
        for side in range(len(HAND_SIDES)):
            first = len(BLAZEPOSE_33) + side * len(HAND_21)
            bones += [(first + a, first + b) for a, b in HAND_21.bone_indices]
        names += HAND_LANDMARKS
    return LandmarkArrays(names, np.array(bones), xyz, confidence)


def tracks(data: SessionData) -> dict[str, SessionData]:
    """Return `SessionData.individuals`, where the only one without a name is "person_0", as in movement."""
    return {"person_0" if name == "person" else name: one for name, one in data.individuals().items()}


def angles_deg(data: SessionData, *, smooth: bool) -> npt.NDArray[Any]:
    """Return the joint angles of all results, degrees; shape (T, A) in the order of `data.angle_names`."""
    return data.array("angles_smooth_deg" if smooth else "angles_deg")


def angle_rows(data: SessionData, grid: Grid, *, smooth: bool) -> npt.NDArray[Any]:
    """Return the joint angles on a grid, shape (n_rows, A); signed ones are interpolated the short way round."""
    angles = angles_deg(data, smooth=smooth)
    wraps = [i for i, name in enumerate(data.angle_names) if name in ANGLES and ANGLES[name].period_deg]
    if grid.fill == "nan" or not wraps:
        return grid(angles)
    angles = angles.astype(np.float64)
    for i in wraps:
        seen = np.isfinite(angles[:, i])
        angles[seen, i] = np.unwrap(angles[seen, i], period=ANGLES[data.angle_names[i]].period_deg)
    rows = grid(angles)
    for i in wraps:
        definition = ANGLES[data.angle_names[i]]
        highest = definition.range_deg[1]
        rows[:, i] = highest - np.mod(highest - rows[:, i], definition.period_deg)
    return rows.astype(np.float32)
