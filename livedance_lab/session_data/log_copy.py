"""A copy of a running session's tables, which fetches only the new rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import TABLES
from livedance_lab.session_data.session_log import from_ipc

__all__ = ["LogCopy"]


class LogCopy:
    """Copies a session's log.

    Parameters
    ----------
    fetch : callable
        Takes a table's name and a row number; returns the rows from there on (Arrow IPC stream), the number of the
        next row, and how many of the wanted rows the server no longer holds.

    Attributes
    ----------
    forgotten : dict of str to int
        Rows per table that the server dropped before they were fetched.
    """

    def __init__(self, fetch: Callable[[str, int], tuple[bytes, int, int]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._begin()

    def update(self) -> None:
        """Fetch the new rows; fetch everything again if a restarted server has begun a new session of this name."""
        with self._lock:
            if not all(self._update(table) for table in TABLES):
                self._begin()
                for table in TABLES:
                    self._update(table)

    def data(self, manifest: dict[str, Any]) -> SessionData:
        """Return everything fetched so far."""
        with self._lock:
            whole = {table: pa.concat_tables(pieces) for table, pieces in self._pieces.items()}
            for table, rows in whole.items():
                self._pieces[table] = [rows]
        return SessionData(**whole, manifest={**manifest, "forgotten_rows": dict(self.forgotten)})

    def _begin(self) -> None:
        self._next = dict.fromkeys(TABLES, 0)
        self._pieces: dict[str, list[pa.Table]] = {table: [] for table in TABLES}
        self.forgotten = dict.fromkeys(TABLES, 0)

    def _update(self, table: str) -> bool:
        """Fetch one table's new rows; False if they are of another session than the rows so far."""
        data, self._next[table], forgotten = self._fetch(table, self._next[table])
        self.forgotten[table] += forgotten
        rows, pieces = from_ipc(data), self._pieces[table]
        if pieces and rows.schema.metadata != pieces[0].schema.metadata:
            return False  # a restarted server may know the name, but its clock and rows are new
        if rows.num_rows or not pieces:
            pieces.append(rows)
        return True
