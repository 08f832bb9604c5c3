import math

import numpy as np
import pytest

from livedance_lab.analysis.filters import make_filter
from livedance_lab.analysis.smoothing_metrics import (
    jitter,
    lag_ms,
    over_windows,
    rms_error,
    rom_deg,
    rom_loss,
    roughness,
)
from livedance_lab.errors import ShapeError

T_S = np.arange(600) / 60


def test_jitter_is_the_noise_and_not_the_drift():
    noise = np.random.default_rng(0).normal(0, [1.0, 3.0], (20_000, 2))
    t = np.arange(20_000) / 60
    x = np.stack((noise, 2 * noise), axis=2) + 5 * t[:, None, None]
    np.testing.assert_allclose(jitter(x, t), np.sqrt(5) * np.array([1, 3]), rtol=0.02)
    np.testing.assert_allclose(jitter(noise, t), [1, 3], rtol=0.02)


def test_jitter_counts_only_what_was_seen():
    x = np.random.default_rng(0).normal(0, 1, (50, 3))
    part = x.copy()
    part[:20, 1], part[2:, 2] = np.nan, np.nan
    line = np.polyval(np.polyfit(T_S[20:50], x[20:, 1], 1), T_S[20:50])
    out = jitter(part, T_S[:50])
    assert out[1] == pytest.approx(math.sqrt(((x[20:, 1] - line) ** 2).sum() / 28))
    assert np.isnan(out[2])


def test_roughness_is_the_mean_length_per_frame():
    x = np.zeros((5, 2, 2))
    x[2, 0] = [3, 4]  # a single jump: seen three times as 5, 10, 5, among 3 frames x 2 landmarks
    assert roughness(x) == pytest.approx(20 / 6)
    assert roughness(np.arange(10.0)[:, None, None] * np.ones((1, 2, 2))) == 0
    assert math.isnan(roughness(np.full((5, 1, 2), np.nan)))


@pytest.mark.parametrize("true_ms", [0.0, 3.0, 21.7, 55.0, -12.0])
@pytest.mark.parametrize("even", [True, False], ids=["even", "uneven"])
def test_lag_is_found_between_samples(true_ms, even, irregular_s):
    t = T_S if even else irregular_s
    motion = lambda s: np.stack((np.sin(4 * s) + 0.3 * np.sin(11 * s), np.cos(3 * s)), axis=1)  # noqa: E731
    assert lag_ms(motion(t - true_ms / 1e3), motion(t), t) == pytest.approx(true_ms, abs=0.7 if even else 2.0)


def test_lag_of_an_ema_on_slow_motion_is_its_group_delay():
    """(1 - a) / a steps of 1/24 s for slow motion."""
    t = np.arange(500) / 24
    x = np.sin(1.0 * t)[:, None]
    ema = make_filter("ema", {"alpha": 0.3})
    smooth = np.array([ema(v, s) for v, s in zip(x, t, strict=True)])
    assert lag_ms(smooth[50:], x[50:], t[50:]) == pytest.approx(0.7 / 0.3 / 24 * 1e3, rel=0.03)


def test_lag_is_unknown_where_nothing_moves_or_it_is_too_long():
    x = np.sin(2 * T_S)[:, None]
    assert math.isnan(lag_ms(np.ones((600, 1)), np.ones((600, 1)), T_S))
    assert math.isnan(lag_ms(np.sin(2 * (T_S - 0.4))[:, None], x, T_S, max_lag_ms=100))
    holes = x.copy()
    holes[100:200] = np.nan
    assert lag_ms(holes, x, T_S) == pytest.approx(0, abs=0.5)
    with pytest.raises(ShapeError, match="reference must have the values' shape"):
        lag_ms(x, x[:5], T_S)


def test_error_without_the_constant_difference_of_each_landmark():
    truth = np.random.default_rng(0).normal(0, 100, (400, 3, 2))
    off = np.random.default_rng(1).normal(0, 2, truth.shape)
    bias = np.array([[5.0, 0], [0, -7], [1, 1]])
    off -= off.mean(axis=0)
    figures = rms_error(truth + off + bias, truth)
    assert figures.rms == pytest.approx(np.sqrt((off**2).sum(axis=-1).mean()))
    np.testing.assert_allclose(figures.bias, bias, atol=1e-12)
    assert rms_error(truth + bias, truth, remove_bias=False).rms == pytest.approx(math.sqrt((25 + 49 + 2) / 3))
    assert rms_error(truth + off, truth).p95 == pytest.approx(np.percentile(np.linalg.norm(off, axis=-1), 95))
    nothing = rms_error(np.full((4, 1, 2), np.nan), np.zeros((4, 1, 2)))
    assert math.isnan(nothing.rms)


def test_range_of_motion_and_its_loss():
    reference = np.stack((90 + 40 * np.sin(3 * T_S), np.full(600, 10.0)), axis=1)
    smooth = np.stack((90 + 30 * np.sin(3 * T_S), np.full(600, 10.0)), axis=1)
    swings = np.stack((90 + 44 * np.sin(3 * T_S), np.full(600, 10.0)), axis=1)
    assert rom_deg(reference)[0] == pytest.approx(80, rel=0.01)
    assert rom_loss(smooth, reference)[0] == pytest.approx(0.25)
    assert rom_loss(swings, reference)[0] == pytest.approx(-0.1)
    assert np.isnan(rom_loss(smooth, reference)[1])


def test_sliding_windows_end_when_they_say():
    ends_s, counts = over_windows(lambda x: len(x), T_S, 1.0, 0.5, T_S)
    np.testing.assert_allclose(ends_s, np.arange(1.0, 9.99, 0.5))
    assert set(counts) == {61}
    _, jitters = over_windows(jitter, T_S, 1.0, 0.5, np.ones((600, 2, 2)), T_S)
    assert jitters.shape == (len(ends_s), 2)


def test_a_bias_fixed_to_a_turning_body_is_taken_out_only_when_its_turn_is_known():
    """An offset of 6 px to the body's left lies 6 px right of the joint from the front, and 6 px left from behind."""
    turn = np.linspace(0, np.pi, 200)
    facing = np.column_stack((np.cos(turn), np.sin(turn)))
    truth = np.random.default_rng(3).normal(0, 50, (200, 2, 2))
    values = truth.copy()
    values[:, 0, 0] += 6 * facing[:, 0]
    values[:, 1, 1] += 2.0
    values[10:20, 1] = np.nan
    assert rms_error(values, truth, facing=facing).rms < 1e-9
    assert rms_error(values, truth).rms > 2
    assert rms_error(values, truth, remove_bias=False, facing=facing).rms > rms_error(values, truth).rms


def test_an_error_is_not_taken_for_a_bias_of_the_turning_body():
    facing = np.column_stack((np.cos(np.linspace(0, 3, 500)), np.sin(np.linspace(0, 3, 500))))
    noise = np.random.default_rng(4).normal(0, 1, (500, 3, 2))
    assert rms_error(noise, np.zeros_like(noise), facing=facing).rms == pytest.approx(math.sqrt(2), rel=0.03)
    with pytest.raises(ShapeError, match=r"facing must have shape \(500, 2\), got \(3, 2\)"):
        rms_error(noise, np.zeros_like(noise), facing=facing[:3])
