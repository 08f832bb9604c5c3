"""The log of one running session: append-only tables in bounded memory, readable by row number.

Rows are collected until a few dozen make a record batch; each finished batch also goes to every sink (a
recording). When the memory limit is reached the oldest batches go, and how many rows went is said to whoever
reads, so that a short log is never taken for a short session.
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
from livedance_lab.session_data.schema import TABLES, Schemas, frames_batch, results_batch

__all__ = ["LogSink", "SessionLog", "to_ipc"]

_BATCH_ROWS = 64


class LogSink(Protocol):
    """Where finished batches go besides memory."""

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take one batch of `table`."""
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
        Memory the batches may take: about an hour at 15 results/s.
    """

    def __init__(self, schemas: Schemas, max_bytes: int = 256 * 2**20) -> None:
        self.schemas = schemas
        self.max_bytes = max_bytes
        self._lock = threading.RLock()
        self._sinks: list[LogSink] = []
        self.sink_error: Exception | None = None
        self.on_sink_error: Callable[[LogSink, Exception], None] = lambda _sink, _exc: None
        self._tables = {
            "frames": _TableLog(lambda rows: frames_batch(schemas, rows)),
            "results": _TableLog(lambda rows: results_batch(schemas, rows)),
            "events": _TableLog(lambda rows: _rows_batch(schemas.events, rows)),
            "receipts": _TableLog(lambda rows: _rows_batch(schemas.receipts, rows)),
        }

    def add_frame(self, record: FrameRecord) -> None:
        """One closed frame."""
        self._add("frames", record)

    def add_result(self, result: PoseResult) -> None:
        """One result."""
        self._add("results", result)

    def add_event(self, t_s: float, kind: str, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Something worth remembering; `data` is stored as JSON."""
        text = orjson.dumps(data or {}, option=orjson.OPT_SERIALIZE_NUMPY, default=str).decode()
        self._add("events", (t_s, kind, name, text))

    def add_receipt(self, seq: int, t_result_s: float, t_paint_s: float) -> None:
        """When a result reached the producer and was painted (server clock)."""
        self._add("receipts", (seq, t_result_s, t_paint_s))

    def _add(self, table: str, row: Any) -> None:
        with self._lock:
            log = self._tables[table]
            log.pending.append(row)
            if len(log.pending) >= _BATCH_ROWS:
                self._flush_table(table)

    def flush(self) -> None:
        """Turn pending rows into batches now, and hand them to the sinks."""
        with self._lock:
            for table in TABLES:
                self._flush_table(table)

    def read(self, table: str, after_row: int = 0) -> tuple[pa.Table, int, int]:
        """Rows from number `after_row` on.

        Returns
        -------
        rows : pyarrow.Table
        next_row : int
            Ask with this next time.
        forgotten : int
            Rows between `after_row` and the first one returned that memory no longer holds.
        """
        with self._lock:
            log = self._tables[table]
            start = max(after_row, log.first_row)
            # pending rows stay pending: a reader who asks ten times a second must not make ten batches of them
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
        """Send all further batches to `sink`, after what memory still holds if `from_start`."""
        after = self._hand_over(sink, dict.fromkeys(TABLES, 0)) if from_start else None
        with self._lock:
            self.flush()
            if after is not None:
                self._hand_over(sink, after)  # what came meanwhile
            self._sinks.append(sink)

    def _hand_over(self, sink: LogSink, after: Mapping[str, int]) -> dict[str, int]:
        """Give `sink` every batch that begins at these rows or later; the rows to go on from.

        An hour is thousands of batches: the session is held up only while they are listed.
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
        """Stop sending to `sink`, after everything pending has reached it."""
        with self._lock:
            self.flush()
            if sink in self._sinks:  # it is not, once it has failed
                self._sinks.remove(sink)

    def n_bytes(self) -> int:
        """Memory the finished batches take."""
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
                self.sink_error = exc
                self.on_sink_error(sink, exc)
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Keep within the memory limit: the largest table gives its oldest batch."""
        while self.n_bytes() > self.max_bytes:
            log = max(self._tables.values(), key=lambda t: t.n_bytes)
            if len(log.batches) < 2:
                return
            gone = log.batches.popleft()
            log.first_row += gone.num_rows
            log.n_bytes -= gone.nbytes


def to_ipc(table: pa.Table) -> bytes:
    """A table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def from_ipc(data: bytes) -> pa.Table:
    """The table of an Arrow IPC stream."""
    return pa.ipc.open_stream(data).read_all()


def _rows_batch(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    return batch(schema, dict(zip(schema.names, zip(*rows, strict=True), strict=True)))
