"""Motion-BIDS (Jeung et al. 2024, "Motion-BIDS: an extension to the brain imaging data structure to organize
motion data for reproducible research", Scientific Data 11:716): markers and joint angles as one tracking system.

Rows are those of the nominal grid, as `SamplingFrequency` requires; the first column is a LATENCY channel with the
true capture time of each row (for rows without a result: the row's nominal time), seconds from the first one.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from livedance_lab._version import __version__
from livedance_lab.export.individuals import by_label
from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.landmark_arrays import angle_rows, landmark_arrays
from livedance_lab.session_data.time_grid import Grid, nominal_grid

__all__ = ["write"]

_SYSTEM = "mediapipe"
_README = """# Motion of {who}, estimated live from camera frames

Written by livedance_lab. Positions are MediaPipe world landmarks in metres: origin mid-hip in every frame,
x right in the image, y down, z away from the camera. Rows without a result are n/a; true capture times are in
the LATENCY channel. manifest.json names versions, models, settings and what became of every captured frame.
"""


def write(data: SessionData, folder: Path, options: ExportOptions, progress: Progress) -> Written:
    """Write a dataset with a subject for each person: `dataset_description.json`, `sub-<label>/motion/...`."""
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    people = {f"sub-{label or options.subject}": one for label, one in by_label(data).items()}
    files = [
        _text(folder / "README.md", _README.format(who="one person" if data.follows_one else f"{len(people)} people")),
        _text(folder / ".bidsignore", "manifest.json\n*_times.csv\n*_mask.csv\n"),
        _json(folder / "dataset_description.json", {
            "Name": f"livedance_lab session {data.session_id}".strip(), "BIDSVersion": "1.10.0", "DatasetType": "raw",
            "License": "n/a", "Authors": ["n/a"], "GeneratedBy": [{"Name": "livedance_lab", "Version": __version__}]}),
        _rows(folder / "participants.tsv", [("participant_id", "species"), *((sub, "homo sapiens") for sub in people)]),
        _json(folder / "participants.json", {"participant_id": {"Description": "label of the person"},
                                             "species": {"Description": "biological species"}}),
    ]  # fmt: skip
    for subject, one in people.items():
        files += _write_subject(one, folder, subject, grid, options, progress)
    return Written(files, grid, {"unit": "m, deg, s"})


def _write_subject(
    data: SessionData, folder: Path, subject: str, grid: Grid, options: ExportOptions, progress: Progress
) -> list[Path]:
    stem = f"{subject}_task-{options.task}"
    motion = folder / subject / "motion"
    motion.mkdir(parents=True, exist_ok=True)
    system = f"{stem}_tracksys-{_SYSTEM}"
    channels, values = _channels(data, grid, options)
    files = [
        _json(motion / f"{system}_motion.json", _description(grid, options, channels)),
        _rows(motion / f"{system}_channels.tsv", [_CHANNEL_COLUMNS, *channels]),
        _rows(motion / f"{stem}_events.tsv", _events(data)),
        _json(motion / f"{stem}_events.json", {"trial_type": {"Description": "name of the event or marker"}}),
        _scans(folder / subject / f"{subject}_scans.tsv", f"motion/{system}_motion.tsv", data),
    ]  # fmt: skip
    path = motion / f"{system}_motion.tsv"
    _samples(path, values, progress)
    return [*files, path]


_CHANNEL_COLUMNS = ("name", "component", "type", "tracked_point", "units")


def _channels(data: SessionData, grid: Grid, options: ExportOptions) -> tuple[list[tuple[str, ...]], Any]:
    """Return the rows of channels.tsv, and the values, shape (n_rows, channels), float64."""
    world = landmark_arrays(data, "m", smooth=options.smooth, hands=False)
    channels: list[tuple[str, ...]] = [("latency", "n/a", "LATENCY", "n/a", "s")]
    channels += [(f"{name}_{axis}", axis, "POS", name, "m") for name in world.names for axis in "xyz"]
    channels += [(name, "n/a", "JNTANG", name, "deg") for name in data.angle_names]
    positions = grid(world.xyz).reshape(grid.n_rows, -1)
    angles = angle_rows(data, grid, smooth=options.smooth)
    return channels, np.concatenate([_latency(grid)[:, None], positions, angles], axis=1)


def _latency(grid: Grid) -> Any:
    """Return the true capture time of each row's result; the nominal time for rows without one or resampled."""
    t_s = grid.t_s
    if grid.fill == "nan":
        placed = grid.row_of >= 0
        t_s[grid.row_of[placed]] = grid.t_result_s[placed]
    return t_s


def _description(grid: Grid, options: ExportOptions, channels: list[tuple[str, ...]]) -> dict[str, Any]:
    kinds = [channel[2] for channel in channels]
    effective_hz = float(grid.measured.mean() * grid.fps)
    return {
        "TaskName": options.task, "TaskDescription": "movement in front of a camera",
        "SamplingFrequency": grid.fps, "SamplingFrequencyEffective": effective_hz,
        "TrackingSystemName": _SYSTEM, "Manufacturer": "livedance_lab", "SoftwareVersions": __version__,
        "MotionChannelCount": len(kinds), "POSChannelCount": kinds.count("POS"),
        "JNTANGChannelCount": kinds.count("JNTANG"), "LATENCYChannelCount": kinds.count("LATENCY"),
        "TrackedPointsCount": kinds.count("POS") // 3, "RecordingDuration": grid.n_rows / grid.fps,
        "RecordingType": "continuous", "MissingValues": "n/a",
        "SpatialAxes": "RIF",
    }  # fmt: skip


def _events(data: SessionData) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("onset", "duration", "trial_type")]
    for t_s, kind, name in data.events[["t_s", "kind", "name"]].itertuples(index=False):
        rows.append((f"{t_s - data.t0_s:.6f}", "0", name if kind == "mark" else f"{kind} {name}"))
    return rows


def _scans(path: Path, motion: str, data: SessionData) -> Path:
    t = data.t0_unix_s
    acquired = "n/a" if np.isnan(t) else datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return _rows(path, [("filename", "acq_time"), (motion, acquired)])


def _samples(path: Path, values: Any, progress: Progress) -> None:
    """Write the samples without a header; float32 values have the fewest digits that restore them."""
    with path.open("w", newline="\n", encoding="utf-8") as file:
        for i, row in enumerate(values):
            numbers = (np.format_float_positional(np.float32(v), trim="0") for v in row[1:])
            file.write("\t".join([f"{row[0]:.6f}", *("n/a" if n == "nan" else n for n in numbers)]) + "\n")
            if i % 1000 == 0:
                progress(i / len(values), path.name)


def _rows(path: Path, rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(rows)
    return path


def _json(path: Path, content: dict[str, Any]) -> Path:
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path


def _text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path
