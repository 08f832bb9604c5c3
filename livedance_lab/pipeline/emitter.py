"""Where results leave: in capture order, whole, booked. Every call is made with the session's lock held."""

from __future__ import annotations

from collections.abc import Callable

from livedance_lab.analysis.statistics import Window
from livedance_lab.estimators.base import Estimate
from livedance_lab.pipeline.accounting import Books
from livedance_lab.pipeline.policies import HandsPolicy
from livedance_lab.pipeline.processor import Processor
from livedance_lab.pipeline.scheduler import Job, Plan
from livedance_lab.pose import FrameRecord, FrameState, PoseResult
from livedance_lab.session_data.log import SessionLog

__all__ = ["Outlet"]


class Outlet:
    """Turns what lanes give into results that leave.

    Parameters
    ----------
    processor : Processor
    books : Books
    log : SessionLog
    tell : callable
        Given a result and the frames that ended without one since the last.
    clock : callable
        Seconds now.

    Attributes
    ----------
    result_rate, hands_rate, ages_ms : Window
        Of the last seconds.
    """

    def __init__(
        self,
        processor: Processor,
        books: Books,
        log: SessionLog,
        tell: Callable[[PoseResult, list[tuple[int, str]]], None],
        clock: Callable[[], float],
    ) -> None:
        self.result_rate, self.hands_rate, self.ages_ms = Window(), Window(), Window(5.0)
        self._processor, self._books, self._log, self._tell, self._clock = processor, books, log, tell, clock
        self._halves: dict[int, tuple[Job, Estimate]] = {}  # join design: what waits for its other half
        self._last_sent_seq = -1

    def take_hands(self, job: Job, estimate: Estimate, t_end_s: float, policy: HandsPolicy) -> None:
        """Remember hands for the results to come."""
        found = self._processor.take_hands(job.picture.frame, estimate, job.stage_ms["hands"])
        self.hands_rate.add(t_end_s)
        policy.found(found)

    def take(self, job: Job, estimate: Estimate, t_end_s: float, version: int, policy: HandsPolicy) -> None:
        """Let a result leave; one that needs two halves waits for the other."""
        if job.joined_by is None:
            self._emit(job, estimate, t_end_s, version, policy)
            return
        seq = job.picture.frame.seq
        other = self._halves.pop(seq, None)
        if self._books.ledger.is_closed(seq):
            return  # its other half failed
        if other is None:
            self._halves[seq] = (job, estimate)
        else:
            pose = (job, estimate) if job.kind == "pose" else other
            self._emit(*pose, t_end_s, version, policy)

    def _emit(self, job: Job, estimate: Estimate, t_end_s: float, version: int, policy: HandsPolicy) -> None:
        """Make the result and let it leave, unless a newer one has."""
        picture, frame = job.picture, job.picture.frame
        if self._books.ledger.is_closed(frame.seq):
            return
        times = frame.times
        times.t_infer_start_s, times.t_infer_end_s = job.t_start_s, t_end_s
        stage_ms = {**picture.stage_ms, **job.stage_ms}
        stage_ms["wait"] = (job.t_start_s - times.t_receive_s) * 1000 - sum(picture.stage_ms.values())
        if frame.seq < self._last_sent_seq:
            self._books.close(frame.seq, FrameState.LATE, times, "a newer result had left", picture.bytes_up, stage_ms)
            return
        record = FrameRecord(frame.seq, FrameState.PROCESSED, times, "", picture.bytes_up, stage_ms)
        result = self._processor.result(frame, estimate, record, version)
        policy.wrists_visible = self._processor.wrists_visible
        times.t_emit_s = self._clock()
        self._last_sent_seq = frame.seq
        self._books.ledger.close(frame.seq, FrameState.PROCESSED)
        try:
            self._tell(result, self._books.take_closed())
        finally:  # whatever becomes of the message, the frame is in the log
            stage_ms["emit"] = (self._clock() - times.t_emit_s) * 1000
            self._log.add_result(result)
            self._log.add_frame(record)
        self.result_rate.add(times.t_emit_s)
        self.ages_ms.add(times.t_emit_s, (times.t_emit_s - times.t_capture_s) * 1000)

    def forget_half(self, seq: int) -> None:
        """Frame `seq` has no result any more."""
        self._halves.pop(seq, None)

    def forget_halves(self) -> None:
        """Nothing waits any more."""
        self._halves.clear()

    def drop_halves(self, plan: Plan) -> None:
        """Halves that a plan which works no more left behind have no other half any more: they fail."""
        for seq, (job, _) in list(self._halves.items()):
            if job.joined_by is plan:
                del self._halves[seq]
                times = job.picture.frame.times
                self._books.close(seq, FrameState.FAILED, times, "the design was changed", job.picture.bytes_up)
