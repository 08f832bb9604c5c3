"""Which lane takes which frame: policies stepped by hand, without threads, at given times."""

from __future__ import annotations

import threading
from typing import get_args

import pytest

from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.policies import (
    DESIGNS,
    STAGGER,
    HandsGate,
    JoinPolicy,
    LanesPolicy,
    SequentialPolicy,
    lane_kinds,
    pose_lane_count,
)
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.scheduler import LaneState
from livedance_lab.settings import Settings
from tests.support.pipeline import a_received_frame


def lane_states(*kinds: str) -> list[LaneState]:
    """Idle lanes, one for each word, such as "pose" or "pose hands"."""
    lanes = [LaneState(tuple(word.split()), threading.RLock()) for word in kinds]
    for lane in lanes:
        lane.idle = True
    return lanes


@pytest.fixture
def slot() -> LatestSlot[ReceivedFrame]:
    return LatestSlot()


def lanes_policy(slot, n_pose=2, **settings) -> LanesPolicy:
    return LanesPolicy(slot, lane_states(*["pose"] * n_pose, "hands"), Settings().changed(settings))


def choose(policy, now_s: float) -> tuple[str, int] | None:
    """What is chosen, given to its lane as the scheduler does it."""
    chosen = policy.choose(now_s)
    if chosen is None:
        return None
    lane, job = chosen
    lane.idle, lane.assigned = False, job
    lane.running_since_s = lane.last_start_s = now_s
    return " ".join(job.kinds), job.received.seq


def test_without_a_frame_nothing_is_chosen(slot):
    for policy in (lanes_policy(slot), SequentialPolicy(slot, lane_states("pose hands"), Settings()),
                 JoinPolicy(slot, lane_states("pose", "hands"), Settings())):  # fmt: skip
        assert policy.choose(0.0) is None


def test_pose_takes_the_newest_frame_and_hands_share_it(slot):
    policy = lanes_policy(slot)
    slot.put(a_received_frame(0))
    slot.put(a_received_frame(1))

    assert choose(policy, 0.0) == ("pose", 1)
    assert choose(policy, 0.0) == ("hands", 1)
    assert choose(policy, 0.0) is None


def test_pose_lanes_alternate(slot):
    policy = lanes_policy(slot, hands=False)
    slot.put(a_received_frame(0))
    assert choose(policy, 0.00) == ("pose", 0)
    slot.put(a_received_frame(1))
    assert choose(policy, 0.01) == ("pose", 1)
    slot.put(a_received_frame(2))
    assert choose(policy, 0.02) is None  # both are at work; the frame waits
    assert policy.pose[0].assigned.received.seq == 0
    assert policy.pose[1].assigned.received.seq == 1


def test_an_idle_lane_that_has_just_worked_comes_last(slot):
    """Else the first lane would take every frame it can, and the other one's tracking would go stale."""
    policy = lanes_policy(slot, hands=False)
    order = []
    for seq in range(4):
        slot.put(a_received_frame(seq))
        choose(policy, seq / 10)
        worked = next(i for i, lane in enumerate(policy.pose) if not lane.idle)
        order.append(worked)
        policy.pose[worked].idle, policy.pose[worked].running_since_s = True, None

    assert order == [0, 1, 0, 1]


@pytest.mark.parametrize(("priority", "frames"), [("hands_first", 1), ("balanced", 6), ("pose_first", 22)])
def test_hands_come_to_their_turn_when_they_have_grown_old_enough_for_the_priority(slot, priority, frames):
    """Gains per core second: a pose 20 ms younger in 30 ms, hands `frames` times 20 ms younger in 40 ms."""
    for hands_frames, expected in ((frames - 1, "pose"), (frames, "hands")):
        policy = lanes_policy(slot, priority=priority, hands_max_hz=0)
        policy.hands_gate.record_start(100 - hands_frames, 0.0)
        policy._started_capture_s = {"pose": 99 / 50, "hands": (100 - hands_frames) / 50}
        slot.put(a_received_frame(100))

        assert choose(policy, 10.0) == (expected, 100)


def test_what_takes_long_has_to_gain_more(slot):
    policy = lanes_policy(slot, hands_max_hz=0)
    policy._started_capture_s = {"pose": 99 / 50, "hands": 90 / 50}
    slot.put(a_received_frame(100))
    _, job = policy.choose(0.0)
    assert (job.kinds, job.expected_s) == (("hands",), 0.04)
    for _ in range(50):
        policy.observe_duration(job, 0.4)
    policy._started_capture_s = {"pose": 99 / 50, "hands": 90 / 50}
    policy.hands_gate.last_seq = 90

    assert choose(policy, 10.0) == ("pose", 100)


@pytest.mark.parametrize("priority", ["pose_first", "balanced", "hands_first"])
def test_a_core_that_no_pose_needs_is_given_to_the_hands_whatever_the_priority(slot, priority):
    policy = lanes_policy(slot, n_pose=1, priority=priority)
    slot.put(a_received_frame(0))
    assert choose(policy, 0.0) == ("pose", 0)
    assert choose(policy, 0.0) == ("hands", 0)
    policy.hands[0].idle = True
    slot.put(a_received_frame(10))

    assert choose(policy, 0.2) == ("hands", 10)  # the pose lane is at work


def test_two_pose_lanes_do_not_start_at_once(slot):
    """Results in pairs would leave a long gap behind them, in which the newest grows old."""
    policy = lanes_policy(slot, hands=False)
    least_s = STAGGER * 0.03 / 2
    slot.put(a_received_frame(0))
    assert choose(policy, 0.0) == ("pose", 0)
    slot.put(a_received_frame(1))

    assert choose(policy, 0.9 * least_s) is None
    assert choose(policy, 1.1 * least_s) == ("pose", 1)


def test_no_pose_lane_waits_for_one_that_has_finished(slot):
    policy = lanes_policy(slot, hands=False)
    slot.put(a_received_frame(0))
    choose(policy, 0.0)
    policy.pose[0].idle = True
    slot.put(a_received_frame(1))

    assert choose(policy, 0.0001) == ("pose", 1)


@pytest.mark.parametrize(("cores", "order"), [(0.5, [0, 0, 0, 0]), (1.0, [0, 0, 0, 0]), (1.5, [0, 1, 0, 1])])
def test_a_session_with_no_more_than_a_core_of_its_own_keeps_to_one_lane(slot, cores, order):
    """A landmarker that sees every frame of the few follows better than two that see half of them each."""
    policy = lanes_policy(slot, hands=False)
    worked = []
    for seq in range(4):
        slot.put(a_received_frame(seq))
        chosen = policy.choose(seq / 10, cores)
        assert chosen is not None
        worked.append(policy.pose.index(chosen[0]))
        chosen[0].last_start_s = seq / 10

    assert worked == order


def test_balanced_begins_with_the_pose_when_none_is_at_work(slot):
    policy = lanes_policy(slot)
    slot.put(a_received_frame(5))

    assert choose(policy, 1.0) == ("pose", 5)


def test_a_frame_gets_one_hands_inference(slot):
    policy = lanes_policy(slot)
    slot.put(a_received_frame(0))
    choose(policy, 0.0)
    choose(policy, 0.0)
    policy.hands[0].idle = True

    assert choose(policy, 10.0) is None
    slot.put(a_received_frame(1))
    policy.pose[1].idle = False
    assert choose(policy, 10.0) == ("hands", 1)


@pytest.mark.parametrize(("rate_hz", "pause_s"), [(10.0, 0.1), (30.0, 1 / 30), (0.0, 0.0)])
def test_hands_keep_to_their_rate(rate_hz, pause_s):
    settings, gate = Settings(hands_max_hz=rate_hz), HandsGate()
    gate.record_start(0, 100.0)

    assert not gate.is_due(settings, a_received_frame(1), 100.0 + pause_s - 1e-6) or pause_s == 0
    assert gate.is_due(settings, a_received_frame(1), 100.0 + pause_s + 1e-6)


def test_no_hands_inference_starts_while_no_wrist_is_visible_or_they_are_off():
    gate = HandsGate(wrists_visible=False)
    assert not gate.is_due(Settings(), a_received_frame(0), 0.0)
    assert not HandsGate().is_due(Settings(hands=False), a_received_frame(0), 0.0)
    assert HandsGate().is_due(Settings(), a_received_frame(0), 0.0)


def test_inferences_without_a_hand_back_off_until_one_is_found():
    gate, settings = HandsGate(), Settings(hands_max_hz=0)
    pauses = []
    for _ in range(10):
        gate.record_found(0)
        pauses.append(gate.pause_s(settings))

    assert pauses[:2] == [0, 0]
    assert pauses == sorted(pauses)
    assert max(pauses) == 0.5
    gate.record_found(1)
    assert gate.pause_s(settings) == 0


def test_sequential_is_one_frame_at_a_time(slot):
    policy = SequentialPolicy(slot, lane_states("pose hands"), Settings())
    slot.put(a_received_frame(0))
    slot.put(a_received_frame(1))
    assert choose(policy, 0.0) == ("pose hands", 1)
    slot.put(a_received_frame(2))
    assert choose(policy, 0.0) is None


def test_join_gives_both_lanes_the_same_frame_and_waits_for_both(slot):
    policy = JoinPolicy(slot, lane_states("pose", "hands"), Settings())
    slot.put(a_received_frame(0))
    assert choose(policy, 0.0) == ("pose", 0)
    slot.put(a_received_frame(1))
    assert choose(policy, 0.0) == ("hands", 0)  # not 1: it is frame 0's other half
    assert policy.pose[0].assigned.joined_by is policy.hands[0].assigned.joined_by is policy
    policy.pose[0].idle = True
    assert choose(policy, 0.0) is None
    policy.hands[0].idle = True
    assert choose(policy, 0.0) == ("pose", 1)


def test_a_lane_that_was_given_up_is_replaced_in_every_policy(slot):
    for policy in (lanes_policy(slot, 1), SequentialPolicy(slot, lane_states("pose hands"), Settings()),
                   JoinPolicy(slot, lane_states("pose", "hands"), Settings())):  # fmt: skip
        (old,), (new,) = policy.pose, lane_states("pose hands")
        policy.replace(old, new)
        slot.put(a_received_frame(0))
        chosen = policy.choose(0.0)
        assert chosen is not None
        assert chosen[0] is new


@pytest.mark.parametrize(
    ("design", "hands", "lanes", "policy"),
    [
        ("auto", True, {"pose-0": "pose", "pose-1": "pose", "hands": "hands"}, LanesPolicy),
        ("decoupled", True, {"pose-0": "pose", "hands": "hands"}, LanesPolicy),
        ("decoupled", False, {"pose-0": "pose"}, LanesPolicy),
        ("join", True, {"pose-0": "pose", "hands": "hands"}, JoinPolicy),
        ("join", False, {"pose-0": "pose"}, LanesPolicy),
        ("sequential", True, {"sequential": "pose hands"}, SequentialPolicy),
        ("sequential", False, {"sequential": "pose"}, SequentialPolicy),
    ],
)
def test_lanes_and_policy_of_a_design(slot, design, hands, lanes, policy):
    settings = Settings(design=design, hands=hands)
    kinds_of = lane_kinds(settings, workers=4)

    assert {name: " ".join(kinds) for name, kinds in kinds_of.items()} == lanes
    assert type(DESIGNS[design].policy(slot, lane_states(*lanes.values()), settings)) is policy


def test_every_design_of_the_settings_is_in_the_table():
    assert set(DESIGNS) == set(get_args(Settings.model_fields["design"].annotation))


@pytest.mark.parametrize(
    ("settings", "workers", "lanes"),
    [({}, 1, 1), ({}, 2, 2), ({}, 4, 2), ({}, 8, 2), ({}, 16, 2), ({"pose_lanes": 5}, 2, 5),
     ({"design": "decoupled"}, 8, 1), ({"design": "live_stream"}, 8, 1), ({"design": "join"}, 8, 1),
     ({"design": "sequential"}, 8, 1), ({"design": "sequential", "pose_lanes": 4}, 8, 1)],
)  # fmt: skip
def test_how_many_pose_lanes(settings, workers, lanes):
    chosen = Settings().changed(settings)
    assert pose_lane_count(chosen, workers) == lanes
    assert sum("pose" in kinds for kinds in lane_kinds(chosen, workers).values()) == lanes
