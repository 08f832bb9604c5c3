"""Painting and judging on motions whose answer is known."""

import numpy as np
import pytest

from livedance_lab.analysis.paint_evaluation import (
    BODY_JOINTS,
    RECIPES,
    Painted,
    Recipe,
    ResultStream,
    judge,
    paint,
    simulate_stream,
)
from livedance_lab.errors import ShapeError

TIMES_S = np.arange(300) / 60


def swing(times_s):
    """Thirty-three landmarks on circles of 50 px, once per second."""
    phase = 2 * np.pi * np.asarray(times_s)[:, None] + np.arange(33)
    return np.stack((200 + 50 * np.cos(phase), 300 + 50 * np.sin(phase)), axis=-1)


def stream(every=2, age_s=0.034, noise_px=0.0):
    noise = np.random.default_rng(0).normal(0, noise_px, (300, 33, 2))
    return simulate_stream(TIMES_S, swing(TIMES_S) + noise, 100.0, every=every, age_s=age_s)


def test_a_simulated_stream_has_the_asked_pace_and_age():
    s = stream(every=4, age_s=0.085)
    assert s.rate_hz == pytest.approx(15)
    assert s.age_ms == pytest.approx(85, abs=2)
    assert (np.diff(s.arrival_s) >= 0).all()
    assert np.ptp(s.arrival_s - s.capture_s) < 0.017


def test_showing_the_newest_result_errs_by_the_way_moved_since():
    """50 px circles once a second move 314 px/s; a result is 34 ms old when it comes and gets 33 ms older."""
    quality = judge(paint(stream(), RECIPES["latest"]), TIMES_S, swing(TIMES_S), 100.0)
    ages_s = 0.034 + np.linspace(0, 1 / 30, 50)
    expected = np.sqrt(np.mean((2 * 50 * np.sin(np.pi * ages_s)) ** 2))
    assert quality.rms_px == pytest.approx(expected, rel=0.1)
    assert quality.rms_torso == pytest.approx(quality.rms_px / 100)
    assert quality.truth_roughness_px == pytest.approx(50 * (2 * np.sin(np.pi / 60)) ** 2, rel=0.01)


def test_a_constant_bias_per_landmark_does_not_count():
    offset = np.random.default_rng(1).normal(0, 20, (33, 2))
    painted = Painted(TIMES_S, swing(TIMES_S) + offset)
    quality = judge(painted, TIMES_S, swing(TIMES_S), 100.0)
    assert quality.rms_px < 1e-9
    assert quality.shown == (TIMES_S >= 0.7).sum()


def test_only_the_asked_joints_count():
    shown = swing(TIMES_S)
    shown[:, 0] += np.random.default_rng(0).normal(0, 99, shown[:, 0].shape)
    assert 0 not in BODY_JOINTS
    assert judge(Painted(TIMES_S, shown), TIMES_S, swing(TIMES_S), 100.0).rms_px < 1e-9
    assert judge(Painted(TIMES_S, shown), TIMES_S, swing(TIMES_S), 100.0, joints=(0,)).rms_px > 50


def test_the_originals_recipe_by_hand():
    """One landmark steps from 0 to 10 px: EMA leaves 7 there, reached over 1/24 s from arrival."""
    values = np.array([0.0, 10.0, 10.0])[:, None, None]
    s = ResultStream(np.array([0.0, 0.1, 0.2]), np.array([0.0, 0.15, 0.25]), values, 100.0)
    painted = paint(s, RECIPES["original"], paint_hz=1000.0, phase_s=0.0)
    at = {round(t, 3): v for t, v in zip(painted.times_s, painted.keypoints_px[:, 0, 0], strict=True)}
    assert at[0.149] == 0
    assert at[0.17] == pytest.approx(7 * 0.02 * 24)
    assert at[0.199] == pytest.approx(7)


@pytest.mark.parametrize(("every", "age_s"), [(1, 0.04), (2, 0.034)])
def test_our_default_beats_the_originals_recipe_on_any_steady_dance(every, age_s):
    """Error within 0.4 of the original's, with no more roughness, on a motion nothing was tuned on."""
    truth = swing(TIMES_S)
    original = judge(paint(stream(4, 0.085, 1.0), RECIPES["original"]), TIMES_S, truth, 100.0)
    ours = judge(paint(stream(every, age_s, 1.0), RECIPES["default"]), TIMES_S, truth, 100.0)
    best = judge(paint(stream(every, age_s, 1.0), RECIPES["best"]), TIMES_S, truth, 100.0)
    assert ours.rms_px <= 0.40 * original.rms_px
    assert ours.roughness_px <= original.roughness_px
    assert best.rms_px <= 0.33 * original.rms_px


def test_results_that_arrive_out_of_order_do_not_go_back_in_time():
    s = stream()
    late = ResultStream(s.capture_s, s.arrival_s.copy(), s.keypoints_px, 100.0)
    late.arrival_s[50] = s.arrival_s[52] + 0.001
    shown = paint(late, Recipe("latest", "")).keypoints_px
    np.testing.assert_array_equal(shown[110:], paint(s, Recipe("latest", "")).keypoints_px[110:])


def test_a_stream_whose_parts_do_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"3 results need 3 capture and arrival times, got \(2,\) and \(3,\)"):
        ResultStream(np.zeros(2), np.zeros(3), np.zeros((3, 33, 2)), 100.0)
