"""Permits: never more work at once than cores, never an idle core beside waiting work, nobody starved."""

from __future__ import annotations

import pytest

from livedance_lab.clock import FakeClock
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.policies import LanesPolicy
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.scheduler import Job, LaneState, Scheduler, default_session_slots
from livedance_lab.settings import Settings
from tests.support.pipeline import a_received_frame


class Endless:
    """A session with always one more frame for each of its lanes."""

    def __init__(self, scheduler: Scheduler, lanes: int = 1) -> None:
        self.lanes = [LaneState(("pose",), scheduler.lock) for _ in range(lanes)]
        self.given = 0
        self.expected_s = 0.0
        self.heard: list[float] = []
        for lane in self.lanes:
            lane.idle = True

    def choose(self, now_s: float, cores: float) -> tuple[LaneState, Job] | None:
        self.cores = cores
        lane = next((x for x in self.lanes if x.idle), None)
        if lane is None:
            return None
        self.given += 1
        return lane, Job(a_received_frame(self.given), ("pose",), now_s, expected_s=self.expected_s)

    def observe_duration(self, job: Job, duration_s: float) -> None:
        self.heard.append(duration_s)

    @property
    def working(self) -> int:
        return sum(lane.running_since_s is not None for lane in self.lanes)


class Nothing:
    """A session with nothing to do."""

    def choose(self, now_s: float, cores: float) -> None:
        return None

    def observe_duration(self, job: Job, duration_s: float) -> None:
        raise AssertionError


def finish(scheduler: Scheduler, policy: Endless, clock: FakeClock, took_s: float) -> None:
    """One of a policy's lanes has finished and is ready for more, as its thread would say."""
    lane = next(x for x in policy.lanes if x.running_since_s is not None)
    clock.advance(took_s)
    lane.assigned = None
    scheduler.done(lane, policy)
    lane.idle = True
    scheduler.dispatch()


def test_no_more_jobs_at_once_than_workers():
    scheduler = Scheduler(2, FakeClock())
    policy = Endless(scheduler, lanes=5)
    scheduler.register(policy)
    scheduler.dispatch()

    assert policy.working == 2


def test_a_free_core_is_given_to_whoever_has_work():
    scheduler = Scheduler(2, FakeClock())
    scheduler.register(Nothing())
    policy = Endless(scheduler, lanes=2)
    scheduler.register(policy)
    scheduler.dispatch()

    assert policy.working == 2


def test_a_finished_job_gives_its_core_back():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    policy = Endless(scheduler)
    scheduler.register(policy)
    scheduler.dispatch()
    for _ in range(10):
        finish(scheduler, policy, clock, 0.02)

    assert policy.given == 11
    assert policy.working == 1


def test_a_greedy_session_does_not_starve_another():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    slow, quick = Endless(scheduler), Endless(scheduler)
    used = {id(slow): 0.0, id(quick): 0.0}
    took = {id(slow): 0.09, id(quick): 0.01}
    scheduler.register(slow)
    scheduler.register(quick)
    scheduler.dispatch()
    for _ in range(500):
        policy = slow if slow.working else quick
        used[id(policy)] += took[id(policy)]
        finish(scheduler, policy, clock, took[id(policy)])

    assert used[id(slow)] == pytest.approx(used[id(quick)], rel=0.05)


def test_on_one_core_hands_are_not_starved_by_a_camera_that_never_rests():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    slot: LatestSlot[ReceivedFrame] = LatestSlot()
    pose, hands = LaneState(("pose",), scheduler.lock), LaneState(("hands",), scheduler.lock)
    policy = LanesPolicy(slot, [pose, hands], Settings(hands_max_hz=15))
    pose.idle = hands.idle = True
    scheduler.register(policy)
    inferences = {"pose": 0, "hands": 0}
    for seq in range(300):
        slot.put(a_received_frame(seq))
        scheduler.dispatch()
        lane = pose if pose.assigned is not None else hands
        assert lane.assigned is not None
        inferences[lane.assigned.kinds[0]] += 1
        lane.assigned = None
        clock.advance(0.02)
        scheduler.done(lane, policy)
        lane.idle = True

    # both take 20 ms, a viewer minds the hands' age a fourth as much: hands at the latest when 5 frames old
    assert inferences["hands"] == pytest.approx(300 / 5, rel=0.1)
    assert inferences["pose"] == 300 - inferences["hands"]


def test_a_newcomer_gets_no_credit_for_the_time_before():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    old, new = Endless(scheduler), Endless(scheduler)
    scheduler.register(old)
    scheduler.dispatch()
    for _ in range(100):
        finish(scheduler, old, clock, 0.1)
    before = old.given
    scheduler.register(new)
    for _ in range(20):
        finish(scheduler, old if old.working else new, clock, 0.1)

    assert old.given - before == pytest.approx(10, abs=1)


def test_who_had_nothing_to_do_for_long_does_not_take_all_cores_afterwards():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    busy, absent = Endless(scheduler), Endless(scheduler)
    absent.lanes[0].idle = False  # its camera is off
    scheduler.register(busy)
    scheduler.register(absent)
    scheduler.dispatch()
    for _ in range(100):
        finish(scheduler, busy, clock, 0.1)
    absent.lanes[0].idle = True
    before = busy.given
    for _ in range(20):
        finish(scheduler, busy if busy.working else absent, clock, 0.1)

    assert busy.given - before >= 8  # half, less a quarter of a second


def test_work_under_way_counts_as_used():
    """Else who has several lanes would be given all cores before the first job is done."""
    scheduler = Scheduler(4, FakeClock())
    many, few = Endless(scheduler, lanes=4), Endless(scheduler, lanes=4)
    for policy in (many, few):
        policy.expected_s = 0.03
        scheduler.register(policy)
    scheduler.dispatch()

    assert (many.working, few.working) == (2, 2)


def test_a_policy_hears_how_long_its_jobs_took_and_pays_for_no_more():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    policy, other = Endless(scheduler), Endless(scheduler)
    policy.expected_s = other.expected_s = 0.03
    scheduler.register(policy)
    scheduler.register(other)
    scheduler.dispatch()
    for seconds in (0.05, 0.01, 0.05, 0.01):  # expected to take the same
        finish(scheduler, policy if policy.working else other, clock, seconds)

    assert sorted(policy.heard + other.heard) == pytest.approx([0.01, 0.01, 0.05, 0.05])
    assert scheduler._accounts[id(policy)].used_s == pytest.approx(sum(policy.heard) + 0.03 * policy.working)


def test_a_policy_knows_its_share_of_the_cores_and_the_absent_have_none():
    clock = FakeClock()
    scheduler = Scheduler(4, clock)
    one, two = Endless(scheduler), Endless(scheduler)
    scheduler.register(one)
    scheduler.register(two)
    scheduler.dispatch()
    finish(scheduler, one, clock, 0.1)
    assert one.cores == 2.0

    for _ in range(3):
        finish(scheduler, one, clock, 0.5)
    assert one.cores == 4.0


def test_who_has_left_gets_nothing():
    scheduler = Scheduler(1, FakeClock())
    policy = Endless(scheduler)
    scheduler.register(policy)
    scheduler.unregister(policy)
    scheduler.dispatch()

    assert policy.given == 0


def test_a_job_handed_over_is_done_even_by_a_lane_that_is_to_stop():
    """Its frame has left the slot: nobody else could ever count it."""
    scheduler = Scheduler(1, FakeClock())
    policy = Endless(scheduler)
    scheduler.register(policy)
    scheduler.dispatch()
    scheduler.unregister(policy)
    lane = policy.lanes[0]
    scheduler.stop(lane)

    assert scheduler.next_job(lane) is not None
    scheduler.done(lane, policy)
    assert scheduler.next_job(lane) is None


def test_a_lane_that_hangs_keeps_its_core_from_nobody_once_it_is_given_up():
    scheduler = Scheduler(1, FakeClock())
    stuck, other = Endless(scheduler), Endless(scheduler, lanes=5)
    scheduler.register(stuck)
    scheduler.dispatch()
    scheduler.unregister(stuck)
    scheduler.register(other)
    scheduler.dispatch()
    assert other.working == 0

    scheduler.give_up(stuck.lanes[0])
    assert other.working == 1
    scheduler.give_up(stuck.lanes[0])  # said twice, and then it comes back after all: still one core
    scheduler.done(stuck.lanes[0], stuck)
    scheduler.dispatch()
    assert other.working == 1


def test_giving_up_a_lane_that_does_nothing_makes_no_core():
    scheduler = Scheduler(1, FakeClock())
    policy = Endless(scheduler, lanes=5)
    scheduler.give_up(LaneState(("pose",), scheduler.lock))
    scheduler.register(policy)
    scheduler.dispatch()

    assert policy.working == 1


def test_a_lane_told_to_stop_while_idle_stops():
    scheduler = Scheduler(1, FakeClock())
    lane = LaneState(("pose",), scheduler.lock)
    scheduler.stop(lane)

    assert scheduler.next_job(lane) is None


@pytest.mark.parametrize(("workers", "slots"), [(0, 2), (1, 2), (2, 4), (4, 8), (16, 32)])
def test_a_machine_has_two_session_slots_per_core(workers, slots):
    assert default_session_slots(workers) == slots
