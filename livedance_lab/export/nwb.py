"""Neurodata Without Borders with the ndx-pose extension: true time stamps per row.

There is one row per captured frame, NaN if the frame has no result. With ``times="true"`` each row has its capture
time. For readers that replace time stamps by one rate (movement uses the median) choose ``times="nominal"``: rows of
the nominal grid, with its rate. NWB allows one subject in a file: of several people each has a file.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from livedance_lab._version import __version__
from livedance_lab.errors import ExportError
from livedance_lab.export.individuals import by_file_stem, by_label
from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.landmark_arrays import angles_deg, landmark_arrays
from livedance_lab.session_data.time_grid import Grid, TrueTimes, nominal_grid, true_times
from livedance_lab.system.optional_packages import require

__all__ = ["write"]

_FRAME = {
    "px": "(0, 0) is the top left corner of the original frame; x right, y down",
    "m": "metres from mid-hip: x right in the image, y down, z away from the camera",
}
_CONFIDENCE = "MediaPipe visibility: likelihood that the landmark is in the image and not hidden (hands: handedness)"


def write(data: SessionData, folder: Path, options: ExportOptions, _progress: Progress) -> Written:
    """Write `<name>.nwb`: module "behavior" with Skeletons, PoseEstimation and the joint angles.

    Of several people each file has the person's label as its subject.
    """
    pynwb, ndx_pose = require("pynwb", "nwb"), require("ndx_pose", "nwb")
    if np.isnan(data.t0_unix_s):
        raise ExportError("NWB requires the date of the session, but the session has no wall clock anchor.")
    nominal = options.times == "nominal"
    rows = nominal_grid(data, options.fps) if nominal else true_times(data)
    people = by_label(data)
    paths = [folder / f"{stem}.nwb" for stem in by_file_stem(data, options.name)]
    for path, (label, one) in zip(paths, people.items(), strict=True):
        with pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(_file(pynwb, ndx_pose, one, label, options, rows))
    notes = {"unit": options.space, "times": options.times}
    return Written(paths, rows if isinstance(rows, Grid) else None, notes)


def _file(
    pynwb: Any, ndx_pose: Any, data: SessionData, label: str, options: ExportOptions, rows: Grid | TrueTimes
) -> Any:
    """Return the NWBFile of one person; `label` is empty for the only one."""
    when = {"rate": rows.fps, "starting_time": 0.0} if isinstance(rows, Grid) else {"timestamps": rows.t_s}
    session = data.session_id or options.name
    file = pynwb.NWBFile(
        session_description="Pose of one person, estimated live from camera frames.",
        identifier=f"{session}_{label}" if label else session, session_id=session,
        session_start_time=datetime.fromtimestamp(data.t0_unix_s, UTC),
        source_script=f"livedance_lab {__version__}", source_script_file_name="livedance_lab.export.nwb",
        notes=orjson.dumps({"ledger": data.ledger.plain(), "manifest": data.manifest}, default=str).decode(),
    )  # fmt: skip
    file.subject = pynwb.file.Subject(subject_id=label or options.subject, species="Homo sapiens")
    behavior = file.create_processing_module("behavior", "landmarks and joint angles")
    estimation, skeleton = _pose(ndx_pose, file, data, options, rows, when)
    behavior.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    behavior.add(estimation)
    if data.angle_names:
        behavior.add(pynwb.TimeSeries(
            name="joint_angles", data=rows(angles_deg(data, smooth=options.smooth)), unit="degree",
            description=f"columns: {', '.join(data.angle_names)}", **when))  # fmt: skip
    return file


def _pose(
    ndx_pose: Any, file: Any, data: SessionData, options: ExportOptions, rows: Grid | TrueTimes, when: dict[str, Any]
) -> tuple[Any, Any]:
    """Return the landmarks as a PoseEstimation, and its skeleton."""
    landmarks = landmark_arrays(data, options.space, smooth=options.smooth, hands=options.hands)
    xyz, confidence = rows(landmarks.xyz), rows(landmarks.confidence)
    n_axes = {"px": 2, "m": 3}[options.space]
    camera = file.create_device(name="camera", description="the camera the person was filmed with")
    skeleton = ndx_pose.Skeleton(
        name="blazepose", nodes=list(landmarks.names), edges=landmarks.bones.astype(np.uint8), subject=file.subject
    )
    series: list[Any] = []
    for i, name in enumerate(landmarks.names):
        if series and "timestamps" in when:
            when = {"timestamps": series[0]}  # a link: the file holds the time stamps once
        series.append(ndx_pose.PoseEstimationSeries(
            name=name, description=f"landmark {name}", data=xyz[:, i, :n_axes], confidence=confidence[:, i],
            unit={"px": "pixels", "m": "meters"}[options.space], reference_frame=_FRAME[options.space],
            confidence_definition=_CONFIDENCE, **when))  # fmt: skip
    estimation = ndx_pose.PoseEstimation(
        name="PoseEstimation", pose_estimation_series=series, device=camera, skeleton=skeleton,
        description="MediaPipe pose landmarks" + (", smoothed" if options.smooth else ""),
        scorer="MediaPipe", source_software="livedance_lab", source_software_version=__version__)  # fmt: skip
    return estimation, skeleton
