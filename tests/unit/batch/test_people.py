"""Videos of several people: everybody is followed, logged and drawn."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from livedance_lab.batch import plan_jobs, run_jobs
from livedance_lab.cli.analyze import _settings
from livedance_lab.media.drawing import VideoFile
from livedance_lab.media.video import VideoSource
from livedance_lab.samples import sample_path
from livedance_lab.session_data.recording.reader import Recording

pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")

FRAMES = 30


@pytest.fixture
def duet(tmp_path) -> Path:
    """The first second of two dancers."""
    path = tmp_path / "duet.mp4"
    with VideoSource(sample_path("duet")) as video, VideoFile(path, video.size_px, 30.0) as copy:
        for frame in islice(video, FRAMES):
            copy.add(frame.rgb)
    return path


def test_two_people_of_a_video_are_followed(duet, tmp_path):
    """With the settings of the command `livedance analyze --set max_people=2`."""
    settings = _settings({"hands": True}, ["max_people=2"])
    jobs = plan_jobs([duet], tmp_path / "out", settings, annotate=True, estimator="blazepose")
    (outcome,) = run_jobs(jobs, workers=1)

    assert not outcome.error
    assert (outcome.frames_in, outcome.frames_out) == (FRAMES, FRAMES)
    recording = Recording.open(tmp_path / "out" / "duet" / "recording")
    assert recording.people == (1, 2)
    assert (recording.column("found")).sum() > 1.8 * FRAMES
    assert recording.events.loc[recording.events["kind"] == "people", "name"].tolist() == ["person appeared"] * 2
    with VideoSource(tmp_path / "out" / "duet" / "duet.mp4") as copy:
        assert sum(1 for _ in copy) == FRAMES


def test_one_person_is_analysed_as_before():
    assert _settings({}, []).design == "join"
