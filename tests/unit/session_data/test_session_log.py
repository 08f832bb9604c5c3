"""The log of a running session: nothing is lost silently, and memory has a limit."""

from __future__ import annotations

import json
import threading

import numpy as np
import pyarrow as pa
import pytest

from livedance_lab.pose import Body, Flag, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.session_data.schema import TABLES, Schemas
from livedance_lab.session_data.session_log import SessionLog, from_ipc, to_ipc
from tests.support.results import result_of_one

ANGLES = ("left_elbow", "right_elbow")


def a_frame(seq: int) -> FrameRecord:
    return FrameRecord(seq, FrameState.PROCESSED, FrameTimes(t_capture_s=seq / 60), "", 1234, {"pose": 27.5})


def a_result(seq: int) -> PoseResult:
    body = Body()
    body.keypoints_px[:] = np.arange(99, dtype=np.float32).reshape(33, 3) + seq
    return result_of_one(seq, (640, 480), body, body, np.array([1, np.nan], np.float32), np.array([2, 3], np.float32),
                      np.full(33, Flag.MEASURED, np.uint8), True, -1, 1, a_frame(seq))  # fmt: skip


@pytest.fixture
def log() -> SessionLog:
    return SessionLog(Schemas(ANGLES, {"session_id": "s"}))


class Collector:
    """A sink that keeps the batches."""

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        if table == "frames":
            self.seqs += batch["seq"].to_pylist()


class Broken:
    """A sink with a full disk."""

    def __init__(self) -> None:
        self.asked = 0

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        self.asked += 1
        raise OSError("no space left on device")


def seqs(rows: pa.Table) -> list[int]:
    return rows["seq"].to_pylist()


def test_rows_read_back_are_the_rows_written(log):
    log.add_result(a_result(5))
    log.add_frame(a_frame(5))
    log.add_event(1.5, "mark", "jump", {"height_m": 0.3, "array": np.array([1, 2])})
    log.add_receipt(5, 2.0, None)  # type: ignore[arg-type]

    result = log.read("results")[0].to_pylist()[0]
    assert result["keypoints_px"] == [float(v) for v in range(5, 104)]
    assert result["angles_deg"][0] == 1
    assert np.isnan(result["angles_deg"][1])
    frame = log.read("frames")[0].to_pylist()[0]
    assert (frame["state"], frame["bytes_up"], frame["pose_ms"]) == ("processed", 1234, 27.5)
    assert np.isnan(frame["t_paint_s"])
    assert np.isnan(frame["hands_ms"])  # a step that did not run has no duration
    event = log.read("events")[0].to_pylist()[0]
    assert json.loads(event["data"]) == {"height_m": 0.3, "array": [1, 2]}
    assert np.isnan(log.read("receipts")[0].to_pylist()[0]["t_paint_s"])


def test_a_reader_who_pages_sees_every_row_once(log):
    got, after = [], 0
    for seq in range(333):
        log.add_frame(a_frame(seq))
        if seq % 7 == 0:
            rows, after, forgotten = log.read("frames", after)
            got += seqs(rows)
            assert forgotten == 0
    got += seqs(log.read("frames", after)[0])

    assert got == list(range(333))


def test_reading_often_does_not_cut_the_log_into_crumbs(log):
    for seq in range(640):
        log.add_frame(a_frame(seq))
        log.read("frames", seq)

    assert len(log._tables["frames"].batches) == 10


@pytest.mark.parametrize("after", [0, 1, 63, 64, 65, 100, 128, 129, 130, 10_000])
def test_any_row_number_may_be_asked_for(log, after):
    for seq in range(130):
        log.add_frame(a_frame(seq))

    rows, next_row, _ = log.read("frames", after)

    assert seqs(rows) == list(range(after, 130))
    assert next_row == 130


def test_memory_is_bounded_and_forgotten_rows_are_counted():
    log = SessionLog(Schemas(ANGLES), max_bytes=2_000_000)
    n_rows = 3000
    for seq in range(n_rows):
        log.add_result(a_result(seq))
        log.add_frame(a_frame(seq))

    rows, next_row, forgotten = log.read("results")
    assert log.n_bytes() <= 2_000_000
    assert next_row == n_rows
    assert forgotten > 0
    assert forgotten + len(rows) == n_rows
    assert seqs(rows) == list(range(forgotten, n_rows))  # the newest stay
    assert len(log.read("frames")[0]) == n_rows  # the small table keeps its rows


def test_a_reader_behind_what_was_forgotten_is_told_how_much():
    log = SessionLog(Schemas(ANGLES), max_bytes=1_000_000)
    for seq in range(640):
        log.add_result(a_result(seq))
    first = seqs(log.read("results")[0])[0]
    assert first > 10

    assert log.read("results", first - 10)[2] == 10
    assert log.read("results", first)[2] == 0


def test_a_sink_gets_what_was_before_it_and_all_that_comes(log):
    sink = Collector()
    for seq in range(100):
        log.add_frame(a_frame(seq))
    log.attach(sink)
    for seq in range(100, 200):
        log.add_frame(a_frame(seq))
    log.detach(sink)
    log.add_frame(a_frame(200))
    log.flush()

    assert sink.seqs == list(range(200))


def test_rows_that_come_while_a_sink_catches_up_reach_it_once_and_in_order(log):
    """The rows come from another thread while older ones are written to the sink; that thread does not wait."""

    class Slow(Collector):
        def write(self, table, batch):
            super().write(table, batch)
            if numbers:
                first = numbers.pop(0)
                other = threading.Thread(target=lambda: [log.add_frame(a_frame(first + n)) for n in range(64)])
                other.start()
                other.join(60.0)
                assert not other.is_alive()

    numbers = [192, 256, 320]  # three batches exist, and each write adds one
    for seq in range(192):
        log.add_frame(a_frame(seq))
    sink = Slow()
    log.attach(sink)
    log.add_frame(a_frame(384))
    log.flush()

    assert sink.seqs == list(range(385))


def test_a_sink_may_begin_with_now(log):
    sink = Collector()
    log.add_frame(a_frame(0))
    log.attach(sink, from_start=False)
    log.add_frame(a_frame(1))
    log.flush()

    assert sink.seqs == [1]


def test_a_sink_that_fails_is_let_go_and_said_and_the_log_goes_on(log):
    broken, good, said = Broken(), Collector(), []
    log.attach(broken)
    log.attach(good)
    # as a session does: log an event from within the log
    log.on_sink_error = lambda sink, exc: (said.append((sink, exc)), log.add_event(0.0, "error", "x", {}))  # type: ignore[assignment]
    for seq in range(200):
        log.add_frame(a_frame(seq))
    log.flush()

    assert broken.asked == 1
    assert [sink for sink, _ in said] == [broken]
    assert isinstance(said[0][1], OSError)
    assert good.seqs == list(range(200))
    assert len(log.read("events")[0]) == 1
    log.detach(broken)  # a failed sink may still be detached


def test_a_table_travels_as_bytes_with_its_metadata(log):
    log.add_receipt(3, 1.5, 2.5)
    table = log.read("receipts")[0]

    back = from_ipc(to_ipc(table))

    assert back.equals(table, check_metadata=True)
    assert back.schema.metadata[b"session_id"] == b"s"
    assert json.loads(back.schema.metadata[b"angle_names"]) == list(ANGLES)


def test_every_table_can_be_read_while_empty(log):
    for table in TABLES:
        rows, next_row, forgotten = log.read(table)
        assert (len(rows), next_row, forgotten) == (0, 0, 0)
        assert from_ipc(to_ipc(rows)).schema.equals(log.schemas[table])
