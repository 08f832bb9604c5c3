"""Which lane takes which picture, chosen by hand: no thread, no clock but the one given."""

from __future__ import annotations

import threading

import pytest

from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.policies import (
    STAGGER,
    HandsPolicy,
    JoinPlan,
    LanesPlan,
    SequentialPlan,
    pose_lane_count,
)
from livedance_lab.pipeline.received_frame import Picture
from livedance_lab.pipeline.scheduler import LaneHandle
from livedance_lab.settings import Settings
from tests.support.pipeline import a_picture


def handles(n: int) -> list[LaneHandle]:
    lanes = [LaneHandle(threading.RLock()) for _ in range(n)]
    for lane in lanes:
        lane.idle = True
    return lanes


@pytest.fixture
def slot() -> LatestSlot[Picture]:
    return LatestSlot()


def lanes_plan(slot, n_pose=2, **settings) -> LanesPlan:
    return LanesPlan(slot, handles(n_pose), handles(1), Settings().changed(settings))


def choose(plan, now_s: float) -> tuple[str, int] | None:
    """What is chosen, given to its lane as the scheduler does it."""
    chosen = plan.choose(now_s)
    if chosen is None:
        return None
    lane, job = chosen
    lane.idle, lane.job = False, job
    lane.busy_since_s = lane.last_start_s = now_s
    return job.kind, job.picture.frame.seq


def test_without_a_picture_nothing_is_chosen(slot):
    for plan in (lanes_plan(slot), SequentialPlan(slot, handles(1)[0], Settings()),
                 JoinPlan(slot, *handles(2), Settings())):  # fmt: skip
        assert plan.choose(0.0) is None


def test_pose_takes_the_newest_frame_and_hands_look_at_it_too(slot):
    plan = lanes_plan(slot)
    slot.put(a_picture(0))
    slot.put(a_picture(1))

    assert choose(plan, 0.0) == ("pose", 1)
    assert choose(plan, 0.0) == ("hands", 1)
    assert choose(plan, 0.0) is None


def test_pose_lanes_alternate(slot):
    plan = lanes_plan(slot, hands=False)
    slot.put(a_picture(0))
    assert choose(plan, 0.00) == ("pose", 0)
    slot.put(a_picture(1))
    assert choose(plan, 0.01) == ("pose", 1)
    slot.put(a_picture(2))
    assert choose(plan, 0.02) is None  # both are at work; the frame waits
    assert plan.pose[0].job.picture.frame.seq == 0
    assert plan.pose[1].job.picture.frame.seq == 1


def test_an_idle_lane_that_has_just_worked_comes_last(slot):
    """Else the first lane would take every frame it can, and the other one's tracking would go stale."""
    plan = lanes_plan(slot, hands=False)
    order = []
    for seq in range(4):
        slot.put(a_picture(seq))
        choose(plan, seq / 10)
        worked = next(i for i, lane in enumerate(plan.pose) if not lane.idle)
        order.append(worked)
        plan.pose[worked].idle, plan.pose[worked].busy_since_s = True, None

    assert order == [0, 1, 0, 1]


@pytest.mark.parametrize(("priority", "frames"), [("hands_first", 1), ("balanced", 6), ("pose_first", 22)])
def test_hands_come_to_their_turn_when_they_have_grown_old_enough_for_the_priority(slot, priority, frames):
    """Gains per core second: a pose 20 ms younger in 30 ms, hands `frames` times 20 ms younger in 40 ms."""
    for hands_frames, expected in ((frames - 1, "pose"), (frames, "hands")):
        plan = lanes_plan(slot, priority=priority, hands_max_hz=0)
        plan.policy.begun(100 - hands_frames, 0.0)
        plan._begun_capture_s = {"pose": 99 / 50, "hands": (100 - hands_frames) / 50}
        slot.put(a_picture(100))

        assert choose(plan, 10.0) == (expected, 100)


def test_what_takes_long_has_to_gain_more(slot):
    plan = lanes_plan(slot, hands_max_hz=0)
    plan._begun_capture_s = {"pose": 99 / 50, "hands": 90 / 50}
    slot.put(a_picture(100))
    _, look = plan.choose(0.0)
    assert (look.kind, look.expected_s) == ("hands", 0.04)
    for _ in range(50):
        plan.took(look, 0.4)
    plan._begun_capture_s = {"pose": 99 / 50, "hands": 90 / 50}
    plan.policy.last_seq = 90

    assert choose(plan, 10.0) == ("pose", 100)


@pytest.mark.parametrize("priority", ["pose_first", "balanced", "hands_first"])
def test_a_core_that_no_pose_needs_is_given_to_the_hands_whatever_the_priority(slot, priority):
    plan = lanes_plan(slot, n_pose=1, priority=priority)
    slot.put(a_picture(0))
    assert choose(plan, 0.0) == ("pose", 0)
    assert choose(plan, 0.0) == ("hands", 0)
    plan.hands[0].idle = True
    slot.put(a_picture(10))

    assert choose(plan, 0.2) == ("hands", 10)  # the pose lane is at work


def test_two_pose_lanes_do_not_start_at_once(slot):
    """Results in pairs would leave a long gap behind them, in which the newest grows old."""
    plan = lanes_plan(slot, hands=False)
    least_s = STAGGER * 0.03 / 2
    slot.put(a_picture(0))
    assert choose(plan, 0.0) == ("pose", 0)
    slot.put(a_picture(1))

    assert choose(plan, 0.9 * least_s) is None
    assert choose(plan, 1.1 * least_s) == ("pose", 1)


def test_no_pose_lane_waits_for_one_that_has_finished(slot):
    plan = lanes_plan(slot, hands=False)
    slot.put(a_picture(0))
    choose(plan, 0.0)
    plan.pose[0].idle = True
    slot.put(a_picture(1))

    assert choose(plan, 0.0001) == ("pose", 1)


@pytest.mark.parametrize(("cores", "order"), [(0.5, [0, 0, 0, 0]), (1.0, [0, 0, 0, 0]), (1.5, [0, 1, 0, 1])])
def test_a_session_with_no_more_than_a_core_of_its_own_keeps_to_one_lane(slot, cores, order):
    """A landmarker that sees every frame of the few follows better than two that see half of them each."""
    plan = lanes_plan(slot, hands=False)
    worked = []
    for seq in range(4):
        slot.put(a_picture(seq))
        chosen = plan.choose(seq / 10, cores)
        assert chosen is not None
        worked.append(plan.pose.index(chosen[0]))
        chosen[0].last_start_s = seq / 10

    assert worked == order


def test_balanced_begins_with_the_pose_when_none_is_at_work(slot):
    plan = lanes_plan(slot)
    slot.put(a_picture(5))

    assert choose(plan, 1.0) == ("pose", 5)


def test_hands_look_at_a_frame_once(slot):
    plan = lanes_plan(slot)
    slot.put(a_picture(0))
    choose(plan, 0.0)
    choose(plan, 0.0)
    plan.hands[0].idle = True

    assert choose(plan, 10.0) is None
    slot.put(a_picture(1))
    plan.pose[1].idle = False
    assert choose(plan, 10.0) == ("hands", 1)


@pytest.mark.parametrize(("rate_hz", "pause_s"), [(10.0, 0.1), (30.0, 1 / 30), (0.0, 0.0)])
def test_hands_keep_to_their_rate(rate_hz, pause_s):
    settings, policy = Settings(hands_max_hz=rate_hz), HandsPolicy()
    policy.begun(0, 100.0)

    assert not policy.due(settings, a_picture(1), 100.0 + pause_s - 1e-6) or pause_s == 0
    assert policy.due(settings, a_picture(1), 100.0 + pause_s + 1e-6)


def test_no_hands_are_looked_for_while_no_wrist_is_visible_or_they_are_off():
    policy = HandsPolicy(wrists_visible=False)
    assert not policy.due(Settings(), a_picture(0), 0.0)
    assert not HandsPolicy().due(Settings(hands=False), a_picture(0), 0.0)
    assert HandsPolicy().due(Settings(), a_picture(0), 0.0)


def test_looking_in_vain_backs_off_and_finding_ends_it():
    policy, settings = HandsPolicy(), Settings(hands_max_hz=0)
    pauses = []
    for _ in range(10):
        policy.found(0)
        pauses.append(policy.pause_s(settings))

    assert pauses[:2] == [0, 0]
    assert pauses == sorted(pauses)
    assert max(pauses) == 0.5
    policy.found(1)
    assert policy.pause_s(settings) == 0


def test_sequential_is_one_frame_at_a_time(slot):
    plan = SequentialPlan(slot, handles(1)[0], Settings())
    slot.put(a_picture(0))
    slot.put(a_picture(1))
    assert choose(plan, 0.0) == ("both", 1)
    slot.put(a_picture(2))
    assert choose(plan, 0.0) is None


def test_join_gives_both_lanes_the_same_frame_and_waits_for_both(slot):
    plan = JoinPlan(slot, *handles(2), Settings())
    slot.put(a_picture(0))
    assert choose(plan, 0.0) == ("pose", 0)
    slot.put(a_picture(1))
    assert choose(plan, 0.0) == ("hands", 0)  # not 1: it is frame 0's other half
    assert plan.pose.job.joined_by is plan.hands.job.joined_by is plan
    plan.pose.idle = True
    assert choose(plan, 0.0) is None
    plan.hands.idle = True
    assert choose(plan, 0.0) == ("pose", 1)


@pytest.mark.parametrize(
    ("settings", "workers", "lanes"),
    [({}, 1, 1), ({}, 2, 2), ({}, 4, 2), ({}, 8, 2), ({}, 16, 2), ({"pose_lanes": 5}, 2, 5),
     ({"design": "decoupled"}, 8, 1), ({"design": "live_stream"}, 8, 1)],
)  # fmt: skip
def test_how_many_pose_lanes(settings, workers, lanes):
    assert pose_lane_count(Settings().changed(settings), workers) == lanes
