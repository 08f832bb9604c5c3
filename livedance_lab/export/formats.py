"""Exports a session in a format chosen by name: checks the options, adds true times and a manifest."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from livedance_lab._version import __version__
from livedance_lab.clock import wall_s
from livedance_lab.errors import ExportError
from livedance_lab.export.individuals import by_label
from livedance_lab.export.opensim import MARKERS
from livedance_lab.export.options import ExportOptions, Writer, Written
from livedance_lab.progress import Progress, no_progress
from livedance_lab.session_data.data import SessionData

__all__ = ["FORMATS", "Format", "export"]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes
    ----------
    title : str
        Description for people.
    writer : str
        "module:function" within `livedance_lab.export`.
    options : tuple of str
        Fields of `ExportOptions` that it accepts, besides `name`.
    extra : str
        The optional extra of the package that it needs; empty for none.
    loader : str
        A tool that reads the files.
    most_people : int, optional
        How many people its files can hold; None: any number.
    """

    title: str
    writer: str
    options: tuple[str, ...] = ()
    extra: str = ""
    loader: str = ""
    most_people: int | None = None

    def load_writer(self) -> Writer:
        """Import the writer."""
        module, function = self.writer.split(":")
        writer: Writer = getattr(import_module(f"livedance_lab.export.{module}"), function)
        return writer


_RATE = ("fps", "fill", "max_gap_s")
_BODY = ("smooth", "hands")

FORMATS: dict[str, Format] = {
    "csv": Format("all tables, wide and long, as CSV", "csv_parquet:write_csv", loader="pandas.read_csv"),
    "parquet": Format("all tables, wide and long, as Parquet", "csv_parquet:write_parquet",
                      loader="pandas.read_parquet"),
    "dlc-csv": Format("DeepLabCut predictions, CSV", "dlc:write_csv", (*_BODY, *_RATE),
                      loader="movement.io.load_poses.from_dlc_file"),
    "dlc-h5": Format("DeepLabCut predictions, HDF5", "dlc:write_h5", (*_BODY, *_RATE), "export",
                     "movement.io.load_poses.from_dlc_file"),
    "sleap-h5": Format("SLEAP analysis file, HDF5", "sleap:write", (*_BODY, *_RATE), "export",
                       "movement.io.load_poses.from_sleap_file"),
    "movement": Format("movement dataset, netCDF, true times kept", "movement:write", (*_BODY, "space"), "export",
                       "xarray.open_dataset"),
    "nwb": Format("Neurodata Without Borders with ndx-pose, true times kept", "nwb:write",
                  (*_BODY, "space", "times", "subject", "fps"), "nwb", "pynwb.NWBHDF5IO"),
    "trc": Format("OpenSim markers, metres", "opensim:write_trc", ("smooth", *_RATE),
                  loader="opensim.TimeSeriesTableVec3"),
    "mot": Format("OpenSim motion: joint angles, degrees", "opensim:write_mot", ("smooth", *_RATE),
                  loader="opensim.TimeSeriesTable"),
    "c3d": Format("C3D markers, millimetres", "c3d:write", ("smooth", *_RATE), "export", "ezc3d.c3d",
                  255 // len(MARKERS)),  # a list of labels has at most 255
    "motion-bids": Format("Motion-BIDS dataset, true times in a LATENCY channel", "bids:write",
                          ("smooth", "subject", "task", *_RATE), loader="bids-validator-deno"),
    "pose-format": Format("pose-format .pose", "pose_format:write", (*_BODY, *_RATE), "export",
                          "pose_format.Pose.read"),
}  # fmt: skip
"""Every format by its name for `export` and on the command line."""


def export(
    data: SessionData,
    format: str,
    out: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    **options: Any,
) -> list[Path]:
    """Write a session in a format of other tools.

    Parameters
    ----------
    data : SessionData
        A live session's log, a recording or a batch result.
    format : str
        One of `FORMATS`.
    out : path
        Folder for the files; it is created if necessary. Files of the same name are replaced.
    progress : Progress, optional
        Called with the share done and the name of the file.
    **options
        Those of `ExportOptions` that the format accepts.

    Returns
    -------
    list of Path
        Every file written: the format's own; for formats with a constant rate `<name>_times.csv` with the true time,
        state and row of every captured frame; and `manifest.json`.

    Raises
    ------
    ExportError
        If the format or an option is unknown, the library the format needs is not installed, the session
        holds nothing to export or more people than the format can hold, or the folder cannot be written.
    """
    if format not in FORMATS:
        raise ExportError(f"there is no format {format!r}; the formats are {', '.join(FORMATS)}.")
    chosen = FORMATS[format]
    unknown = [name for name in options if name not in (*chosen.options, "name")]
    if unknown:
        takes = ", ".join(("name", *chosen.options))
        raise ExportError(f"{format} takes no option {', '.join(map(repr, unknown))}; it takes {takes}.")
    opts = ExportOptions(**options)
    if not data.follows_one:
        _check_people(chosen, format, len(data.people), subject=options.get("subject"))
    name = options.get("name") or data.manifest.get("name") or data.session_id
    opts = replace(opts, name=_stem(str(name)))
    folder = Path(out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        progress = progress or no_progress
        written = chosen.load_writer()(data, folder, opts, progress)
        progress(1.0, written.files[-1].name)
        files = [*written.files, *_sidecars(data, folder, format, opts, written)]
        taken = {name: value for name, value in asdict(opts).items() if name in (*chosen.options, "name")}
        return [*files, _add_to_manifest(data, folder, format, taken, written, files)]
    except OSError as exc:
        raise ExportError(f"cannot write {format} to {folder}: {exc}.") from exc


def _check_people(chosen: Format, format: str, n_people: int, subject: str | None) -> None:
    """Refuse what cannot be written for several people, before anything is."""
    if chosen.most_people is not None and n_people > chosen.most_people:
        raise ExportError(
            f"{format} holds at most {chosen.most_people} people, the session has {n_people}: export it in another "
            "format, or one person with data.individual(id)."
        )
    if subject is not None:
        raise ExportError(
            f"subject is the label of one person, the session has {n_people}: name them instead, with --people or "
            "name_people."
        )


def _sidecars(data: SessionData, folder: Path, format: str, opts: ExportOptions, written: Written) -> list[Path]:
    """Write the true times for a file of constant rate, and whose values in which of its rows were measured."""
    if written.grid is None:
        return []
    times = folder / f"{opts.name}_{format}_times.csv"
    written.grid.sidecar(data).to_csv(times, index=False, lineterminator="\n")
    if written.grid.fill == "nan":
        return [times]
    mask = folder / f"{opts.name}_{format}_mask.csv"
    columns = {"measured": written.grid.measured}
    if not data.follows_one:
        exact = replace(written.grid, fill="nan")
        columns = {f"measured_{label}": exact(one.column("found").astype(float)) == 1
                   for label, one in by_label(data).items()}  # fmt: skip
    with mask.open("w", newline="\n", encoding="utf-8") as file:
        file.write(f"row,t_row_s,{','.join(columns)}\n")
        rows = zip(written.grid.t_s.tolist(), *(measured.tolist() for measured in columns.values()), strict=True)
        file.writelines(f"{i},{t_s!r},{','.join(str(int(m)) for m in of)}\n" for i, (t_s, *of) in enumerate(rows))
    return [times, mask]


def _add_to_manifest(
    data: SessionData, folder: Path, format: str, options: Mapping[str, Any], written: Written, files: list[Path]
) -> Path:
    """Write `manifest.json`; it keeps the entries of earlier exports of the same session into the same folder."""
    path = folder / "manifest.json"
    now = datetime.fromtimestamp(wall_s(), UTC).isoformat(timespec="seconds")
    entry: dict[str, Any] = {
        "title": FORMATS[format].title, "read_with": FORMATS[format].loader, "options": options,
        "livedance_lab": __version__, "exported_at": now,
        "files": sorted(str(file.relative_to(folder)) for file in files), **(written.notes or {})}  # fmt: skip
    if not data.follows_one:
        entry["people"] = dict(zip(data.individuals(), data.people, strict=True))
    if written.grid is not None:
        grid = written.grid
        entry["grid"] = {"fps": grid.fps, "rows": grid.n_rows, "rows_with_a_result": int(grid.measured.sum()),
                         "results_without_a_row": grid.unplaced}  # fmt: skip
    exports = {**_earlier_exports(path, data.session_id), format: entry}
    content = {
        "session_id": data.session_id, "exports": exports, "ledger": data.ledger.plain(),
        "clock": {"t0_s": data.t0_s, "t0_unix_s": data.t0_unix_s, "offsets": _clock_offsets(data)},
        "session": data.manifest}  # fmt: skip
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY, default=str))
    return path


def _earlier_exports(path: Path, session_id: str) -> dict[str, Any]:
    try:
        earlier = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    same = isinstance(earlier, dict) and earlier.get("session_id") == session_id
    return dict(earlier.get("exports", {})) if same else {}


def _clock_offsets(data: SessionData) -> list[dict[str, Any]]:
    """Return the first and the last estimate of the client's clock."""
    clocks = data.events[data.events["kind"] == "clock"]
    ends = clocks.iloc[[0, -1]] if len(clocks) > 1 else clocks
    return [{"t_s": t_s, **values} for t_s, values in zip(ends["t_s"], ends["data"], strict=True)]


def _stem(name: str) -> str:
    """Turn any name into the stem of a file name."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "session"
