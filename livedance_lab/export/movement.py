"""netCDF file with a dataset of movement: the format that keeps everything, also irregular times.

`livedance_lab.session_data.xarray_dataset` makes the dataset; movement, and every other reader of netCDF, opens the
file.
"""

from __future__ import annotations

from pathlib import Path

from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.xarray_dataset import dataset
from livedance_lab.system.optional_packages import require

__all__ = ["write"]


def write(data: SessionData, folder: Path, options: ExportOptions, _progress: Progress) -> Written:
    """Write `<name>_movement.nc`."""
    require("h5netcdf", "export")
    path = folder / f"{options.name}_movement.nc"
    poses = dataset(data, space=options.space, smooth=options.smooth, hands=options.hands)
    packed = {name: {"zlib": True, "complevel": 1} for name, var in poses.data_vars.items() if var.ndim > 1}
    poses.to_netcdf(path, engine="h5netcdf", encoding=packed)
    return Written([path])
