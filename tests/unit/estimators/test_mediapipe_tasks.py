"""MediaPipe on real input: the sample clip with its ground truth, and real people where they are at hand."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from livedance_lab.analysis.smoothing_metrics import lag_ms
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators import Estimate, factory, mediapipe_tasks
from livedance_lab.estimators.mediapipe_tasks import LiveStreamEstimator, TasksEstimator
from livedance_lab.media import images
from livedance_lab.media.video import VideoSource
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33

CLIP_SIZE = np.array([480, 640])


@pytest.fixture(scope="module")
def clip() -> list[np.ndarray]:
    """The first 2 seconds, every fourth frame."""
    samples = Path(__file__).resolve().parents[3] / "data" / "samples"
    with VideoSource(samples / "dancer.mp4") as source:
        return [frame.rgb for frame in islice(source, 0, 120, 4)]


@pytest.fixture(scope="module")
def truth() -> dict[str, np.ndarray]:
    """Pixels of each joint in the same frames, by name: arrays of shape (frames, 2)."""
    samples = Path(__file__).resolve().parents[3] / "data" / "samples"
    table = pd.read_parquet(samples / "dancer_truth.parquet")
    table = table[table["frame"].isin(range(0, 120, 4))].sort_values("frame")
    return {name: rows[["u_px", "v_px"]].to_numpy() for name, rows in table.groupby("joint", observed=True)}


def estimates(kind: str, pictures: list[np.ndarray], settings: Settings | None = None) -> list[Estimate]:
    estimator = factory("mediapipe")(kind, settings or Settings())
    try:
        return [estimator.estimate(rgb, 66 * i) for i, rgb in enumerate(pictures)]
    finally:
        estimator.close()


@pytest.fixture(scope="module")
def poses(clip: list[np.ndarray]) -> list[Estimate]:
    return estimates("pose", clip)


@pytest.fixture(scope="module")
def hands(clip: list[np.ndarray]) -> list[Estimate]:
    return estimates("hands", clip)


def test_poses_lie_where_the_dancer_is(poses, truth):
    """6.9 px from shoulders to feet over the whole clip; the clip's first seconds are among its easiest."""
    for estimate in poses:
        assert estimate.pose_xyz is not None
    found = np.array([e.pose_xyz[11:, :2] for e in poses]) * CLIP_SIZE
    known = np.stack([truth[name] for name in BLAZEPOSE_33.landmarks[11:]], axis=1)
    assert np.linalg.norm(found - known, axis=-1).mean() < 9


def test_a_pose_has_the_shapes_and_ranges_it_promises(poses):
    for e in poses:
        assert e.normalised
        assert (e.pose_xyz.shape, e.pose_xyz.dtype) == ((33, 3), np.float32)
        assert (e.pose_world_m.shape, e.pose_world_m.dtype) == ((33, 3), np.float32)
        assert (e.visibility.shape, e.presence.shape) == ((33,), (33,))
        assert 0.5 < e.visibility[11:13].min() <= e.visibility.max() <= 1
        assert np.ptp(e.pose_world_m[:, 1]) == pytest.approx(1.6, abs=0.4)  # nose to feet, metres
        assert np.abs(e.pose_world_m[[23, 24]].mean(0)).max() < 0.05  # the origin lies between the hips
        assert e.hands == ()


def side_counts(estimates: list[Estimate], left: np.ndarray, right: np.ndarray, size: np.ndarray) -> tuple[int, int]:
    """How many hands are called by the side of the wrist they lie at, and how many by the other."""
    right_so = wrong = 0
    for i, estimate in enumerate(estimates):
        for hand in estimate.hands:
            at = hand.xyz[0, :2] * size
            far = {"left": np.linalg.norm(at - left[i]), "right": np.linalg.norm(at - right[i])}
            nearest = min(far, key=far.__getitem__)
            right_so, wrong = right_so + (hand.side == nearest), wrong + (hand.side != nearest)
    return right_so, wrong


def test_a_hand_is_called_by_the_persons_own_side(hands, truth):
    same, other = side_counts(hands, truth["left_wrist"], truth["right_wrist"], CLIP_SIZE)
    assert same >= 30
    assert other <= 0.2 * same


def test_in_a_mirrored_picture_the_sides_are_exchanged(clip, truth):
    """The model judges by the hand's shape, and the test above could have failed."""
    mirrored = estimates("hands", [rgb[:, ::-1] for rgb in clip])
    flip = np.array([CLIP_SIZE[0], 0]), np.array([-1, 1])
    left, right = (flip[0] + flip[1] * truth[f"{side}_wrist"] for side in ("left", "right"))
    same, other = side_counts(mirrored, left, right, CLIP_SIZE)
    assert other > 3 * same


@pytest.mark.parametrize("name", ["hand_call.jpg", "hand_four.jpg", "hand_rock.jpg"])
def test_real_hands_are_called_by_the_persons_own_side(media, name):
    rgb = images.decode_rgb((media / name).read_bytes())
    size = np.array([rgb.shape[1], rgb.shape[0]])
    (both,) = estimates("both", [rgb])
    wrists = both.pose_xyz[[15, 16], :2] * size
    same, other = side_counts([both], wrists[:1], wrists[1:], size)
    assert same >= 1
    assert other == 0


def test_hands_have_the_shapes_they_promise(hands):
    found = [hand for e in hands for hand in e.hands]
    assert found
    for hand in found:
        assert hand.side in ("left", "right")
        assert 0.3 < hand.score <= 1
        assert (hand.xyz.shape, hand.xyz.dtype) == ((21, 3), np.float32)
        assert (hand.world_m.shape, hand.world_m.dtype) == ((21, 3), np.float32)
        assert np.ptp(hand.world_m, axis=0).max() < 0.3
    assert all(e.pose_xyz is None for e in hands)


def test_nobody_is_no_pose():
    (empty,) = estimates("both", [np.full((200, 300, 3), 90, np.uint8)])
    assert empty == Estimate()


def test_settings_reach_the_model(clip):
    one = estimates("hands", clip[:8], Settings(num_hands=1))
    assert {len(e.hands) for e in one} <= {0, 1}
    none = estimates("hands", clip[:8], Settings(hand_confidence=1.0))
    assert not any(e.hands for e in none)
    nobody = estimates("pose", clip[:3], Settings(detection_confidence=1.0))
    assert all(e.pose_xyz is None for e in nobody)


def test_live_stream_mode_gives_the_same(clip, poses, hands):
    both = estimates("both", clip[:10], Settings(design="live_stream"))
    for i, e in enumerate(both):
        np.testing.assert_array_equal(e.pose_xyz, poses[i].pose_xyz)
        np.testing.assert_array_equal(e.pose_world_m, poses[i].pose_world_m)
        assert [h.side for h in e.hands] == [h.side for h in hands[i].hands]
        for a, b in zip(e.hands, hands[i].hands, strict=True):
            np.testing.assert_array_equal(a.xyz, b.xyz)


def test_an_array_of_any_layout_is_read_right(clip):
    padded = np.zeros((640, 500, 3), np.uint8)
    padded[:, :480] = clip[0]
    view, plain = estimates("pose", [padded[:, :480]])[0], estimates("pose", [clip[0]])[0]
    np.testing.assert_array_equal(view.pose_xyz, plain.pose_xyz)


@pytest.mark.parametrize("kind", [TasksEstimator, LiveStreamEstimator])
def test_a_failed_call_is_told_and_the_next_one_works(clip, kind):
    estimator = kind("pose", Settings())
    try:
        assert estimator.estimate(clip[0], 100).pose_xyz is not None
        with pytest.raises(EstimatorError, match="at 100 ms") as caught:
            estimator.estimate(clip[1], 100)
        assert caught.value.__cause__ is not None
        assert estimator.estimate(clip[1], 101).pose_xyz is not None
    finally:
        estimator.close()


def test_an_answer_that_was_given_up_on_is_not_taken_for_the_next(clip, monkeypatch):
    estimator = LiveStreamEstimator("pose", Settings())
    try:
        with monkeypatch.context() as hurry:
            hurry.setattr(LiveStreamEstimator, "_RESULT_TIMEOUT_S", 0.0)
            with pytest.raises(EstimatorError, match="no result within 0 s"):
                estimator.estimate(clip[0], 0)
        assert estimator.estimate(np.zeros_like(clip[0]), 33).pose_xyz is None
    finally:
        estimator.close()


@pytest.mark.parametrize(
    "picture", [np.zeros((10, 10), np.uint8), np.zeros((10, 10, 4), np.uint8), np.zeros((10, 10, 3), np.float32)]
)
def test_what_is_no_picture_is_refused(picture):
    estimator = TasksEstimator("pose", Settings())
    with pytest.raises(EstimatorError, match=r"uint8 of shape \(H, W, 3\), got"):
        estimator.estimate(picture, 0)
    estimator.close()


def test_after_closing_it_says_so_and_closing_again_is_harmless(clip):
    estimator = TasksEstimator("pose", Settings())
    estimator.close()
    estimator.close()
    with pytest.raises(EstimatorError, match="closed"):
        estimator.estimate(clip[0], 0)


def test_an_unknown_kind_names_those_there_are():
    with pytest.raises(EstimatorError, match="pose, hands, both; got 'face'"):
        TasksEstimator("face", Settings())


@pytest.mark.process
def test_leaving_without_closing_is_silent():
    """MediaPipe's own destructor would print a traceback, and its C code its log lines."""
    code = (
        "from livedance_lab.system.native_stderr import silence_native_stderr; silence_native_stderr()\n"
        "from livedance_lab.estimators import factory\n"
        "from livedance_lab.settings import Settings\n"
        "kept = factory('mediapipe')('both', Settings())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_landmarkers_own_smoothing_adds_little_lag(monkeypatch):
    """Left alone it takes 11 ms off every motion's pace, before any filter of ours."""
    samples = Path(__file__).resolve().parents[3] / "data" / "samples"
    with VideoSource(samples / "dancer.mp4") as source:
        fast = [frame.rgb for frame in islice(source, 750, 810)]
    table = pd.read_parquet(samples / "dancer_truth.parquet")
    wrist = table[(table["joint"] == "left_wrist") & table["frame"].between(750, 809)].sort_values("frame")
    t_s = np.arange(len(fast)) / 60

    def late_ms() -> float:
        estimator = factory("mediapipe")("pose", Settings())
        try:
            seen = [estimator.estimate(rgb, round(1000 * t)) for t, rgb in zip(t_s, fast, strict=True)]
        finally:
            estimator.close()
        found = np.array([e.pose_xyz[15, :2] for e in seen]) * CLIP_SIZE
        return lag_ms(found, wrist[["u_px", "v_px"]].to_numpy(), t_s)

    ours = late_ms()
    monkeypatch.setattr(mediapipe_tasks, "_TIME_STRETCH", 1)
    assert ours < late_ms() - 4
