"""Estimators that hang or fail again and again: found, counted, replaced; a slow machine is left in peace."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from livedance_lab.clock import now_s
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators.base import Estimate
from livedance_lab.pipeline.throttled_events import ThrottledEvents
from livedance_lab.pipeline.watchdog import MAX_GIVEN_UP, Watchdog
from tests.support.lanes import DESIGNS, Live, Workshop, join_threads
from tests.support.pipeline import WAIT_S, a_pose


class SomeLane:
    """A lane as the watchdog sees it."""

    def __init__(self, typical_s: float = 0.03) -> None:
        self.typical_s = typical_s
        self.inferring: Any = None


def found_hanging_s(watchdog: Watchdog, lane: SomeLane, from_s: int, to_s: int) -> int | None:
    """Check every second; when the lane was found to hang."""
    return next((t_s for t_s in range(from_s, to_s) if watchdog.check([lane], float(t_s))), None)  # type: ignore[list-item]


# --- when


def test_a_lane_that_is_at_one_picture_for_too_long_hangs():
    lane, watchdog = SomeLane(), Watchdog(10.0)
    lane.inferring = object()
    assert found_hanging_s(watchdog, lane, 100, 200) == 111
    assert watchdog.given_up == 1


def test_a_lane_that_gets_on_never_does():
    lane, watchdog = SomeLane(), Watchdog(10.0)
    for t_s in range(100):
        lane.inferring = object() if t_s % 9 == 0 else lane.inferring
        assert watchdog.check([lane], float(t_s)) == []  # type: ignore[list-item]


def test_a_lane_without_work_never_does():
    assert found_hanging_s(Watchdog(10.0), SomeLane(), 0, 100) is None


def test_a_slow_machine_is_given_many_times_what_it_usually_takes():
    lane, watchdog = SomeLane(typical_s=1.0), Watchdog(10.0)
    lane.inferring = object()
    assert found_hanging_s(watchdog, lane, 0, 30) is None
    assert found_hanging_s(watchdog, lane, 30, 60) == 31


def test_time_between_checks_that_are_far_apart_does_not_count():
    """The computer slept, or the process was stopped, in the middle of a picture."""
    lane, watchdog = SomeLane(), Watchdog(10.0)
    lane.inferring = object()
    assert found_hanging_s(watchdog, lane, 0, 5) is None
    assert found_hanging_s(watchdog, lane, 10_000, 10_004) is None


# --- what then


class Hanging:
    """What an estimator does that hangs at its first calls, until it is let go at the end of the test."""

    def __init__(self, kind: str, calls: int = 1) -> None:
        self._kind, self._calls = kind, calls
        self.gate, self.at_work = threading.Event(), threading.Event()

    def __call__(self, kind: str, n: int) -> Estimate:
        if kind == self._kind and n <= self._calls:
            self.at_work.set()
            assert self.gate.wait(9 * WAIT_S)
        return a_pose() if kind == "pose" else Estimate()


@pytest.fixture
def hangs():
    """Makes a session whose estimators hang at first; afterwards every thread ends and every estimator is closed."""
    made: list[tuple[Hanging, Workshop]] = []

    def make(kind: str, calls: int = 1, **settings: Any) -> tuple[Live, Hanging, Workshop]:
        shop, hanging = Workshop(), Hanging(kind, calls)
        made.append((hanging, shop))
        shop.see = hanging
        # the second check suffices: when tests check, only hanging lanes run
        live = Live(shop, hang_s=-1.0, **settings)
        live.session.start()
        return live, hanging, shop

    yield make
    for hanging, shop in made:
        hanging.gate.set()
        join_threads()
        assert shop.open == 0
        assert [w.broken for w in shop.made if w.broken] == []


def check_until(live: Live, true: Callable[[], object]) -> None:
    """Check the lanes as the server does, at shorter intervals."""
    give_up_s = now_s() + WAIT_S
    while not true():
        assert now_s() < give_up_s
        live.session.look_after_lanes()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_hung_lane_costs_its_frame_and_the_session_goes_on(hangs, design):
    live, hanging, _ = hangs("pose", design=design, pose_lanes=1, workers=1)
    seq = live.send()
    assert hanging.at_work.wait(WAIT_S)
    check_until(live, lambda: live.ended(seq))
    for _ in range(5):
        live.send_and_wait()
    hanging.gate.set()  # what it still says changes nothing
    live.session.end(live.sent)
    live.session.pause()

    assert live.states == {"failed": 1, "processed": 5}
    assert live.heard.summaries[0]["conserved"]
    (event,) = live.heard.named("error", "lane given up")
    assert event["data"]["seq"] == seq
    assert "did not answer" in event["data"]["reason"]
    assert live.heard.refused[0][:3] == (seq, "failed", "estimator")


def test_a_hung_hands_inference_costs_no_frame(hangs):
    live, hanging, shop = hangs("hands", design="decoupled")
    live.send_and_wait()
    assert hanging.at_work.wait(WAIT_S)
    check_until(live, lambda: live.heard.named("error", "lane given up"))
    while shop.calls["hands"] < 2:
        live.send_and_wait()
    live.session.abandon()

    assert live.states.keys() == {"processed"}
    assert live.heard.named("error", "lane given up")[0]["data"]["lane"] == "hands"


def test_a_session_whose_estimators_always_hang_is_ended_with_words(hangs):
    live, _, _ = hangs("pose", calls=100, hands=False, pose_lanes=1)
    while True:
        seq = live.send()
        check_until(live, lambda seq=seq: live.ended(seq))
        if not live.session.look_after_lanes():
            break
    live.session.abandon()

    assert len(live.heard.named("error", "lane given up")) == MAX_GIVEN_UP + 1
    assert "the session is ended" in live.heard.named("error", "session given up")[0]["data"]["reason"]
    assert live.states == {"failed": MAX_GIVEN_UP + 1}
    assert live.heard.summaries[0]["conserved"]
    assert live.session.look_after_lanes()  # said once


def test_estimators_that_fail_again_and_again_are_made_anew_and_logged_once(hangs):
    live, _, shop = hangs("nothing", hands=False, pose_lanes=1)
    first = shop.made[0]

    def see(kind: str, n: int) -> Estimate:
        if shop.made[-1] is first:
            raise EstimatorError("it has lost its footing")
        return a_pose()

    shop.see = see
    for _ in range(8):
        live.send_and_wait()
    live.session.abandon()

    assert live.states == {"failed": 5, "processed": 3}
    assert first.closed
    assert "lost its footing" in live.heard.named("error", "estimator renewed")[0]["data"]["reason"]
    assert len(live.heard.named("error", "estimator failed")) == 1


def test_failures_between_two_events_are_counted():
    said: list[dict[str, Any]] = []
    events = ThrottledEvents(lambda kind, name, data: said.append(data))
    for seq in range(120):
        events.add("estimator failed", seq, "why", seq * 0.1)
    assert [(d["seq"], d["failures"]) for d in said] == [(0, 1), (50, 50), (100, 50)]
    events.add("hands failed", 120, "why", 12.0)
    assert said[-1] == {"seq": 120, "reason": "why", "failures": 1}
