"""OpenSim's text formats: TRC (markers) and MOT (joint angles).

Markers are world landmarks turned from MediaPipe's axes (x right in the image, y down, z away from the
camera) into OpenSim's (X forward, Y up, Z to the right; right-handed): for a person facing the camera
(X, Y, Z) = (-z, -y, -x). This is a rotation, so that nothing is mirrored. The origin is mid-hip in every frame: world
landmarks describe the body's posture, not its position in the room. Names are those of Pose2Sim's BlazePose marker
set for OpenSim, with Hip and Neck as midpoints of the hips and of the shoulders. Of several people each has a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from livedance_lab.errors import ExportError
from livedance_lab.export.individuals import by_file_stem
from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.landmark_arrays import angle_rows, landmark_arrays
from livedance_lab.session_data.time_grid import Grid, nominal_grid
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["AXES", "MARKERS", "markers_m", "write_mot", "write_trc"]

MARKERS: dict[str, tuple[str, ...]] = {
    "Nose": ("nose",),
    **{
        f"{letter}{marker}": (f"{side}_{landmark}",)
        for marker, landmark in {
            "Eye": "eye", "Shoulder": "shoulder", "Elbow": "elbow", "Wrist": "wrist", "Hip": "hip", "Knee": "knee",
            "Ankle": "ankle", "Heel": "heel", "BigToe": "foot_index", "Pinky": "pinky", "Index": "index",
            "Thumb": "thumb"}.items()
        for letter, side in (("L", "left"), ("R", "right"))
    },
    "Hip": ("left_hip", "right_hip"),
    "Neck": ("left_shoulder", "right_shoulder"),
}  # fmt: skip
"""OpenSim marker name to its landmark, or to the two landmarks whose midpoint it is."""

AXES = "X forward (towards the camera), Y up, Z to the person's right; origin mid-hip in every frame"


def markers_m(data: SessionData, *, smooth: bool) -> Any:
    """Return the markers of all results in OpenSim's axes, metres, shape (T, M, 3) in the order of `MARKERS`."""
    world = landmark_arrays(data, "m", smooth=smooth, hands=False).xyz
    between = [[BLAZEPOSE_33.index(name) for name in names] for names in MARKERS.values()]
    markers = np.stack([world[:, points].mean(axis=1) for points in between], axis=1)
    return -markers[:, :, ::-1]  # (x, y, z) -> (-z, -y, -x)


def write_trc(data: SessionData, folder: Path, options: ExportOptions, progress: Progress) -> Written:
    """Write `<name>.trc`: markers in metres on the nominal grid; a missing marker is `nan`."""
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    people = by_file_stem(data, options.name)
    paths = [folder / f"{stem}.trc" for stem in people]
    for path, one in zip(paths, people.values(), strict=True):
        _write_markers(path, grid, grid(markers_m(one, smooth=options.smooth)), progress)
    return Written(paths, grid, {"axes": AXES, "unit": "m"})


def _write_markers(path: Path, grid: Grid, rows: Any, progress: Progress) -> None:
    n, rate = grid.n_rows, f"{grid.fps:g}"
    names, axes = "\t\t\t".join(MARKERS), "\t".join(f"{axis}{i + 1}" for i in range(len(MARKERS)) for axis in "XYZ")
    header = (
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}\n"
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
        f"{rate}\t{rate}\t{n}\t{len(MARKERS)}\tm\t{rate}\t1\t{n}\n"
        f"Frame#\tTime\t{names}\t\t\n"
        f"\t\t{axes}\n\n"
    )
    lines = (f"{i + 1}\t{row}" for i, row in enumerate(_lines(grid.t_s, rows)))
    _write(path, header, lines, n, progress)


def write_mot(data: SessionData, folder: Path, options: ExportOptions, progress: Progress) -> Written:
    """Write `<name>.mot`: the session's joint angles in degrees on the nominal grid; missing is `nan`.

    OpenSim's TimeSeriesTable reads that; its older Storage stops at the first `nan` without an error: for tools that
    use Storage, export with ``fill="linear"`` and a `max_gap_s` longer than any gap.
    """
    if not data.angle_names:
        raise ExportError("the session has no joint angles to write into a MOT file.")
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    people = by_file_stem(data, options.name)
    paths = [folder / f"{stem}.mot" for stem in people]
    columns = "\t".join(("time", *data.angle_names))
    header = (
        f"Coordinates\nversion=1\nnRows={grid.n_rows}\nnColumns={1 + len(data.angle_names)}\ninDegrees=yes\n\n"
        "Joint angles as livedance_lab defines them (its data dictionary says what each means),\n"
        "not an OpenSim model's coordinates.\n\nendheader\n"
        f"{columns}\n"
    )
    for path, one in zip(paths, people.values(), strict=True):
        rows = angle_rows(one, grid, smooth=options.smooth)
        _write(path, header, _lines(grid.t_s, rows), grid.n_rows, progress)
    return Written(paths, grid, {"unit": "deg"})


def _lines(t_s: Any, rows: Any) -> Iterator[str]:
    """Yield time and values of each row, tab-separated; float32 values have the fewest digits that restore them."""
    for t, row in zip(t_s, rows.reshape(len(rows), -1), strict=True):
        cells = (np.format_float_positional(value, trim="0") for value in row)
        yield f"{t:.6f}\t" + "\t".join(cells) + "\n"


def _write(path: Path, header: str, lines: Iterator[str], n: int, progress: Progress) -> None:
    with path.open("w", newline="\n", encoding="utf-8") as file:
        file.write(header)
        for i, line in enumerate(lines):
            file.write(line)
            if i % 1000 == 0:
                progress(i / n, path.name)
