"""Changes of crew: however many are asked for while one is made, at most one more is waited for."""

from __future__ import annotations

import threading

from livedance_lab.clock import now_s
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators.base import Estimator
from livedance_lab.estimators.replay import ReplayEstimator
from livedance_lab.pipeline.lane_group import Crew
from livedance_lab.pipeline.scheduler import Scheduler
from livedance_lab.pipeline.session import Session
from livedance_lab.settings import Settings
from tests.support.pipeline import WAIT_S, Collector, Stage


def test_a_flood_of_changes_makes_no_flood_of_threads_and_the_last_one_counts():
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
    waiting = [thread for thread in threading.enumerate() if thread.name == "livedance-new-crew"]
    assert len(waiting) == 1

    may_go.set()
    for thread in (first, *waiting):
        thread.join(WAIT_S)
    assert made[0] == 2
    assert made[-1] == session.settings.num_hands == 1  # what was wanted last is at work
    session.abandon()


def test_a_frame_of_a_lane_that_hangs_over_a_change_of_crew_fails_once(monkeypatch):
    stage = Stage()
    stage.send(0)
    job = stage.take()
    replaced = object.__new__(Crew)
    replaced.plan = stage.session._new_crew(stage.session.settings).plan
    monkeypatch.setattr(stage.session._staff, "start", lambda: (replaced, [job]))
    stage.session.end(1)
    stage.session.start()
    assert stage.states == {"failed": 1}
    assert stage.session.ended
    stage.session.lane_failed(job, EstimatorError("late"))  # it answers after all
    assert stage.states == {"failed": 1}


def test_a_crew_says_which_jobs_its_hung_lanes_leave():
    stage = Stage()
    stage.send(0)
    crew = stage.session._new_crew(stage.session.settings)
    lane = crew.lanes[0]
    job = stage.take()
    lane.handle.job = lane.handle.at_work = job
    lane.handle.busy_since_s = 100.0
    lane.stop = lambda timeout_s=5.0: False
    assert crew.stop() == [job]
    assert lane.handle.given_up
