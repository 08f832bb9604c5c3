"""A copy of a running session's tables, brought up to date by fetching only what is new."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from livedance_lab.tables.data import SessionData
from livedance_lab.tables.schema import TABLES
from livedance_lab.tables.store import from_ipc

__all__ = ["LogMirror"]


class LogMirror:
    """Follows a session's log.

    Parameters
    ----------
    fetch : callable
        (table, after_row) to (Arrow IPC stream, next row, rows the server no longer holds).

    Attributes
    ----------
    forgotten : dict of str to int
        Rows per table that the server had dropped before they were fetched.
    """

    def __init__(self, fetch: Callable[[str, int], tuple[bytes, int, int]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._next = dict.fromkeys(TABLES, 0)
        self._pieces: dict[str, list[pa.Table]] = {table: [] for table in TABLES}
        self.forgotten = dict.fromkeys(TABLES, 0)

    def update(self) -> None:
        """Fetch what is new."""
        with self._lock:
            for table in TABLES:
                data, self._next[table], forgotten = self._fetch(table, self._next[table])
                self.forgotten[table] += forgotten
                rows = from_ipc(data)
                if rows.num_rows or not self._pieces[table]:
                    self._pieces[table].append(rows)

    def data(self, manifest: dict[str, Any]) -> SessionData:
        """Everything fetched so far."""
        with self._lock:
            whole = {table: pa.concat_tables(pieces) for table, pieces in self._pieces.items()}
            for table, rows in whole.items():
                self._pieces[table] = [rows]
        return SessionData(**whole, manifest={**manifest, "forgotten_rows": dict(self.forgotten)})
