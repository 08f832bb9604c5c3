"""C3D (c3d.org): the markers of the TRC export in millimetres, with axes, rate and missing points marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from livedance_lab.export.grid import nominal_grid
from livedance_lab.export.opensim import AXES, MARKERS, markers_m
from livedance_lab.export.options import ExportOptions, Progress, Written, require
from livedance_lab.tables.data import SessionData

__all__ = ["write"]


def write(data: SessionData, folder: Path, options: ExportOptions, progress: Progress) -> Written:
    """Write `<name>.c3d`. A missing point is NaN with residual -1, as ezc3d and Mokka expect."""
    ezc3d = require("ezc3d", "export")
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    points = grid(markers_m(data, smooth=options.smooth)).astype(np.float64) * 1000
    missing = np.isnan(points).any(axis=2)
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [grid.fps]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(MARKERS)
    file["data"]["points"] = np.concatenate([points, np.ones((*missing.shape, 1))], axis=2).transpose(2, 1, 0)
    file["data"]["meta_points"]["residuals"] = np.where(missing, -1.0, 0.0).T[None]
    file.add_parameter("POINT", "X_SCREEN", ["+Z"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Y"])
    path = folder / f"{options.name}.c3d"
    file.write(str(path))
    progress(1.0, path.name)
    return Written([path], grid, {"axes": AXES, "unit": "mm"})
