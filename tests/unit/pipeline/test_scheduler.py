"""Permits: never more work at once than cores, never an idle core beside waiting work, nobody starved."""

from __future__ import annotations

import pytest

from livedance_lab.clock import FakeClock
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.policies import LanesPlan
from livedance_lab.pipeline.received_frame import Picture
from livedance_lab.pipeline.scheduler import Job, LaneHandle, Scheduler, default_session_slots
from livedance_lab.settings import Settings
from tests.support.pipeline import a_picture


class Endless:
    """A session with always one more picture for each of its lanes."""

    def __init__(self, scheduler: Scheduler, lanes: int = 1) -> None:
        self.lanes = [LaneHandle(scheduler.lock) for _ in range(lanes)]
        self.given = 0
        self.expected_s = 0.0
        self.heard: list[float] = []
        for lane in self.lanes:
            lane.idle = True

    def choose(self, now_s: float, cores: float) -> tuple[LaneHandle, Job] | None:
        self.cores = cores
        lane = next((x for x in self.lanes if x.idle), None)
        if lane is None:
            return None
        self.given += 1
        return lane, Job(a_picture(self.given), "pose", now_s, expected_s=self.expected_s)

    def took(self, job: Job, seconds: float) -> None:
        self.heard.append(seconds)

    @property
    def working(self) -> int:
        return sum(lane.busy_since_s is not None for lane in self.lanes)


class Nothing:
    """A session with nothing to do."""

    def choose(self, now_s: float, cores: float) -> None:
        return None

    def took(self, job: Job, seconds: float) -> None:
        raise AssertionError


def finish(scheduler: Scheduler, plan: Endless, clock: FakeClock, took_s: float) -> None:
    """One of a plan's lanes has finished and is ready for more, as its thread would say."""
    lane = next(x for x in plan.lanes if x.busy_since_s is not None)
    clock.advance(took_s)
    lane.job = None
    scheduler.done(lane, plan)
    lane.idle = True
    scheduler.wake()


def test_no_more_jobs_at_once_than_workers():
    scheduler = Scheduler(2, FakeClock())
    plan = Endless(scheduler, lanes=5)
    scheduler.join(plan)
    scheduler.wake()

    assert plan.working == 2


def test_a_free_core_is_given_to_whoever_has_work():
    scheduler = Scheduler(2, FakeClock())
    scheduler.join(Nothing())
    plan = Endless(scheduler, lanes=2)
    scheduler.join(plan)
    scheduler.wake()

    assert plan.working == 2


def test_a_finished_job_gives_its_core_back():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    plan = Endless(scheduler)
    scheduler.join(plan)
    scheduler.wake()
    for _ in range(10):
        finish(scheduler, plan, clock, 0.02)

    assert plan.given == 11
    assert plan.working == 1


def test_a_greedy_session_does_not_starve_another():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    slow, quick = Endless(scheduler), Endless(scheduler)
    used = {id(slow): 0.0, id(quick): 0.0}
    took = {id(slow): 0.09, id(quick): 0.01}
    scheduler.join(slow)
    scheduler.join(quick)
    scheduler.wake()
    for _ in range(500):
        plan = slow if slow.working else quick
        used[id(plan)] += took[id(plan)]
        finish(scheduler, plan, clock, took[id(plan)])

    assert used[id(slow)] == pytest.approx(used[id(quick)], rel=0.05)


def test_on_one_core_hands_are_not_starved_by_a_camera_that_never_rests():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    slot: LatestSlot[Picture] = LatestSlot()
    pose, hands = LaneHandle(scheduler.lock), LaneHandle(scheduler.lock)
    plan = LanesPlan(slot, [pose], [hands], Settings(hands_max_hz=15))
    pose.idle = hands.idle = True
    scheduler.join(plan)
    looks = {"pose": 0, "hands": 0}
    for seq in range(300):
        slot.put(a_picture(seq))
        scheduler.wake()
        lane = pose if pose.job is not None else hands
        assert lane.job is not None
        looks[lane.job.kind] += 1
        lane.job = None
        clock.advance(0.02)
        scheduler.done(lane, plan)
        lane.idle = True

    # both take 20 ms, a viewer minds the hands' age a fourth as much: hands at the latest when 5 frames old
    assert looks["hands"] == pytest.approx(300 / 5, rel=0.1)
    assert looks["pose"] == 300 - looks["hands"]


def test_a_newcomer_gets_no_credit_for_the_time_before():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    old, new = Endless(scheduler), Endless(scheduler)
    scheduler.join(old)
    scheduler.wake()
    for _ in range(100):
        finish(scheduler, old, clock, 0.1)
    before = old.given
    scheduler.join(new)
    for _ in range(20):
        finish(scheduler, old if old.working else new, clock, 0.1)

    assert old.given - before == pytest.approx(10, abs=1)


def test_who_had_nothing_to_do_for_long_does_not_take_all_cores_afterwards():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    busy, absent = Endless(scheduler), Endless(scheduler)
    absent.lanes[0].idle = False  # its camera is off
    scheduler.join(busy)
    scheduler.join(absent)
    scheduler.wake()
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
    for plan in (many, few):
        plan.expected_s = 0.03
        scheduler.join(plan)
    scheduler.wake()

    assert (many.working, few.working) == (2, 2)


def test_a_plan_hears_how_long_its_jobs_took_and_pays_for_no_more():
    clock = FakeClock()
    scheduler = Scheduler(1, clock)
    plan, other = Endless(scheduler), Endless(scheduler)
    plan.expected_s = other.expected_s = 0.03
    scheduler.join(plan)
    scheduler.join(other)
    scheduler.wake()
    for seconds in (0.05, 0.01, 0.05, 0.01):  # expected to take the same
        finish(scheduler, plan if plan.working else other, clock, seconds)

    assert sorted(plan.heard + other.heard) == pytest.approx([0.01, 0.01, 0.05, 0.05])
    assert scheduler._accounts[id(plan)].used_s == pytest.approx(sum(plan.heard) + 0.03 * plan.working)


def test_a_plan_knows_its_share_of_the_cores_and_the_absent_have_none():
    clock = FakeClock()
    scheduler = Scheduler(4, clock)
    one, two = Endless(scheduler), Endless(scheduler)
    scheduler.join(one)
    scheduler.join(two)
    scheduler.wake()
    finish(scheduler, one, clock, 0.1)
    assert one.cores == 2.0

    for _ in range(3):
        finish(scheduler, one, clock, 0.5)
    assert one.cores == 4.0


def test_who_has_left_gets_nothing():
    scheduler = Scheduler(1, FakeClock())
    plan = Endless(scheduler)
    scheduler.join(plan)
    scheduler.leave(plan)
    scheduler.wake()

    assert plan.given == 0


def test_a_job_handed_over_is_done_even_by_a_lane_that_is_to_stop():
    """Its frame has left the slot: nobody else could ever count it."""
    scheduler = Scheduler(1, FakeClock())
    plan = Endless(scheduler)
    scheduler.join(plan)
    scheduler.wake()
    scheduler.leave(plan)
    lane = plan.lanes[0]
    scheduler.stop(lane)

    assert scheduler.next_job(lane) is not None
    scheduler.done(lane, plan)
    assert scheduler.next_job(lane) is None


def test_a_lane_that_hangs_keeps_its_core_from_nobody_once_it_is_given_up():
    scheduler = Scheduler(1, FakeClock())
    stuck, other = Endless(scheduler), Endless(scheduler, lanes=5)
    scheduler.join(stuck)
    scheduler.wake()
    scheduler.leave(stuck)
    scheduler.join(other)
    scheduler.wake()
    assert other.working == 0

    scheduler.give_up(stuck.lanes[0])
    assert other.working == 1
    scheduler.give_up(stuck.lanes[0])  # said twice, and then it comes back after all: still one core
    scheduler.done(stuck.lanes[0], stuck)
    scheduler.wake()
    assert other.working == 1


def test_giving_up_a_lane_that_does_nothing_makes_no_core():
    scheduler = Scheduler(1, FakeClock())
    plan = Endless(scheduler, lanes=5)
    scheduler.give_up(LaneHandle(scheduler.lock))
    scheduler.join(plan)
    scheduler.wake()

    assert plan.working == 1


def test_a_lane_told_to_stop_while_idle_stops():
    scheduler = Scheduler(1, FakeClock())
    lane = LaneHandle(scheduler.lock)
    scheduler.stop(lane)

    assert scheduler.next_job(lane) is None


@pytest.mark.parametrize(("workers", "slots"), [(0, 2), (1, 2), (2, 4), (4, 8), (16, 32)])
def test_a_machine_has_two_session_slots_per_core(workers, slots):
    assert default_session_slots(workers) == slots
