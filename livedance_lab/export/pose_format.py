"""pose-format `.pose` (sign language processing), with the component names of its own MediaPipe reader; one rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.landmark_arrays import landmark_arrays
from livedance_lab.session_data.time_grid import nominal_grid
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21, HAND_SIDES, Skeleton
from livedance_lab.system.optional_packages import require

__all__ = ["write"]

_VERSION = 0.2  # the first whose rate is not a whole number
_COLOURS = {"POSE": (255, 0, 0), "LEFT": (0, 200, 0), "RIGHT": (0, 0, 255)}


def write(data: SessionData, folder: Path, options: ExportOptions, _progress: Progress) -> Written:
    """Write `<name>.pose`: pixels and z; a missing point is masked and has confidence 0.

    People are in order of their ids; the format has no names for them.
    """
    pose_format = require("pose_format", "export")
    header = require("pose_format.pose_header", "export")
    body = require("pose_format.numpy.pose_body", "export")
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    of_people = [landmark_arrays(one, "px", smooth=options.smooth, hands=options.hands)
                 for one in data.individuals().values()]  # fmt: skip
    xyz = np.stack([grid(of.xyz) for of in of_people], axis=1)
    missing = np.isnan(xyz).any(axis=3)
    scores = np.stack([grid(of.confidence) for of in of_people], axis=1)
    confidence = np.where(missing, 0, np.nan_to_num(scores)).astype(np.float32)
    shown = np.ma.masked_array(np.nan_to_num(xyz), np.repeat(missing[..., None], 3, axis=3))

    parts: list[tuple[str, Skeleton]] = [("POSE", BLAZEPOSE_33)]
    parts += [(side.upper(), HAND_21) for side in HAND_SIDES] if options.hands else []
    components = [
        header.PoseHeaderComponent(
            name=f"{part}_LANDMARKS" if part == "POSE" else f"{part}_HAND_LANDMARKS",
            points=[name.upper() for name in skeleton.landmarks], limbs=list(skeleton.bone_indices),
            colors=[_COLOURS[part]], point_format="XYZC")
        for part, skeleton in parts
    ]  # fmt: skip
    dimensions = header.PoseHeaderDimensions(*_size_px(data), depth=0)
    pose = pose_format.Pose(
        header.PoseHeader(_VERSION, dimensions, components), body.NumPyPoseBody(grid.fps, shown, confidence)
    )
    path = folder / f"{options.name}.pose"
    with path.open("wb") as file:
        pose.write(file)
    return Written([path], grid, {"unit": "px"})


def _size_px(data: SessionData) -> tuple[int, int]:
    """Return width and height of the session's (largest) frames."""
    results: Any = data.tables["results"]
    sizes = (results[name].to_numpy() for name in ("width_px", "height_px"))
    return tuple(int(size.max(initial=0)) for size in sizes)  # type: ignore[return-value]
