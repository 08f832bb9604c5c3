import numpy as np
import pytest

from livedance_lab.analysis.filter_search import (
    candidates,
    compare,
    pareto_front,
    still_and_moving,
    suggest,
    try_filters,
)
from livedance_lab.analysis.filter_trials import LandmarkSeries, Trial, try_filter
from livedance_lab.analysis.filters import FILTERS, make_filter
from livedance_lab.errors import SettingsError, ShapeError


def test_candidates_are_valid_and_cover_every_filter():
    tried = candidates()
    assert {name for name, _ in tried} == set(FILTERS)
    for name, params in tried:
        make_filter(name, params)
    assert len(candidates(["ema"], per_parameter=7)) == 7
    assert candidates(["none"]) == [("none", {})]


def test_progress_is_told_and_the_order_kept(still, moving):
    told = []
    wanted = [("none", {}), ("ema", {"alpha": 0.5})]
    trials = try_filters(still, moving, wanted, lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert [t.filter for t in trials] == ["none", "ema"]


def test_the_front_keeps_only_what_nothing_beats():
    def t(level, lag):
        return Trial("x", {}, level, level, lag, 0.0)

    a, b, c, d, e = t(1.0, 0.0), t(0.5, 10.0), t(0.6, 12.0), t(0.2, -30.0), t(0.1, np.nan)
    assert pareto_front([e, d, c, b, a]) == [a, b, d]


def test_suggestion_is_the_calmest_within_the_limits(still, moving):
    wanted = [("ema", {"alpha": a}) for a in (1.0, 0.7, 0.4, 0.2, 0.1)] + candidates(["kalman_adaptive"], 3)
    trials = try_filters(still, moving, wanted)
    best = suggest(still, moving, 12.0, filters=wanted)
    assert abs(best.lag_ms) <= 12
    assert best.jitter == min(t.jitter for t in trials if abs(t.lag_ms) <= 12 and t.rom_loss <= 0.05)
    emas = [("ema", {"alpha": a}) for a in (0.9, 0.3)]
    assert suggest(still, moving, 300.0, max_rom_loss=1.0, filters=emas).params == {"alpha": 0.3}
    assert suggest(still, moving, 300.0, max_rom_loss=0.02, filters=emas).params == {"alpha": 0.9}
    with pytest.raises(SettingsError, match=r"none of 11 filters has a lag of at most 5 ms .* is there motion"):
        suggest(still, LandmarkSeries(still.times_s, np.full_like(still.values, 7.0), 1.0), 5.0, filters=wanted[:11])


def test_our_default_is_calmer_and_earlier_than_ema(still, moving):
    """At equal jitter at most 0.6 of its lag, at equal lag at most 0.6 of its jitter; on another motion and noise
    than it was chosen on."""
    strengths = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
    emas = [try_filter(still, moving, "ema", {"alpha": a}) for a in strengths]
    ratios = compare(try_filter(still, moving, "kalman_adaptive", {}), emas)
    assert ratios["lag_ratio"] <= 0.6
    assert ratios["jitter_ratio"] <= 0.6


def test_comparing_on_straight_curves_by_hand():
    def t(level, lag):
        return Trial("x", {}, level, level, lag, 0.0)

    curve = [t(1.0, 0.0), t(0.5, 20.0), t(0.0, 100.0)]
    assert compare(t(0.5, 10.0), curve) == {"lag_ratio": 0.5, "jitter_ratio": pytest.approx(0.5 / 0.75)}
    assert np.isnan(compare(t(2.0, 10.0), curve)["lag_ratio"])


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
    tried = try_filters(still, moving, SOME)
    assert suggest(still, moving, 40, trials=tried) == suggest(still, moving, 40, filters=SOME)


SOME = [("none", {}), ("ema", {"alpha": 0.3}), ("kalman_adaptive", {}), ("one_euro", {})]


def test_a_recording_of_something_else_is_refused():
    with pytest.raises(ShapeError, match=r"raw must have shape \(T, 33, D\) with T = 5"):
        still_and_moving(np.zeros((5, 21, 2)), np.arange(5.0))
