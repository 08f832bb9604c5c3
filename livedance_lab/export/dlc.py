"""DeepLabCut predictions: one table of x, y, likelihood per landmark, rows at a constant rate.

The layout is that of DeepLabCut's own CSV and H5 files: column levels scorer / bodyparts / coords (of several people:
scorer / individuals / bodyparts / coords), one row per nominal frame, an empty cell where nothing was seen, pixels.
Readers derive the time from the row number, so the rows are those of the nominal grid; the format has no time column,
so true times are in a file of their own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.landmark_arrays import landmark_arrays
from livedance_lab.session_data.time_grid import Grid, nominal_grid
from livedance_lab.system.optional_packages import require

__all__ = ["write_csv", "write_h5"]

_SCORER = "livedance_lab"
_KEY = "df_with_missing"


def write_csv(data: SessionData, folder: Path, options: ExportOptions, progress: Progress) -> Written:
    """Write `<name>_dlc.csv`: single-animal form, multi-animal form for several people."""
    grid, frame = _predictions(data, options)
    path = folder / f"{options.name}_dlc.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        for first in range(0, max(1, len(frame)), 5000):
            rows = frame.iloc[first : first + 5000]
            rows.to_csv(file, header=first == 0, lineterminator="\n")
            progress(min(1.0, (first + 5000) / max(1, len(frame))), path.name)
    return Written([path], grid)


def write_h5(data: SessionData, folder: Path, options: ExportOptions, _progress: Progress) -> Written:
    """Write `<name>_dlc.h5` with pandas, as DeepLabCut does."""
    require("tables", "export")
    grid, frame = _predictions(data, options)
    path = folder / f"{options.name}_dlc.h5"
    frame.to_hdf(path, key=_KEY, mode="w", format="fixed")
    return Written([path], grid)


def _predictions(data: SessionData, options: ExportOptions) -> tuple[Grid, pd.DataFrame]:
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    people = data.individuals()
    of_people = [landmark_arrays(one, "px", smooth=options.smooth, hands=options.hands) for one in people.values()]
    values = [grid(np.concatenate([of.xyz[:, :, :2], of.confidence[:, :, None]], axis=2)) for of in of_people]
    levels = {"scorer": [_SCORER], "individuals": list(people), "bodyparts": of_people[0].names,
              "coords": ["x", "y", "likelihood"]}  # fmt: skip
    if data.follows_one:
        del levels["individuals"]
    columns = pd.MultiIndex.from_product(list(levels.values()), names=list(levels))
    return grid, pd.DataFrame(np.stack(values, axis=1).reshape(grid.n_rows, -1), columns=columns)
