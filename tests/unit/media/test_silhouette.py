"""The area that a person covers."""

from __future__ import annotations

import numpy as np

from livedance_lab.media.silhouette import add_silhouette, painted
from tests.support.people import figure


def test_it_covers_the_body_and_little_else():
    body = figure(200, 300)
    mask = np.zeros((600, 400), np.uint8)
    add_silhouette(mask, body.keypoints_px, 400.0)
    x, y = body.keypoints_px[:, :2].round().astype(int).T
    assert (mask[y, x] == 255).all()
    assert mask[:, :100].max() == mask[:, 300:].max() == 0
    assert 0.05 < (mask > 0).mean() < 0.25


def test_who_is_painted_over_is_gone():
    rgb = np.full((600, 400, 3), (10, 200, 30), np.uint8)
    rgb[300:] = (200, 10, 30)
    mask = np.zeros(rgb.shape[:2], np.uint8)
    mask[100:200, 100:200] = 255
    copy = painted(rgb, mask)
    np.testing.assert_allclose(copy[150, 150], [104, 105, 30], atol=3)  # the mean of both halves
    np.testing.assert_array_equal(copy[mask == 0], rgb[mask == 0])


def test_landmarks_far_outside_and_unknown_ones_are_safe():
    mask = np.zeros((60, 40), np.uint8)
    body = figure(200, 300).keypoints_px
    add_silhouette(mask, body * 1e9, 1e12)
    mask[:] = 0
    body[3] = np.nan
    add_silhouette(mask, body, 400.0)
    assert not mask.any()
