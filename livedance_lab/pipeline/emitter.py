"""Builds results from estimates and emits them: in capture order, complete, and accounted for."""

from __future__ import annotations

import math
from collections.abc import Callable

from livedance_lab.analysis.statistics import Window
from livedance_lab.estimators.base import Estimate
from livedance_lab.pipeline.ledger import FrameAccounting
from livedance_lab.pipeline.policies import HandsGate
from livedance_lab.pipeline.result_builder import ResultBuilder
from livedance_lab.pipeline.scheduler import Job, SchedulingPolicy
from livedance_lab.pose import FrameState, PoseResult

__all__ = ["ResultEmitter"]


class ResultEmitter:
    """Turns the estimates of lanes into results. Every call is made with the session's lock held.

    Parameters
    ----------
    builder : ResultBuilder
    accounting : FrameAccounting
    send : callable
        Called with each result, and with number and state of the frames that ended without one since the last.
    clock : callable
        Returns the time in seconds.

    Attributes
    ----------
    result_rate, hands_rate, ages_ms : Window
        Results, hands inferences and the results' ages in the last seconds.
    """

    def __init__(
        self,
        builder: ResultBuilder,
        accounting: FrameAccounting,
        send: Callable[[PoseResult, list[tuple[int, str]]], None],
        identify: Callable[[Job, Estimate], dict[int, Estimate]],
        clock: Callable[[], float],
    ) -> None:
        self.result_rate, self.hands_rate, self.ages_ms = Window(), Window(), Window(5.0)
        self._builder, self._accounting = builder, accounting
        self._send, self._identify, self._clock = send, identify, clock
        self._waiting: dict[int, tuple[Job, Estimate]] = {}  # join design: estimates that wait for the other lane
        self._last_sent_seq, self._last_sent_s = -1, -math.inf

    def add_hands(self, job: Job, estimate: Estimate, t_end_s: float, gate: HandsGate) -> None:
        """Keep the hands of a frame for the next results."""
        found = self._builder.add_hands(job.received.frame, estimate, job.stage_ms["hands"])
        self.hands_rate.add(t_end_s)
        gate.record_found(found)

    def add(self, job: Job, estimate: Estimate, t_end_s: float, settings_version: int, gate: HandsGate) -> None:
        """Emit the result of a frame; in the join design, when the estimates of both lanes are there."""
        if job.joined_by is None:
            self._emit(job, estimate, t_end_s, settings_version, gate)
            return
        seq = job.received.seq
        other = self._waiting.pop(seq, None)
        if self._accounting.ledger.is_closed(seq):
            return  # the other lane failed
        if other is None:
            self._waiting[seq] = (job, estimate)
        else:
            pose = (job, estimate) if "pose" in job.kinds else other
            self._emit(*pose, t_end_s, settings_version, gate)

    def _emit(self, job: Job, estimate: Estimate, t_end_s: float, settings_version: int, gate: HandsGate) -> None:
        """Build the result and send it, unless a newer one was sent."""
        received, times = job.received, job.received.times
        if self._accounting.ledger.is_closed(received.seq):
            return
        times.t_infer_start_s, times.t_infer_end_s = job.t_start_s, t_end_s
        stage_ms = {**received.stage_ms, **job.stage_ms}
        stage_ms["wait"] = (job.t_start_s - times.t_receive_s) * 1000 - sum(received.stage_ms.values())
        backwards = job.people is not None and times.t_capture_s <= self._last_sent_s  # people are followed in time
        if received.seq < self._last_sent_seq or backwards:
            self._accounting.close(received.record(FrameState.LATE, "a newer result had left", stage_ms))
            return
        record = received.record(FrameState.PROCESSED, stage_ms=stage_ms)
        result = self._builder.build(received.frame, self._identify(job, estimate), record, settings_version)
        gate.wrists_visible = self._builder.wrists_visible
        times.t_emit_s = self._clock()
        self._last_sent_seq, self._last_sent_s = received.seq, times.t_capture_s
        self._accounting.emit(result, self._timed_send)
        self.result_rate.add(times.t_emit_s)
        self.ages_ms.add(times.t_emit_s, (times.t_emit_s - times.t_capture_s) * 1000)

    def _timed_send(self, result: PoseResult, closed: list[tuple[int, str]]) -> None:
        """Send a result; its record gets the stage time "emit"."""
        try:
            self._send(result, closed)
        finally:
            result.record.stage_ms["emit"] = (self._clock() - result.record.times.t_emit_s) * 1000

    def forget_waiting(self, seq: int) -> None:
        """Drop the estimate of frame `seq` that waits for the other lane: the frame has no result."""
        self._waiting.pop(seq, None)

    def forget_all_waiting(self) -> None:
        """Drop all estimates that wait for the other lane."""
        self._waiting.clear()

    def fail_waiting(self, policy: SchedulingPolicy) -> None:
        """Count frames as failed whose other estimate will not come, because their policy was replaced."""
        for seq, (job, _) in list(self._waiting.items()):
            if job.joined_by is policy:
                del self._waiting[seq]
                self._accounting.close(job.received.record(FrameState.FAILED, "the design was changed"))
