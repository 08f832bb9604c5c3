import numpy as np
import pytest
import scipy.signal

from livedance_lab.analysis.offline_filters import (
    interpolate_gaps,
    resample,
    savitzky_golay,
    zero_phase_butterworth,
)
from livedance_lab.errors import SettingsError, ShapeError

EVEN_S = np.arange(300) / 60


def noisy(times_s):
    return np.sin(2 * np.pi * 1.3 * times_s) + np.random.default_rng(0).normal(0, 0.1, len(times_s))


def test_butterworth_is_scipys_forward_and_backward():
    """Winter's correction: two passes of a second-order filter need 2 Hz / 0.802 each."""
    x = noisy(EVEN_S)
    sos = scipy.signal.butter(2, 2 / 0.802, fs=60, output="sos")
    expected = scipy.signal.sosfiltfilt(sos, x)
    np.testing.assert_allclose(zero_phase_butterworth(x, EVEN_S, 2.0)[40:-40], expected[40:-40], atol=5e-3)


def test_butterworths_cutoff_is_that_of_both_passes():
    """At 6 Hz the whole gain is 1/sqrt(2)."""
    t = np.arange(2000) / 60
    out = zero_phase_butterworth(np.sin(2 * np.pi * 6 * t), t, 6.0)
    assert out[500:-500].std() == pytest.approx(0.5, rel=0.005)  # a sine's is 1/sqrt(2)


def test_butterworth_has_no_lag_on_uneven_times_and_leaves_nan_alone():
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.uniform(0.01, 0.025, 600))
    clean = np.sin(2 * np.pi * 1.0 * t)
    x = np.stack((clean, clean + 3), axis=1)[:, None]
    x[100:130, 0, 0] = np.nan
    out = zero_phase_butterworth(x, t, 6.0)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(x))
    np.testing.assert_allclose(out[150:-30, 0, 0], clean[150:-30], atol=0.01)
    np.testing.assert_allclose(out[30:-30, 0, 1], clean[30:-30] + 3, atol=0.01)


def test_stretches_too_short_to_filter_stay_raw():
    x = noisy(EVEN_S)
    x[10:20] = np.nan
    np.testing.assert_array_equal(zero_phase_butterworth(x, EVEN_S, 6.0)[:10], x[:10])


@pytest.mark.parametrize("cutoff_hz", [0.0, 31.0, np.nan])
def test_butterworth_refuses_what_cannot_be(cutoff_hz):
    with pytest.raises(SettingsError, match="cutoff_hz must be from 0 to 30 Hz at 60 samples/s"):
        zero_phase_butterworth(noisy(EVEN_S), EVEN_S, cutoff_hz)
    with pytest.raises(SettingsError, match="order must be even"):
        zero_phase_butterworth(noisy(EVEN_S), EVEN_S, 6, order=3)


def test_savitzky_golay_is_exact_for_cubics_and_their_derivative_on_uneven_times():
    t = np.cumsum(np.random.default_rng(2).uniform(0.0165, 0.0168, 200))
    x = 2 * t**3 - t**2 + 5
    np.testing.assert_allclose(savitzky_golay(x, t), x, atol=1e-3)
    inner = slice(10, -10)
    np.testing.assert_allclose(
        savitzky_golay(x, t, derivative=1)[inner], (6 * t**2 - 2 * t)[inner], rtol=1e-3, atol=1e-3
    )
    even = scipy.signal.savgol_filter(noisy(EVEN_S), 15, 3)
    np.testing.assert_allclose(savitzky_golay(noisy(EVEN_S), EVEN_S), even, atol=1e-6)


def test_only_short_gaps_are_filled_and_never_the_ends():
    t = EVEN_S[:60]
    x = np.stack((t, 2 * t), axis=1)
    holes = x.copy()
    holes[:3, 0] = holes[-3:, 0] = np.nan
    holes[10:15, 0] = np.nan  # 0.1 s
    holes[30:45, 1] = np.nan  # 0.267 s
    out = interpolate_gaps(holes, t, max_gap_s=0.1)
    np.testing.assert_allclose(out[10:15, 0], x[10:15, 0])
    assert np.isnan(out[:3, 0]).all()
    assert np.isnan(out[-3:, 0]).all()
    assert np.isnan(out[30:45, 1]).all()
    filled = interpolate_gaps(holes, t, max_gap_s=1.0)
    np.testing.assert_allclose(filled[30:45, 1], x[30:45, 1], atol=1e-9)


def test_resampling_does_not_bridge_gaps_or_leave_the_recording():
    t = np.array([0.0, 0.1, 0.2, 1.0])
    x = np.array([0.0, 1.0, np.nan, 10.0])
    out = resample(x, t, [-0.1, 0.0, 0.05, 0.1, 0.5, 1.0, 1.1], max_gap_s=0.25)
    np.testing.assert_array_equal(out, [np.nan, 0, 0.5, 1, np.nan, 10, np.nan])


def test_times_are_checked():
    with pytest.raises(ShapeError, match=r"times_s must have shape \(3,\), got \(2,\)"):
        savitzky_golay(np.zeros((3, 2)), [0, 1])
    with pytest.raises(SettingsError, match="strictly increasing"):
        savitzky_golay(np.zeros(3), [0, 0, 1])


def test_a_pause_ends_a_segment():
    """Turning at 30 units/s, a minute's pause, then at rest: neither side hears of the other, a scrap gives nothing."""
    before, scrap, after = np.arange(90) / 30, [30.0, 30.03], 63 + np.arange(90) / 30
    t = np.concatenate([before, scrap, after])
    x = np.concatenate([30 * before, [500.0, 501.0], np.full(90, 90.0)])
    speed = savitzky_golay(x, t, derivative=1)
    np.testing.assert_allclose(speed[:90], 30, atol=1e-6)
    assert np.isnan(speed[90:92]).all()
    np.testing.assert_allclose(speed[92:], 0, atol=1e-6)
