"""Several people in real pictures: followed, and beside MediaPipe's own option."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from livedance_lab.errors import LiveDanceError
from livedance_lab.estimators.blazepose import BlazePose
from livedance_lab.evaluation.people import COLUMNS, METHODS, evaluate_people
from livedance_lab.media.images import downscale
from livedance_lab.media.video import VideoSource
from livedance_lab.pipeline.people.follower import PeopleFollower
from livedance_lab.pipeline.people.tracker import PeopleTracker
from livedance_lab.samples import GROUPS, sample_path

pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")


def test_two_dancers_side_by_side_are_followed():
    clips = []
    for name in ("dancer.mp4", "dancer2.mp4"):
        with VideoSource(sample_path(name)) as video:
            clips.append([downscale(frame.rgb, 384)[:384] for frame in islice(video, 0, 60, 4)])
    follower, width = PeopleFollower(BlazePose(), PeopleTracker(2)), clips[0][0].shape[1]
    events = []
    for n, pair in enumerate(zip(*clips, strict=True)):
        people, new = follower(np.concatenate(pair, axis=1), n / 15)
        events += [event.name for event in new]
        if n >= 1:
            left = {p.id: bool(p.person.keypoints_px[[11, 12, 23, 24], 0].mean() < width) for p in people}
            assert left in ({1: True, 2: False}, {1: False, 2: True})
    assert events == ["person appeared"] * 2


@pytest.mark.parametrize("name", GROUPS)
def test_people_who_cross_keep_their_ids(name):
    try:
        clip = sample_path(name)
    except LiveDanceError as exc:
        pytest.skip(str(exc))
    followed, by_index = evaluate_people(clip, every=(2,), seconds=3.5)
    assert [row["method"] for row in (followed, by_index)] == list(METHODS.values())
    assert set(COLUMNS) <= followed.keys()
    assert followed["switches"] == 0
    assert followed["found"] > 0.93
    assert followed["found"] >= by_index["found"]
    assert followed["false"] < 0.03
    assert followed["hota"] > by_index["hota"]
