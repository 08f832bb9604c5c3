"""Whole videos with the real models: short cuts of the sample clip."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import islice
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np
import psutil
import pytest

from livedance_lab.batch import analyze_videos, executors, plan_jobs, run_jobs
from livedance_lab.batch.video_job import run_job
from livedance_lab.errors import LiveDanceError
from livedance_lab.media.drawing import VideoFile
from livedance_lab.media.video import VideoSource
from livedance_lab.pose import FrameState
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.settings import Settings

REPO = Path(__file__).resolve().parents[3]
CLIP = REPO / "data" / "samples" / "dancer.mp4"
FRAMES = 12


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    paths = [folder / f"clip{i}.mp4" for i in range(3)]
    for i, path in enumerate(paths):
        with VideoSource(CLIP) as video, VideoFile(path, video.size_px, 30.0) as copy:
            for frame in islice(video, 60 * i, 60 * i + 3 * FRAMES, 3):
                copy.add(frame.rgb)
    return paths


@pytest.fixture(scope="module")
def alone(clips, tmp_path_factory) -> dict[str, Recording]:
    """Each clip analysed in this process: what every other way must give."""
    out = tmp_path_factory.mktemp("alone")
    for job in plan_jobs(clips, out):
        outcome = run_job(job)
        assert (outcome.frames_in, outcome.frames_out, outcome.error) == (FRAMES, FRAMES, "")
    return {path.stem: Recording.open(out / path.stem / "recording") for path in clips}


def same_values(a: Recording, b: Recording) -> None:
    for name in ("keypoints_px", "world_m", "visibility", "hands_px", "keypoints_px_smooth", "angles_smooth_deg"):
        np.testing.assert_array_equal(a.array(name), b.array(name), err_msg=name)


def test_every_frame_is_in_the_recording(alone):
    for recording in alone.values():
        assert recording.complete
        assert recording.ledger.conserved
        assert recording.seq.tolist() == list(range(FRAMES))
        np.testing.assert_allclose(recording.t_capture_s, np.arange(FRAMES) / 30, atol=1e-3)
        assert recording.column("found").all()
        with_hands = recording.column("hands_seq") >= 0
        assert with_hands.any()
        np.testing.assert_array_equal(recording.column("hands_seq")[with_hands], recording.seq[with_hands])
        assert recording.manifest["source"]["frames_by_header"] == FRAMES
        assert len(recording.manifest["models"]["pose_full"]) == 64


def test_another_estimator_does_the_same_job(clips, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")
    (job,) = plan_jobs(clips[:1], tmp_path, estimator="blazepose")
    assert run_job(job).found == FRAMES
    recording = Recording.open(tmp_path / clips[0].stem / "recording")
    assert recording.manifest["estimator"] == "blazepose"
    assert set(recording.manifest["models"]) == {"pose_full", "hands"}
    assert (recording.column("hands_seq") >= 0).any()


def test_processes_give_the_same_and_what_is_done_is_not_done_again(clips, alone, tmp_path):
    heard: dict[str, list[int]] = {}

    def hear(name, done, expected):
        assert expected == FRAMES
        heard.setdefault(name, []).append(done)

    first = analyze_videos(clips, tmp_path, workers=2, formats=["trc"], annotate=True, on_progress=hear)
    again = analyze_videos(clips, tmp_path, workers=2, formats=["trc"], annotate=True)

    assert [(o.name, o.frames_in, o.frames_out, o.error) for o in first] == [
        (c.stem, FRAMES, FRAMES, "") for c in clips
    ]
    for outcome in first:
        folder = tmp_path / outcome.name
        same_values(Recording.open(folder / "recording"), alone[outcome.name])
        assert set(outcome.files) >= {f"{outcome.name}.trc", f"{outcome.name}.mp4", "manifest.json"}
        with VideoSource(folder / f"{outcome.name}.mp4") as copy:
            assert sum(1 for _ in copy) == FRAMES
        assert heard[outcome.name] == [*range(1, FRAMES + 1), FRAMES]
    assert all(o.skipped and o.frames_in == FRAMES for o in again)


def test_a_killed_process_costs_time_not_videos(clips, alone, tmp_path):
    killed = []

    def kill_one(name, done, expected):
        if not killed and done >= 3:
            workers = [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    outcomes = analyze_videos(clips[:2], tmp_path, workers=2, on_progress=kill_one)

    assert killed
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip0", "clip1"]  # nothing half-done is left
    for outcome in outcomes:
        assert not outcome.error
        same_values(Recording.open(tmp_path / outcome.name / "recording"), alone[outcome.name])


def test_a_process_killed_in_the_middle_of_a_report_silences_no_other():
    """With one queue for all, the killed process could keep the queue's lock: the batch waited for ever."""
    heard = []
    listener = executors._ProgressListener(lambda *progress: heard.append(progress))
    killed, other = (Client(listener.address, authkey=listener.key) for _ in range(2))
    os.write(killed.fileno(), b"\0\0\0\x20half of a")
    killed.close()
    other.send(("clip1", 1, 2))
    other.close()
    listener.close()
    assert heard == [("clip1", 1, 2)]


@pytest.mark.filterwarnings("ignore")
def test_a_killed_dask_worker_costs_time_not_videos(clips, alone, tmp_path):
    distributed = pytest.importorskip("distributed")
    killed = []

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, \
            distributed.Client(cluster) as client:  # fmt: skip
        pids = client.run(os.getpid)

        def kill_one(name, done, expected):
            if not killed:
                killed.append(next(iter(pids.values())))
                os.kill(killed[0], signal.SIGKILL)

        outcomes = analyze_videos(clips, tmp_path, dask=client, on_progress=kill_one)
        by_address = analyze_videos(clips, tmp_path, dask=cluster.scheduler_address)

    assert killed
    for outcome in outcomes:
        assert not outcome.error
        same_values(Recording.open(tmp_path / outcome.name / "recording"), alone[outcome.name])
    assert all(outcome.skipped for outcome in by_address)
    assert sorted(p.name for p in tmp_path.iterdir()) == [c.stem for c in clips]  # nothing half-done is left


def test_a_run_that_was_killed_goes_on_where_it_was(clips, tmp_path):
    command = [sys.executable, "-m", "livedance_lab", "analyze", *clips, "--out", tmp_path, "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as run:
        assert run.stdout.readline().startswith(b"clip0:")  # the first is done, the second on its way
        os.killpg(run.pid, signal.SIGKILL)
    assert (tmp_path / "clip0").exists()
    assert not (tmp_path / "clip2").exists()

    outcomes = analyze_videos(clips, tmp_path)

    assert outcomes[0].skipped
    assert [(o.frames_out, o.error) for o in outcomes] == [(FRAMES, "")] * 3
    assert sorted(p.name for p in tmp_path.iterdir()) == [c.stem for c in clips]


def test_frames_that_fail_are_counted_and_the_rest_goes_on(clips, tmp_path):
    (job,) = plan_jobs(clips[:1], tmp_path, estimator="replay")  # which reads no ordinary pictures

    (outcome,) = run_jobs([job], workers=1)

    assert (outcome.frames_in, outcome.frames_out, outcome.error) == (FRAMES, 0, "")
    recording = Recording.open(tmp_path / job.name / "recording")
    assert recording.ledger.states[FrameState.FAILED] == FRAMES
    assert recording.ledger.conserved
    assert "ordinary picture" in recording.frames["reason"].iloc[0]


def test_what_is_wrong_with_one_video_does_not_stop_the_others(clips, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    (tmp_path / "out" / "clip1").mkdir(parents=True)

    outcomes = analyze_videos([broken, *clips[:2]], tmp_path / "out", workers=1, settings=Settings(hands=False))

    assert "gives no image" in outcomes[0].error
    assert (outcomes[1].frames_out, outcomes[1].error) == (FRAMES, "")
    assert "contains no analysis" in outcomes[2].error
    other = analyze_videos(clips[:1], tmp_path / "out", settings=Settings(hands=False), annotate=True)
    assert "other settings or formats" in other[0].error
    clips_twin = tmp_path / "clip0.mp4"
    clips_twin.write_bytes(clips[1].read_bytes())
    assert "another video" in analyze_videos([clips_twin], tmp_path / "out", settings=Settings(hands=False))[0].error


def test_names_of_folders(tmp_path):
    def made(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        return [job.name for job in plan_jobs([tmp_path / name for name in names], tmp_path / "out")]

    assert made("a/x.mp4", "a/y.mp4") == ["x", "y"]
    assert made("a/x.mp4", "a/x.mov") == ["x_mp4", "x_mov"]
    assert made("a/x.mp4", "b/x.mp4") == ["a_x", "b_x"]
    assert made("a/x.mp4", "a/x.mp4") == ["x"]
    with pytest.raises(LiveDanceError, match="rename them"):
        made("a/x.mp4", "a/x.mov", "b/x.mp4", "b/x.mov")
    with pytest.raises(LiveDanceError, match="no video"):
        plan_jobs([tmp_path / "gone.mp4"], tmp_path)


def test_an_unreachable_scheduler_is_named(clips, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("livedance_lab.batch.executors._CONNECT_TIMEOUT_S", 0.5)
    with pytest.raises(LiveDanceError, match="cannot be reached"):
        analyze_videos(clips, tmp_path, dask="tcp://127.0.0.1:9")
