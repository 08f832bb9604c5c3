"""Converts a session to an xarray Dataset in the layout of movement, with irregular times.

There is one time step per captured frame, at its true capture time; values are NaN if the frame has no result. The
dataset also holds each frame's number, state and the age of its result.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

from livedance_lab._version import __version__
from livedance_lab.pose import FrameState
from livedance_lab.session_data.landmark_arrays import angles_deg, landmark_arrays, tracks
from livedance_lab.session_data.time_grid import camera_fps, true_times
from livedance_lab.system.optional_packages import require

if TYPE_CHECKING:
    from livedance_lab.session_data.data import SessionData

__all__ = ["dataset"]


def dataset(data: SessionData, *, space: Literal["px", "m"] = "px", smooth: bool = False, hands: bool = False) -> Any:
    """Convert a session to an xarray Dataset in the layout of movement.

    Parameters
    ----------
    data : SessionData
    space : "px" or "m"
        Image landmarks (x, y in pixels) or world landmarks (x, y, z in metres).
    smooth, hands : bool
        Smoothed values instead of raw ones; both hands after the body.

    Returns
    -------
    xarray.Dataset
        `position` (time, space, keypoint, individual), `confidence` (time, keypoint, individual), `joint_angle`
        (time, angle, and individual if there are several; degrees) and per time step `seq`, `state` and `age_ms`.
        `time` is seconds after the
        session's first captured frame: true capture times, ascending, not evenly spaced. The dimensions have the
        names of the installed movement (plural up to version 0.16), singular ones without it.

    Raises
    ------
    ExportError
        If xarray is not installed.
    """
    xr = require("xarray", "export")
    rows = true_times(data)
    keypoint, individual = _dimensions()
    people = tracks(data)
    of_people = [landmark_arrays(one, space, smooth=smooth, hands=hands) for one in people.values()]
    axes = ["x", "y"] if space == "px" else ["x", "y", "z"]
    position = [rows(of.xyz[:, :, : len(axes)]).transpose(0, 2, 1) for of in of_people]
    confidence = np.stack([rows(of.confidence) for of in of_people], axis=-1)
    joint_angle = np.stack([rows(angles_deg(one, smooth=smooth)) for one in people.values()], axis=-1)
    angle_axes = ("time", "angle") if data.follows_one else ("time", "angle", individual)
    states = [str(state) for state in FrameState]
    return xr.Dataset(
        data_vars={
            "position": (("time", "space", keypoint, individual), np.stack(position, axis=-1)),
            "confidence": (("time", keypoint, individual), confidence),
            "joint_angle": (angle_axes, joint_angle[..., 0] if data.follows_one else joint_angle, {"units": "degree"}),
            "seq": ("time", rows.frames["seq"].to_numpy()),
            "state": ("time", np.array([states.index(s) for s in rows.frames["state"]], dtype=np.int8),
                      {"flag_values": np.arange(len(states), dtype=np.int8), "flag_meanings": " ".join(states)}),
            "age_ms": ("time", rows.frames["age_ms"].to_numpy(), {"units": "millisecond"}),
        },
        coords={"time": rows.t_s, "space": axes, keypoint: list(of_people[0].names), individual: list(people),
                "angle": list(data.angle_names)},
        attrs=_attrs(data, space, smooth=smooth),
    )  # fmt: skip


def _attrs(data: SessionData, space: str, *, smooth: bool) -> dict[str, Any]:
    fps = camera_fps(data.frames["t_capture_s"].to_numpy())
    return {
        "source_software": "livedance_lab", "source_file": data.session_id, "ds_type": "poses",
        "time_unit": "seconds", "fps": fps, "position_unit": {"px": "pixel", "m": "metre"}[space],
        "smoothed": int(smooth), "t0_unix_s": data.t0_unix_s, "livedance_lab_version": __version__,
        "ledger": orjson.dumps(data.ledger.plain()).decode(),
        "manifest": orjson.dumps(data.manifest, default=str).decode()}  # fmt: skip


def _dimensions() -> tuple[str, str]:
    """Return the names of the landmark and person dimensions in the installed movement."""
    try:
        version = metadata.version("movement")
    except metadata.PackageNotFoundError:
        return "keypoint", "individual"
    major, minor = (int(part) for part in re.findall(r"\d+", version)[:2])
    return ("keypoint", "individual") if (major, minor) >= (0, 17) else ("keypoints", "individuals")
