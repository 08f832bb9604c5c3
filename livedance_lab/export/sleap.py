"""SLEAP analysis HDF5: `tracks` of shape (individuals, 2, landmarks, frames), pixels, at a constant rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.landmark_arrays import landmark_arrays, tracks
from livedance_lab.session_data.time_grid import nominal_grid
from livedance_lab.system.optional_packages import require

__all__ = ["write"]


def write(data: SessionData, folder: Path, options: ExportOptions, _progress: Progress) -> Written:
    """Write `<name>.analysis.h5` in the layout of SLEAP's own analysis export."""
    h5py = require("h5py", "export")
    grid = nominal_grid(data, options.fps, options.fill, options.max_gap_s)
    people = tracks(data)
    of_people = [landmark_arrays(one, "px", smooth=options.smooth, hands=options.hands) for one in people.values()]
    landmarks = of_people[0]
    xy = np.stack([grid(of.xyz[:, :, :2]) for of in of_people])  # (N, T, K, 2)
    scores = np.stack([grid(of.confidence) for of in of_people])
    seen = np.isfinite(xy).any(axis=(2, 3))
    path = folder / f"{options.name}.analysis.h5"
    with h5py.File(path, "w") as file:
        for name, values in {
            "tracks": xy.transpose(0, 3, 2, 1),
            "point_scores": scores.transpose(0, 2, 1),
            "instance_scores": np.where(seen, _mean(scores), np.nan),
            "tracking_scores": np.full(seen.shape, np.nan),
        }.items():
            file.create_dataset(name, data=values, compression="gzip", compression_opts=1)
        file["track_occupancy"] = seen.T.astype(np.uint8)
        file["track_names"] = np.array([name.encode() for name in people])
        names = [name.encode() for name in landmarks.names]
        file["node_names"] = np.array(names)
        file["edge_inds"] = landmarks.bones
        file["edge_names"] = np.array([[names[a], names[b]] for a, b in landmarks.bones])
        file["provenance"] = orjson.dumps(
            {"software": "livedance_lab", "session_id": data.session_id, "fps": grid.fps}
        ).decode()
    return Written([path], grid)


def _mean(scores: npt.NDArray[Any]) -> Any:
    """Return the mean over the landmarks that were seen; NaN, without a warning, where none was."""
    known = np.isfinite(scores)
    n = known.sum(axis=-1)
    return np.divide(np.where(known, scores, 0).sum(axis=-1), n, out=np.full(n.shape, np.nan), where=n > 0)
