"""Permits: never more work at once than cores, never an idle core beside waiting work, nobody starved."""

from __future__ import annotations

import pytest

from livedance_lab.clock import FakeClock
from livedance_lab.pipeline.latest import LatestSlot
from livedance_lab.pipeline.picture import Picture
from livedance_lab.pipeline.plans import LanesPlan
from livedance_lab.pipeline.scheduler import Job, LaneHandle, Scheduler, core_count
from livedance_lab.settings import Settings
from tests.unit.pipeline.made import a_picture


class Endless:
    """A session with always one more picture for each of its lanes."""

    def __init__(self, scheduler: Scheduler, lanes: int = 1) -> None:
        self.lanes = [LaneHandle(scheduler.lock) for _ in range(lanes)]
        self.given = 0
        for lane in self.lanes:
            lane.idle = True

    def choose(self, now_s: float) -> tuple[LaneHandle, Job] | None:
        lane = next((x for x in self.lanes if x.idle), None)
        if lane is None:
            return None
        self.given += 1
        return lane, Job(a_picture(self.given), "pose", now_s)

    @property
    def working(self) -> int:
        return sum(lane.busy_since_s is not None for lane in self.lanes)


class Nothing:
    """A session with nothing to do."""

    def choose(self, now_s: float) -> None:
        return None


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

    assert looks["hands"] == pytest.approx(6 * 15 * 50 / 60, rel=0.2)  # 6 s; every fourth turn of 20 ms
    assert looks["pose"] > 2 * looks["hands"]


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


def test_at_least_one_core_is_known():
    assert core_count() >= 1
