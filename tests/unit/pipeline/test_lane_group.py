"""A session's lane group: built, replaced when settings need other lanes, and what hanging lanes leave behind."""

from __future__ import annotations

import threading

from livedance_lab.clock import FakeClock, now_s
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators.base import Estimator
from livedance_lab.estimators.replay import ReplayEstimator
from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.lane_group import LaneGroup
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.scheduler import Scheduler
from livedance_lab.pipeline.session import Session
from livedance_lab.settings import Settings
from tests.support.pipeline import WAIT_S, Collector, Stage, SteppedLane, a_received_frame


def a_group(slot: LatestSlot[ReceivedFrame], scheduler: Scheduler, **settings) -> LaneGroup:
    def make_lane(name: str, kinds: tuple[str, ...]) -> Lane:
        return SteppedLane(name, kinds, None, None, scheduler, FakeClock())

    group = LaneGroup(Settings().changed(settings), slot, scheduler, make_lane)
    for lane in group.lanes:
        lane.start(group.policy)
    return group


def test_a_burst_of_changes_makes_one_thread_and_the_last_change_counts():
    began, may_go, made = threading.Event(), threading.Event(), []

    def slow(kind: str, settings: Settings) -> Estimator:
        made.append(settings.num_hands)
        began.set()
        assert may_go.wait(WAIT_S)
        return ReplayEstimator(kind)

    heard = Collector()
    session = Session("s", Scheduler(2, now_s), heard, slow, Settings(design="sequential", num_hands=2))
    first = threading.Thread(target=session.start)
    first.start()
    assert began.wait(WAIT_S)
    for n in range(301):
        session.change_settings({"num_hands": 1 + n % 2})
    waiting = [thread for thread in threading.enumerate() if thread.name == "livedance-new-lanes"]
    assert len(waiting) == 1

    may_go.set()
    for thread in (first, *waiting):
        thread.join(WAIT_S)
    assert made[0] == 2
    assert made[-1] == session.settings.num_hands == 1  # the last change is in force
    session.abandon()


def test_a_frame_of_a_lane_that_hangs_over_a_change_of_lanes_fails_once(monkeypatch):
    stage = Stage()
    stage.send(0)
    job = stage.take()
    monkeypatch.setattr(stage.session._lanes, "ensure", lambda: (object(), [job]))
    stage.session.end(1)
    stage.session.start()
    assert stage.states == {"failed": 1}
    assert stage.session.ended
    stage.session.lane_failed(job, EstimatorError("late"))  # it answers after all
    assert stage.states == {"failed": 1}


def test_a_group_returns_the_jobs_of_lanes_that_do_not_stop():
    slot: LatestSlot[ReceivedFrame] = LatestSlot()
    scheduler = Scheduler(1, FakeClock())
    group = a_group(slot, scheduler, hands=False)
    slot.put(a_received_frame(0))
    group.activate()
    (lane,) = (lane for lane in group.lanes if lane.state.running is not None)
    lane.hang()

    assert [job.received.seq for job in group.stop()] == [0]
    assert lane.state.given_up
    another = a_group(slot, scheduler, hands=False)
    slot.put(a_received_frame(1))
    another.activate()  # there is one core, and the lane that hangs does not hold it any more
    assert [lane.state.running.received.seq for lane in another.lanes if lane.state.running] == [1]


def test_the_lane_that_replaces_a_hanging_one_takes_the_next_frame():
    slot: LatestSlot[ReceivedFrame] = LatestSlot()
    scheduler = Scheduler(1, FakeClock())
    group = a_group(slot, scheduler, design="decoupled", hands=False)
    slot.put(a_received_frame(0))
    group.activate()
    (hanging,) = group.lanes
    group.replace(hanging)
    slot.put(a_received_frame(1))
    scheduler.dispatch()

    (lane,) = group.lanes
    assert lane is not hanging
    assert (lane.name, lane.kinds) == (hanging.name, hanging.kinds)
    assert lane.state.running.received.seq == 1
