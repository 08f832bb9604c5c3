"""The clock for tests, and the estimate of a client's clock offset; odd cases are in test_golden_clock."""

from __future__ import annotations

import math

import pytest

from livedance_lab.clock import ClockOffset, FakeClock, OffsetEstimator


def exchange(offset_s: float, up_s: float, down_s: float, t0_s: float = 100.0) -> tuple[float, float, float, float]:
    """A ping-pong with a server whose clock is ahead by `offset_s` and which answers after 1 ms."""
    t1_s = t0_s + offset_s + up_s
    t2_s = t1_s + 0.001
    return t0_s, t1_s, t2_s, t2_s - offset_s + down_s


def test_a_fake_clock_moves_only_when_it_is_advanced():
    clock = FakeClock(5.0)

    assert clock() == clock() == 5.0
    assert clock.advance(0.25) == clock() == 5.25


def test_a_symmetric_exchange_gives_the_exact_offset():
    best = OffsetEstimator().add(*exchange(offset_s=-3600.5, up_s=0.02, down_s=0.02))

    assert best.offset_s == pytest.approx(-3600.5, abs=1e-9)
    assert best.uncertainty_s == pytest.approx(0.02, abs=1e-9)


@pytest.mark.parametrize(("up_s", "down_s"), [(0.0, 0.08), (0.08, 0.0), (0.01, 0.03)])
def test_the_true_offset_lies_within_the_uncertainty(up_s, down_s):
    best = OffsetEstimator().add(*exchange(12.0, up_s, down_s))

    assert abs(best.offset_s - 12.0) <= best.uncertainty_s + 1e-9


def test_the_exchange_with_the_shortest_round_trip_counts():
    estimator = OffsetEstimator()
    estimator.add(*exchange(7.0, 0.5, 0.0))
    estimator.add(*exchange(7.0, 0.001, 0.001))

    best = estimator.add(*exchange(7.0, 0.0, 0.9))

    assert best.offset_s == pytest.approx(7.0, abs=1e-6)


def test_old_exchanges_are_forgotten_so_that_drift_is_followed():
    estimator = OffsetEstimator(window=4)
    estimator.add(*exchange(1.0, 0.0001, 0.0001))
    for _ in range(4):
        best = estimator.add(*exchange(1.5, 0.01, 0.01))

    assert best.offset_s == pytest.approx(1.5)


def test_an_exchange_across_a_clock_step_is_ignored():
    estimator = OffsetEstimator()

    assert not estimator.add(100.0, 50.0, 50.001, 99.0).known
    assert math.isnan(estimator.round_trip_s)


def test_the_round_trip_is_the_shortest_of_the_window():
    """The network alone: a slow exchange had to wait in a busy event loop."""
    estimator = OffsetEstimator()
    for up_s in (0.002, 0.5, 0.001, 0.3):
        estimator.add(*exchange(0.0, up_s, 0.0))

    assert estimator.round_trip_s == pytest.approx(0.001)


def test_an_unknown_offset_maps_to_nan_not_to_zero():
    assert not ClockOffset().known
    assert math.isnan(ClockOffset().to_server(1.0))
    assert ClockOffset(2.0, 0.1).to_server(1.0) == 3.0
