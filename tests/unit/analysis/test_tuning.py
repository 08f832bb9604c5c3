import numpy as np
import pytest

from livedance_lab.analysis.filters import FILTERS, make_filter
from livedance_lab.analysis.smoothing_metrics import jitter, lag_ms
from livedance_lab.analysis.tuning import (
    Recording,
    Trial,
    candidates,
    compare,
    pareto_front,
    reading,
    run,
    still_and_moving,
    suggest,
    trial,
)
from livedance_lab.errors import SettingsError, ShapeError


def noise(times_s, seed):
    """What a tracker's jitter looks like: white noise and a slower wander."""
    rng = np.random.default_rng(seed)
    white = rng.normal(0, 0.5, (len(times_s), 4, 2))
    return white + 0.3 * np.cumsum(rng.normal(0, 0.2, white.shape), axis=0) / np.sqrt(len(times_s) / 30)


@pytest.fixture(scope="module")
def still():
    t = np.arange(240) / 30
    return Recording(t, 100 + noise(t, 0), 100.0)


@pytest.fixture(scope="module")
def moving():
    t = np.arange(300) / 30
    phase = 2 * np.pi * t[:, None] * [0.5, 0.8, 1.1, 1.4]
    return Recording(t, np.stack((60 * np.sin(phase), 40 * np.cos(phase)), axis=2) + noise(t, 1), 100.0)


def test_candidates_are_valid_and_cover_every_filter():
    tried = candidates()
    assert {name for name, _ in tried} == set(FILTERS)
    for name, params in tried:
        make_filter(name, params)
    assert len(candidates(["ema"], per_parameter=7)) == 7
    assert candidates(["none"]) == [("none", {})]


def test_a_trial_is_the_filter_and_the_measures(still, moving):
    """Unfiltered: the recording's own jitter, no lag. EMA: what the measures say of its output."""
    raw = trial(still, moving, "none", {})
    assert raw.lag_ms == pytest.approx(0, abs=0.5)
    assert raw.jitter_share == raw.jitter / 100
    t = still.times_s[30:]
    levels = [jitter(still.values[30 + k : 30 + k + 31], t[k : k + 31]) for k in range(0, len(t) - 30, 15)]
    assert raw.jitter == pytest.approx(np.sqrt(np.mean(np.square(levels))))

    slow = trial(still, moving, "ema", {"alpha": 0.2})
    ema = make_filter("ema", {"alpha": 0.2})
    smooth = np.array([ema(v, s) for v, s in zip(moving.values, moving.times_s, strict=True)])
    assert slow.jitter < 0.7 * raw.jitter
    assert slow.rom_loss > raw.rom_loss + 0.05
    assert slow.lag_ms == pytest.approx(lag_ms(smooth[30:], moving.values[30:], moving.times_s[30:]), abs=3)


def test_progress_is_told_and_the_order_kept(still, moving):
    told = []
    wanted = [("none", {}), ("ema", {"alpha": 0.5})]
    trials = run(still, moving, wanted, lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert [t.filter for t in trials] == ["none", "ema"]


def test_the_front_keeps_only_what_nothing_beats():
    def t(level, lag):
        return Trial("x", {}, level, level, lag, 0.0)

    a, b, c, d, e = t(1.0, 0.0), t(0.5, 10.0), t(0.6, 12.0), t(0.2, -30.0), t(0.1, np.nan)
    assert pareto_front([e, d, c, b, a]) == [a, b, d]


def test_suggestion_is_the_calmest_within_the_limits(still, moving):
    wanted = [("ema", {"alpha": a}) for a in (1.0, 0.7, 0.4, 0.2, 0.1)] + candidates(["kalman_adaptive"], 3)
    trials = run(still, moving, wanted)
    best = suggest(still, moving, 12.0, filters=wanted)
    assert abs(best.lag_ms) <= 12
    assert best.jitter == min(t.jitter for t in trials if abs(t.lag_ms) <= 12 and t.rom_loss <= 0.05)
    emas = [("ema", {"alpha": a}) for a in (0.9, 0.3)]
    assert suggest(still, moving, 300.0, max_rom_loss=1.0, filters=emas).params == {"alpha": 0.3}
    assert suggest(still, moving, 300.0, max_rom_loss=0.02, filters=emas).params == {"alpha": 0.9}
    with pytest.raises(SettingsError, match=r"none of 11 filters lags at most 5 ms .* is there motion"):
        suggest(still, Recording(still.times_s, np.full_like(still.values, 7.0), 1.0), 5.0, filters=wanted[:11])


def test_our_default_is_calmer_and_earlier_than_ema(still, moving):
    """At equal jitter at most 0.6 of its lag, at equal lag at most 0.6 of its jitter; on another motion and noise
    than it was chosen on."""
    strengths = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
    emas = [trial(still, moving, "ema", {"alpha": a}) for a in strengths]
    ratios = compare(trial(still, moving, "kalman_adaptive", {}), emas)
    assert ratios["lag_ratio"] <= 0.6
    assert ratios["jitter_ratio"] <= 0.6


def test_comparing_on_straight_curves_by_hand():
    def t(level, lag):
        return Trial("x", {}, level, level, lag, 0.0)

    curve = [t(1.0, 0.0), t(0.5, 20.0), t(0.0, 100.0)]
    assert compare(t(0.5, 10.0), curve) == {"lag_ratio": 0.5, "jitter_ratio": pytest.approx(0.5 / 0.75)}
    assert np.isnan(compare(t(2.0, 10.0), curve)["lag_ratio"])


def test_live_reading_finds_the_calm_second_and_the_lag():
    """Three seconds of motion, then rest: jitter is that of the rest, lag that of the motion."""
    t = np.arange(180) / 30
    clean = np.where(t < 4, 50 * np.sin(4 * t) * np.minimum(1, 4 - t), 0)[:, None, None] * np.ones((1, 3, 2))
    wobble, other = np.random.default_rng(0).normal(0, 1, (2, *clean.shape))
    late = np.interp(t - 0.05, t, clean[:, 0, 0])[:, None, None] * np.ones((1, 3, 2))
    out = reading(clean + wobble, late + other / 2, t)
    assert out.jitter_raw == pytest.approx(np.sqrt(2), rel=0.25)
    assert out.jitter == pytest.approx(np.sqrt(2) / 2, rel=0.25)
    assert out.lag_ms == pytest.approx(50, abs=8)
    assert np.isnan(reading(clean[:20], clean[:20], t[:20]).lag_ms)


def test_recordings_are_checked(still, moving):
    with pytest.raises(ShapeError, match=r"values of shape \(T, K, D\), got \(3,\) and \(4, 2\)"):
        Recording(np.zeros(3), np.zeros((4, 2)), 1.0)
    with pytest.raises(SettingsError, match="must be 2 s long"):
        trial(Recording(still.times_s[:30], still.values[:30], 1.0), moving, "ema", {})


def body_that_rests_in_the_middle(seconds=18.0, rate_hz=30.0):
    """Still from 6 to 12 s, swinging before and after."""
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    swing = np.where((t_s > 6) & (t_s < 12), 0.0, 40 * np.sin(7 * t_s))
    rng = np.random.default_rng(5)
    base = rng.uniform(100, 400, (33, 2))
    return t_s, base + swing[:, None, None] + rng.normal(0, 0.5, (len(t_s), 33, 2))


def test_the_calmest_part_of_a_session_is_found():
    t_s, raw = body_that_rests_in_the_middle()
    raw[:40] = np.nan  # nobody there yet: that is not rest
    still, moving = still_and_moving(raw, t_s, still_s=5.0)
    assert still.times_s[0] > 5.9
    assert still.times_s[-1] < 12.1
    assert np.ptp(still.times_s) == pytest.approx(5.0, abs=0.1)
    assert moving.values.shape == raw.shape
    assert still.body_size == moving.body_size > 0


def test_a_suggestion_from_trials_made_before_is_the_same():
    t_s, raw = body_that_rests_in_the_middle()
    still, moving = still_and_moving(raw, t_s)
    assert still.values.shape[0] == pytest.approx(180, abs=2)  # a third of the session
    tried = run(still, moving, SOME)
    assert suggest(still, moving, 40, trials=tried) == suggest(still, moving, 40, filters=SOME)


SOME = [("none", {}), ("ema", {"alpha": 0.3}), ("kalman_adaptive", {}), ("one_euro", {})]


def test_a_recording_of_something_else_is_refused():
    with pytest.raises(ShapeError, match=r"raw must have shape \(T, 33, D\) with T = 5"):
        still_and_moving(np.zeros((5, 21, 2)), np.arange(5.0))
