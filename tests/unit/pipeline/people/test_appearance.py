"""Colours of clothes."""

from __future__ import annotations

import numpy as np
import pytest

from livedance_lab.pipeline.people.appearance import blended, describe, similarity
from tests.support.people import figure

SEEN = np.ones(33)


def dressed(top: tuple[int, int, int], legs: tuple[int, int, int], light: float = 1.0) -> np.ndarray:
    """A picture whose upper half has one colour and whose lower half has another."""
    picture = np.zeros((500, 400, 3), np.uint8)
    picture[:300], picture[300:] = np.array(top) * light, np.array(legs) * light
    return picture


BODY = figure(200, 300).keypoints_px


def test_equal_clothes_are_alike_and_different_ones_are_not():
    red = describe(dressed((200, 30, 30), (20, 20, 90)), BODY, SEEN)
    blue = describe(dressed((30, 30, 200), (200, 200, 200)), BODY, SEEN)
    assert similarity(red, red) == pytest.approx(1, abs=1e-3)
    assert similarity(red, blue) < 0.2


def test_a_little_less_light_changes_little():
    bright = describe(dressed((200, 30, 30), (20, 20, 90)), BODY, SEEN)
    dark = describe(dressed((200, 30, 30), (20, 20, 90), 0.9), BODY, SEEN)
    other = describe(dressed((30, 150, 30), (20, 20, 90)), BODY, SEEN)
    assert similarity(bright, dark) > 0.8 > 0.7 > similarity(bright, other)


def test_a_part_that_is_not_seen_is_left_out():
    hidden = SEEN.copy()
    hidden[25:] = 0.1  # knees and below
    picture = dressed((200, 30, 30), (20, 20, 90))
    upper, whole = describe(picture, BODY, hidden), describe(picture, BODY, SEEN)
    assert np.isnan(upper.parts[1:3]).all()
    assert similarity(upper, whole) == pytest.approx(1, abs=1e-3)
    np.testing.assert_array_equal(blended(upper, whole, 0.5).parts[1], whole.parts[1])


def test_nothing_in_common_that_is_seen_is_unknown():
    nowhere = describe(dressed((1, 1, 1), (1, 1, 1)), BODY + 5000, SEEN)
    assert np.isnan(similarity(nowhere, nowhere))
