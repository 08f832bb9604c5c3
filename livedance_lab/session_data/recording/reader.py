"""Opens a recording that was closed, still runs, or was cut off by a crash.

The reader repairs nothing and writes nothing. It leaves out a batch that is cut off at the end of a file, and
`Recording.missing` says what is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow as pa

from livedance_lab.errors import RecordingError
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.recording.layout import FORMAT, FORMAT_VERSION, MANIFEST, VIDEO, parts
from livedance_lab.session_data.schema import TABLES, Schemas

__all__ = ["Recording", "StoredImage"]


@dataclass(frozen=True)
class StoredImage:
    """An image as it was received.

    Attributes
    ----------
    seq : int
    t_capture_s, t_receive_s : float
        Server clock.
    image : bytes
        JPEG, PNG or WebP.
    """

    seq: int
    t_capture_s: float
    t_receive_s: float
    image: bytes = field(repr=False)


class Recording(SessionData):
    """A session on disk; use `Recording.open`.

    Parameters
    ----------
    path : Path
        Its folder.
    tables : dict of str to pyarrow.Table
        The rows that could be read.
    manifest : dict
    missing : tuple of str
        What could not be read.
    """

    def __init__(
        self, path: Path, tables: dict[str, pa.Table], manifest: dict[str, Any], missing: tuple[str, ...]
    ) -> None:
        super().__init__(**{table: tables[table] for table in TABLES}, manifest=manifest)
        self.path = path
        self._damage = missing

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Recording:
        """Open a recording; its files are memory-mapped, so that only the parts that are used need memory.

        Parameters
        ----------
        path : path
            Its folder.

        Returns
        -------
        Recording

        Raises
        ------
        RecordingError
            If there is no recording, if it has a newer format, or if none of its tables can be read.
        """
        folder = Path(path).expanduser().absolute()
        manifest = _manifest(folder)
        found, missing = {}, []
        for table in TABLES:
            found[table], damage = _read_table(folder, table)
            missing += damage
        readable = [rows.schema.metadata or {} for rows in found.values() if rows is not None]
        if not readable:
            raise RecordingError(f"no table of {folder} can be read: {' '.join(missing)}")
        metadata = {key.decode(): value.decode() for key, value in readable[0].items()}
        schemas = Schemas(orjson.loads(metadata.get("angle_names", "[]")), metadata)
        tables = {t: schemas[t].empty_table() if rows is None else rows for t, rows in found.items()}
        for table, written in manifest.get("rows", {}).items():
            if table in tables and written != len(tables[table]):
                missing.append(f"{table}: {written} rows were written, {len(tables[table])} can be read.")
        return cls(folder, tables, manifest, tuple(missing))

    @property
    def complete(self) -> bool:
        """Whether the recording was closed and all of it can be read."""
        return bool(self.manifest.get("complete")) and not self._damage

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """What is missing, one sentence each; empty for a complete recording."""
        missing = list(self._damage)
        if self.manifest.get("error"):
            missing.insert(0, f"{self.manifest['error']}")
        elif not self.manifest.get("complete"):
            missing.insert(0, "the recording was not closed: everything after its last row is missing.")
        if self.ledger.missing_seqs:
            n, first = len(self.ledger.missing_seqs), self.ledger.missing_seqs[0]
            missing.append(f"{n} captured frame(s), the first of them {first}, have no ledger entry.")
        return tuple(missing)

    def _facts(self) -> dict[str, str]:
        return {
            **super()._facts(),
            "path": f"recorded in {self.path}",
            "complete": "complete" if self.complete else " ".join(self.missing),
        }

    def to_xarray(self, space: Literal["px", "m"] = "px", *, smooth: bool = False, hands: bool = False) -> Any:
        """Convert to an xarray Dataset in the layout of movement; see `livedance_lab.session_data.xarray_dataset`."""
        from livedance_lab.session_data.xarray_dataset import dataset

        return dataset(self, space=space, smooth=smooth, hands=hands)

    @property
    def has_video(self) -> bool:
        """Whether received images were kept."""
        return bool(parts(self.path, VIDEO))

    def images(self) -> Iterator[StoredImage]:
        """Iterate over the received images in the order they were received.

        Raises
        ------
        RecordingError
            If the recording kept none.
        """
        if not self.has_video:
            raise RecordingError(f"{self.path} holds no images: it was recorded without keep_video.")
        for _, path in parts(self.path, VIDEO):
            for batch in _Part(path):
                for row in range(len(batch)):
                    values = (batch.column(i)[row].as_py() for i in range(batch.num_columns))
                    yield StoredImage(*values)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise RecordingError(f"there is no recording in {folder}: it has no {MANIFEST}.") from None
    except (OSError, orjson.JSONDecodeError) as exc:
        raise RecordingError(f"{folder / MANIFEST} cannot be read: {exc}.") from exc
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise RecordingError(f"{folder / MANIFEST} does not describe a {FORMAT}.")
    if manifest["format_version"] > FORMAT_VERSION:
        raise RecordingError(
            f"{folder} has format {manifest['format_version']}, this livedance_lab reads up to {FORMAT_VERSION}: "
            "install a newer livedance_lab."
        )
    return manifest


def _read_table(folder: Path, table: str) -> tuple[pa.Table | None, list[str]]:
    """Return all rows of a table (None: none can be read), and sentences on what is missing."""
    found = parts(folder, table)
    batches: list[pa.RecordBatch] = []
    damage: list[str] = []
    schema: pa.Schema | None = None
    absent = sorted(set(range(found[-1][0] + 1)) - {number for number, _ in found}) if found else []
    damage += [f"{table}: part {number} is missing." for number in absent]
    for _, path in found:
        part = _Part(path)
        batches += part
        schema = schema or part.schema
        if part.cut:
            damage.append(f"{path.name}: cut off after {part.rows} rows.")
    if schema is None:
        return None, [*damage, f"{table}: the whole table is missing."]
    return pa.Table.from_batches(batches, schema), damage


class _Part:
    """The batches of one file, up to its end or to the place where it was cut."""

    def __init__(self, path: Path) -> None:
        self.cut, self.rows = False, 0
        self.schema: pa.Schema | None = None
        self._stream: Any = None
        try:
            self._stream = pa.ipc.open_stream(pa.memory_map(str(path)))
            self.schema = self._stream.schema
        except (pa.ArrowInvalid, OSError):  # cut before the first batch, or empty
            self.cut = True

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while not self.cut:
            try:
                batch = self._stream.read_next_batch()
                batch.validate()
            except StopIteration:
                return
            except (pa.ArrowInvalid, OSError):
                self.cut = True
                return
            self.rows += len(batch)
            yield batch
