import math

import numpy as np
import pytest

from livedance_lab.analysis.filters import make_filter
from livedance_lab.analysis.smoothing_metrics import (
    dimensionless_jerk,
    high_frequency_power,
    jitter,
    lag_ms,
    log_dimensionless_jerk,
    overshoot,
    rms_error,
    rom_deg,
    rom_loss,
    second_difference,
    sliding,
    sparc,
    speed,
)
from livedance_lab.errors import ShapeError

T_S = np.arange(600) / 60


def minimum_jerk_speed(seconds=1.0, rate_hz=1000.0):
    """Flash and Hogan 1985: x = 10 s³ - 15 s⁴ + 6 s⁵."""
    s = np.arange(0, seconds, 1 / rate_hz) / seconds
    return 30 * s**2 * (1 - s) ** 2 / seconds


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


def test_second_difference_is_the_mean_length_per_frame():
    x = np.zeros((5, 2, 2))
    x[2, 0] = [3, 4]  # a single jump: seen three times as 5, 10, 5, among 3 frames x 2 landmarks
    assert second_difference(x) == pytest.approx(20 / 6)
    assert second_difference(np.arange(10.0)[:, None, None] * np.ones((1, 2, 2))) == 0
    assert math.isnan(second_difference(np.full((5, 1, 2), np.nan)))


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


def test_range_of_motion_loss_and_overshoot():
    reference = np.stack((90 + 40 * np.sin(3 * T_S), np.full(600, 10.0)), axis=1)
    smooth = np.stack((90 + 30 * np.sin(3 * T_S), np.full(600, 10.0)), axis=1)
    swings = np.stack((90 + 44 * np.sin(3 * T_S), np.full(600, 10.0)), axis=1)
    assert rom_deg(reference)[0] == pytest.approx(80, rel=0.01)
    assert rom_loss(smooth, reference)[0] == pytest.approx(0.25)
    assert rom_loss(swings, reference)[0] == pytest.approx(-0.1)
    assert overshoot(swings, reference)[0] == pytest.approx(0.05, rel=0.01)
    assert overshoot(smooth, reference)[0] == 0
    assert np.isnan(rom_loss(smooth, reference)[1])
    assert np.isnan(overshoot(smooth, reference)[1])


def test_high_frequency_power_is_the_share_of_two_sines():
    x = np.stack((np.sin(2 * np.pi * 2 * T_S) + 0.5 * np.sin(2 * np.pi * 15 * T_S), np.sin(2 * np.pi * 3 * T_S)), 1)
    np.testing.assert_allclose(high_frequency_power(x, T_S), [0.2, 0.0], atol=0.01)
    gone = x.copy()
    gone[100:140, 0] = np.nan
    assert np.isnan(high_frequency_power(gone, T_S)[0])
    assert np.isnan(high_frequency_power(x[:5], T_S[:5])).all()


# smoothness


def sparc_of_the_paper(v, fs, padlevel=4, fc=10.0, amp_th=0.05):
    """Written from the paper's supplementary definition, in its own steps."""
    nfft = int(pow(2, np.ceil(np.log2(len(v))) + padlevel))
    f = np.arange(0, fs, fs / nfft)
    mf = abs(np.fft.fft(v, nfft))
    mf = mf / max(mf)
    f_sel, mf_sel = f[(f <= fc)], mf[(f <= fc)]
    inx = (mf_sel >= amp_th).nonzero()[0]
    rows = range(inx[0], inx[-1] + 1)
    f_sel, mf_sel = f_sel[rows], mf_sel[rows]
    return -sum(np.sqrt((np.diff(f_sel) / (f_sel[-1] - f_sel[0])) ** 2 + np.diff(mf_sel) ** 2))


@pytest.mark.parametrize("submovements", [1, 2, 5])
def test_sparc_is_the_papers(submovements):
    one = minimum_jerk_speed(0.6, 100.0)
    v = np.concatenate([np.concatenate((one, np.zeros(20)))] * submovements)
    assert sparc(v, 100.0) == pytest.approx(sparc_of_the_paper(v, 100.0), rel=1e-9)


def test_smoothness_ranks_movements_and_ignores_their_size_and_pace():
    smooth = minimum_jerk_speed(1.0, 1000.0)
    shaky = smooth * (1 + 0.4 * np.sin(2 * np.pi * 8 * np.arange(1000) / 1000))
    for measure in (sparc, log_dimensionless_jerk):
        assert measure(smooth, 1000.0) > measure(shaky, 1000.0)
        assert measure(7 * smooth, 1000.0) == pytest.approx(measure(smooth, 1000.0))
    slow = minimum_jerk_speed(2.0, 1000.0)
    assert dimensionless_jerk(slow, 1000.0) == pytest.approx(dimensionless_jerk(smooth, 1000.0), rel=0.01)


def test_dimensionless_jerk_of_a_minimum_jerk_reach():
    """Integral of jerk² is 720 for unit time and distance, the peak speed 15/8: 720 / (15/8)² = 204.8."""
    assert dimensionless_jerk(minimum_jerk_speed(), 1000.0) == pytest.approx(-204.8, rel=0.02)
    assert log_dimensionless_jerk(minimum_jerk_speed(), 1000.0) == pytest.approx(-math.log(204.8), abs=0.02)


@pytest.mark.parametrize("v", [[], [1.0], np.zeros(50), np.r_[np.ones(20), np.nan]])
def test_smoothness_of_nothing_is_unknown(v):
    for measure in (sparc, dimensionless_jerk, log_dimensionless_jerk):
        assert math.isnan(measure(v, 60.0))


def test_speed_on_an_even_grid():
    t = np.delete(T_S, [50, 51, 200])
    x = np.stack((3 * t, 4 * t), axis=1)[:, None]
    v, rate_hz = speed(x, t)
    assert rate_hz == pytest.approx(60)
    assert v.shape == (599, 1)
    np.testing.assert_allclose(v, 5.0)


def test_sliding_windows_end_when_they_say():
    ends_s, counts = sliding(lambda x: len(x), T_S, 1.0, 0.5, T_S)
    np.testing.assert_allclose(ends_s, np.arange(1.0, 9.99, 0.5))
    assert set(counts) == {61}
    _, jitters = sliding(jitter, T_S, 1.0, 0.5, np.ones((600, 2, 2)), T_S)
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
