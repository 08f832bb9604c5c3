"""Lanes at work in their threads: what estimators may do to a session, and that nothing of them stays.

No test sleeps: estimators wait at gates the test opens, and the test waits for what it was told.
"""

from __future__ import annotations

import functools
import threading

import pytest

from livedance_lab.clock import now_s
from livedance_lab.errors import EstimatorError, ModelError
from livedance_lab.estimators.base import Estimate, ImageArray, factory
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.scheduler import Scheduler
from livedance_lab.pipeline.session import Session
from livedance_lab.settings import Settings
from tests.support.lanes import DESIGNS, Live, Worker, Workshop, join_threads
from tests.support.pipeline import JPEG, LANDMARKS, SIZE, WAIT_S, Collector, a_pose, replay_header


@pytest.fixture
def workshop():
    """Afterwards: every estimator closed, every rule of theirs kept, no thread left."""
    shop = Workshop()
    yield shop
    join_threads()
    assert shop.open == 0
    assert [w.broken for w in shop.made if w.broken] == []


@pytest.mark.parametrize("design", DESIGNS)
def test_recorded_landmarks_go_through_every_design(design):
    live = Live(factory("replay"), design=design)
    live.session.start()
    for _ in range(10):
        live.send_and_wait(LANDMARKS)
    live.session.end(live.sent)
    live.session.pause()

    assert live.states == {"processed": 10}
    assert [r.seq for r in live.heard.results] == list(range(10))
    assert all(r.found for r in live.heard.results)
    if design in ("join", "sequential"):
        assert [r.hands_seq for r in live.heard.results] == list(range(10))  # each its own
    stage_ms = live.heard.results[-1].record.stage_ms
    assert {"wait", "decode", "downscale", "pose", "angles", "smoothing", "emit"} <= stage_ms.keys()
    assert stage_ms["wait"] >= 0


@pytest.mark.parametrize("design", DESIGNS)
def test_estimators_are_closed_in_their_own_thread_and_no_thread_stays(workshop, design):
    live = Live(workshop, design=design)
    live.session.start()
    live.send_and_wait()
    assert workshop.open == {"lanes": 3, "decoupled": 2, "join": 2, "sequential": 2}[design]
    live.session.abandon()

    assert not live.session.running
    assert live.heard.summaries[0]["conserved"]


def test_timestamps_increase_strictly_whatever_the_clients_clock_does(workshop):
    live = Live(workshop, design="decoupled", hands=False)
    live.session.start()
    for t_s in (5.0, 5.000_000_1, 5.000_2, 4.0, 4.01, 1e11, 5.1):
        live.send_and_wait(t_s=t_s)
    live.session.abandon()

    assert live.states == {"processed": 4, "rejected": 3}
    (worker,) = workshop.made
    assert len(set(worker.t_ms)) == 4


@pytest.mark.parametrize(
    ("error", "words"),
    [(EstimatorError("no luck"), "no luck"), (ValueError("boom"), "inference failed: ValueError: boom")],
    ids=["its own error", "somebody else's"],
)
def test_an_estimator_that_raises_costs_its_frame_and_no_other(workshop, error, words, caplog):
    def see(kind: str, n: int) -> Estimate:
        if n == 2:
            raise error
        return a_pose()

    workshop.see = see
    live = Live(workshop, hands=False)
    live.session.start()
    for _ in range(4):
        live.send_and_wait()
    live.session.abandon()

    assert live.states == {"processed": 3, "failed": 1}
    ((seq, state, code, message),) = live.heard.refused
    assert (seq, state, code) == (1, "failed", "estimator")
    assert words in message


@pytest.mark.parametrize("error", [ModelError, RuntimeError])
def test_an_estimator_that_cannot_be_made_is_said_counted_and_tried_again(workshop, error, caplog):
    def missing(kind: str) -> None:
        raise error("the model is not there; livedance models fetch")

    workshop.making = missing
    live = Live(workshop, hands=False)
    live.session.start()
    live.send_and_wait()
    workshop.making = lambda kind: None  # fetched meanwhile
    live.send_and_wait()
    live.session.abandon()

    assert live.states == {"failed": 1, "processed": 1}
    assert "livedance models fetch" in live.heard.named("error", "estimator")[0]["data"]["reason"]
    assert "livedance models fetch" in live.heard.refused[0][3]


def test_a_listener_that_raises_does_not_stop_the_lane(workshop, caplog):
    live = Live(workshop, hands=False)
    live.session.start()
    heard, raised = live.heard.on_result, threading.Event()

    def raise_once(*_: object) -> None:
        live.heard.on_result = heard  # type: ignore[method-assign]
        raised.set()
        raise ZeroDivisionError

    live.heard.on_result = raise_once  # type: ignore[method-assign]
    seq = live.send()
    assert raised.wait(WAIT_S)
    live.send_and_wait()
    live.session.end(live.sent)
    live.session.pause()

    assert live.ended(seq)
    assert "ZeroDivisionError" in caplog.text
    assert live.heard.summaries[0]["conserved"]
    assert len(live.session.log.read("frames")[0]) == 2


def test_results_do_not_wait_for_hands(workshop):
    gate = threading.Event()

    def see(kind: str, n: int) -> Estimate:
        if kind == "hands":
            assert gate.wait(WAIT_S)
            return Estimate()
        return a_pose()

    workshop.see = see
    live = Live(workshop, design="decoupled")
    live.session.start()
    for _ in range(5):
        live.send_and_wait()
    gate.set()
    live.session.abandon()

    assert live.states == {"processed": 5}
    assert workshop.calls["hands"] == 1


@pytest.mark.parametrize("design", DESIGNS)
def test_the_newest_frame_is_taken_when_a_lane_is_free_again(workshop, design):
    gate, at_work = threading.Event(), threading.Event()

    def see(kind: str, n: int) -> Estimate:
        at_work.set()
        assert gate.wait(WAIT_S)
        return a_pose()

    workshop.see = see
    live = Live(workshop, design=design, hands=False, pose_lanes=1)
    live.session.start()
    live.send()
    assert at_work.wait(WAIT_S)
    for _ in range(4):
        last = live.send()
    gate.set()
    live.heard.wait_until(lambda: live.ended(last))
    live.session.abandon()

    assert [r.seq for r in live.heard.results] == [0, 4]
    assert live.states == {"processed": 2, "superseded": 3}


# --- other settings while it runs


def test_many_changes_in_a_row_need_one_new_lane_group(workshop):
    gate, being_made = threading.Event(), threading.Event()
    live = Live(workshop, design="decoupled", hands=False)
    live.session.start()
    live.send_and_wait()

    def slow(kind: str) -> None:
        being_made.set()
        assert gate.wait(WAIT_S)

    workshop.making = slow
    live.session.change_settings({"complexity": 0})
    assert being_made.wait(WAIT_S)
    for confidence in (0.1, 0.2, 0.3, 0.4):  # a slider being moved
        live.session.change_settings({"detection_confidence": confidence})
        live.send_and_wait()  # the old lanes work all the time
    gate.set()
    live.heard.wait_until(lambda: len(live.heard.named("session", "ready")) == 3)
    live.send_and_wait()
    live.session.abandon()

    assert len(workshop.made) == 3  # the first, the one begun at once, and one for all the others
    assert live.states == {"processed": 6}


def test_changing_the_design_again_and_again_loses_no_frame(workshop):
    live = Live(workshop, workers=3)
    live.session.start()
    for number in range(12):
        live.session.change_settings({"design": DESIGNS[number % len(DESIGNS)], "complexity": number % 3})
        for _ in range(20):
            live.send()
        live.send_and_wait()
    live.session.end(live.sent)
    live.heard.wait_until(lambda: live.heard.summaries)
    live.session.pause()
    join_threads()

    assert live.heard.summaries[0]["conserved"]
    assert live.heard.summaries[0]["captured"] == 12 * 21
    assert not live.session._emitter._waiting
    seqs = [r.seq for r in live.heard.results]
    assert seqs == sorted(set(seqs))


def test_a_joined_frame_whose_other_half_no_lane_will_process_fails_and_the_session_can_end(workshop):
    at_work, left = threading.Event(), threading.Event()

    def see(kind: str, n: int) -> Estimate:
        if not at_work.is_set():
            at_work.set()
            assert left.wait(WAIT_S)
        return a_pose()

    live = Live(workshop, workers=1, design="join")
    unregister = live.session._scheduler.unregister
    live.session._scheduler.unregister = lambda policy: (unregister(policy), left.set())  # type: ignore[assignment,method-assign]
    workshop.see = see
    live.session.start()
    live.send()  # its pose is begun, its hands are not: there is one core
    assert at_work.wait(WAIT_S)
    live.session.change_settings({"design": "sequential"})
    join_threads("livedance-new-lanes")
    live.session.end(live.sent)
    live.session.pause()

    assert live.states == {"failed": 1}
    assert live.heard.summaries[0]["conserved"]


def test_a_session_abandoned_while_its_estimators_are_made_leaves_nothing(workshop):
    gate, being_made = threading.Event(), threading.Event()

    def slow(kind: str) -> None:
        being_made.set()
        assert gate.wait(WAIT_S)

    workshop.making = slow
    live = Live(workshop)
    starter = threading.Thread(target=live.session.start)
    starter.start()
    assert being_made.wait(WAIT_S)
    leaver = threading.Thread(target=live.session.abandon)
    leaver.start()
    gate.set()
    for thread in (starter, leaver):
        thread.join(WAIT_S)

    assert not live.session.running
    assert not live.session.ready
    live.session.start()  # a late hello changes nothing
    assert not live.session.running


def test_a_lane_that_hangs_does_not_keep_the_session_from_ending(workshop, monkeypatch):
    gate, at_work = threading.Event(), threading.Event()

    def see(kind: str, n: int) -> Estimate:
        at_work.set()
        assert gate.wait(9 * WAIT_S)  # it hangs for longer than anything here waits
        return a_pose()

    workshop.see = see
    monkeypatch.setattr(Lane, "stop", functools.partialmethod(Lane.stop, timeout_s=0.01))
    live = Live(workshop, workers=1, hands=False)
    live.session.start()
    live.send()
    assert at_work.wait(WAIT_S)
    live.session.abandon()

    assert live.states == {"lost": 1}
    assert live.heard.summaries[0]["conserved"]
    next_one = Live(factory("replay"), scheduler=live.session._scheduler, hands=False)
    next_one.session.start()
    next_one.send_and_wait(LANDMARKS)  # there is one core, and it is not the stuck lane's any more
    next_one.session.abandon()
    assert next_one.states == {"processed": 1}
    gate.set()  # what it still says changes nothing
    join_threads()
    assert live.states == {"lost": 1}
    assert live.heard.results == []


# --- several sessions


def test_two_sessions_share_a_scheduler_and_both_get_results(workshop):
    scheduler = Scheduler(1, now_s)
    heard = [Collector(), Collector()]
    sessions = [Session(f"s{i}", scheduler, heard[i], workshop, Settings(hands=False)) for i in (0, 1)]
    for session in sessions:
        session.start()
    for seq in range(20):
        for session in sessions:
            session.receive(replay_header(seq), JPEG, len(JPEG), now_s())
        for session, listener in zip(sessions, heard, strict=True):
            listener.wait_until(lambda session=session, seq=seq: session.ledger.is_closed(seq))
    for session in sessions:
        session.abandon()

    assert [len(listener.results) for listener in heard] == [20, 20]
    assert heard[0].results[0].source_size_px == SIZE


def test_hands_are_searched_around_the_wrists_by_estimators_that_support_crops(workshop):
    """As soon as a pose is known; before it, and by other estimators, in the whole image."""
    looked: list[int] = []

    class Cropping(Worker):
        def estimate_crops(self, image_rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...]) -> Estimate:
            looked.append(len(crops))
            return self.estimate(image_rgb, t_ms)

    def make(kind: str, settings: Settings) -> Worker:
        worker = (Cropping if kind == "hands" else Worker)(workshop, kind)
        workshop.made.append(worker)
        return worker

    live = Live(make, design="sequential")
    live.session.start()
    live.send_and_wait()
    assert looked == []  # nobody was known yet
    live.send_and_wait()
    live.session.change_settings({"hands_crop": "none"})
    live.send_and_wait()
    live.session.abandon()

    assert looked == [2]
    assert workshop.calls["hands"] == 3
