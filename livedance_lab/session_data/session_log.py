"""The log of one running session: append-only tables in bounded memory, readable by row number.

Rows are collected into record batches of a few dozen; each finished batch is also written to every sink (a
recording). At the memory limit the oldest batches are dropped; every reader is told how many rows that were, so that
an incomplete log is not taken for a short session.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
import pyarrow as pa

from livedance_lab.pose import FrameRecord, PoseResult
from livedance_lab.session_data.arrow_columns import batch
from livedance_lab.session_data.schema import TABLES, Schemas, frames_batch, result_rows, results_batch

__all__ = ["LogSink", "SessionLog", "from_ipc", "to_ipc"]

_BATCH_ROWS = 64


class LogSink(Protocol):
    """Receives finished batches, for example a recording."""

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Store one batch of `table`."""
        ...


class _TableLog:
    """One table: pending rows, finished batches, absolute row numbers."""

    def __init__(self, make_batch: Callable[[list[Any]], pa.RecordBatch]) -> None:
        self.make_batch = make_batch
        self.pending: list[Any] = []
        self.batches: deque[pa.RecordBatch] = deque()
        self.first_row = 0  # number of the oldest row still held
        self.n_rows = 0  # rows ever added and batched
        self.n_bytes = 0


class SessionLog:
    """All four tables of a session.

    Parameters
    ----------
    schemas : Schemas
    max_bytes : int, default 256 MiB
        Most memory for the batches: about an hour at 15 results/s.

    Attributes
    ----------
    on_sink_error : callable
        Called with a sink and its exception when writing to it has failed; the sink gets no further batches.
    """

    def __init__(self, schemas: Schemas, max_bytes: int = 256 * 2**20) -> None:
        self.schemas = schemas
        self.max_bytes = max_bytes
        self._lock = threading.RLock()
        self._sinks: list[LogSink] = []
        self.on_sink_error: Callable[[LogSink, Exception], None] = lambda _sink, _exc: None
        self._tables = {
            "frames": _TableLog(lambda rows: frames_batch(schemas, rows)),
            "results": _TableLog(lambda rows: results_batch(schemas, rows)),
            "events": _TableLog(lambda rows: _rows_batch(schemas.events, rows)),
            "receipts": _TableLog(lambda rows: _rows_batch(schemas.receipts, rows)),
        }

    def add_frame(self, record: FrameRecord) -> None:
        """Add a closed frame."""
        self._add("frames", record)

    def add_result(self, result: PoseResult) -> None:
        """Add a result."""
        for row in result_rows(result):
            self._add("results", row)

    def add_event(self, t_s: float, kind: str, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Add an event; `data` is stored as JSON."""
        text = orjson.dumps(data or {}, option=orjson.OPT_SERIALIZE_NUMPY, default=str).decode()
        self._add("events", (t_s, kind, name, text))

    def add_receipt(self, seq: int, t_result_s: float, t_paint_s: float) -> None:
        """Add the times when a result reached the producer and was painted (server clock)."""
        self._add("receipts", (seq, t_result_s, t_paint_s))

    def _add(self, table: str, row: Any) -> None:
        with self._lock:
            log = self._tables[table]
            log.pending.append(row)
            if len(log.pending) >= _BATCH_ROWS:
                self._flush_table(table)

    def flush(self) -> None:
        """Turn pending rows into batches now, and write them to the sinks."""
        with self._lock:
            for table in TABLES:
                self._flush_table(table)

    def read(self, table: str, after_row: int = 0) -> tuple[pa.Table, int, int]:
        """Return the rows from number `after_row` on.

        Returns
        -------
        rows : pyarrow.Table
        next_row : int
            The `after_row` of the next call.
        forgotten : int
            Rows between `after_row` and the first one returned that memory no longer holds.
        """
        with self._lock:
            log = self._tables[table]
            start = max(after_row, log.first_row)
            # pending rows stay pending: a reader that asks ten times a second must not make ten batches of them
            wanted = deque([log.make_batch(log.pending)] if log.pending else [])
            first = log.n_rows
            for batch in reversed(log.batches):
                if first <= start:
                    break
                first -= batch.num_rows
                wanted.appendleft(batch)
            rows = pa.Table.from_batches(list(wanted), schema=self.schemas[table]).slice(start - first)
            return rows, log.n_rows + len(log.pending), max(0, log.first_row - after_row)

    def attach(self, sink: LogSink, *, from_start: bool = True) -> None:
        """Write all further batches to `sink`; if `from_start`, also those that memory still holds."""
        after = self._copy_to(sink, dict.fromkeys(TABLES, 0)) if from_start else None
        with self._lock:
            self.flush()
            if after is not None:
                self._copy_to(sink, after)  # rows added in the meantime
            self._sinks.append(sink)

    def _copy_to(self, sink: LogSink, after: Mapping[str, int]) -> dict[str, int]:
        """Write to `sink` every batch that begins at these rows or later; return each table's row to resume at.

        An hour has thousands of batches: the session has to wait only while they are listed, not while they are
        written.
        """
        with self._lock:
            self.flush()
            listed = {table: list(self._tables[table].batches) for table in TABLES}
            begin = {table: self._tables[table].first_row for table in TABLES}
        for table, batches in listed.items():
            row = begin[table]
            for rows in batches:
                if row >= after[table]:
                    sink.write(table, rows)
                row += rows.num_rows
            begin[table] = row
        return begin

    def detach(self, sink: LogSink) -> None:
        """Write everything pending to `sink`, and nothing more afterwards."""
        with self._lock:
            self.flush()
            if sink in self._sinks:  # it was removed if it had failed
                self._sinks.remove(sink)

    def n_bytes(self) -> int:
        """Memory used by the finished batches."""
        with self._lock:
            return sum(log.n_bytes for log in self._tables.values())

    def _flush_table(self, table: str) -> None:
        log = self._tables[table]
        if not log.pending:
            return
        batch = log.make_batch(log.pending)
        log.pending = []
        log.batches.append(batch)
        log.n_rows += batch.num_rows
        log.n_bytes += batch.nbytes
        for sink in list(self._sinks):
            try:
                sink.write(table, batch)
            except Exception as exc:  # noqa: BLE001  a full disk must not stop the live session
                self._sinks.remove(sink)
                self.on_sink_error(sink, exc)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Drop the oldest batch of the largest table until the memory limit is kept."""
        while self.n_bytes() > self.max_bytes:
            log = max(self._tables.values(), key=lambda t: t.n_bytes)
            if len(log.batches) < 2:
                return
            dropped = log.batches.popleft()
            log.first_row += dropped.num_rows
            log.n_bytes -= dropped.nbytes


def to_ipc(table: pa.Table) -> bytes:
    """Return a table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def from_ipc(data: bytes) -> pa.Table:
    """Return the table of an Arrow IPC stream."""
    return pa.ipc.open_stream(data).read_all()


def _rows_batch(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    return batch(schema, dict(zip(schema.names, zip(*rows, strict=True), strict=True)))
