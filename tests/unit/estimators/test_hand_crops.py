"""Hand crops: coordinates to the mosaic and back; and with the real model, more hands."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pandas as pd
import pytest

from livedance_lab.estimators import Estimate, HandEstimate, factory
from livedance_lab.estimators.hand_crops import (
    TILE_PX,
    Crop,
    CropEstimator,
    estimate_with_crops,
    mosaic,
    to_frame_coordinates,
)
from livedance_lab.estimators.replay import ReplayEstimator, encode_estimate
from livedance_lab.media.images import decode_rgb
from livedance_lab.media.video import VideoSource
from livedance_lab.pipeline.hand_tracking import WristTracker
from livedance_lab.pose import Body
from livedance_lab.samples import sample_path
from livedance_lab.settings import Settings

LEFT, RIGHT = Crop(0.5, 0.25, 0.25, 0.5), Crop(0.125, 0.5, 0.25, 0.5)
WORLD = np.full((21, 3), 0.05, np.float32)


def a_hand(x: float, y: float, z: float = 0.0, score: float = 0.9) -> HandEstimate:
    """A hand of one point, in a mosaic."""
    return HandEstimate("left", score, np.tile(np.array([x, y, z], np.float32), (21, 1)), WORLD)


def test_crops_lie_side_by_side_and_show_what_is_there():
    rgb = np.zeros((200, 400, 3), np.uint8)
    rgb[50:150, 200:300] = (255, 0, 0)  # what LEFT cuts out
    rgb[100:200, 50:150] = (0, 255, 0)  # and RIGHT
    got = mosaic(rgb, (LEFT, RIGHT))

    assert got.shape == (TILE_PX, 2 * TILE_PX, 3)
    inner = slice(4, -4)
    assert (got[inner, 4 : TILE_PX - 4] == (255, 0, 0)).all()
    assert (got[inner, TILE_PX + 4 : -4] == (0, 255, 0)).all()


def test_beyond_the_edge_it_is_black():
    got = mosaic(np.full((100, 100, 3), 200, np.uint8), (Crop(-0.5, 0.0, 1.0, 1.0),))
    assert (got[:, : TILE_PX // 2 - 2] == 0).all()
    assert (got[4:-4, TILE_PX // 2 + 2 : -4] == 200).all()


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ((0.0, 0.0), (0.5, 0.25)),  # LEFT's corner
        ((0.25, 0.5), (0.625, 0.5)),  # its middle
        ((0.75, 0.5), (0.25, 0.75)),  # RIGHT's middle
        ((0.5, 1.0), (0.125, 1.0)),  # its lower corner
    ],
)
def test_a_point_of_the_mosaic_goes_back_to_its_place(at, expected):
    (hand,) = to_frame_coordinates(Estimate(hands=(a_hand(*at),)), (LEFT, RIGHT)).hands
    np.testing.assert_allclose(hand.xyz[0, :2], expected, atol=1e-7)


def test_z_follows_the_enlargement_and_metres_stay():
    """0.1 mosaic widths are 0.2 tiles, and a tile is a quarter of the picture."""
    (hand,) = to_frame_coordinates(Estimate(hands=(a_hand(0.25, 0.5, 0.1),)), (LEFT, RIGHT)).hands
    np.testing.assert_allclose(hand.xyz[:, 2], 0.2 * 0.25, rtol=1e-6)
    np.testing.assert_array_equal(hand.world_m, WORLD)


def test_what_is_drawn_at_a_point_is_found_there():
    """There and back through the pixels: a bright spot, its place in the mosaic, its place in the picture."""
    rgb = np.zeros((480, 640, 3), np.uint8)
    rgb[199:202, 379:382] = 255  # middle of pixel (380, 200): 380.5, 200.5
    bright = np.argwhere(mosaic(rgb, (LEFT, RIGHT))[:, :, 0] > 200).mean(axis=0) + 0.5
    spot = a_hand(bright[1] / (2 * TILE_PX), bright[0] / TILE_PX)
    (hand,) = to_frame_coordinates(Estimate(hands=(spot,)), (LEFT, RIGHT)).hands

    np.testing.assert_allclose(hand.xyz[0, :2] * (640, 480), (380.5, 200.5), atol=0.3)


def test_a_hand_seen_in_both_crops_is_one_hand():
    near = Crop(0.55, 0.25, 0.25, 0.5)
    in_left, in_near = a_hand(0.25, 0.5, score=0.6), a_hand(0.5 + 0.15, 0.5, score=0.8)  # both at (0.625, 0.5)
    (hand,) = to_frame_coordinates(Estimate(hands=(in_left, in_near)), (LEFT, near)).hands
    assert hand.score == 0.8
    assert len(to_frame_coordinates(Estimate(hands=(in_left, a_hand(0.95, 0.5))), (LEFT, near)).hands) == 2


class Cropping:
    """An estimator that supports crops; notes what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Crop, ...] | None] = []

    def estimate(self, image_rgb, t_ms):
        self.calls.append(None)
        return Estimate()

    def estimate_crops(self, image_rgb, t_ms, crops):
        self.calls.append(crops)
        return Estimate()

    def close(self):
        """Nothing to free."""


def test_crops_are_used_where_there_are_any():
    estimator = Cropping()
    for crops in ((LEFT, RIGHT), ()):
        estimate_with_crops(estimator, np.zeros((9, 9, 3), np.uint8), 0, lambda crops=crops: crops)

    assert estimator.calls == [(LEFT, RIGHT), None]


def test_recorded_landmarks_are_read_from_the_whole_image():
    """An estimator without crops is not even asked where the hands are."""
    estimator = ReplayEstimator("hands")
    assert not isinstance(estimator, CropEstimator)
    rgb = decode_rgb(encode_estimate(Estimate()))

    assert estimate_with_crops(estimator, rgb, 0, lambda: 1 / 0) == Estimate()


@pytest.mark.model
def test_around_the_wrists_more_hands_are_found_where_they_truly_are():
    """The dancer of the second clip, whose hands are small; over the whole of both clips see the README."""
    with VideoSource(sample_path("dancer2.mp4")) as source:
        pictures = [frame.rgb for frame in islice(source, 0, 72, 3)]
    size_px = (pictures[0].shape[1], pictures[0].shape[0])
    table = pd.read_parquet(sample_path("dancer2_truth.parquet"))
    truth = {side: table[table["joint"] == f"{side}_wrist"].set_index("frame")[["u_px", "v_px"]].to_numpy()
             for side in ("left", "right")}  # fmt: skip
    pose, whole, cropped = (factory("mediapipe")(kind, Settings()) for kind in ("pose", "hands", "hands"))
    tracker, found = WristTracker(), {"whole": 0, "cropped": 0}
    for n, rgb in enumerate(pictures):
        t_ms, crops = 50 * n, tracker.crops(n / 20, size_px)
        seen = {"whole": whole.estimate(rgb, t_ms).hands,
                "cropped": cropped.estimate_crops(rgb, t_ms, crops).hands if crops else ()}  # fmt: skip
        for name, hands in seen.items():
            for side in truth:
                far = [np.hypot(*(hand.xyz[0, :2] * size_px - truth[side][3 * n])) for hand in hands]
                found[name] += min(far, default=np.inf) < 25
        person = pose.estimate(rgb, t_ms)
        body = Body(keypoints_px=(person.pose_xyz * (*size_px, size_px[0])).astype(np.float32),
                    visibility=person.visibility)  # fmt: skip
        tracker.update(n / 20, body)
    for estimator in (pose, whole, cropped):
        estimator.close()

    assert found["cropped"] > 1.3 * found["whole"] > 0
