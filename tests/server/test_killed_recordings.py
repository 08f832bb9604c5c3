"""After ``kill -9`` at any moment, a recording opens, is conserved up to its last write, and lacks less than 1 s."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from livedance_lab import LiveServer, LiveSession, Recording
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.clock import now_s
from livedance_lab.errors import LiveDanceError
from livedance_lab.pose import FrameState
from livedance_lab.settings import Settings

CLIP = Path("data/samples/dancer.mp4").resolve()


class Killed(Exception):
    """The server was killed as planned."""


@pytest.fixture(scope="module")
def clip() -> EncodedClip:
    return EncodedClip.read(CLIP, Settings(), seconds=1)


def record_until_killed(clip: EncodedClip, folder: Path, after_s: float) -> tuple[float, float]:
    """Stream 60 frames/s into a recording server and kill it; return the times of the first result and of the kill."""
    began_s = killed_s = 0.0

    def kill_when_due(client):
        nonlocal began_s, killed_s
        if client.results_received and not began_s:
            began_s = now_s()
        if began_s and now_s() - began_s >= after_s:
            os.kill(server.pid, signal.SIGKILL)
            killed_s = now_s()
            raise Killed

    server = LiveServer.start(reuse=False, port=0, record_root=folder.parent)
    session = LiveSession.open(server)
    try:
        session.record(folder)
        session.stream(clip, fps=60, seconds=60, tick=kill_when_due)
    except (Killed, LiveDanceError):
        assert killed_s, "the session ended before the server was killed"
    finally:
        session.close()
        server.stop()
    return began_s, killed_s


def check(folder: Path, began_s: float, killed_s: float) -> None:
    recording = Recording.open(folder)
    assert not recording.complete
    assert "not closed" in recording.missing[0]
    if killed_s - began_s < 1:
        return  # all of it may be in the last second
    ledger, frames = recording.ledger, recording.frames
    assert ledger.repeated == 0
    first_missing = min(ledger.missing_seqs, default=ledger.captured)
    whole = frames[frames["seq"] < first_missing]
    assert len(whole) == first_missing
    assert killed_s - whole["t_capture_s"].max() <= 1.0
    processed = whole.loc[whole["state"] == FrameState.PROCESSED, "seq"]
    assert set(processed) <= set(recording.seq)
    assert len(processed) > 0


@pytest.mark.parametrize("after_s", [0.1, 1.3, 2.2])
def test_a_killed_server_leaves_a_recording(clip, tmp_path, after_s):
    check(tmp_path / "trial", *record_until_killed(clip, tmp_path / "trial", after_s))


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_twenty_kills_at_random_moments(clip, tmp_path):
    moments = random.Random(4)
    for n in range(20):
        folder = tmp_path / f"trial{n}"
        check(folder, *record_until_killed(clip, folder, moments.uniform(0, 3)))
