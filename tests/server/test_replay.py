"""A recording that is played into a server again gives the same values as before."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from livedance_lab import LiveSession, Recording
from livedance_lab.client.recording_source import ReplaySource
from livedance_lab.errors import RecordingError, ServerError
from livedance_lab.media.images import decode_rgb

CLIP = Path("data/samples/dancer.mp4").resolve()


@pytest.fixture(scope="module")
def recorded(model_server, record_root) -> Path:
    """Two real seconds, with images, faces hidden."""
    with LiveSession.open(model_server) as session:
        with pytest.raises(ServerError, match="recordings go below"):
            session.record(record_root.parent / "elsewhere")
        session.record(record_root / "trial", keep_video=True, blur_faces=True)
        session.stream(CLIP, seconds=2)
        state = session.stop_recording()
        session.end()
    assert state["error"] is None
    assert state["rows"]["results"] > 0
    return record_root / "trial"


@pytest.mark.parametrize("speed", [1.0, math.inf], ids=["as it was", "as fast as possible"])
def test_raw_landmarks_reproduce_the_smoothed_output_bit_for_bit(recorded, replay_server, speed):
    source = ReplaySource(recorded, landmarks=True)
    with LiveSession.open(replay_server, design="sequential") as session:
        session.replay(source, speed=speed, end=True)
        again = session.data()

    assert again.ledger.conserved
    if speed == math.inf:
        assert again.ledger.states["processed"] == source.n_frames
    if len(again.seq) == source.n_frames:  # on a busy machine, frames may be superseded at the original speed
        first = Recording.open(recorded)
        for name in ("keypoints_px", "keypoints_px_smooth", "world_m_smooth", "angles_smooth_deg"):
            np.testing.assert_array_equal(again.array(name), first.array(name))


def test_kept_pictures_are_a_camera_again(recorded, model_server):
    source = ReplaySource(recorded)
    assert not source.landmarks

    with LiveSession.open(model_server) as session:
        session.replay(source, end=True)
        again = session.data()

    assert again.ledger.conserved
    assert again.column("found").mean() > 0.9


def test_faces_are_hidden_in_kept_pictures(recorded):
    """Around the nose the image consists of uniform squares."""
    recording = Recording.open(recorded)
    nose = dict(zip(recording.seq.tolist(), recording.array("keypoints_px")[:, 0, :2], strict=True))
    seen = hidden = 0
    for stored in recording.images():
        if stored.seq in nose and np.isfinite(nose[stored.seq]).all():
            pixels = decode_rgb(stored.image).astype(float)
            x, y = (nose[stored.seq] * 384 / 480).astype(int)
            around = pixels[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3)
            seen += 1
            hidden += int(around.std(axis=0).max() < 12)
    assert seen > 0
    assert hidden > 0.5 * seen  # at the edge between two squares it is not uniform


def test_nothing_to_replay_is_said(tmp_path):
    with pytest.raises(RecordingError):
        ReplaySource(tmp_path)
