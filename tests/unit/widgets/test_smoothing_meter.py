"""What the smoothing in force does, on results whose jitter and lag are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from livedance_lab.pose import Body
from livedance_lab.widgets.smoothing_meter import SmoothingMeter
from tests.support.live_results import result as made
from tests.unit.widgets.conftest import feed

BODY_PX = np.random.default_rng(0).uniform(100, 400, (33, 3)).astype(np.float32)
LATE_S = 0.05


def result(n: int, *, version: int = 1, found: bool = True, person_id: int = 1):
    """Sixty results a second and a body that swings; smoothed it swings 50 ms later, and trembles less."""
    t_s = n / 60
    raw, smooth = (
        BODY_PX + 60 * np.sin(6.0 * max(t_s - late_s - 1.5, 0.0)) + np.random.default_rng(seed).normal(0, sd, (33, 3))
        for late_s, seed, sd in ((0.0, n, 1.0), (LATE_S, n + 10_000, 0.1))
    )
    return made(n, t_s, found=found, person_id=person_id, raw=Body(keypoints_px=raw.astype(np.float32)),
                smooth=Body(keypoints_px=smooth.astype(np.float32)), settings_version=version)  # fmt: skip


def test_jitter_and_lag_of_the_last_seconds():
    meter = SmoothingMeter()
    for n in range(240):
        meter.add(result(n))
    measured, _torso_px = meter.measure()
    assert measured.jitter_raw == pytest.approx(math.sqrt(2), rel=0.15)
    assert measured.jitter == pytest.approx(0.1 * math.sqrt(2), rel=0.2)
    assert measured.lag_ms == pytest.approx(1000 * LATE_S, abs=6)
    assert "jitter *0.1" in meter.summary()
    assert "lag *" in meter.summary()


def test_it_begins_anew_with_other_settings_and_counts_only_people():
    meter = SmoothingMeter()
    for n in range(240):
        meter.add(result(n))
    meter.add(result(240, found=False))
    assert math.isfinite(meter.measure()[0].jitter)
    meter.add(result(241, version=2))
    assert math.isnan(meter.measure()[0].jitter)
    assert meter.summary() == "measuring, needs 4 s with a person"


def test_without_results_nothing_is_claimed():
    assert math.isnan(SmoothingMeter().measure()[0].lag_ms)


def test_a_clock_that_begins_again_begins_the_window_again():
    meter = SmoothingMeter()
    for n in range(240):
        meter.add(result(n))
    meter.add(result(3))
    assert math.isnan(meter.measure()[0].jitter)


def test_it_begins_anew_with_another_person():
    meter = SmoothingMeter()
    for n in range(240):
        meter.add(result(n))
    for n in range(240, 250):
        meter.add(result(n, person_id=2))
    assert math.isnan(meter.measure()[0].jitter)


def test_widgets_of_a_session_share_its_meter(session):
    assert SmoothingMeter.of(session) is SmoothingMeter.of(session)
    feed(session, 1)
    _effect, torso_px = SmoothingMeter.of(session).measure()
    assert math.isfinite(torso_px)
