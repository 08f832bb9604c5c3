"""A copy of the log that fetches only new rows."""

from __future__ import annotations

from livedance_lab.pose import FrameRecord, FrameState, FrameTimes
from livedance_lab.session_data.log_copy import LogCopy
from livedance_lab.session_data.schema import TABLES, Schemas
from livedance_lab.session_data.session_log import SessionLog, to_ipc


class Server:
    """A log with the interface of the server's HTTP route."""

    def __init__(self, max_bytes: int = 2**20) -> None:
        self.log = SessionLog(Schemas(("left_elbow",)), max_bytes)
        self.asked: list[tuple[str, int]] = []
        self.rows_sent = 0

    def add(self, *seqs: int) -> None:
        for seq in seqs:
            self.log.add_frame(FrameRecord(seq, FrameState.PROCESSED, FrameTimes()))

    def fetch(self, table: str, after: int) -> tuple[bytes, int, int]:
        self.asked.append((table, after))
        rows, next_row, forgotten = self.log.read(table, after)
        self.rows_sent += len(rows)
        return to_ipc(rows), next_row, forgotten


def test_it_has_every_row_and_fetches_each_once():
    server = Server()
    mirror = LogCopy(server.fetch)
    for seq in range(0, 300, 3):
        server.add(seq, seq + 1, seq + 2)
        mirror.update()
    data = mirror.data({"session_id": "s"})

    assert list(data.frames["seq"]) == list(range(300))
    assert server.rows_sent == 300
    assert data.manifest["forgotten_rows"] == dict.fromkeys(TABLES, 0)


def test_an_empty_session_has_empty_tables():
    mirror = LogCopy(Server().fetch)
    mirror.update()

    assert len(mirror.data({}).frames) == 0


def test_rows_the_server_dropped_before_they_were_fetched_are_counted():
    server = Server(max_bytes=20_000)
    mirror = LogCopy(server.fetch)
    server.add(*range(100))
    mirror.update()
    server.add(*range(100, 3000))
    mirror.update()
    data = mirror.data({})

    missing = 3000 - len(data.frames)
    assert missing > 0
    assert data.manifest["forgotten_rows"]["frames"] == missing


def test_reading_the_data_does_not_disturb_the_next_update():
    server = Server()
    mirror = LogCopy(server.fetch)
    server.add(0)
    mirror.update()
    first = mirror.data({})
    server.add(1)
    mirror.update()

    assert list(first.frames["seq"]) == [0]
    assert list(mirror.data({}).frames["seq"]) == [0, 1]
