"""The sample clip through a server process with the real models, in every design, without mocks."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest

from livedance_lab.client import LiveSession
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.clock import now_s
from livedance_lab.evaluation.demo import run_demo
from livedance_lab.launcher import LiveServer
from livedance_lab.pose import FrameState
from livedance_lab.samples import sample_path
from livedance_lab.session_data.data import SessionData
from livedance_lab.settings import Settings
from livedance_lab.system import resources
from tests.support.pipeline import WAIT_S

SECONDS = 1.2


@pytest.fixture(scope="module")
def clip() -> EncodedClip:
    return EncodedClip.read(sample_path(), Settings(), SECONDS)


def assert_accounted_for(data: SessionData, summary: dict, offered: int) -> None:
    """Check captured = Σ states in the server's ledger and in the rows of its log."""
    ledger = summary["ledger"]
    assert ledger["conserved"]
    assert ledger["captured"] == offered == sum(ledger["states"].values())
    assert data.ledger.conserved
    assert data.ledger.states == ledger["states"]
    assert sorted(data.frames["seq"]) == list(range(offered))
    assert ledger["states"]["processed"] == len(data.seq) > 0
    assert ledger["states"]["failed"] == ledger["states"]["rejected"] == 0
    done = data.frames[data.frames["state"] == "processed"].sort_values("seq")
    for before, after in (("t_receive_s", "t_infer_start_s"), ("t_infer_start_s", "t_infer_end_s"),
                          ("t_infer_end_s", "t_emit_s")):  # fmt: skip
        assert (done[before] <= done[after]).all(), (before, after)
    assert done["t_emit_s"].is_monotonic_increasing  # results left in capture order
    assert (done[["pose_ms", "decode_ms", "angles_ms", "smoothing_ms"]] > 0).all().all()


@pytest.mark.parametrize(
    ("design", "pacing"),
    [("lanes", "free"), ("lanes", "paced"), ("decoupled", "free"), ("join", "free"), ("sequential", "paced"),
     ("sequential", "free"), ("live_stream", "free")],
)  # fmt: skip
def test_every_captured_frame_ends_in_exactly_one_state(model_server, clip, design, pacing):
    with LiveSession.open(model_server, design=design) as session:
        session.stream(clip, seconds=SECONDS, pacing=pacing, end=True)
        data, summary = session.data(), session.summary

    assert_accounted_for(data, summary, offered=round(SECONDS * 60))
    assert data.column("found").mean() >= 0.9
    hands_seq = data.column("hands_seq")
    if design in ("join", "sequential"):  # hands of the same frame, or none
        assert ((hands_seq == data.seq) | (hands_seq == -1)).all()


def test_the_demos_recipe_gives_the_same_books(model_server):
    """Base64 JSON, full-size images, pose then hands: the baseline of all comparisons."""
    full = EncodedClip.read(sample_path(), Settings(short_side_px=2160), 0.5)
    with LiveSession.open(model_server, design="sequential") as session:
        session.stream(full, seconds=0.5, pacing="free", legacy=True, end=True)
        assert_accounted_for(session.data(), session.summary, offered=30)


def test_settings_changed_on_the_way_are_in_force_logged_and_lose_no_frame(model_server, clip):
    changes = iter([{"design": "join"}, {"hands": False}, {"complexity": 1, "design": "lanes", "hands": True}])

    asked = []

    def tick(client) -> None:
        if client.credit.captured % 20 == 19 and (change := next(changes, None)):
            asked.append(asyncio.get_running_loop().create_task(client.change_settings(**change)))

    with LiveSession.open(model_server) as session:
        session.stream(clip, seconds=SECONDS, pacing="free", tick=tick, end=True)
        data, summary = session.data(), session.summary

    assert_accounted_for(data, summary, offered=round(SECONDS * 60))
    versions = [e["version"] for e in data.events[data.events["kind"] == "settings"]["data"]]
    assert versions == [2, 3, 4]
    assert set(data.column("settings_version")) <= {1, 2, 3, 4}


def test_sessions_that_ended_give_back_threads_and_memory(model_server, clip):
    """Each needs about 160 MB while it runs; a server that kept it would run out of memory within an hour."""
    at_work, rested, bytes_used = 0, 0, []

    def tick(client) -> None:
        nonlocal at_work
        at_work = psutil.Process(model_server.pid).num_threads()

    for number in range(4):
        with LiveSession.open(model_server) as session:
            session.stream(clip, seconds=0.3, end=True, tick=tick)
        # two pose lanes and one hands lane end; the thread pool of the event loop may have grown by one or two
        until(lambda most=rested + 2 if number else at_work - 3: psutil.Process(model_server.pid).num_threads() <= most)
        rested = rested or psutil.Process(model_server.pid).num_threads()
        bytes_used.append(resources.resident_bytes(model_server.pid))

    assert bytes_used[-1] - bytes_used[0] < 100 * 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what a process has mapped")
def test_one_session_keeps_within_its_memory(clip):
    """Two pose lanes and hands, in a server of its own, which never loads the packages that only analysis needs."""
    with LiveServer.start(reuse=False, port=0) as alone, LiveSession.open(alone, pose_lanes=2) as session:
        session.stream(clip, seconds=SECONDS)
        session.data()
        bytes_used = resources.resident_bytes(alone.pid)
        mapped = Path(f"/proc/{alone.pid}/maps").read_text()

    assert bytes_used < 400 * 2**20  # about 310 on a quiet machine; on a busy one more frames wait
    assert "/mediapipe/" in mapped
    for package in ("/pandas/", "/scipy/", "/matplotlib/"):
        assert package not in mapped


def until(true) -> None:
    give_up_s = now_s() + WAIT_S
    while not true():
        assert now_s() < give_up_s, "it never happened"
        time.sleep(0.02)


# --- the demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> SimpleNamespace:
    out = tmp_path_factory.mktemp("demo")
    return SimpleNamespace(out=out, summary=run_demo(str(sample_path()), out, seconds=3.0))


def test_the_demo_leaves_what_it_promises(demo):
    for name in ("frames.csv", "angles.csv", "landmarks.csv", "summary.json", "overview.png"):
        assert (demo.out / name).stat().st_size > 100, name
    assert (demo.out / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_the_demos_summary_is_conserved_and_complete(demo):
    summary = json.loads((demo.out / "summary.json").read_text())

    assert summary["conserved"] is True
    assert summary["captured"] == 180 == sum(summary["states"].values())
    assert set(summary["states"]) == {str(s) for s in FrameState}
    assert summary["pose_found_share"] >= 0.95
    assert summary["results_per_s"] > 0
    assert summary["age_ms"]["p50"] <= summary["age_ms"]["p95"] <= summary["age_ms"]["p99"]
    assert summary["stage_ms"]["pose"]["p50"] > 0
    assert summary["dropped_share"] == pytest.approx(1 - summary["states"]["processed"] / 180)
    assert summary["manifest"]["packages"]["mediapipe"].startswith("0.10.3")
    assert len(summary["manifest"]["models"]["pose_full"]) == 64


def test_the_demos_csv_has_every_frame_with_its_times(demo):
    frames = pd.read_csv(demo.out / "frames.csv")

    assert sorted(frames["seq"]) == list(range(180))
    assert frames["state"].value_counts().to_dict() == {s: n for s, n in demo.summary["states"].items() if n}
    angles = pd.read_csv(demo.out / "angles.csv")
    assert len(angles) == demo.summary["states"]["processed"]


def test_the_demos_angles_are_compared_with_the_truth(demo):
    errors = demo.summary["angle_error_deg"]

    assert {"left_elbow", "right_elbow", "left_knee", "right_knee", "left_shoulder", "right_shoulder", "left_hip",
            "right_hip"} <= set(errors)  # fmt: skip
    for name, error in errors.items():
        assert error["n"] >= 0.8 * demo.summary["states"]["processed"], name
        assert 0 < error["mae"] < 60, name
        assert abs(error["bias"]) <= error["mae"] + 1e-6, name  # |mean| is at most the mean of absolute values
        assert 0 < error["mae_without_bias"] <= 2 * error["mae"] + 1e-6, name  # triangle inequality; it may exceed mae
