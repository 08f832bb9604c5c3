"""Frames, people, listeners and a session stepped by hand, for tests of the pipeline and of what uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from livedance_lab.clock import FakeClock
from livedance_lab.errors import EstimatorError, LiveDanceError
from livedance_lab.estimators.base import Estimate, Estimator, HandEstimate
from livedance_lab.estimators.replay import encode_estimate
from livedance_lab.media.images import encode_jpeg
from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.ledger import LedgerSummary
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.scheduler import Job, Scheduler, SchedulingPolicy
from livedance_lab.pipeline.session import Session
from livedance_lab.pose import Frame, FrameState, FrameTimes, PoseResult
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33
from livedance_lab.wire.frames import FrameHeader

JPEG = encode_jpeg(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8), 0.8)
SIZE = (640, 480)
WAIT_S = 20.0  # far beyond what a busy machine needs; only a hang takes this long


def a_pose(dx: float = 0.0, *, hands: tuple[HandEstimate, ...] = ()) -> Estimate:
    """Someone standing in the middle of the picture, both wrists in view; normalised."""
    xyz = np.random.default_rng(0).uniform(0.45, 0.55, (33, 3)).astype(np.float32)
    for name, x, y in (("left_shoulder", 0.6, 0.3), ("right_shoulder", 0.4, 0.3), ("left_hip", 0.55, 0.6),
                       ("right_hip", 0.45, 0.6), ("left_wrist", 0.7, 0.5), ("right_wrist", 0.3, 0.5)):  # fmt: skip
        xyz[BLAZEPOSE_33.index(name), :2] = x, y
    xyz[:, 0] += dx
    world = np.random.default_rng(1).normal(0, 0.4, (33, 3)).astype(np.float32)
    sure = np.full(33, 0.9, np.float32)
    return Estimate(pose_xyz=xyz, pose_world_m=world, visibility=sure, presence=sure, hands=hands)


def a_hand(side: str, x: float, y: float, score: float = 0.9) -> HandEstimate:
    """A hand whose wrist is at (x, y), normalised."""
    xyz = np.zeros((21, 3), np.float32)
    xyz[:, :2] = x, y
    return HandEstimate(side, score, xyz, np.zeros((21, 3), np.float32))


def a_frame(seq: int, t_capture_s: float | None = None) -> Frame:
    """A frame of the size all tests use."""
    t_s = seq / 50 if t_capture_s is None else t_capture_s
    return Frame(seq, JPEG, SIZE, FrameTimes(t_capture_s=t_s, t_send_s=t_s, t_receive_s=t_s + 0.002))


def a_received_frame(seq: int, t_capture_s: float | None = None) -> ReceivedFrame:
    """A received frame of the size all tests use."""
    return ReceivedFrame(a_frame(seq, t_capture_s), len(JPEG), 384, FakeClock())


@dataclass
class Collector:
    """A listener that keeps everything it is called with."""

    results: list[PoseResult] = field(default_factory=list)
    closed: list[tuple[int, str]] = field(default_factory=list)
    refused: list[tuple[int, str, str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    summaries: list[LedgerSummary] = field(default_factory=list)
    ledgers: list[LedgerSummary] = field(default_factory=list)  # one with each result
    told: threading.Condition = field(default_factory=threading.Condition)

    def on_result(
        self, session_id: str, result: PoseResult, closed: list[tuple[int, str]], ledger: LedgerSummary
    ) -> None:
        self._add(self.results, result)
        self.ledgers.append(ledger)
        self.closed += closed

    def on_refused(self, session_id: str, seq: int, state: FrameState, code: str, message: str) -> None:
        self._add(self.refused, (seq, str(state), code, message))

    def on_event(self, session_id: str, event: dict[str, Any]) -> None:
        self._add(self.events, event)

    def on_ended(self, session_id: str, ledger: LedgerSummary) -> None:
        self._add(self.summaries, ledger)

    def _add(self, to: list[Any], what: Any) -> None:
        with self.told:
            to.append(what)
            self.told.notify_all()

    def wait_until(self, true: Callable[[], object]) -> None:
        """Wait for the lanes' threads, for as long as it takes."""
        with self.told:
            assert self.told.wait_for(true, WAIT_S), "it never happened"

    def named(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Events of a kind and name."""
        return [e for e in self.events if (e["kind"], e["name"]) == (kind, name)]


class Stage:
    """A session stepped by hand: no thread runs, the clock stands still, and the test plays the lanes.

    Parameters
    ----------
    **settings
        Changes to the defaults.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock(100.0)
        self.heard = Collector()
        self.session = Session("s", Scheduler(2, self.clock), self.heard, no_estimator,
                               Settings().changed(settings), clock=self.clock)  # fmt: skip

    def send(self, seq: int, t_capture_s: float | None = None, image: bytes = JPEG) -> None:
        """One frame arrives, captured at seq / 50 s on the client's clock."""
        t_s = seq / 50 if t_capture_s is None else t_capture_s
        self.session.receive(FrameHeader(seq, SIZE, t_s, t_s), image, len(image) + 32, self.clock.advance(0.001))

    @property
    def waiting(self) -> bool:
        """Whether a frame waits in the slot."""
        return self.session._slot.waiting is not None

    def take(self, kind: str = "pose") -> Job:
        """A lane takes the waiting frame; kind "both" is a lane with two estimators."""
        received = self.session._slot.take()
        assert received is not None
        return self.job(received, kind)

    def take_newest(self, kind: str = "hands") -> Job:
        """A lane works on the newest frame, which another lane may have taken."""
        received = self.session._slot.newest
        assert received is not None
        return self.job(received, kind)

    def job(self, received: ReceivedFrame, kind: str) -> Job:
        """A job on a frame that has waited for a moment."""
        return Job(received, ("pose", "hands") if kind == "both" else (kind,), self.clock.advance(0.001))

    def done(self, job: Job, estimate: Estimate | None = None) -> None:
        """The lane has its estimate."""
        job.stage_ms.update(dict.fromkeys(job.kinds, 20.0))
        self.session.lane_done(job, a_pose() if estimate is None else estimate, self.clock.advance(0.02))

    @property
    def states(self) -> dict[str, int]:
        """How frames ended, those states only that occur."""
        return {s: n for s, n in self.session.ledger.summary()["states"].items() if n}

    def logged(self, table: str = "frames") -> list[dict[str, Any]]:
        """The log's rows."""
        rows: list[dict[str, Any]] = self.session.log.read(table)[0].to_pylist()
        return rows


class SteppedLane(Lane):
    """A lane without a thread: the test finishes its jobs, or lets it hang."""

    hangs = False

    def __init__(
        self, name: str, kinds: tuple[str, ...], make: Any, owner: Any, scheduler: Scheduler, clock: Any
    ) -> None:
        super().__init__(name, kinds, make, owner, scheduler, clock)
        self.scheduler, self.clock = scheduler, clock

    def start(self, policy: SchedulingPolicy) -> None:
        """Be idle at once: there is no estimator to make."""
        self.policy = policy
        self.ready.set()
        self.scheduler.mark_idle(self.state)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Finish the running job, as a thread would; a lane that hangs does not."""
        self.scheduler.stop(self.state)
        if self.state.running is not None and not self.hangs:
            self.finish()
        return not self.hangs

    def hang(self) -> None:
        """From now on the estimator does not answer."""
        self.hangs, self.inferring = True, self.state.running

    def finish(self, error: LiveDanceError | None = None, dx: float = 0.0) -> None:
        """End the running job with an estimate, or with an error."""
        job, self.state.assigned, self.inferring = self.state.running, None, None
        assert job is not None
        job.t_start_s = self.clock()
        job.stage_ms.update(dict.fromkeys(job.kinds, 20.0))
        hands = (a_hand("left", 0.7, 0.5),) if "hands" in job.kinds else ()
        estimate = a_pose(dx, hands=hands) if "pose" in job.kinds else Estimate(hands=hands)
        if error is None and self.state.given_up:
            error = EstimatorError("the estimator answered after it had been given up.")
        try:
            if error is None:
                self.owner.lane_done(job, estimate, self.clock.advance(0.02))
            else:
                self.owner.lane_failed(job, error)
        except ZeroDivisionError:  # a listener that fails
            self.owner.lane_failed(job, EstimatorError("inference failed: ZeroDivisionError"))
        self.scheduler.done(self.state, self.policy)
        self.scheduler.mark_idle(self.state)


def no_estimator(kind: str, settings: Settings) -> Estimator:
    """For sessions whose lanes the test plays."""
    raise AssertionError("no lane is started here")


def replay_header(seq: int, t_s: float | None = None) -> FrameHeader:
    """Header of a frame of landmarks."""
    t_s = seq / 50 if t_s is None else t_s
    return FrameHeader(seq, SIZE, t_s, t_s)


LANDMARKS = encode_estimate(replace(a_pose(), hands=(a_hand("left", 0.7, 0.5),)))
