"""Lanes: threads that each own their estimators and turn pictures into estimates.

One thread per landmarker, because landmarkers keep tracking state and are not to be shared; it is made, used
and closed in that thread. Making one takes a third of a second, so the event loop never waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Protocol

from livedance_lab.errors import EstimatorError, ImageError, LiveDanceError
from livedance_lab.estimators.base import Estimate, Estimator, ImageArray, MonotonicMs
from livedance_lab.estimators.hand_crops import Crop, estimate_with_crops
from livedance_lab.pipeline.scheduler import Job, LaneHandle, Plan, Scheduler

__all__ = ["Lane", "LaneOwner"]

_log = logging.getLogger(__name__)

_REBUILD_AFTER = 5  # failures in a row: what fails so often has lost its footing, and a new one may find it


class LaneOwner(Protocol):
    """What a lane tells its session."""

    def lane_done(self, job: Job, estimate: Estimate, t_end_s: float) -> None:
        """The estimate of a job; its stage times stand in the job's picture."""
        ...

    def lane_failed(self, job: Job, error: LiveDanceError) -> None:
        """A job that gave none."""
        ...

    def hand_crops(self, job: Job) -> tuple[Crop, ...]:
        """Where in the job's picture to look for hands; none: in all of it."""
        ...

    def lane_renewed(self, lane: str, reason: str) -> None:
        """A lane's estimators failed again and again: it makes new ones."""
        ...


class Lane:
    """A thread with one estimator, or with two used one after the other.

    Parameters
    ----------
    kinds : tuple of str
        ("pose",), ("hands",) or ("pose", "hands").
    name : str
        Of the thread.
    make_estimator : callable
        Kind to estimator, for the settings this lane was made for.
    owner : LaneOwner
    scheduler : Scheduler
    clock : callable
        Seconds now.
    """

    def __init__(
        self,
        kinds: tuple[str, ...],
        name: str,
        make_estimator: Callable[[str], Estimator],
        owner: LaneOwner,
        scheduler: Scheduler,
        clock: Callable[[], float],
    ) -> None:
        self.kinds, self.name = kinds, name
        self.handle = LaneHandle(scheduler.lock)
        self.ready = threading.Event()
        self.error: LiveDanceError | None = None
        self.at_work: Job | None = None
        """What an estimator is looking at just now; decoding and making estimators are not counted in."""
        self._make, self._owner, self._scheduler, self._clock = make_estimator, owner, scheduler, clock
        self._t_ms = MonotonicMs()
        self._estimators: dict[str, Estimator] = {}
        self._plan: Plan | None = None
        self._took_s: deque[float] = deque(maxlen=32)
        self._failures = 0  # in a row
        self._thread = threading.Thread(target=self._run, name=f"livedance-{name}", daemon=True)

    @property
    def usual_s(self) -> float:
        """Median time of the last calls, seconds; 0 before the first."""
        return median(self._took_s) if self._took_s else 0.0

    def start(self, plan: Plan) -> None:
        """Start the thread; it makes its estimators first, then sets `ready`."""
        self._plan = plan
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Stop and free the estimators; True if the thread has ended."""
        self._scheduler.stop(self.handle)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        assert self._plan is not None
        try:
            self._prepare()
        except LiveDanceError as exc:
            self.error = exc  # told by whoever waits for `ready`; each job tries again and is counted
        except Exception as exc:  # noqa: BLE001  a thread that ends here would leave everybody waiting
            _log.exception("lane %s has no estimator", self.name)
            self.error = EstimatorError(f"the estimator cannot be made: {type(exc).__name__}: {exc}")
        self.ready.set()
        while (job := self._scheduler.next_job(self.handle)) is not None:
            try:
                self._work(job)
            finally:
                self._scheduler.done(self.handle, self._plan)
        self._free()

    def _free(self) -> None:
        """Close the estimators."""
        for estimator in self._estimators.values():
            try:
                estimator.close()
            except Exception:  # noqa: BLE001  the others are to be freed all the same
                _log.exception("lane %s cannot free an estimator", self.name)
        self._estimators.clear()

    def _work(self, job: Job) -> None:
        """One picture, from bytes to estimate; whatever goes wrong is told, never swallowed."""
        try:
            seen = self._estimate(job)
            self._failures = 0
            if not self.handle.given_up:
                self._owner.lane_done(job, *seen)
            else:  # hands of then are not of now; its frame is counted, unless it was taken just before
                self._owner.lane_failed(job, EstimatorError("the estimator answered after it had been given up."))
        except LiveDanceError as exc:
            self._failed(job, exc)
        except Exception as exc:  # noqa: BLE001  whatever goes wrong, the frame must be counted and the lane go on
            _log.exception("lane %s failed", self.name)
            self._failed(job, EstimatorError(f"inference failed: {type(exc).__name__}: {exc}"))

    def _failed(self, job: Job, error: LiveDanceError) -> None:
        """Count the failure; after a few in a row the next job begins with new estimators."""
        self._failures += not isinstance(error, ImageError)
        if self._failures >= _REBUILD_AFTER:
            self._failures = 0
            self._free()
            self._owner.lane_renewed(self.name, str(error))
        self._owner.lane_failed(job, error)

    def _estimate(self, job: Job) -> tuple[Estimate, float]:
        """What the estimators see in the job's picture, and when the last of them was done."""
        pixels = job.picture.pixels()
        self._prepare()
        t_ms = self._t_ms(job.picture.frame.times.t_capture_s)
        estimate = Estimate()
        job.t_start_s = start_s = self._clock()
        self.at_work = job
        try:
            for kind in self.kinds:
                seen = self._look(kind, pixels, t_ms, job)
                end_s = self._clock()
                job.stage_ms[kind] = (end_s - start_s) * 1000
                start_s = end_s
                estimate = replace(seen, hands=estimate.hands + seen.hands) if kind == "pose" else replace(
                    estimate, hands=seen.hands, normalised=seen.normalised)  # fmt: skip
        finally:
            self.at_work = None
        self._took_s.append(start_s - job.t_start_s)
        return estimate, start_s

    def _look(self, kind: str, pixels: ImageArray, t_ms: int, job: Job) -> Estimate:
        """At the whole picture, or for hands at the wrists' surroundings."""
        estimator = self._estimators[kind]
        if kind == "hands":
            return estimate_with_crops(estimator, pixels, t_ms, lambda: self._owner.hand_crops(job))
        return estimator.estimate(pixels, t_ms)

    def _prepare(self) -> None:
        """Make what is not made yet."""
        for kind in self.kinds:
            if kind not in self._estimators:
                self._estimators[kind] = self._make(kind)
