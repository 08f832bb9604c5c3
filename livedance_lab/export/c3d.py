"""C3D (c3d.org): the markers of the TRC export in millimetres, with axes, rate and marks for missing points.

Of several people each marker has the person's name before it, as in "Ana:LKnee".
C3D counts frames in 16 bits, so that a session of more than 65535 rows (36 minutes at 30/s) needs several files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from livedance_lab.export.individuals import by_label
from livedance_lab.export.opensim import AXES, MARKERS, markers_m
from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.time_grid import nominal_grid
from livedance_lab.system.optional_packages import require

__all__ = ["write"]

_MOST_FRAMES = 65535


def write(data: SessionData, folder: Path, options: ExportOptions, progress: Progress) -> Written:
    """Write `<name>.c3d`, or `<name>_part1.c3d` and so on."""
    ezc3d = require("ezc3d", "export")
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    people = by_label(data)
    labels = [f"{label}:{marker}" if label else marker for label in people for marker in MARKERS]
    points_m = np.concatenate([grid(markers_m(one, smooth=options.smooth)) for one in people.values()], axis=1)
    points_mm = points_m.astype(np.float64) * 1000
    firsts = range(0, grid.n_rows, _MOST_FRAMES)
    files = []
    for part, first in enumerate(firsts, 1):
        files.append(folder / (f"{options.name}_part{part}.c3d" if len(firsts) > 1 else f"{options.name}.c3d"))
        _write_part(ezc3d.c3d(), files[-1], points_mm[first : first + _MOST_FRAMES], labels, grid.fps)
        progress(part / len(firsts), files[-1].name)
    return Written(files, grid, {"axes": AXES, "unit": "mm", "rows_per_file": _MOST_FRAMES})


def _write_part(file: Any, path: Path, points_mm: Any, labels: list[str], fps: float) -> None:
    """Write one file; a missing point is NaN and has residual -1."""
    missing = np.isnan(points_mm).any(axis=2)
    file["parameters"]["POINT"]["RATE"]["value"] = [fps]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = labels
    file["data"]["points"] = np.concatenate([points_mm, np.ones((*missing.shape, 1))], axis=2).transpose(2, 1, 0)
    file["data"]["meta_points"]["residuals"] = np.where(missing, -1.0, 0.0).T[None]
    file.add_parameter("POINT", "X_SCREEN", ["+Z"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Y"])
    file.write(str(path))
