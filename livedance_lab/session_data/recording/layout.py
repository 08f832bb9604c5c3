"""The files of a recording's folder, and the reasons for their format.

::

    trial1/
        manifest.json          session, time, versions, models and settings, as readable text
        frames.0000.arrows     the ledger          ┐
        results.0000.arrows    landmarks, angles   │ tables of livedance_lab.session_data.schema, each in
        events.0000.arrows     settings, markers   │ numbered parts of at most 64 MiB
        receipts.0000.arrows   paint times         ┘
        video.0000.arrows      received images, original bytes (only with keep_video)

The tables are **Arrow IPC streams** (the streaming format of Arrow, file extension `.arrows`). A stream is a schema
followed by self-contained record batches, without a footer: appending rewrites nothing, and a file that is cut
anywhere keeps every batch before the cut. HDF5 and netCDF may lose everything if the writer dies, Parquet and Feather
are unreadable without their footer, CSV is five times the size and easily loses float32 exactness, SQLite survives
crashes but stores rows, not arrays. The server's memory has the same schemas, readers map a closed or running
recording into memory instead of reading it, and R, Julia, Rust, JavaScript, DuckDB and Polars open it without
livedance_lab.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

__all__ = ["FORMAT", "FORMAT_VERSION", "MANIFEST", "VIDEO", "part_path", "parts", "video_schema"]

FORMAT = "livedance-recording"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
VIDEO = "video"

_PART = re.compile(r"\.(\d{4,})\.arrows$")


def video_schema(metadata: dict[bytes, bytes] | None = None) -> pa.Schema:
    """Return the schema of received images: `seq`, `t_capture_s`, `t_receive_s` and the encoded bytes."""
    return pa.schema(
        [("seq", pa.int64()), ("t_capture_s", pa.float64()), ("t_receive_s", pa.float64()), ("image", pa.binary())],
        metadata=metadata,
    )


def part_path(folder: Path, table: str, number: int) -> Path:
    """Return the path of part `number` of a table."""
    return folder / f"{table}.{number:04d}.arrows"


def parts(folder: Path, table: str) -> list[tuple[int, Path]]:
    """Return number and path of every existing part of a table, in order."""
    found = ((_PART.search(path.name), path) for path in folder.glob(f"{table}.*.arrows"))
    return sorted((int(match.group(1)), path) for match, path in found if match)
