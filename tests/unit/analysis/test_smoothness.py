import math

import numpy as np
import pytest

from livedance_lab.analysis.smoothness import dimensionless_jerk, log_dimensionless_jerk, sparc, speed

T_S = np.arange(600) / 60


def minimum_jerk_speed(seconds=1.0, rate_hz=1000.0):
    """Flash and Hogan 1985: x = 10 s³ - 15 s⁴ + 6 s⁵."""
    s = np.arange(0, seconds, 1 / rate_hz) / seconds
    return 30 * s**2 * (1 - s) ** 2 / seconds


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
