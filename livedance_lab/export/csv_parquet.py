"""CSV and Parquet: every table, wide and long, with a data dictionary; nothing is resampled or left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from livedance_lab.export.data_dictionary import dictionary
from livedance_lab.export.options import ExportOptions, Progress, Written
from livedance_lab.session_data.data import SessionData

__all__ = ["write_csv", "write_parquet"]

_CHUNK = 2000  # results at a time: the long table has 33 to 75 rows for each

_Open = Callable[[Path, pa.Schema], Any]


def write_csv(data: SessionData, folder: Path, _options: ExportOptions, progress: Progress) -> Written:
    """Write frames, angles, landmarks (long), landmarks_wide, events and data_dictionary as CSV.

    Floats are written with enough digits to read back the same value; an empty cell means "unknown".
    """
    return _write(data, folder, "csv", pa_csv.CSVWriter, progress)


def write_parquet(data: SessionData, folder: Path, _options: ExportOptions, progress: Progress) -> Written:
    """Write the same tables as Parquet: about a fifth of the size, with types."""
    return _write(data, folder, "parquet", pq.ParquetWriter, progress)


def _write(data: SessionData, folder: Path, suffix: str, open_writer: _Open, progress: Progress) -> Written:
    files = {name: folder / f"{name}.{suffix}" for name in (
        "frames", "angles", "landmarks", "landmarks_wide", "events", "data_dictionary")}  # fmt: skip
    events = data.events.assign(data=[orjson.dumps(d).decode() for d in data.events["data"]])
    views: dict[str, pd.DataFrame] = {"frames": data.frames, "angles": data.angles, "events": events}
    columns = {name: list(view.columns) for name, view in views.items()}
    for name, view in views.items():
        table = _arrow(view)
        with open_writer(files[name], table.schema) as writer:
            writer.write_table(table)
    columns |= _write_landmarks(data, files, open_writer, progress)
    meanings = _arrow(dictionary(columns, data.angle_names))
    with open_writer(files["data_dictionary"], meanings.schema) as writer:
        writer.write_table(meanings)
    return Written(list(files.values()))


def _write_landmarks(
    data: SessionData, files: dict[str, Path], open_writer: _Open, progress: Progress
) -> dict[str, list[str]]:
    """Write the two large tables piece by piece, so that long sessions fit into memory; return their columns."""
    columns: dict[str, list[str]] = {}
    with ExitStack() as stack:
        writers: dict[str, Any] = {}
        for share, piece in _pieces(data):
            for name, view in (("landmarks", piece.landmarks), ("landmarks_wide", piece.results)):
                table = _arrow(view)
                if name not in writers:
                    columns[name] = table.column_names
                    writers[name] = stack.enter_context(open_writer(files[name], table.schema))
                writers[name].write_table(table)
            progress(share, "landmarks")
    return columns


def _pieces(data: SessionData) -> Iterator[tuple[float, SessionData]]:
    """Yield the session in pieces of some results with their frames, and the share done after each."""
    n_rows = max(1, len(data.seq))
    for first in range(0, n_rows, _CHUNK):
        yield min(1.0, (first + _CHUNK) / n_rows), data.piece(first, first + _CHUNK)


def _arrow(view: pd.DataFrame) -> pa.Table:
    """Convert a DataFrame to an Arrow table: NaN becomes null, categories become texts."""
    table = pa.Table.from_pandas(view, preserve_index=False)
    fields = [f if not pa.types.is_dictionary(f.type) else f.with_type(pa.string()) for f in table.schema]
    return table.cast(pa.schema(fields)).replace_schema_metadata()
