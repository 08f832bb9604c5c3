"""Lanes: threads that own estimators and turn frames into estimates.

There is one thread per landmarker, because a landmarker keeps tracking state and must not be shared. It is made, used
and closed in that thread. Making one takes a third of a second, so the event loop must never wait for it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, Protocol

from livedance_lab.errors import EstimatorError, ImageError, LiveDanceError
from livedance_lab.estimators.base import Estimate, Estimator, ImageArray, MonotonicMs
from livedance_lab.estimators.hand_crops import Crop, estimate_with_crops
from livedance_lab.pipeline.people.measurement import PeopleMeasurer, PeopleToFind
from livedance_lab.pipeline.scheduler import Job, LaneState, Scheduler, SchedulingPolicy

__all__ = ["Lane", "LaneOwner"]

_log = logging.getLogger(__name__)

_REBUILD_AFTER = 5  # failures in a row: an estimator may have lost its internal state, which a new one has not


class LaneOwner(Protocol):
    """What a lane needs of its session."""

    def lane_done(self, job: Job, estimate: Estimate, t_end_s: float) -> None:
        """Take the estimate of a job; the stage times are in job and frame."""
        ...

    def lane_failed(self, job: Job, error: LiveDanceError) -> None:
        """Take note of a job that gave no estimate."""
        ...

    def hand_crops(self, job: Job) -> tuple[Crop, ...]:
        """Where in the job's frame hands should be searched; empty: in the whole frame."""
        ...

    def people_to_find(self, job: Job) -> PeopleToFind:
        """Where people should be looked for in the job's frame, in a session that follows several."""
        ...

    def event(self, kind: str, name: str, data: dict[str, Any]) -> None:
        """Log an event."""
        ...


class Lane:
    """A thread with one estimator, or with two that run one after the other.

    Parameters
    ----------
    name : str
        Of the lane; its thread is named after it.
    kinds : tuple of str
        ("pose",), ("hands",) or ("pose", "hands").
    make_estimator : callable
        Makes an estimator of a kind.
    owner : LaneOwner
        The session.
    scheduler : Scheduler
    clock : callable
        Returns the time in seconds.

    Attributes
    ----------
    state : LaneState
    policy : SchedulingPolicy
        The one it works for, once it is started.
    ready : threading.Event
        Set when the estimators are made, or could not be made.
    error : LiveDanceError or None
        Why they could not be made.
    inferring : Job or None
        The job whose frame an estimator processes now; decoding and making estimators do not count.
    """

    policy: SchedulingPolicy

    def __init__(
        self,
        name: str,
        kinds: tuple[str, ...],
        make_estimator: Callable[[str], Estimator | PeopleMeasurer],
        owner: LaneOwner,
        scheduler: Scheduler,
        clock: Callable[[], float],
    ) -> None:
        self.name, self.kinds, self.owner = name, kinds, owner
        self.state = LaneState(kinds, scheduler.lock)
        self.ready = threading.Event()
        self.error: LiveDanceError | None = None
        self.inferring: Job | None = None
        self._make_estimator, self._scheduler, self._clock = make_estimator, scheduler, clock
        self._t_ms = MonotonicMs()
        self._estimators: dict[str, Estimator | PeopleMeasurer] = {}
        self._durations_s: deque[float] = deque(maxlen=32)
        self._failures = 0  # in a row
        self._thread = threading.Thread(target=self._run, name=f"livedance-{name}", daemon=True)

    @property
    def typical_s(self) -> float:
        """Median duration of the last inferences, seconds; 0 before the first."""
        return median(self._durations_s) if self._durations_s else 0.0

    def start(self, policy: SchedulingPolicy) -> None:
        """Start the thread, which makes its estimators, sets `ready` and then works for the policy."""
        self.policy = policy
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Stop the thread, which closes its estimators; True if it has ended within the timeout."""
        self._scheduler.stop(self.state)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._make_estimators()
        except LiveDanceError as exc:
            self.error = exc  # reported by the caller that waits for `ready`; each job tries again and is counted
        except Exception as exc:  # noqa: BLE001  if the thread ended here, that caller would wait for ever
            _log.exception("lane %s has no estimator", self.name)
            self.error = EstimatorError(f"the estimator cannot be made: {type(exc).__name__}: {exc}")
        self.ready.set()
        while (job := self._scheduler.next_job(self.state)) is not None:
            try:
                self._process(job)
            finally:
                self._scheduler.done(self.state, self.policy)
        self._close_estimators()

    def _make_estimators(self) -> None:
        """Make those that are not made yet."""
        for kind in self.kinds:
            if kind not in self._estimators:
                self._estimators[kind] = self._make_estimator(kind)

    def _close_estimators(self) -> None:
        for estimator in self._estimators.values():
            try:
                estimator.close()
            except Exception:  # noqa: BLE001  the others must be closed too
                _log.exception("lane %s cannot free an estimator", self.name)
        self._estimators.clear()

    def _process(self, job: Job) -> None:
        """Turn one frame into an estimate; report every failure to the owner."""
        try:
            estimate, t_end_s = self._estimate(job)
            self._failures = 0
            if not self.state.given_up:
                self.owner.lane_done(job, estimate, t_end_s)
            else:  # the hands are outdated; the frame is counted, unless that was done when the lane was given up
                self.owner.lane_failed(job, EstimatorError("the estimator answered after it had been given up."))
        except LiveDanceError as exc:
            self._failed(job, exc)
        except Exception as exc:  # noqa: BLE001  whatever fails, the frame must be counted and the lane must continue
            _log.exception("lane %s failed", self.name)
            self._failed(job, EstimatorError(f"inference failed: {type(exc).__name__}: {exc}"))

    def _failed(self, job: Job, error: LiveDanceError) -> None:
        """Report the failure; after several in a row the next job makes new estimators."""
        self._failures += not isinstance(error, ImageError)
        if self._failures >= _REBUILD_AFTER:
            self._failures = 0
            self._close_estimators()
            self.owner.event("error", "estimator renewed", {"lane": self.name, "reason": str(error)})
        self.owner.lane_failed(job, error)

    def _estimate(self, job: Job) -> tuple[Estimate, float]:
        """The estimate of the job's kinds, and when the last inference ended."""
        pixels = job.received.pixels()
        self._make_estimators()
        t_ms = self._t_ms(job.received.times.t_capture_s)
        estimate = Estimate()
        job.t_start_s = start_s = self._clock()
        self.inferring = job
        try:
            for kind in job.kinds:
                part = self._infer(kind, pixels, t_ms, job)
                end_s = self._clock()
                job.stage_ms[kind] = (end_s - start_s) * 1000
                start_s = end_s
                estimate = replace(part, hands=estimate.hands + part.hands) if kind == "pose" else replace(
                    estimate, hands=part.hands, normalised=part.normalised)  # fmt: skip
        finally:
            self.inferring = None
        self._durations_s.append(start_s - job.t_start_s)
        return estimate, start_s

    def _infer(self, kind: str, pixels: ImageArray, t_ms: int, job: Job) -> Estimate:
        estimator = self._estimators[kind]
        if isinstance(estimator, PeopleMeasurer):
            wanted = self.owner.people_to_find(job)
            job.people = estimator.measure(pixels, wanted, job.received.frame.source_size_px)
            return Estimate()
        if kind == "hands":
            return estimate_with_crops(estimator, pixels, t_ms, lambda: self.owner.hand_crops(job))
        return estimator.estimate(pixels, t_ms)
