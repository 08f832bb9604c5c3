import numpy as np
import pytest

from livedance_lab.analysis.filter_trials import LandmarkSeries, smoothing_effect, try_filter
from livedance_lab.analysis.filters import make_filter
from livedance_lab.analysis.smoothing_metrics import jitter, lag_ms
from livedance_lab.errors import SettingsError, ShapeError


def test_a_trial_is_the_filter_and_the_measures(still, moving):
    """Unfiltered: the recording's own jitter, no lag. EMA: what the measures say of its output."""
    raw = try_filter(still, moving, "none", {})
    assert raw.lag_ms == pytest.approx(0, abs=0.5)
    assert raw.jitter_share == raw.jitter / 100
    t = still.times_s[30:]
    levels = [jitter(still.values[30 + k : 30 + k + 31], t[k : k + 31]) for k in range(0, len(t) - 30, 15)]
    assert raw.jitter == pytest.approx(np.sqrt(np.mean(np.square(levels))))

    slow = try_filter(still, moving, "ema", {"alpha": 0.2})
    ema = make_filter("ema", {"alpha": 0.2})
    smooth = np.array([ema(v, s) for v, s in zip(moving.values, moving.times_s, strict=True)])
    assert slow.jitter < 0.7 * raw.jitter
    assert slow.rom_loss > raw.rom_loss + 0.05
    assert slow.lag_ms == pytest.approx(lag_ms(smooth[30:], moving.values[30:], moving.times_s[30:]), abs=3)


def test_the_live_effect_is_measured_in_the_calmest_second_and_in_motion():
    """Three seconds of motion, then rest: jitter is that of the rest, lag that of the motion."""
    t = np.arange(180) / 30
    clean = np.where(t < 4, 50 * np.sin(4 * t) * np.minimum(1, 4 - t), 0)[:, None, None] * np.ones((1, 3, 2))
    wobble, other = np.random.default_rng(0).normal(0, 1, (2, *clean.shape))
    late = np.interp(t - 0.05, t, clean[:, 0, 0])[:, None, None] * np.ones((1, 3, 2))
    out = smoothing_effect(clean + wobble, late + other / 2, t)
    assert out.jitter_raw == pytest.approx(np.sqrt(2), rel=0.25)
    assert out.jitter == pytest.approx(np.sqrt(2) / 2, rel=0.25)
    assert out.lag_ms == pytest.approx(50, abs=8)
    assert np.isnan(smoothing_effect(clean[:20], clean[:20], t[:20]).lag_ms)


def test_series_are_checked(still, moving):
    with pytest.raises(ShapeError, match=r"values of shape \(T, K, D\), got \(3,\) and \(4, 2\)"):
        LandmarkSeries(np.zeros(3), np.zeros((4, 2)), 1.0)
    with pytest.raises(SettingsError, match="must be at least 2 s long"):
        try_filter(LandmarkSeries(still.times_s[:30], still.values[:30], 1.0), moving, "ema", {})
