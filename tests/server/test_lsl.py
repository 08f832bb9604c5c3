"""A session on LSL and back: real server and real liblsl, confined to this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import psutil
import pytest

from livedance_lab import LiveSession
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.lsl import LslBridge
from livedance_lab.clock import ClockOffset, now_s
from livedance_lab.estimators.base import Estimate
from livedance_lab.estimators.replay import encode_estimate
from livedance_lab.skeletons import BLAZEPOSE_33
from tests.support.pipeline import SIZE, WAIT_S, a_pose

N_FRAMES, NOBODY_EVERY = 50, 3
SLACK_S = 1e-3  # the uncertainty may change between the time stamp and the test's reading of it


@pytest.fixture(scope="module")
def lsl(tmp_path_factory) -> Iterator[Any]:
    """pylsl, configured to find only the streams of this test run, on this machine, without multicast."""
    config = tmp_path_factory.mktemp("lsl") / "lsl_api.cfg"
    config.write_text(
        "[ports]\nIPv6 = disable\n[multicast]\nResolveScope = machine\n"
        f"[lab]\nKnownPeers = {{127.0.0.1}}\nSessionID = {uuid.uuid4().hex}\n[log]\nlevel = -2\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSLAPICFG", str(config))
        import pylsl

        yield pylsl


@pytest.fixture
def session(lsl, replay_server) -> Iterator[LiveSession]:
    with LiveSession.open(replay_server, design="sequential", hands=False) as session:
        yield session


def moving() -> EncodedClip:
    """A person who comes closer by 1 cm per frame, and who is absent in every third frame."""
    images = []
    for n in range(N_FRAMES):
        pose = a_pose()
        if n % NOBODY_EVERY == NOBODY_EVERY - 1:
            images.append(encode_estimate(Estimate()))
        else:
            images.append(encode_estimate(replace(pose, pose_world_m=pose.pose_world_m - np.float32(0.01 * n))))
    return EncodedClip(images, SIZE, 25.0, "moving")


def until(true: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    give_up_s = now_s() + WAIT_S
    while not true():
        assert now_s() < give_up_s, "this never happened"
        time.sleep(0.01)


def found(lsl: Any, key: str, value: str) -> Any:
    """Return the one stream with this property."""
    streams = lsl.resolve_byprop(key, value, timeout=WAIT_S)
    assert len(streams) == 1
    return streams[0]


def lsl_ahead_s(lsl: Any) -> tuple[float, float]:
    """Return LSL's clock minus ours and the uncertainty, by direct readings of both."""
    readings = [(now_s(), lsl.local_clock(), now_s()) for _ in range(100)]
    before_s, t_lsl_s, after_s = min(readings, key=lambda r: r[2] - r[0])
    return t_lsl_s - (before_s + after_s) / 2, (after_s - before_s) / 2


@dataclass
class Received:
    """All samples and time stamps of one inlet."""

    inlet: Any
    samples: list[list[Any]] = field(default_factory=list)
    stamps_s: list[float] = field(default_factory=list)

    def pull(self, wanted: int) -> None:
        """Wait until there are `wanted` samples in total."""
        give_up_s = now_s() + WAIT_S
        while len(self.samples) < wanted:
            assert now_s() < give_up_s, f"{len(self.samples)} samples of {wanted} came"
            samples, stamps_s = self.inlet.pull_chunk(timeout=0.05)
            self.samples += samples
            self.stamps_s += stamps_s


def test_pose_and_angles_arrive_with_their_capture_times(lsl, session):
    with LslBridge(session, "dance") as bridge:
        uncertainties_s: list[float] = []
        session.on_result(lambda _result: uncertainties_s.append(bridge.clock.uncertainty_s))
        pose = Received(lsl.StreamInlet(found(lsl, "source_id", f"dance-{session.id}-pose")))
        angles = Received(lsl.StreamInlet(found(lsl, "name", "dance_angles")))
        for received in (pose, angles):
            received.inlet.open_stream(timeout=WAIT_S)
        until(lambda: bridge.listened_to)
        session.stream(moving(), end=True)
        n_processed = session.ledger.states["processed"]
        until(lambda: bridge.pushed + bridge.skipped == n_processed)
        pose.pull(bridge.pushed)
        angles.pull(bridge.pushed)

    data = session.data()
    assert len(pose.samples) == len(angles.samples) == bridge.pushed > 0
    assert bridge.ended
    assert bridge.unmapped == 0

    # all processes of one machine read the same clock, so the true offset to the server is zero
    ahead_s, reading_s = lsl_ahead_s(lsl)
    captured_s = data.t_capture_s + ahead_s
    stamps_s = np.array(pose.stamps_s)
    rows = np.abs(captured_s[:, None] - stamps_s).argmin(axis=0)
    assert len(set(rows)) == len(rows)
    assert np.abs(captured_s[rows] - stamps_s).max() <= max(uncertainties_s) + reading_s + SLACK_S
    assert (np.diff(stamps_s) > 0).all()
    assert angles.stamps_s == pose.stamps_s

    got = np.array(pose.samples, dtype=np.float32).reshape(-1, 33, 4)
    np.testing.assert_allclose(got[..., :3], data.array("world_m_smooth")[rows], atol=6e-5)
    np.testing.assert_allclose(got[..., 3], data.array("visibility")[rows], atol=6e-4)
    np.testing.assert_allclose(angles.samples, data.array("angles_smooth_deg")[rows], atol=6e-3)
    nobody = ~data.column("found")[rows]
    assert nobody.any()
    assert np.isnan(got[nobody]).all()
    assert np.isfinite(got[~nobody]).all()


def test_results_a_slow_viewer_never_saw_are_counted(lsl, session):
    with LslBridge(session, "slow") as bridge:
        session.on_result(lambda _result: time.sleep(0.2))  # in the bridge's thread; five frames come meanwhile
        session.stream(moving(), seconds=1.0, end=True)
        n_processed = session.ledger.states["processed"]
        until(lambda: bridge.pushed + bridge.skipped == n_processed)
    assert bridge.skipped > 0


def test_what_has_no_known_time_is_never_stamped(lsl, session, monkeypatch):
    """As just after a reconnection: outgoing marks are counted but not sent, incoming markers wait."""
    theirs = lsl.StreamOutlet(lsl.StreamInfo("early", "Markers", 1, 0, "string", f"early-{session.id}"))
    with LslBridge(session, "when", markers="early") as bridge:
        until(lambda: bridge.inlet.connected and theirs.have_consumers())
        with monkeypatch.context() as unknown:
            unknown.setattr(LiveSession, "clock_offset", ClockOffset())
            session.mark("when?")
            until(lambda: bridge.unmapped == 1)
            theirs.push_sample(["wait"])
            until(lambda: bridge.inlet.waiting_for)
            assert (bridge.marks_pushed, bridge.inlet.taken) == (0, 0)
        until(lambda: bridge.inlet.taken == 1 and bridge.marks_pushed == 1)
    assert "wait" in set(session.events["name"])
    assert bridge.inlet.lost == 0


def test_a_marker_program_may_be_restarted(lsl, session):
    """Without a source id, LSL itself does not find the stream again."""

    def begin() -> Any:
        return lsl.StreamOutlet(lsl.StreamInfo("restarted", "Markers", 1, 0, "int32", ""))

    with LslBridge(session, "again", markers="restarted") as bridge:
        for n in (1, 2):
            theirs = begin()
            until(lambda: bridge.inlet.connected)
            until(theirs.have_consumers)
            theirs.push_sample([n])
            until(lambda n=n: bridge.inlet.taken == n)
            del theirs
            until(lambda: not bridge.inlet.connected)
    assert set(session.events["name"]) >= {"1", "2"}


def test_streams_describe_themselves_as_xdf_wants_it(lsl, session):
    with LslBridge(session, "said"):
        pose = lsl.StreamInlet(found(lsl, "name", "said_pose")).info(timeout=WAIT_S)
        angles = lsl.StreamInlet(found(lsl, "name", "said_angles")).info(timeout=WAIT_S)
        marks = lsl.StreamInlet(found(lsl, "name", "said_markers")).info(timeout=WAIT_S)

    assert (pose.type(), pose.channel_count(), pose.nominal_srate()) == ("MoCap", 33 * 4, lsl.IRREGULAR_RATE)
    assert pose.channel_format() == angles.channel_format() == lsl.cf_float32
    channels = list(children(pose.desc().child("channels"), "channel"))
    wrist = channels[4 * BLAZEPOSE_33.index("left_wrist") :][:4]
    assert [c.child_value("type") for c in wrist] == ["PositionX", "PositionY", "PositionZ", "Confidence"]
    assert [c.child_value("unit") for c in wrist] == ["meters"] * 3 + ["normalized"]
    assert {c.child_value("marker") for c in wrist} == {"left_wrist"}
    assert {c.child_value("object") for c in channels} == {"person"}
    assert len({c.child_value("label") for c in channels}) == 33 * 4
    acquisition = pose.desc().child("acquisition")
    assert acquisition.child_value("manufacturer") == "livedance_lab"
    assert acquisition.child_value("model") == "replay"
    assert float(acquisition.child_value("compensated_lag")) == 0
    smoothing = acquisition.child("settings").child("smoothing")
    assert smoothing.child_value("filter") == session.settings.smoothing.filter
    threshold = acquisition.child("settings").child_value("visibility_threshold")
    assert float(threshold) == session.settings.visibility_threshold
    assert pose.desc().child("setup").child_value("name") == session.id

    named = list(children(angles.desc().child("channels"), "channel"))
    assert [c.child_value("label") for c in named] == [f"{name}_smooth" for name in session.angle_names]
    assert {(c.child_value("type"), c.child_value("unit")) for c in named} == {("Angle", "degrees")}
    assert (marks.type(), marks.channel_count(), marks.channel_format()) == ("Markers", 1, lsl.cf_string)


def children(element: Any, name: str) -> Iterator[Any]:
    child = element.child(name)
    while not child.empty():
        yield child
        child = child.next_sibling(name)


def test_marks_of_the_session_go_out(lsl, session):
    with LslBridge(session, "out") as bridge:
        marks = Received(lsl.StreamInlet(found(lsl, "name", "out_markers")))
        marks.inlet.open_stream(timeout=WAIT_S)
        until(bridge._markers.have_consumers)
        t_s = now_s() - 30.0  # a time of the server's clock, which is also ours
        uncertainty_s = bridge.clock.uncertainty_s
        session.mark("a jump", t_s=t_s, height_m=0.4)
        marks.pull(1)

    assert bridge.marks_pushed == 1
    ahead_s, reading_s = lsl_ahead_s(lsl)
    assert marks.samples == [["a jump"]]
    assert abs(marks.stamps_s[0] - (t_s + ahead_s)) <= uncertainty_s + reading_s + SLACK_S


def test_markers_of_the_lab_become_marks_at_their_own_time(lsl, session):
    """Their stream has the name of ours; the bridge must not read its own, or each mark would return for ever."""
    theirs = lsl.StreamOutlet(lsl.StreamInfo("in_markers", "Markers", 1, 0, "string", f"stimuli-{session.id}"))
    long = "x" * 300
    with LslBridge(session, "in", markers="in_markers") as bridge:
        until(lambda: bridge.inlet.connected)
        until(theirs.have_consumers)
        session.mark("ours")
        uncertainty_s = bridge.clock.uncertainty_s
        t_lsl_s = lsl.local_clock() - 0.25
        theirs.push_sample(["go"], t_lsl_s)
        theirs.push_sample([long], t_lsl_s + 0.1)
        theirs.push_sample([""], t_lsl_s + 0.2)
        until(lambda: bridge.inlet.taken == 3)
        until(lambda: bridge.marks_pushed == 4)  # all went out as well: our own would have returned by now
        events = session.events

    marks = events[events["kind"] == "mark"].set_index("name")
    assert sorted(marks.index) == sorted(["ours", "go", "x" * 200, "(empty)"])
    assert bridge.inlet.lost == 0
    ahead_s, reading_s = lsl_ahead_s(lsl)
    go = marks.loc["go"]
    correction_s = go["data"]["lsl_correction_s"]
    assert abs(correction_s) < 0.1  # the true value is zero on one machine
    assert abs(go["t_s"] - (t_lsl_s + correction_s - ahead_s)) <= uncertainty_s + reading_s + SLACK_S
    assert go["data"]["lsl_stream"] == "in_markers"
    assert go["data"]["lsl_time_s"] == t_lsl_s
    assert marks.loc["x" * 200]["data"]["text"] == long


def test_closing_leaves_no_thread_and_no_stream(lsl, session):
    process = psutil.Process()
    before, ours_before = process.num_threads(), set(threading.enumerate())
    bridge = LslBridge(session, "brief", markers="nobody's")
    assert process.num_threads() > before
    bridge.close()
    bridge.close()
    assert set(threading.enumerate()) == ours_before
    until(lambda: process.num_threads() <= before)
    assert not lsl.resolve_byprop("name", "brief_pose", timeout=1.0)
    assert not bridge.listened_to
    session.mark("nobody passes this on")
    assert bridge.marks_pushed == 0


def test_the_command_bridges_until_the_session_ends(lsl, replay_server, session):
    command = [sys.executable, "-m", "livedance_lab", "lsl", "--server", replay_server.url, "--session", session.id,
               "--name", "cli"]  # fmt: skip
    environment = {**os.environ, "LIVEDANCE_TOKEN": replay_server.token}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert found(lsl, "name", "cli_pose").source_id() == f"cli-{session.id}-pose"
        session.stream(moving(), seconds=0.5, end=True)
        said, errors = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "The session has ended." in said
    assert f"LSL bridge of {session.id}" in said.replace("\n", " ")
