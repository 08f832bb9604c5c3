"""Writes a recording while the session runs, without making the session wait.

`RecordingWriter.write` only queues rows; the writer's own thread writes them to disk four times a second and syncs
the files. A process that is killed loses the rows since the last of those writes: about a quarter of a second.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from livedance_lab.clock import wall_s
from livedance_lab.errors import LiveDanceError, RecordingError
from livedance_lab.pose import Body, Frame
from livedance_lab.session_data.arrow_columns import batch
from livedance_lab.session_data.recording.layout import FORMAT, FORMAT_VERSION, MANIFEST, VIDEO, part_path, video_schema
from livedance_lab.session_data.schema import TABLES, Schemas

__all__ = ["CONSENT", "RecordingWriter", "Transform"]

CONSENT = (
    "This recording holds pictures of a person. Whoever records is responsible for the person's informed "
    "consent to being filmed, to how the pictures are stored and to who may see them."
)

Transform = Callable[[Frame, Sequence[Body]], bytes | None]
"""Returns the image to store for a frame (for example with the face hidden), given the people in it; None: none."""


class RecordingWriter:
    """Writes one session's tables into a folder.

    Parameters
    ----------
    path : path
        The recording's folder; it is created if necessary and must not hold a recording yet.
    schemas : Schemas
        The session's.
    manifest : mapping
        What is known of the session at its start, JSON values; `close` adds what is known at its end.
    keep_video : bool, default False
        Also store received images (`write_image`); the manifest then has a sentence on consent.
    transform : callable, optional
        Applied to every image, with the people seen in it, in the writer's thread, before it is stored.
    flush_every_s : float, default 0.25
        How long rows may wait before they are written and synced.
    part_bytes : int, default 64 MiB
        A table begins a new part when the current one is larger.
    max_waiting_bytes : int, default 320 MiB
        Most bytes that wait for a stalled disk; beyond it the recording fails rather than fill the memory. A session's
        whole log (at most 256 MiB) is queued at once when recording begins late, and must fit.

    Attributes
    ----------
    error : RecordingError or None
        Why the recording failed; None while it has not.

    Raises
    ------
    RecordingError
        If the folder cannot be created or written, or holds a recording already.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        schemas: Schemas,
        manifest: Mapping[str, Any],
        *,
        keep_video: bool = False,
        transform: Transform | None = None,
        flush_every_s: float = 0.25,
        part_bytes: int = 64 * 2**20,
        max_waiting_bytes: int = 320 * 2**20,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self._transform, self._flush_every_s, self._max_waiting = transform, flush_every_s, max_waiting_bytes
        of_table = {table: schemas[table] for table in TABLES}
        if keep_video:
            of_table[VIDEO] = video_schema(schemas.frames.metadata)
        self._manifest: dict[str, Any] = {
            **manifest, "format": FORMAT, "format_version": FORMAT_VERSION, "tables": list(of_table),
            "recorded_from": _utc_now(), "complete": False, "keep_video": keep_video,
            **({"consent": CONSENT} if keep_video else {})}  # fmt: skip

        self._lock = threading.Condition()
        self._waiting: list[tuple[str, Any]] = []
        self._waiting_bytes = 0
        self._flushes_wanted = self._flushes_done = 0
        self._closing = self._closed = False
        self.error: RecordingError | None = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if (self.path / MANIFEST).exists():
                raise RecordingError(f"{self.path} holds a recording already; choose another folder.")
            _write_manifest(self.path, self._manifest)
            self._streams = {table: _Stream(self.path, table, s, part_bytes) for table, s in of_table.items()}
        except OSError as exc:
            raise RecordingError(f"cannot record to {self.path}: {_why(exc)}.") from exc
        self._thread = threading.Thread(target=self._run, name=f"recording {self.path.name}", daemon=True)
        self._thread.start()

    # --- called by the session; returns at once ---

    @property
    def rows(self) -> dict[str, int]:
        """Rows on disk, per table."""
        return {table: stream.rows for table, stream in self._streams.items()}

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Queue rows.

        Parameters
        ----------
        table : str
            One of `livedance_lab.session_data.schema.TABLES`.
        batch : pyarrow.RecordBatch
            Of the table's schema.

        Raises
        ------
        RecordingError
            If the recording has failed (the rows on disk stay readable) or is closed, or if the batch has
            another schema.
        """
        if table not in self._streams or table == VIDEO:
            raise RecordingError(f"there is no table {table!r}; the tables are {', '.join(TABLES)}.")
        if not batch.schema.equals(self._streams[table].schema):
            raise RecordingError(f"rows of {table} must have its schema, got {batch.schema.names}.")
        self._queue(table, batch, batch.nbytes)

    def write_image(self, frame: Frame, bodies: Sequence[Body] = ()) -> None:
        """Queue a received image, original bytes.

        Parameters
        ----------
        frame : Frame
        bodies : sequence of Body, optional
            The people seen in it; `transform` needs them to find the faces.

        Raises
        ------
        RecordingError
            If the recording keeps no video, has failed or is closed.
        """
        if VIDEO not in self._streams:
            raise RecordingError("this recording keeps no video; start it with keep_video=True.")
        self._queue(VIDEO, (frame, bodies), len(frame.image))

    def flush(self) -> None:
        """Wait until everything queued so far is on disk.

        Raises
        ------
        RecordingError
            If the recording has failed.
        """
        with self._lock:
            self._flushes_wanted += 1
            wanted = self._flushes_wanted
            self._lock.notify_all()
            self._lock.wait_for(lambda: self._flushes_done >= wanted or self._closed)
        self._raise_if_failed()

    def close(self, final_manifest: Mapping[str, Any] | None = None) -> None:
        """Write the remaining rows and the final manifest. Closing twice does nothing.

        Parameters
        ----------
        final_manifest : mapping, optional
            Added to the manifest: ledger counts, last settings, clock offset.

        Raises
        ------
        RecordingError
            If the recording has failed, now or earlier.
        """
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._lock.notify_all()
        self._thread.join()
        self._manifest |= {**(final_manifest or {}), "rows": self.rows, "recorded_to": _utc_now(),
                           "complete": self.error is None}  # fmt: skip
        if self.error is not None:
            self._manifest["error"] = str(self.error)
        try:
            _write_manifest(self.path, self._manifest)
        except OSError as exc:  # the first manifest is still there, and says "not complete"
            self._fail(exc)
        self._raise_if_failed()

    def _queue(self, table: str, item: Any, n_bytes: int) -> None:
        self._raise_if_failed()
        with self._lock:
            if self._closing:
                raise RecordingError(f"the recording {self.path} is closed.")
            if self._waiting_bytes + n_bytes > self._max_waiting:
                self.error = RecordingError(
                    f"the disk of {self.path} is too slow: {self._waiting_bytes / 2**20:.0f} MiB wait for it. "
                    "What was written so far stays readable."
                )
                self._lock.notify_all()
                raise self.error
            self._waiting.append((table, item))
            self._waiting_bytes += n_bytes

    def _raise_if_failed(self) -> None:
        if self.error is not None:
            raise self.error

    # --- the writer's thread ---

    def _run(self) -> None:
        try:
            ended = False
            while not ended and self.error is None:
                ended = self._write_once()
        except Exception as exc:  # noqa: BLE001  a dead thread must not look like a running recording
            self._fail(exc)
        finally:
            for stream in self._streams.values():
                stream.close()
            with self._lock:
                self._closed = True
                self._waiting.clear()
                self._lock.notify_all()

    def _write_once(self) -> bool:
        """Wait for rows and write them; True if they were the last."""
        with self._lock:
            self._lock.wait_for(self._must_write_now, timeout=self._flush_every_s)
            items, self._waiting, self._waiting_bytes = self._waiting, [], 0
            reached, ending = self._flushes_wanted, self._closing
        # the ledger is last, so that the result of a "processed" frame is always on disk before it
        for table in sorted(self._streams, key="frames".__eq__):
            self._append(table, [item for name, item in items if name == table])
        with self._lock:
            self._flushes_done = reached
            self._lock.notify_all()
        return ending

    def _must_write_now(self) -> bool:
        return self._flushes_wanted > self._flushes_done or self._closing or self.error is not None

    def _append(self, table: str, items: list[Any]) -> None:
        if not items:
            return
        stream = self._streams[table]
        if table == VIDEO:
            rows = [row for item in items if (row := self._image_row(*item))]
            columns = {name: [row[name] for row in rows] for name in stream.schema.names}
            stream.append(pa.Table.from_batches([batch(stream.schema, columns)]))
        else:
            stream.append(pa.Table.from_batches(items))

    def _image_row(self, frame: Frame, bodies: Sequence[Body]) -> dict[str, Any] | None:
        try:
            image = self._transform(frame, bodies) if self._transform else frame.image
        except LiveDanceError:  # an image that cannot be transformed must not be stored untransformed
            image = None
        if image is None:
            self._manifest["images_withheld"] = self._manifest.get("images_withheld", 0) + 1
            return None
        times = frame.times
        return {"seq": frame.seq, "t_capture_s": times.t_capture_s, "t_receive_s": times.t_receive_s, "image": image}

    def _fail(self, exc: Exception) -> None:
        with self._lock:
            if self.error is None:
                self.error = RecordingError(
                    f"recording to {self.path} ended: {_why(exc)}. What was written so far stays readable."
                )
                self.error.__cause__ = exc


class _Stream:
    """The parts of one table."""

    def __init__(self, folder: Path, table: str, schema: pa.Schema, part_bytes: int) -> None:
        self.schema, self.rows = schema, 0
        self._folder, self._table, self._part_bytes, self._number = folder, table, part_bytes, 0
        self._open()

    def _open(self) -> None:
        self._path = part_path(self._folder, self._table, self._number)
        self._file: BinaryIO = self._path.open("xb")
        self._good_bytes = 0
        self._ipc = pa.ipc.new_stream(self._file, self.schema)
        # the schema is on disk before any row
        self._ipc.write_batch(batch(self.schema, dict.fromkeys(self.schema.names, ())))
        self._sync()

    def append(self, rows: pa.Table) -> None:
        """Write rows as one batch and sync the file."""
        if not len(rows):
            return
        if self._good_bytes > self._part_bytes:
            self.close()
            self._number += 1
            self._open()
        self._ipc.write_table(rows.unify_dictionaries().combine_chunks())
        self._sync()
        self.rows += len(rows)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._good_bytes = self._file.tell()

    def close(self) -> None:
        """Mark the end of the part; after a failure, cut off the incomplete batch instead."""
        try:
            if self._file.tell() == self._good_bytes:
                self._ipc.close()
            self._file.close()
        except OSError:
            with suppress(OSError):  # readers skip an incomplete batch too
                os.truncate(self._path, self._good_bytes)


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest atomically, so that a reader sees either the old or the new one."""
    new = folder / f"{MANIFEST}.new"
    with new.open("wb") as file:
        file.write(orjson.dumps(dict(manifest), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / MANIFEST)


def _utc_now() -> str:
    return datetime.fromtimestamp(wall_s(), UTC).isoformat(timespec="milliseconds")


def _why(exc: Exception) -> str:
    return exc.strerror.lower() if isinstance(exc, OSError) and exc.strerror else str(exc)
