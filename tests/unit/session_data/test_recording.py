import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import orjson
import psutil
import pytest

from livedance_lab.errors import RecordingError
from livedance_lab.pose import Body, Frame, FrameState, FrameTimes
from livedance_lab.session_data.recording.reader import Recording, StoredImage
from livedance_lab.session_data.recording.writer import RecordingWriter
from livedance_lab.session_data.schema import TABLES, frames_batch, result_rows, results_batch
from tests.support import recorded_session

REPO = Path(__file__).parents[3]


def written(path, *, part_bytes=64 * 2**20, **how) -> RecordingWriter:
    """A recording with everything of `recorded_session.batches`, not closed."""
    writer = RecordingWriter(path, recorded_session.schemas(), recorded_session.manifest(), part_bytes=part_bytes)
    for table, batch in recorded_session.batches(**how):
        writer.write(table, batch)
        writer.flush()
    return writer


def same(a, b) -> bool:
    return all(a.tables[t].to_pylist().__repr__() == b.tables[t].to_pylist().__repr__() for t in TABLES)


def test_what_was_written_is_read(tmp_path):
    written(tmp_path / "a", seconds=2).close({"clock": {"offset_s": 12.5}})

    recording = Recording.open(tmp_path / "a")

    assert same(recording, recorded_session.session(seconds=2))
    assert recording.complete
    assert recording.missing == ()
    assert recording.ledger.conserved
    assert recording.manifest["clock"] == {"offset_s": 12.5}
    assert recording.manifest["rows"] == {t: len(recording.tables[t]) for t in TABLES}
    assert recording.session_id == "made-up"
    np.testing.assert_array_equal(recording.array("world_m"), recorded_session.session(seconds=2).array("world_m"))


def test_large_tables_continue_in_new_parts(tmp_path):
    written(tmp_path / "a", part_bytes=100_000, seconds=4).close()

    assert len(list((tmp_path / "a").glob("results.*.arrows"))) > 2
    assert same(Recording.open(tmp_path / "a"), recorded_session.session(seconds=4))

    (tmp_path / "a" / "results.0001.arrows").unlink()
    recording = Recording.open(tmp_path / "a")
    assert "results: part 1 is missing." in recording.missing
    assert 0 < len(recording.seq) < len(recorded_session.session(seconds=4).seq)


def test_a_running_recording_can_be_opened(tmp_path):
    writer = written(tmp_path / "a", seconds=1)

    recording = Recording.open(tmp_path / "a")

    assert same(recording, recorded_session.session(seconds=1))
    assert not recording.complete
    assert "not closed" in recording.missing[0]
    writer.close()


def test_a_recording_shows_where_it_is_and_what_is_missing(tmp_path):
    writer = written(tmp_path / "a", seconds=1)
    running = repr(Recording.open(tmp_path / "a"))
    writer.close()
    closed = Recording.open(tmp_path / "a")

    assert running.startswith("<Recording made-up: 1.0 s, 31 frames captured, ")
    assert running.endswith(
        f"recorded in {tmp_path / 'a'}, the recording was not closed: everything after its last row is missing.>"
    )
    assert repr(closed).endswith(f"recorded in {tmp_path / 'a'}, complete>")
    assert '<td style="text-align: left">complete</td>' in closed._repr_html_()


def test_a_stored_image_is_shown_without_its_bytes():
    assert repr(StoredImage(3, 1.5, 1.6, b"\xff" * 1000)) == "StoredImage(seq=3, t_capture_s=1.5, t_receive_s=1.6)"


@pytest.mark.parametrize("table", TABLES)
def test_a_file_cut_anywhere_keeps_what_stands_before_the_cut(tmp_path, table):
    written(tmp_path / "a", seconds=1).close()
    path = tmp_path / "a" / f"{table}.0000.arrows"
    whole = path.read_bytes()
    all_rows = Recording.open(tmp_path / "a").tables[table].to_pylist().__repr__()

    kept = []
    for end in np.linspace(0, len(whole) - 9, 60).astype(int):  # the last 8 bytes only mark the end
        path.unlink()  # the opened recordings still map the old file
        path.write_bytes(whole[:end])
        recording = Recording.open(tmp_path / "a")
        rows = recording.tables[table].to_pylist()
        assert all_rows.startswith(rows.__repr__()[:-1])
        assert any(table in words for words in recording.missing)
        kept.append(len(rows))
    assert kept == sorted(kept)
    assert kept[0] == 0


def test_other_bytes_at_the_end_are_left_out(tmp_path):
    """A disk that lost power may leave zeros or garbage in place of the last batch."""
    writer = written(tmp_path / "a", seconds=1)
    rows = len(Recording.open(tmp_path / "a").seq)
    for tail in (b"\0" * 4096, os.urandom(4096), b"\xff\xff\xff\xff\x10\0\0\0" + os.urandom(64)):
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "a", copy)
        with (copy / "results.0000.arrows").open("ab") as file:
            file.write(tail)

        recording = Recording.open(copy)

        assert len(recording.seq) == rows
        assert recording.missing
        shutil.rmtree(copy)
    writer.close()


KILLED = """
import sys, time
from livedance_lab.session_data.recording.writer import RecordingWriter
from livedance_lab.session_data.schema import frames_batch, result_rows, results_batch
from livedance_lab.pose import FrameState
from tests.support import recorded_session

s = recorded_session.schemas()
writer = RecordingWriter(sys.argv[1], s, recorded_session.manifest())
print("recording", flush=True)
seq = 0
while True:
    t_s = time.perf_counter()
    writer.write("results", results_batch(s, result_rows(recorded_session.result(seq, t_s))))
    writer.write("frames", frames_batch(s, [recorded_session.record(seq, t_s, FrameState.PROCESSED)]))
    seq += 1
    time.sleep(0.005)
"""


@pytest.mark.process
@pytest.mark.parametrize("after_s", [0.02, 0.31, 0.77, 1.4])
def test_a_killed_process_loses_less_than_a_second(tmp_path, after_s):
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "a"], cwd=REPO, stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == b"recording\n"
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        killed_s = time.perf_counter()  # the same clock in every process of the machine

    recording = Recording.open(tmp_path / "a")

    last_s = recording.frames["t_capture_s"].max() if len(recording.frames) else killed_s - after_s
    assert killed_s - last_s <= 1.0
    assert recording.ledger.conserved
    assert recording.seq.tolist()[: len(recording.frames)] == recording.frames["seq"].tolist()
    assert "not closed" in recording.missing[0]


FULL_DISK = """
import resource, sys
from livedance_lab.errors import RecordingError
from livedance_lab.session_data.recording.writer import RecordingWriter
from tests.support import recorded_session

writer = RecordingWriter(sys.argv[1], recorded_session.schemas(), recorded_session.manifest())
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
handed = said = 0
for table, batch in recorded_session.batches(seconds=10):
    try:
        writer.write(table, batch)
        writer.flush()
    except RecordingError as exc:
        said += 1
        words = str(exc)
    handed += 1
try:
    writer.close({"clock": "known"})
except RecordingError as exc:
    words = str(exc)
print(handed, said, words)
"""


@pytest.mark.process
def test_a_full_disk_ends_the_recording_not_the_session(tmp_path):
    ran = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path / "a"], cwd=REPO, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    handed, said, words = ran.stdout.split(maxsplit=2)
    assert int(handed) == sum(1 for _ in recorded_session.batches(seconds=10))
    assert int(said) > 1
    assert "file too large" in words
    assert "stays readable" in words
    recording = Recording.open(tmp_path / "a")
    assert 0 < len(recording.seq) < 300
    assert "file too large" in recording.missing[0]
    assert recording.manifest["clock"] == "known"
    np.testing.assert_array_equal(
        recording.array("keypoints_px")[-1], recorded_session.keypoints_px(recording.t_capture_s[-1])
    )


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(RecordingError, match="file/a: not a directory"):
        RecordingWriter(tmp_path / "file" / "a", recorded_session.schemas(), {})


def test_a_recording_is_never_written_over(tmp_path):
    written(tmp_path / "a", seconds=1).close()

    with pytest.raises(RecordingError, match="holds a recording already"):
        RecordingWriter(tmp_path / "a", recorded_session.schemas(), {})
    assert Recording.open(tmp_path / "a").complete


def test_a_stalled_disk_does_not_fill_the_memory(tmp_path):
    writer = RecordingWriter(
        tmp_path / "a", recorded_session.schemas(), {}, flush_every_s=60, max_waiting_bytes=100_000
    )
    batches = [batch for table, batch in recorded_session.batches(seconds=10) if table == "results"]

    def write_all():
        for batch in batches:
            writer.write("results", batch)

    with pytest.raises(RecordingError, match="is too slow"):
        write_all()
    with pytest.raises(RecordingError, match="is too slow"):
        writer.close()


def test_what_cannot_be_a_row_is_refused_at_once(tmp_path):
    writer = RecordingWriter(tmp_path / "a", recorded_session.schemas(), {})
    frame = frames_batch(recorded_session.schemas(), [recorded_session.record(0, 1.0, FrameState.PROCESSED)])

    with pytest.raises(RecordingError, match="schema"):
        writer.write("results", frame)
    with pytest.raises(RecordingError, match="no table 'video'"):
        writer.write("video", frame)
    with pytest.raises(RecordingError, match="keep_video"):
        writer.write_image(Frame(0, b"jpeg", (2, 2)))
    writer.close()
    writer.close()
    with pytest.raises(RecordingError, match="closed"):
        writer.write("frames", frame)


def test_pictures_are_kept_only_when_asked_and_changed_before_they_are_stored(tmp_path):
    hide = {b"face": b"blurred", b"unknown": None}

    def transform(frame, body):
        return hide.get(frame.image, frame.image) if body else None

    writer = RecordingWriter(tmp_path / "a", recorded_session.schemas(), {}, keep_video=True, transform=transform)
    for seq, image in enumerate([b"no face", b"face", b"unknown", b"nobody"]):
        frame = Frame(seq, image, (2, 2), FrameTimes(t_capture_s=seq / 30, t_receive_s=seq / 30 + 0.01))
        writer.write_image(frame, None if image == b"nobody" else Body())
    writer.close()

    recording = Recording.open(tmp_path / "a")

    assert [(i.seq, i.image) for i in recording.images()] == [(0, b"no face"), (1, b"blurred")]
    assert [i.t_receive_s - i.t_capture_s for i in recording.images()] == pytest.approx([0.01, 0.01])
    assert recording.manifest["images_withheld"] == 2
    assert "consent" in recording.manifest["consent"]

    written(tmp_path / "b", seconds=1).close()
    poses_only = Recording.open(tmp_path / "b")
    assert not poses_only.has_video
    assert "consent" not in poses_only.manifest
    with pytest.raises(RecordingError, match="without keep_video"):
        next(poses_only.images())


def test_what_is_no_recording_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"no manifest\.json"):
        Recording.open(tmp_path)
    (tmp_path / "manifest.json").write_bytes(orjson.dumps({"format": "other"}))
    with pytest.raises(RecordingError, match="livedance-recording"):
        Recording.open(tmp_path)
    (tmp_path / "manifest.json").write_bytes(orjson.dumps({"format": "livedance-recording", "format_version": 99}))
    with pytest.raises(RecordingError, match="install a newer"):
        Recording.open(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"{")
    with pytest.raises(RecordingError, match="cannot be read"):
        Recording.open(tmp_path)


def test_a_table_that_is_gone_is_empty_and_named(tmp_path):
    written(tmp_path / "a", seconds=1).close()
    for table in ("receipts", "events"):
        (tmp_path / "a" / f"{table}.0000.arrows").unlink()

    recording = Recording.open(tmp_path / "a")

    assert recording.frames["t_paint_s"].isna().all()
    assert "receipts: the whole table is missing." in recording.missing
    assert recording.angle_names == recorded_session.ANGLES


def test_hours_of_rows_leave_the_memory_flat(tmp_path):
    """An hour at 30/s, written as fast as the disk allows, then opened."""
    s = recorded_session.schemas()
    second = [recorded_session.result(n, n / 30) for n in range(30)]
    frames, results = (
        frames_batch(s, [r.record for r in second]),
        results_batch(s, [row for r in second for row in result_rows(r)]),
    )
    writer = RecordingWriter(tmp_path / "a", s, {})
    before = psutil.Process().memory_info().rss
    peak = before
    for n in range(3600):
        writer.write("frames", frames)
        writer.write("results", results)
        if n % 60 == 59:
            writer.flush()
            peak = max(peak, psutil.Process().memory_info().rss)
    writer.close()

    assert peak - before < 100e6
    assert Recording.open(tmp_path / "a").tables["results"].num_rows == 3600 * 30
    shutil.rmtree(tmp_path / "a")  # 450 MB
