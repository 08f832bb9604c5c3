"""BlazePose's networks run directly, against MediaPipe's own graph, on both clips and on turned pictures."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from livedance_lab.errors import EstimatorError, ModelError
from livedance_lab.estimators import blazepose as module
from livedance_lab.estimators import factory
from livedance_lab.estimators.base import Region
from livedance_lab.estimators.blazepose import BlazePose, BlazePoseEstimator
from livedance_lab.estimators.litert import Network
from livedance_lab.estimators.model_store.store import network
from livedance_lab.media.images import downscale
from livedance_lab.media.video import VideoSource
from livedance_lab.samples import sample_path
from livedance_lab.settings import Settings

pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")


def pictures(clip: str, n: int, every: int = 20) -> list[np.ndarray]:
    with VideoSource(sample_path(clip)) as video:
        return [downscale(frame.rgb, 384) for frame in islice(video, 0, n * every, every)]


@pytest.fixture(scope="module")
def blazepose() -> BlazePose:
    return BlazePose()


def by_mediapipe(picture: np.ndarray):
    """What the Tasks API finds in a picture when it has no earlier one to smooth with or to follow."""
    estimator = factory("mediapipe")("pose", Settings())
    try:
        return estimator.estimate(picture, 0)
    finally:
        estimator.close()


@pytest.mark.parametrize("clip", ["dancer.mp4", "dancer2.mp4"])
def test_landmarks_equal_those_of_the_tasks_api(blazepose, clip):
    """The rest, up to 0.2 px, is OpenCV's: MediaPipe's copy samples pictures at steps of 1/32 px, ours exactly."""
    for picture in pictures(clip, 6):
        size = np.array([picture.shape[1], picture.shape[0]])
        theirs, ours = by_mediapipe(picture), BlazePoseEstimator(blazepose).estimate(picture, 0)
        assert np.linalg.norm((theirs.pose_xyz - ours.pose_xyz)[:, :2] * size, axis=1).mean() < 0.2
        assert np.abs(theirs.pose_xyz - ours.pose_xyz)[:, 2].mean() * size[0] < 3  # z of this network is rough
        assert np.linalg.norm(theirs.pose_world_m - ours.pose_world_m, axis=1).mean() < 0.005
        np.testing.assert_allclose(theirs.visibility, ours.visibility, atol=0.02)
        np.testing.assert_allclose(theirs.presence, ours.presence, atol=0.02)


def test_a_region_follows_the_person(blazepose):
    clip = pictures("dancer.mp4", 12, every=6)
    region = blazepose.detect(clip[0])[0]
    for picture in clip:
        person = blazepose.landmarks(picture, region)
        assert person is not None
        hips = person.keypoints_px[[23, 24], :2].mean(axis=0)
        region = person.next_region
        assert np.hypot(*(hips - (region.x_px, region.y_px))) < 0.1 * region.side_px
        low, high = person.keypoints_px[:, :2].min(axis=0), person.keypoints_px[:, :2].max(axis=0)
        assert max(high - low) < region.side_px < 2 * max(high - low)


def test_turning_the_picture_turns_the_landmarks(blazepose):
    (picture,) = pictures("dancer.mp4", 1)
    height = picture.shape[0]
    upright = BlazePoseEstimator(blazepose).estimate(picture, 0)
    lying = BlazePoseEstimator(blazepose).estimate(np.ascontiguousarray(np.rot90(picture)), 0)  # counter-clockwise
    size = np.array([picture.shape[1], height])
    x, y = (lying.pose_xyz[:, :2] * size[::-1]).T
    back = np.stack([picture.shape[1] - y, x], axis=1)
    assert np.linalg.norm(back - upright.pose_xyz[:, :2] * size, axis=1).mean() < 0.015 * height
    turned_back = lying.pose_world_m[:, [1, 0, 2]] * (-1, 1, 1)
    assert np.linalg.norm(turned_back - upright.pose_world_m, axis=1).mean() < 0.05


def test_both_of_two_people_are_detected_and_measured(blazepose):
    left, right = (pictures(clip, 1)[0] for clip in ("dancer.mp4", "dancer2.mp4"))
    height = min(left.shape[0], right.shape[0])
    both = np.concatenate([left[:height], right[:height]], axis=1)
    regions = blazepose.detect(both)
    assert sorted(region.x_px < left.shape[1] for region in regions[:2]) == [False, True]
    assert all(0.5 <= region.score <= 1 for region in regions)
    assert all(blazepose.landmarks(both, region) is not None for region in regions[:2])


def test_nobody_is_found_where_nobody_is(blazepose):
    grey = np.full((384, 512, 3), 128, np.uint8)
    assert blazepose.detect(grey) == []
    assert BlazePoseEstimator(blazepose).estimate(grey, 0).pose_xyz is None
    assert blazepose.landmarks(grey, Region(200.0, 200.0, 300.0, 0.0)) is None


def test_a_lost_person_is_searched_in_the_whole_picture(blazepose):
    estimator = BlazePoseEstimator(blazepose)
    (picture,) = pictures("dancer.mp4", 1)
    first = estimator.estimate(picture, 0)
    assert estimator.estimate(np.zeros_like(picture), 1).pose_xyz is None
    np.testing.assert_array_equal(estimator.estimate(picture, 2).pose_xyz, first.pose_xyz)


@pytest.mark.parametrize("side", [0.0, -1.0, float("nan"), 1e-9])
def test_a_region_without_extent_holds_nobody(blazepose, side):
    assert blazepose.landmarks(np.zeros((64, 64, 3), np.uint8), Region(3.0, 3.0, side, 0.0)) is None


@pytest.mark.parametrize("picture", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32)])
def test_what_is_no_picture_is_refused_in_words(blazepose, picture):
    with pytest.raises(EstimatorError, match="uint8 of shape"):
        BlazePoseEstimator(blazepose).estimate(picture, 0)


def test_hands_come_from_mediapipe_and_live_stream_is_refused():
    hands = factory("blazepose")("hands", Settings())
    hands.close()
    assert type(hands).__name__ == "TasksEstimator"
    with pytest.raises(EstimatorError, match="live_stream is a mode of MediaPipe"):
        factory("blazepose")("pose", Settings(design="live_stream"))


def test_a_network_that_is_none_is_refused_in_words():
    with pytest.raises(EstimatorError, match="LiteRT cannot use this network"):
        Network(b"TFL3 this is no network")
    detector = Network(network("pose", 1, "pose_detector.tflite"))
    with pytest.raises(EstimatorError, match="shape"):
        detector(np.zeros((1, 8, 8, 3), np.float32))
    with pytest.raises(ModelError, match="it has pose_detector"):
        network("pose", 1, "face.tflite")


def test_all_lanes_of_a_process_share_one_detector():
    one, two = BlazePose(), BlazePose()
    assert one._detector is two._detector
    assert one._landmarks is not two._landmarks


def test_another_network_is_not_taken_for_blazepose(monkeypatch):
    hands = network("hands", 1, "hand_landmarks_detector.tflite")
    monkeypatch.setattr(module, "network", lambda *_: hands)
    monkeypatch.setattr(module, "_DETECTORS", {})
    with pytest.raises(EstimatorError, match="a BlazePose network has an output"):
        BlazePose()
