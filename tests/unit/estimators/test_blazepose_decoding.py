"""The arithmetic around BlazePose's networks, on numbers whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from livedance_lab.estimators import blazepose_decoding as decoding
from livedance_lab.estimators.base import Region

HERE = decoding.letterbox(224, 224)  # the picture is the input


def outputs(*people: tuple[int, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Detector outputs with a box of 40 px at some anchors; each is (anchor, logit, shift in px)."""
    boxes, logits = np.zeros((2254, 12), np.float32), np.full(2254, -9.0, np.float32)
    for anchor, logit, shift in people:
        boxes[anchor, :8] = [shift, 0, 40, 40, shift, 30, shift, -60]
        logits[anchor] = logit
    return boxes, logits


def test_a_box_becomes_an_upright_region():
    (region,) = decoding.detections(*outputs((0, 2.0, 0.0)), 0.5, HERE)  # the first anchor's middle is (4, 4)
    assert (region.x_px, region.y_px) == pytest.approx((4, 34))
    assert region.side_px == pytest.approx(2 * 90 * 1.25)
    assert region.angle_rad == pytest.approx(0)
    assert region.score == pytest.approx(1 / (1 + math.exp(-2)))


def test_overlapping_boxes_become_one_by_weight_and_far_ones_stay():
    found = decoding.detections(*outputs((0, 0.0, 0.0), (0 + 1, math.log(3), 8.0), (2000, 3.0, 0.0)), 0.5, HERE)
    assert len(found) == 2
    assert found[0].score > found[1].score
    assert found[1].x_px == pytest.approx(4 + (0.5 * 0 + 0.75 * 8) / 1.25, abs=1e-3)


def test_scores_below_the_least_are_ignored():
    assert decoding.detections(*outputs((5, 0.4, 0.0)), 0.7, HERE) == []


def test_the_letterbox_holds_the_whole_picture_in_its_middle():
    to_picture = decoding.letterbox(448, 224)
    assert to_picture @ (0, 56, 1) == pytest.approx((0, 0))
    assert to_picture @ (224, 168, 1) == pytest.approx((448, 224))


@pytest.mark.parametrize(
    ("circle", "angle"), [((0, -10), 0), ((10, 0), math.pi / 2), ((-10, 0), -math.pi / 2), ((7, 7), 3 * math.pi / 4)]
)
def test_a_region_is_turned_clockwise_from_upright(circle, angle):
    assert decoding.body_region(np.zeros(2), np.array(circle, float)).angle_rad == pytest.approx(angle)


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.5])
def test_landmarks_go_back_where_the_crop_came_from(angle):
    region = Region(100.0, 80.0, 128.0, angle)
    fractions = np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.1]])
    px = decoding.to_picture(fractions, region)
    through_the_map = (decoding.to_source(region) @ np.c_[fractions[:, :2] * 256, [1, 1]].T).T
    np.testing.assert_allclose(px[:, :2], through_the_map, atol=1e-4)
    assert px[:, 2] == pytest.approx([0, 12.8])


def test_a_landmark_moves_to_the_middle_of_its_heat():
    heat = np.full((64, 64, 2), -20.0)
    heat[32, 30:33, 0] = 5.0
    xy = decoding.refined(np.array([[0.5, 0.5], [0.5, 0.5]]), heat)
    np.testing.assert_allclose(xy, [[31 / 64, 0.5], [0.5, 0.5]], atol=1e-6)


def test_landmarks_at_the_edge_and_outside_are_safe():
    heat = np.full((64, 64, 3), -20.0)
    heat[0, 0, 0] = heat[63, 63, 1] = heat[:, :, 2] = 5.0
    xy = decoding.refined(np.array([[0.02, 0.0], [0.99, 0.99], [1.2, 0.5]]), heat)
    np.testing.assert_allclose(xy, [[0, 0], [63 / 64, 63 / 64], [1.2, 0.5]], atol=1e-6)
