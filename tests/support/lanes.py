"""Sessions with real lanes, and estimators that do what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable

from livedance_lab.clock import now_s
from livedance_lab.estimators.base import Estimate, ImageArray
from livedance_lab.pipeline.scheduler import Scheduler
from livedance_lab.pipeline.session import Session
from livedance_lab.settings import Settings
from tests.support.pipeline import JPEG, WAIT_S, Collector, a_pose, replay_header


class Workshop:
    """Makes estimators that do what the test says, and keeps count of them.

    Attributes
    ----------
    see : callable
        (kind, call number of that kind) to estimate; may raise or wait.
    """

    def __init__(self) -> None:
        self.see: Callable[[str, int], Estimate] = lambda kind, n: a_pose() if kind == "pose" else Estimate()
        self.making: Callable[[str], None] = lambda kind: None
        self.made: list[Worker] = []
        self.calls = {"pose": 0, "hands": 0}

    def __call__(self, kind: str, settings: Settings) -> Worker:
        self.making(kind)
        worker = Worker(self, kind)
        self.made.append(worker)
        return worker

    @property
    def open(self) -> int:
        return sum(not worker.closed for worker in self.made)


class Worker:
    """One estimator; checks the contract of its thread and its timestamps."""

    def __init__(self, workshop: Workshop, kind: str) -> None:
        self.workshop, self.kind, self.closed, self.broken = workshop, kind, False, ""
        self.t_ms: list[int] = []
        self._thread = threading.current_thread()

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:
        self._check(not self.closed, "used after it was closed")
        self._check(not self.t_ms or t_ms > self.t_ms[-1], f"{t_ms} ms came after {self.t_ms[-1:]}")
        self.t_ms.append(t_ms)
        self.workshop.calls[self.kind] += 1
        return self.workshop.see(self.kind, self.workshop.calls[self.kind])

    def close(self) -> None:
        self._check(not self.closed, "closed twice")
        self.closed = True

    def _check(self, right: bool, words: str) -> None:
        if not right:
            self.broken = words
        if threading.current_thread() is not self._thread:
            self.broken = "used from another thread"


class Live:
    """A session with real lanes."""

    def __init__(
        self, make, *, workers: int = 2, scheduler: Scheduler | None = None, hang_s: float = 10.0, **settings
    ) -> None:
        self.heard = Collector()
        cores = scheduler or Scheduler(workers, now_s)
        self.session = Session("s", cores, self.heard, make, Settings().changed(settings), hang_s=hang_s)
        self.sent = 0

    def send(self, image: bytes = JPEG, t_s: float | None = None) -> int:
        seq, self.sent = self.sent, self.sent + 1
        self.session.receive(replay_header(seq, t_s), image, len(image), now_s())
        return seq

    def ended(self, seq: int) -> bool:
        return self.session.ledger.is_closed(seq)

    def send_and_wait(self, image: bytes = JPEG, t_s: float | None = None) -> None:
        seq = self.send(image, t_s)
        self.heard.wait_until(lambda: self.ended(seq))

    @property
    def states(self) -> dict[str, int]:
        return {s: n for s, n in self.session.ledger.summary()["states"].items() if n}


def join_threads(name: str = "livedance-") -> None:
    """Wait for every thread of a session to end, or for those whose name begins so."""
    for thread in threading.enumerate():
        if thread.name.startswith(name):
            thread.join(WAIT_S)
            assert not thread.is_alive(), thread.name


DESIGNS = ("lanes", "decoupled", "join", "sequential")
