"""How many pose lanes a session needs, by its jobs' times and its camera's rate, stepped by hand."""

from __future__ import annotations

import itertools

import pytest

from livedance_lab.pipeline.session_load import SessionLoad
from tests.support.pipeline import a_received_frame


def follow(
    load: SessionLoad, *, fps: float, pose_s: float, seconds: float, every: int = 1, t_s: float = 0.0
) -> list[int]:
    """Frames at `fps`, of which every so many is processed for `pose_s`; the lanes in use after each."""
    lanes = []
    first = round(t_s * 1000)
    for n in range(0, round(seconds * fps), every):
        now_s = t_s + n / fps
        load.observe_start(a_received_frame(first + n, now_s), now_s)
        load.observe_duration("pose", pose_s)
        lanes.append(load.pose_lanes)
    return lanes


@pytest.mark.parametrize(
    ("fps", "pose_s", "lanes"),
    [(30, 0.013, 1), (30, 0.02, 1), (60, 0.011, 1), (60, 0.016, 2), (60, 0.022, 2), (60, 0.04, 3), (60, 0.2, 3)],
)
def test_as_many_lanes_as_the_camera_needs_and_no_more(fps, pose_s, lanes):
    load = SessionLoad(max_pose_lanes=3)

    assert follow(load, fps=fps, pose_s=pose_s, seconds=12)[-1] == lanes


@pytest.mark.parametrize("every", [1, 2, 5])
def test_frames_that_no_lane_processed_count_for_the_interval(every):
    load = SessionLoad(max_pose_lanes=3)
    follow(load, fps=60, pose_s=0.018, seconds=10, every=every)

    assert load.interval_s == pytest.approx(1 / 60)
    assert load.pose_lanes == 2


def test_a_load_between_the_limits_changes_nothing():
    """0.7 to 0.85 of one lane: enough for one, too little to give up the second."""
    for before_s, lanes in ((0.01, 1), (0.03, 2)):
        load = SessionLoad(max_pose_lanes=2)
        follow(load, fps=60, pose_s=before_s, seconds=10)
        assert load.pose_lanes == lanes

        assert set(follow(load, fps=60, pose_s=0.013, seconds=10, t_s=10)) == {lanes}


def test_changes_keep_their_distance():
    load = SessionLoad(max_pose_lanes=2)
    lanes = []
    for n in range(20):  # half a second each, by turns
        lanes += follow(load, fps=60, pose_s=(0.005, 0.05)[n % 2], seconds=0.5, t_s=n / 2)
    changes = [n for n in range(1, len(lanes)) if lanes[n] != lanes[n - 1]]

    assert changes
    assert min(b - a for a, b in itertools.pairwise(changes)) >= 2 * 60 - 1


def test_frames_of_one_moment_do_no_harm():
    load = SessionLoad(max_pose_lanes=2)
    for seq in range(100):
        load.observe_start(a_received_frame(seq, 5.0), 5.0)
    load.observe_start(a_received_frame(3, 1.0), 6.0)  # a producer that begins again

    assert load.interval_s >= 0
    assert load.pose_lanes == 2
