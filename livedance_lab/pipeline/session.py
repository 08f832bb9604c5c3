"""One producer's everything: slot, crew, smoothing, ledger, log, clock; independent of any network.

The server calls `receive` for each binary message and passes on what the listener is told; tests call the
same methods by hand. State changes happen under one lock, which lanes and the event loop hold only briefly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from livedance_lab._version import __version__
from livedance_lab.clock import ClockOffset, now_s, wall_s
from livedance_lab.errors import CodedError, EstimatorError, ImageError, LiveDanceError, WireError
from livedance_lab.estimators.base import Estimate, EstimatorFactory
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.estimators.model_store import is_stored
from livedance_lab.media.images import MAX_PIXELS, check
from livedance_lab.pipeline.accounting import Books
from livedance_lab.pipeline.client_clock import ClientClock, check_size
from livedance_lab.pipeline.emitter import Outlet
from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.lane_group import CREW_FIELDS, Crew
from livedance_lab.pipeline.lane_group_manager import Staff
from livedance_lab.pipeline.latency_target import TargetAge
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.listener import SessionListener
from livedance_lab.pipeline.processor import Processor
from livedance_lab.pipeline.received_frame import Picture
from livedance_lab.pipeline.scheduler import Job, Scheduler
from livedance_lab.pipeline.status import summary_of
from livedance_lab.pipeline.throttled_events import Complaints
from livedance_lab.pose import Body, Frame, FrameState, FrameTimes, PoseResult
from livedance_lab.session_data.log import SessionLog
from livedance_lab.session_data.schema import Schemas
from livedance_lab.settings import Settings
from livedance_lab.wire.frames import FrameHeader

__all__ = ["Session"]


class Session:
    """See the module's words.

    Parameters
    ----------
    session_id : str
    scheduler : Scheduler
        Shared by all sessions of the server.
    listener : SessionListener
    factory : EstimatorFactory
    settings : Settings, optional
    clock : callable, optional
        Seconds now; a `FakeClock` in tests.
    max_pixels : int
        Larger pictures are rejected before they are decoded.
    max_log_bytes : int
        Memory of the log.
    hang_s : float
        An estimator silent for this long at least is given up, see `livedance_lab.pipeline.watchdog`.
    make_slot : callable, default LatestSlot
        Makes the buffer in which frames wait; a benchmark passes one that works in another way.
    make_lane : callable, default Lane
        As `Crew` takes it.
    """

    def __init__(
        self,
        session_id: str,
        scheduler: Scheduler,
        listener: SessionListener,
        factory: EstimatorFactory,
        settings: Settings | None = None,
        *,
        clock: Callable[[], float] = now_s,
        max_pixels: int = MAX_PIXELS,
        max_log_bytes: int = 256 * 2**20,
        hang_s: float = 10.0,
        make_slot: Callable[[], LatestSlot[Picture]] = LatestSlot,
        make_lane: Callable[..., Lane] = Lane,
    ) -> None:
        self.id = session_id
        self.settings = settings or Settings()
        self.settings_version = 1
        self.client_clock = ClientClock()
        self.processor = Processor(self.settings, clock)
        metadata = {
            "session_id": session_id,
            "wall_anchor_s": repr(wall_s() - clock()),
            "livedance_lab_version": __version__,
            "log_id": uuid4().hex,  # a session of the same name on a server that was started again is another log
        }
        self.log = SessionLog(Schemas(self.processor.angle_names, metadata), max_log_bytes)
        self._books = Books(self.log)
        self.ledger = self._books.ledger
        self.log.on_sink_error = lambda _sink, exc: self.event("error", "recording stopped", {"reason": str(exc)})
        self.created_s = clock()
        self.ended = False
        self.video_sink: Callable[[Frame, Body], None] | None = None  # set while pictures are kept, by consent
        self.client_about: dict[str, Any] = {}
        self.clock = clock
        self._scheduler, self._listener, self._factory = scheduler, listener, factory
        self._make_lane = make_lane
        self._max_pixels = max_pixels
        self._lock = threading.RLock()
        self._slot: LatestSlot[Picture] = make_slot()
        self.outlet = Outlet(self.processor, self._books, self.log, self._tell, clock)
        self._staff = Staff(self._new_crew, lambda: self.settings, self.event, self._lock, hang_s)
        self._complaints = Complaints(self.event)
        self._target_age = TargetAge(lambda complexity: is_stored("pose", complexity))
        self._ending = False  # no more frames are taken; those in work are waited for
        self.event("session", "created", {"settings": self.settings.plain()})

    # --- the crew: these block while estimators are made or freed, so never on the event loop

    @property
    def running(self) -> bool:
        """Whether a crew is at work or being made."""
        return self._staff.wanted

    @property
    def ready(self) -> bool:
        """Whether the estimators are warm and at work."""
        return self._staff.crew is not None

    @property
    def lanes_given_up(self) -> int:
        """Lanes whose estimator hung; each may still keep its thread."""
        return self._staff.watchdog.given_up

    def start(self) -> None:
        """Put a crew for the settings in force to work, in place of the one there is."""
        replaced = self._staff.start()
        if replaced is not None:
            old, left = replaced
            for job in left:
                self.lane_failed(job, EstimatorError("the estimator did not answer when the settings were changed."))
            with self._lock:
                self.outlet.drop_halves(old.plan)
                self._finish_if_drained()

    def pause(self) -> None:
        """Stop working and free the estimators; the ledger and the log stay."""
        self._staff.stop()
        with self._lock:
            while (waiting := self._slot.take()) is not None:
                self._books.close(waiting.frame.seq, FrameState.LOST, waiting.frame.times, "stopped", waiting.bytes_up)
            self._slot.clear()
            self.outlet.forget_halves()
            self._books.lose_open("stopped")  # in the hands of a lane that did not stop
            self._finish_if_drained()

    # --- what comes in

    def receive(self, header: FrameHeader, image: bytes, bytes_up: int, t_receive_s: float) -> None:
        """Take in one frame: check, put, return.

        Raises
        ------
        WireError
            The frame cannot be counted: its `seq` was used before or is absurd, or the session has ended.
            A frame that can be counted but not used is closed as `rejected` and the listener is told.
        """
        with self._lock:
            self._accept(header.seq)
            times = FrameTimes(t_receive_s=t_receive_s)
            try:
                if news := self.client_clock.stamp(times, header):
                    self.event("clock", news, {"offset_s": self.client_clock.offset.offset_s})
                check_size(header)
                check(image, self._max_pixels)
            except CodedError as exc:
                self._refuse(header.seq, FrameState.REJECTED, exc.code, str(exc), times, bytes_up)
                return
            frame = Frame(header.seq, image, header.source_size_px, times)
            if self.video_sink is not None:
                self.video_sink(frame, self.processor.last_pose)
            old = self._slot.put(Picture(frame, bytes_up, self.settings.short_side_px, self.clock, self._max_pixels))
            if old is not None:
                self._books.close(old.frame.seq, FrameState.SUPERSEDED, old.frame.times, bytes_up=old.bytes_up)
        self._scheduler.wake()

    def reject(self, seq: int, error: CodedError, bytes_up: int, t_receive_s: float) -> None:
        """Count a frame of which only the number could be read.

        Raises
        ------
        WireError
            As `receive`.
        """
        with self._lock:
            self._accept(seq)
            times = FrameTimes(t_receive_s=t_receive_s)
            self._refuse(seq, FrameState.REJECTED, error.code, str(error), times, bytes_up)

    def skipped(self, frames: Iterable[tuple[int, float]]) -> None:
        """Frames the client captured and did not send.

        Raises
        ------
        WireError
            If a `seq` is absurd, or the session has ended.
        """
        with self._lock:
            if self.ended:
                raise WireError("ended", f"session {self.id} has ended; begin another.")
            for seq, t_capture_s in frames:
                self.ledger.expect(seq)
                times = FrameTimes(t_capture_s=self.client_clock.map(t_capture_s))
                self._books.close(seq, FrameState.CLIENT_SKIPPED, times)
            self._finish_if_drained()

    def receipts(self, frames: Iterable[tuple[int, float | None, float | None]]) -> None:
        """When results reached the client and were painted."""
        for seq, t_result_s, t_paint_s in frames:
            self.log.add_receipt(seq, self.client_clock.map(t_result_s), self.client_clock.map(t_paint_s))

    def set_clock(self, offset: ClockOffset) -> None:
        """A new estimate of the client's clock."""
        with self._lock:
            now = self.client_clock.set(offset)
        self.event("clock", "offset", {"offset_s": now.offset_s, "uncertainty_s": now.uncertainty_s})

    def change_settings(self, changes: dict[str, Any], by: str = "") -> Settings:
        """Other settings from the next frame on.

        Raises
        ------
        SettingsError
            Nothing is changed then.
        """
        with self._lock:
            old, new = self.settings, self.settings.changed(changes)
            if new == old:
                return new
            self.processor.reconfigure(new)  # first: it may refuse a filter's parameters
            self.settings = new
            self.settings_version += 1
            self._staff.follow(new)
            before = old.plain()
            changed = {k: v for k, v in new.plain().items() if before[k] != v}
            self.event("settings", "changed", {"version": self.settings_version, "changes": changed, "by": by})
            renew = self.running and any(field in changed for field in CREW_FIELDS) and self._staff.ask()
        if renew:
            threading.Thread(target=self.start, name="livedance-new-crew", daemon=True).start()
        return new

    def mark(self, name: str, data: dict[str, Any], t_client_s: float | None = None) -> None:
        """A marker in the event log."""
        t_s = self.client_clock.map(t_client_s) if t_client_s is not None else self.clock()
        self.event("mark", name, data, t_s)

    def event(self, kind: str, name: str, data: dict[str, Any] | None = None, t_s: float | None = None) -> None:
        """Log an event and tell the listener."""
        t_s = self.clock() if t_s is None else t_s
        self.log.add_event(t_s, kind, name, data)
        self._listener.on_event(self, {"t_s": t_s, "kind": kind, "name": name, "data": data or {}})

    # --- what the lanes give

    def lane_done(self, job: Job, estimate: Estimate, t_end_s: float) -> None:
        """Remember hands, or let a result leave."""
        with self._lock:
            if "hands" in job.stage_ms and self.settings.hands:
                self.outlet.take_hands(job, estimate, t_end_s, self._staff.policy)
            if job.kind != "hands" or job.joined_by is not None:
                self.outlet.take(job, estimate, t_end_s, self.settings_version, self._staff.policy)
            self._hold_target_age()
            self._finish_if_drained()

    def hand_crops(self, job: Job) -> tuple[Crop, ...]:
        """Where in a job's picture to look for hands, by the last poses."""
        with self._lock:
            return self.processor.hand_crops(job.picture.frame)

    def lane_failed(self, job: Job, error: LiveDanceError) -> None:
        """A lane could not do its job: the frame is rejected (its picture is bad) or failed (we are)."""
        with self._lock:
            if self.ended:
                return
            frame = job.picture.frame
            bad_picture = isinstance(error, ImageError)
            if job.kind == "hands" and not bad_picture:
                self._complaints.add("hands failed", frame.seq, str(error), self.clock())
                self._staff.policy.found(0)  # and the next look waits longer
                if job.joined_by is None:
                    return
            self.outlet.forget_half(frame.seq)
            if not self.ledger.is_open(frame.seq):
                return  # a lane that was given up answers after all
            state = FrameState.REJECTED if bad_picture else FrameState.FAILED
            code = error.code if isinstance(error, ImageError) else "estimator"
            if state is FrameState.FAILED:
                self._complaints.add("estimator failed", frame.seq, str(error), self.clock())
            self._refuse(frame.seq, state, code, str(error), frame.times, job.picture.bytes_up)
            self._finish_if_drained()

    def lane_renewed(self, lane: str, reason: str) -> None:
        """A lane makes new estimators."""
        self.event("error", "estimator renewed", {"lane": lane, "reason": reason})

    def look_after_lanes(self) -> bool:
        """Give up lanes that hang; to be called every second. False: there were too many, end the session."""
        for job, seen_s in self._staff.give_up_hung(self.clock()):
            self.lane_failed(job, EstimatorError(f"the estimator did not answer for {seen_s:.0f} s."))
        if self.ended or not self._staff.watchdog.out_of_patience:
            return True
        self.event("error", "session given up", {
            "reason": f"{self._staff.watchdog.given_up} estimators stopped answering; the session is ended. "
            "Start the server again to free what they hold."})  # fmt: skip
        return False

    # --- the end

    def end(self, captured: int) -> None:
        """No more frames come; when the last one is done the ledger is closed and the listener told.

        Raises
        ------
        WireError
            If `captured` contradicts what has arrived.
        """
        with self._lock:
            if self.ended:
                return
            self.ledger.captured_in_all(captured)
            self._ending = True
            self._finish_if_drained()

    def abandon(self) -> None:
        """The producer is gone for good. Blocks while lanes stop: not on the loop."""
        self._ending = True
        self._staff.close()
        self.pause()

    def resolve(self, unanswered: Iterable[int]) -> list[tuple[int, str]]:
        """On reconnection: which of the client's unanswered frames have ended meanwhile.

        What never arrived is `lost` from now on; what is still in work is left out.

        Raises
        ------
        WireError
            If a number is absurd, or the session has ended: its sums are told.
        """
        with self._lock:
            if self.ended:
                raise WireError("ended", f"session {self.id} has ended; begin another.")
            return self._books.resolve(unanswered)

    def _finish_if_drained(self) -> None:
        if not self._ending or self.ended or self.ledger.in_flight:
            return
        self._books.lose_unreported()
        self.ended = True
        self._staff.close()
        summary = self.ledger.summary()
        self.event("session", "ended", dict(summary))
        self.log.flush()
        self._listener.on_ended(self, summary)

    def summary(self) -> dict[str, Any]:
        """The session in numbers, for /sessions and the metrics."""
        with self._lock:
            return summary_of(self)

    # --- helpers, called with the lock held

    def _hold_target_age(self) -> None:
        step = self._target_age.look(self.clock(), self.settings)
        if step is not None:
            self.event("target_age", step.name, step.data)
            self.change_settings(step.changes, by="target age")

    def _new_crew(self, settings: Settings) -> Crew:
        return Crew(settings, self._slot, self, self._scheduler, self._factory, self.clock, self._make_lane)

    def _tell(self, result: PoseResult, closed: list[tuple[int, str]]) -> None:
        self._target_age.add(result.record)
        self._listener.on_result(self, result, closed)

    def _accept(self, seq: int) -> None:
        if self.ended or self._ending:
            raise WireError("ended", f"session {self.id} has ended; begin another.")
        self.ledger.arrive(seq)

    def _refuse(self, seq: int, state: FrameState, code: str, message: str, times: FrameTimes, bytes_up: int) -> None:
        if self._books.close(seq, state, times, f"{code}: {message}", bytes_up):
            self._listener.on_refused(self, seq, state, code, message)
