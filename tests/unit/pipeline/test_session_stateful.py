"""A whole session in any order of events: after each one the ledger adds up, and the frame log agrees with it.

The session, its scheduler, policies and lane groups are real; only the threads are not. Hypothesis plays the client,
the lanes and the operator: frames arrive, are lost, skipped, repeated or bad; lanes finish, fail or hang; the
connection breaks; settings change; the session is paused, ended or abandoned.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from livedance_lab.clock import ClockOffset, FakeClock
from livedance_lab.errors import EstimatorError, ImageError, WireError
from livedance_lab.pipeline.ledger import LedgerSummary
from livedance_lab.pipeline.scheduler import Scheduler
from livedance_lab.pipeline.session import Session
from livedance_lab.pose import FrameState
from livedance_lab.settings import Settings
from livedance_lab.wire.frames import CountableFrameError
from tests.fuzz.properties import repeatable
from tests.support.pipeline import JPEG, Collector, SteppedLane, no_estimator, replay_header

DESIGNS = ("auto", "decoupled", "join", "sequential")
IMAGES = {"good": JPEG, "empty": b"", "cut off": JPEG[:100], "of an unknown kind": b"GIF89a" + b"\0" * 50}
CHANGES: list[dict[str, Any]] = [
    {"design": "join"}, {"hands": False}, {"hands": True}, {"pose_lanes": 3},
    {"hands_crop": "none"}, {"mirrored": True}, {"mirrored": False}, {"target_age_ms": 1.0}, {"target_age_ms": 0.0},
    {"priority": "hands_first"}, {"hands_max_hz": 0.0}, {"smoothing": {"filter": "ema"}},
]  # fmt: skip


class LaterThread(threading.Thread):
    """A thread that a rule runs, at any later moment, instead of the operating system."""

    waiting: list[LaterThread]

    def start(self) -> None:
        self.waiting.append(self)


class SessionMachine(RuleBasedStateMachine):
    """A client that knows what it has sent, and a session that must account for every frame of it."""

    def __init__(self) -> None:
        super().__init__()
        LaterThread.waiting = []
        self._patch = patch("livedance_lab.pipeline.session.threading.Thread", LaterThread)
        self._patch.start()
        self.clock, self.heard, self.lanes = FakeClock(100.0), Collector(), list[SteppedLane]()
        self.n_captured = 0  # by the client
        self.ending = False
        self.arrived: set[int] = set()  # frames of which the session took note on arrival
        self.rows: dict[int, str] = {}  # number and state of every row in the frame log
        self.n_rows_read = 0

    @initialize(design=st.sampled_from(DESIGNS), hands=st.booleans(), workers=st.integers(1, 3))
    def start(self, design: str, hands: bool, workers: int) -> None:
        self.session = Session("s", Scheduler(workers, self.clock), self.heard, no_estimator,
                               Settings(design=design, hands=hands), clock=self.clock, hang_s=-1.0,
                               make_lane=self._make_lane)  # fmt: skip
        self.session.start()

    def _make_lane(self, *args: Any) -> SteppedLane:
        self.lanes.append(SteppedLane(*args))
        return self.lanes[-1]

    def teardown(self) -> None:
        """After the end and when no lane is running, the session has ended, and every frame has one state."""
        try:
            if hasattr(self, "session"):
                self._drain()
                self.every_frame_is_accounted_for()
                assert self.heard.summaries == [self.session.ledger.summary()]
                assert self.heard.summaries[0]["conserved"]
                assert sorted(self.rows) == list(range(self.n_captured))
                assert set(self.rows.values()) <= set(FrameState)
        finally:
            self._patch.stop()

    def _drain(self) -> None:
        """End the session, and let the lanes finish; those that hang never answer."""
        if not self.ending:
            self.end()
        self.session.start()  # it may be paused
        while not self.session.ended:
            self.run_waiting_threads()
            self.look_after_lanes()
            if self.running():
                self.running()[0].finish()
            else:
                break
        assert self.session.ended, "the session waits for a frame that no lane will process"
        self.session.abandon()

    # --- the client

    @rule(steps=st.lists(st.sampled_from(["frame", 0, 1]), min_size=1, max_size=10))
    def stream(self, steps: list[str | int]) -> None:
        """What usually happens: a frame arrives, or one of the lanes finishes."""
        for step in steps:
            if step == "frame":
                self._send(self.n_captured, JPEG)
            elif running := self.running():
                running[int(step) % len(running)].finish()
            self.every_frame_is_accounted_for()

    @rule(image=st.sampled_from(list(IMAGES)), lost=st.integers(0, 2), dt_s=st.sampled_from([0.02, 0.02, 0.0, -1.0]))
    def send_a_bad_frame(self, image: str, lost: int, dt_s: float) -> None:
        """Its image may be bad, frames before it may be lost on the way, its capture time may not increase."""
        self._send(self.n_captured + lost, IMAGES[image], dt_s)

    @precondition(lambda self: self.n_captured)
    @rule(data=st.data())
    def send_an_old_number(self, data: st.DataObject) -> None:
        """A frame that was delayed, or a number that was used before."""
        self._send(data.draw(st.integers(0, self.n_captured - 1)), JPEG)

    def _send(self, seq: int, image: bytes, dt_s: float = 0.02) -> None:
        refusal = "ended" if self.ending else "seq" if seq in self.arrived or seq in self.rows else ""
        t_s = self.clock.advance(0.01) if dt_s == 0.02 else self.clock() + dt_s
        try:
            self.session.receive(replay_header(seq, t_s), image, len(image), self.clock())
            code = ""
        except WireError as error:
            code = error.code
        assert code == refusal
        if not refusal:
            self.arrived.add(seq)
            self.n_captured = max(self.n_captured, seq + 1)

    @precondition(lambda self: not self.ending)
    @rule()
    def send_a_broken_message(self) -> None:
        self.session.reject(self.n_captured, CountableFrameError(self.n_captured, "time", "no time"), 40, self.clock())
        self.arrived.add(self.n_captured)
        self.n_captured += 1

    @precondition(lambda self: not self.session.ended)
    @rule(data=st.data(), old=st.booleans())
    def skip(self, data: st.DataObject, old: bool) -> None:
        """A frame was not sent; the client may say so of any frame, sent or not, more than once."""
        if (old or self.ending) and self.n_captured:
            self.session.skipped([(data.draw(st.integers(0, self.n_captured - 1)), self.clock())])
        elif not self.ending:
            self.session.skipped([(self.n_captured, self.clock())])
            self.n_captured += 1

    @precondition(lambda self: self.n_captured and not self.session.ended)
    @rule(data=st.data())
    def reconnect(self, data: st.DataObject) -> None:
        """The client asks what became of frames for which it has no answer."""
        unanswered = data.draw(st.lists(st.integers(0, self.n_captured - 1), max_size=6, unique=True))
        in_flight, closed = self.arrived - self.rows.keys(), self.rows.keys() & set(unanswered)
        self.session.client_clock.new_connection()
        ends = dict(self.session.resolve(unanswered))
        assert ends == {seq: "closed" if seq in closed else "lost" for seq in unanswered if seq not in in_flight}

    @precondition(lambda self: not self.session.ended)
    @rule(offset_s=st.floats(-10, 10), seqs=st.lists(st.integers(0, 50), max_size=3))
    def send_what_changes_no_count(self, offset_s: float, seqs: list[int]) -> None:
        before = self.session.ledger.summary()
        self.session.set_clock(ClockOffset(offset_s, 0.001))
        self.session.receipts([(seq, self.clock(), None) for seq in seqs])
        self.session.mark("mark", {})
        for call in (lambda seq: self.session.skipped([(seq, 0.0)]), lambda seq: self.session.resolve([seq])):
            with pytest.raises(WireError, match="run ahead"):
                call(self.n_captured + 20_000)
        assert self.session.ledger.summary() == before

    @precondition(lambda self: self.n_captured > 12 and not self.ending)
    @rule()
    def end(self) -> None:
        self.session.end(self.n_captured)
        self.ending = True

    # --- the lanes

    def running(self, *, hanging: bool = False) -> list[SteppedLane]:
        return [lane for lane in self.lanes if lane.state.running is not None and lane.hangs == hanging]

    @precondition(lambda self: self.running())
    @rule(data=st.data(), dx=st.sampled_from([0.0, 0.9]))
    def finish_a_job(self, data: st.DataObject, dx: float) -> None:
        """`dx` 0.9: the wrists are outside the frame, and no hands inference follows."""
        data.draw(st.sampled_from(self.running())).finish(dx=dx)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), error=st.sampled_from([EstimatorError("no"), ImageError("broken", "no"), None]))
    def fail_a_job(self, data: st.DataObject, error: EstimatorError | ImageError | None) -> None:
        """The estimator fails, or the listener that gets the result."""
        lane = data.draw(st.sampled_from(self.running()))
        with patch.object(self.heard, "on_result", side_effect=ZeroDivisionError):
            lane.finish(error)

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def hang(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.running())).hang()

    @precondition(lambda self: self.running(hanging=True))
    @rule()
    def look_after_lanes(self) -> None:
        """Twice: a lane is replaced when it has hung since the check before."""
        for _ in range(2):
            self.clock.advance(1.0)
            self.session.look_after_lanes()

    @precondition(lambda self: any(lane.state.given_up for lane in self.running(hanging=True)))
    @rule(data=st.data())
    def answer_after_being_given_up(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from([lane for lane in self.running(hanging=True) if lane.state.given_up]))
        lane.finish()

    # --- the operator

    @rule(changes=st.sampled_from(CHANGES))
    def change_settings(self, changes: dict[str, Any]) -> None:
        self.session.change_settings(changes)

    @rule(design=st.sampled_from(DESIGNS), hands=st.booleans())
    def change_lanes(self, design: str, hands: bool) -> None:
        """New lanes replace the present ones, whatever these are doing."""
        self.session.change_settings({"design": design, "hands": hands})
        self.run_waiting_threads()

    @precondition(lambda self: LaterThread.waiting)
    @rule()
    def run_waiting_threads(self) -> None:
        while LaterThread.waiting:
            LaterThread.waiting.pop(0).run()

    @precondition(lambda self: self.session.running and self.n_captured > 3)
    @rule(again=st.booleans())
    def pause(self, again: bool) -> None:
        self.session.pause()
        if again:
            self.session.start()

    @precondition(lambda self: not self.session.running)
    @rule()
    def start_again(self) -> None:
        self.session.start()

    # --- what always holds

    @invariant()
    def every_frame_is_accounted_for(self) -> None:
        if not hasattr(self, "session"):
            return
        summary = self.session.ledger.summary()
        adds_up(summary)
        rows, self.n_rows_read, forgotten = self.session.log.read("frames", self.n_rows_read)
        assert forgotten == 0
        for row in rows.to_pylist():
            assert row["seq"] not in self.rows, "a frame has two rows in the log"
            self.rows[row["seq"]] = row["state"]
        assert Counter(self.rows.values()) == {state: n for state, n in summary["states"].items() if n}
        assert summary["in_flight"] == len(self.arrived - self.rows.keys())
        known = self.n_captured if self.ending else max(self.arrived | self.rows.keys(), default=-1) + 1
        assert summary["captured"] == known
        assert self.session.ended == (self.ending and summary["conserved"])

    @invariant()
    def the_listener_is_called_once_for_each_end(self) -> None:
        if not hasattr(self, "session"):
            return
        results = self.session.log.read("results")[0].column("seq").to_pylist()
        assert results == sorted(set(results)), "results are not in capture order"
        assert results == sorted(seq for seq, state in self.rows.items() if state == FrameState.PROCESSED)
        assert {result.seq for result in self.heard.results} <= set(results)
        assert len({seq for seq, _ in self.heard.closed}) == len(self.heard.closed)
        assert all(self.rows[seq] == state != FrameState.PROCESSED for seq, state in self.heard.closed)
        refused = [(seq, state) for seq, state, _, _ in self.heard.refused]
        states = (FrameState.REJECTED, FrameState.FAILED)
        assert all(self.rows[seq] == state and state in states for seq, state in refused)
        assert len(set(refused)) == len(refused)
        for ledger in self.heard.ledgers:
            adds_up(ledger)


def adds_up(ledger: LedgerSummary) -> None:
    assert ledger["captured"] == sum(ledger["states"].values()) + ledger["in_flight"] + ledger["unreported"]


def test_every_frame_ends_once_whatever_happens():
    run_state_machine_as_test(
        SessionMachine, settings=hypothesis_settings(repeatable, max_examples=100, stateful_step_count=50)
    )
