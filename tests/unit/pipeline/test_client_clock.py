"""A client's times on the server's clock."""

from __future__ import annotations

import math

import pytest

from livedance_lab.clock import ClockOffset
from livedance_lab.errors import WireError
from livedance_lab.pipeline.client_clock import ClientClock
from livedance_lab.pose import FrameTimes
from livedance_lab.wire.frames import FrameHeader


def stamp(clock: ClientClock, t_capture_s: float, t_send_s: float | None = None, t_receive_s: float = 500.0):
    times = FrameTimes(t_receive_s=t_receive_s)
    send_s = t_capture_s if t_send_s is None else t_send_s
    assumed = clock.stamp(times, FrameHeader(0, (0, 0), t_capture_s, send_s))
    return times, assumed


def test_before_any_exchange_the_first_frame_is_taken_to_have_come_at_once():
    clock = ClientClock()
    times, assumed = stamp(clock, 9.99, 10.0, t_receive_s=500.0)

    assert assumed
    assert times.t_send_s == pytest.approx(500.0)
    assert times.t_capture_s == pytest.approx(499.99)
    assert clock.offset.uncertainty_s == math.inf
    assert not stamp(clock, 10.02, 10.03)[1]


def test_a_measured_offset_is_used():
    clock = ClientClock()
    clock.set(ClockOffset(1000.25, 0.001))
    times, assumed = stamp(clock, 1.0, 1.5, t_receive_s=1001.76)

    assert not assumed
    assert (times.t_capture_s, times.t_send_s) == (1001.25, 1001.75)


@pytest.mark.parametrize("second_s", [5.0, 4.0])
def test_capture_times_must_increase(second_s):
    clock = ClientClock()
    stamp(clock, 5.0)
    with pytest.raises(WireError, match=r"must increase, got .* after 5\.0") as caught:
        stamp(clock, second_s)
    assert caught.value.code == "time"
    stamp(clock, 5.02)  # and the next good one is welcome


@pytest.mark.parametrize(
    ("t_capture_s", "t_send_s"),
    [(1e9, 5.0), (1e11, 1e11), (-1e300, -1e300), (math.nan, 5.0), (5.0, math.nan), (math.inf, math.inf)],
)
def test_one_wild_time_is_refused_and_does_not_stop_the_frames_after_it(t_capture_s, t_send_s):
    clock = ClientClock()
    stamp(clock, 5.0)
    with pytest.raises(WireError) as caught:
        stamp(clock, t_capture_s, t_send_s)
    assert caught.value.code == "time"

    times, _ = stamp(clock, 5.02)
    assert times.t_capture_s == pytest.approx(500.02)


def test_a_better_offset_does_not_let_time_run_backwards():
    clock = ClientClock()
    first, _ = stamp(clock, 1.0)
    clock.set(ClockOffset(first.t_capture_s - 1.0 - 0.05, 0.001))  # the first guess was 50 ms too late
    later = [stamp(clock, 1.0 + n / 60)[0].t_capture_s for n in range(1, 10)]

    assert later == sorted(set(later))
    assert later[0] > first.t_capture_s
    assert later[-1] == pytest.approx(first.t_capture_s - 0.05 + 9 / 60)


def test_another_connection_may_have_another_clock():
    clock = ClientClock()
    first, _ = stamp(clock, 1000.0, t_receive_s=500.0)
    clock.new_connection()
    again, assumed = stamp(clock, 3.0, t_receive_s=501.0)

    assert assumed
    assert again.t_capture_s == pytest.approx(501.0)
    assert again.t_capture_s > first.t_capture_s


def test_a_clock_that_was_set_back_is_taken_up_again_after_three_frames():
    clock = ClientClock()
    clock.set(ClockOffset(-500.0, 0.001))
    last, _ = stamp(clock, 1000.0, t_receive_s=500.0)
    for t_s in (400.00, 400.02):
        with pytest.raises(WireError):
            stamp(clock, t_s, t_receive_s=500.1)
    again, news = stamp(clock, 400.04, t_receive_s=500.2)

    assert news == "set back"
    assert again.t_capture_s == pytest.approx(500.2)
    assert again.t_capture_s > last.t_capture_s
    assert clock.offset.uncertainty_s == math.inf  # assumed, until it is measured
    assert stamp(clock, 400.06, t_receive_s=500.22)[1] == ""


def test_a_clock_that_was_set_ahead_is_taken_up_again_at_once():
    """A frame cannot be sent after it came."""
    clock = ClientClock()
    clock.set(ClockOffset(400.0, 0.001))
    stamp(clock, 99.99, 100.0, t_receive_s=500.01)
    again, news = stamp(clock, 3700.01, 3700.02, t_receive_s=500.04)

    assert news == "set ahead"
    assert again.t_send_s == pytest.approx(500.04)
    assert again.t_capture_s == pytest.approx(500.03)
    assert stamp(clock, 3700.03, 3700.04, t_receive_s=500.06)[1] == ""

    clock.set(ClockOffset(400.0, 0.001))  # measured before it was set, told after
    assert stamp(clock, 3700.05, 3700.06, t_receive_s=500.08)[1] == "set ahead"


@pytest.mark.parametrize("early_s", [0.0, 0.9])
def test_an_offset_known_within_limits_is_not_doubted(early_s):
    clock = ClientClock()
    clock.set(ClockOffset(400.0, 0.2))
    assert stamp(clock, 100.0, 100.01 + early_s, t_receive_s=500.02)[1] == ""


def test_a_recording_may_be_replayed_faster_than_it_was():
    clock = ClientClock()
    clock.set(ClockOffset(400.0))
    for n in range(100):
        times, news = stamp(clock, 100.0 + n, t_receive_s=500.0 + n / 100)
        assert (times.t_capture_s, news) == (500.0 + n, "")


def test_a_clock_that_once_ran_far_ahead_is_taken_up_again():
    clock = ClientClock()
    stamp(clock, 9_000_000.0)  # a wild first time: everything true lies before it
    for t_s in (1.0, 1.1):
        with pytest.raises(WireError):
            stamp(clock, t_s)

    assert stamp(clock, 1.2)[1] == "set back"


@pytest.mark.parametrize("wild", [[4.0, 4.0, 4.0, 4.0], [4.0, 3.0, 2.0, 1.0], [4.0, 4.1, 5.02, 4.2, 4.3]])
def test_single_wild_times_move_nothing(wild):
    clock = ClientClock()
    stamp(clock, 5.0)
    for t_s in wild:
        try:
            news = stamp(clock, t_s)[1]
        except WireError:
            continue
        assert (t_s, news) == (5.02, "")
    assert stamp(clock, 5.04)[1] == ""


def test_unknown_times_map_to_nan():
    clock = ClientClock()
    assert math.isnan(clock.map(1.0))
    clock.set(ClockOffset(1.0, 0.0))
    assert math.isnan(clock.map(None))
    assert clock.map(1.000_000_4) == 2.0  # whole microseconds
