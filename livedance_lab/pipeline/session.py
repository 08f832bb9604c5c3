"""One live session: slot, lanes, smoothing, ledger, log and client clock, without any network.

The server calls `Session.receive` for each binary message and forwards what the listener gets; tests call the same
methods step by step. State changes under one lock, which lanes and the event loop hold only briefly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from livedance_lab._version import __version__
from livedance_lab.clock import ClockOffset, now_s, wall_s
from livedance_lab.errors import CodedError, EstimatorError, ImageError, LiveDanceError, WireError
from livedance_lab.estimators.base import Estimate, EstimatorFactory, RegionEstimatorFactory
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.estimators.model_store import is_stored
from livedance_lab.media.images import MAX_PIXELS, check
from livedance_lab.pipeline.client_clock import ClientClock, check_size
from livedance_lab.pipeline.emitter import ResultEmitter
from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.lane_group import LaneGroup, LaneGroupManager
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.ledger import FrameAccounting
from livedance_lab.pipeline.listener import SessionListener
from livedance_lab.pipeline.people.identities import Identities
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.result_builder import ResultBuilder
from livedance_lab.pipeline.scheduler import Job, Scheduler
from livedance_lab.pipeline.target_age import TargetAgeController
from livedance_lab.pipeline.throttled_events import ThrottledEvents
from livedance_lab.pose import Body, Frame, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.session_data.schema import Schemas
from livedance_lab.session_data.session_log import SessionLog
from livedance_lab.settings import Settings
from livedance_lab.wire.frames import FrameHeader

__all__ = ["Session"]


class Session:
    """Takes the frames of one producer and gives a result, or a reason for having none, for each.

    Parameters
    ----------
    session_id : str
    scheduler : Scheduler
        Shared by all sessions of the server.
    listener : SessionListener
    factory : EstimatorFactory
    settings : Settings, optional
    clock : callable, optional
        Returns the time in seconds; a `FakeClock` in tests.
    max_pixels : int
        An image with more pixels is rejected before it is decoded.
    hang_s : float
        An estimator that has not answered for this long is given up, see `livedance_lab.pipeline.watchdog`.
    make_regions : callable, optional
        Makes region estimators from settings: the session follows several people.
    make_slot : callable, default LatestSlot
        Makes the buffer in which frames wait; benchmarks pass another one.
    make_lane : callable, default Lane
        Makes a lane, with the parameters of `Lane`; simulations pass lanes without a thread.
    """

    def __init__(
        self,
        session_id: str,
        scheduler: Scheduler,
        listener: SessionListener,
        factory: EstimatorFactory,
        settings: Settings | None = None,
        *,
        make_regions: RegionEstimatorFactory | None = None,
        clock: Callable[[], float] = now_s,
        max_pixels: int = MAX_PIXELS,
        hang_s: float = 10.0,
        make_slot: Callable[[], LatestSlot[ReceivedFrame]] = LatestSlot,
        make_lane: Callable[..., Lane] = Lane,
    ) -> None:
        self.id = session_id
        self._lock = threading.RLock()
        self.settings = settings or Settings()
        self.settings_version = 1
        self.client_clock = ClientClock()
        self.result_builder = ResultBuilder(self.settings, clock)
        self._identities = Identities(self.result_builder, factory, make_regions, self._lock, self.event)
        metadata = {
            "session_id": session_id,
            "wall_anchor_s": repr(wall_s() - clock()),
            "livedance_lab_version": __version__,
            "log_id": uuid4().hex,  # tells this log from that of an equally named session before a server's restart
        }
        self.log = SessionLog(Schemas(self.result_builder.angle_names, metadata))
        self._accounting = FrameAccounting(self.log)
        self.ledger = self._accounting.ledger
        self.log.on_sink_error = lambda _sink, exc: self.event("error", "recording stopped", {"reason": str(exc)})
        self.created_s, self.ended = clock(), False
        self.video_sink: Callable[[Frame, Sequence[Body]], None] | None = None  # set while a recording stores images
        self.client_about: dict[str, Any] = {}  # what the client says about itself
        self.clock, self._max_pixels = clock, max_pixels
        self._scheduler, self._listener, self._make_lane = scheduler, listener, make_lane
        self._slot = make_slot()
        self._emitter = ResultEmitter(
            self.result_builder, self._accounting, self._send_result, self._identities.of, clock
        )
        self._lanes = LaneGroupManager(self._new_lane_group, lambda: self.settings, self.event, self._lock,
                                       partial(self.change_settings, by="server"), hang_s)  # fmt: skip
        self._throttled_events = ThrottledEvents(self.event)
        self._target_age = TargetAgeController(partial(is_stored, "pose"))
        self._ending = False  # no more frames are taken; those in flight are waited for
        self.event("session", "created", {"settings": self.settings.plain()})

    # --- lanes; these calls block while estimators are made or closed, so the event loop must not make them

    @property
    def running(self) -> bool:
        """Whether there are lanes, or they are being made."""
        return self._lanes.wanted

    @property
    def ready(self) -> bool:
        """Whether the estimators are warm."""
        return self._lanes.current is not None

    def start(self) -> None:
        """Make the lanes that the current settings need; they replace other ones. Blocks."""
        replaced = self._lanes.ensure()
        if replaced is not None:
            policy, unfinished = replaced
            for job in unfinished:
                self.lane_failed(job, EstimatorError("the estimator did not answer when the settings were changed."))
            with self._lock:
                self._emitter.fail_waiting(policy)
                self._finish_if_drained()

    def pause(self) -> None:
        """Stop the lanes and free the estimators; ledger and log stay. Blocks."""
        self._lanes.stop()
        with self._lock:
            while (waiting := self._slot.take()) is not None:
                self._accounting.close(waiting.record(FrameState.LOST, "stopped"))
            self._slot.clear()
            self._emitter.forget_all_waiting()
            self._accounting.lose_open("stopped")  # frames of lanes that did not stop
            self._finish_if_drained()

    def look_after_lanes(self) -> bool:
        """Replace lanes that hang; to be called every second. False: too many did, and the session must be ended."""
        for job, seen_s in self._lanes.replace_hanging(self.clock()):
            self.lane_failed(job, EstimatorError(f"the estimator did not answer for {seen_s:.0f} s."))
        if self.ended or not self._lanes.watchdog.too_many_given_up:
            return True
        reason = (f"{self._lanes.watchdog.given_up} estimators stopped answering; the session is ended. "
                  "Restart the server to free their threads and memory.")  # fmt: skip
        self.event("error", "session given up", {"reason": reason})
        return False

    # --- input

    def receive(self, header: FrameHeader, image: bytes, bytes_up: int, t_receive_s: float) -> None:
        """Take one frame: check it and put it into the slot.

        A frame that can be counted but not used is closed as `rejected`, and the listener is called.

        Raises
        ------
        WireError
            The frame cannot be counted: its `seq` was used before or is too high, or the session has ended.
        """
        with self._lock:
            self._accept(header.seq)
            times = FrameTimes(t_receive_s=t_receive_s)
            try:
                if change := self.client_clock.stamp(times, header):
                    self.event("clock", change, {"offset_s": self.client_clock.offset.offset_s})
                check_size(header)
                check(image, self._max_pixels)
            except CodedError as exc:
                self._refuse(FrameRecord(header.seq, FrameState.REJECTED, times, bytes_up=bytes_up), exc.code, str(exc))
                return
            frame = Frame(header.seq, image, header.source_size_px, times)
            if self.video_sink is not None:
                self.video_sink(frame, self.result_builder.last_poses)
            received = ReceivedFrame(frame, bytes_up, self.settings.short_side_px, self.clock, self._max_pixels)
            superseded = self._slot.put(received)
            if superseded is not None:
                self._accounting.close(superseded.record(FrameState.SUPERSEDED))
        self._scheduler.dispatch()

    def reject(self, seq: int, error: CodedError, bytes_up: int, t_receive_s: float) -> None:
        """Count a frame of which only the number could be read; raises as `receive` does."""
        with self._lock:
            self._accept(seq)
            times = FrameTimes(t_receive_s=t_receive_s)
            self._refuse(FrameRecord(seq, FrameState.REJECTED, times, bytes_up=bytes_up), error.code, str(error))

    def skipped(self, frames: Iterable[tuple[int, float]]) -> None:
        """Count frames that the client captured and did not send, given number and capture time.

        Raises
        ------
        WireError
            If a `seq` is too high, or the session has ended.
        """
        with self._lock:
            if self.ended:
                raise self._ended_error()
            for seq, t_capture_s in frames:
                self.ledger.check_plausible(seq)
                times = FrameTimes(t_capture_s=self.client_clock.map(t_capture_s))
                self._accounting.close(FrameRecord(seq, FrameState.CLIENT_SKIPPED, times))
            self._finish_if_drained()

    def receipts(self, frames: Iterable[tuple[int, float | None, float | None]]) -> None:
        """Log when results reached the client and were painted, given number and both times."""
        for seq, t_result_s, t_paint_s in frames:
            self.log.add_receipt(seq, self.client_clock.map(t_result_s), self.client_clock.map(t_paint_s))

    def set_clock(self, offset: ClockOffset) -> None:
        """Use a new estimate of the client clock's offset."""
        with self._lock:
            used = self.client_clock.set(offset)
        self.event("clock", "offset", {"offset_s": used.offset_s, "uncertainty_s": used.uncertainty_s})

    def change_settings(self, changes: dict[str, Any], by: str = "") -> Settings:
        """Use other settings from the next frame on; `by` says in the log who changed them.

        Raises
        ------
        SettingsError
            If a setting is invalid; nothing is changed then.
        """
        with self._lock:
            old, new = self.settings, self.settings.changed(changes)
            if new == old:
                return new
            self.result_builder.reconfigure(new)  # first, because it may refuse a filter's parameters
            self.settings = new
            self.settings_version += 1
            before = old.plain()
            changed = {k: v for k, v in new.plain().items() if before[k] != v}
            self.event("settings", "changed", {"version": self.settings_version, "changes": changed, "by": by})
            must_start = self._lanes.apply(old, new)
        if must_start:
            threading.Thread(target=self.start, name="livedance-new-lanes", daemon=True).start()
        return new

    def follow(self, person_id: int) -> None:
        """Follow another person from the next result on, as `ResultBuilder.follow`."""
        with self._lock:
            self.result_builder.follow(person_id)

    def mark(self, name: str, data: dict[str, Any], t_client_s: float | None = None) -> None:
        """Log a marker."""
        t_s = self.client_clock.map(t_client_s) if t_client_s is not None else self.clock()
        self.event("mark", name, data, t_s)

    def event(self, kind: str, name: str, data: dict[str, Any] | None = None, t_s: float | None = None) -> None:
        """Log an event and call the listener."""
        t_s = self.clock() if t_s is None else t_s
        self.log.add_event(t_s, kind, name, data)
        self._listener.on_event(self.id, {"t_s": t_s, "kind": kind, "name": name, "data": data or {}})

    # --- called by the lanes, in their threads

    def lane_done(self, job: Job, estimate: Estimate, t_end_s: float) -> None:
        """Keep the hands of an estimate, and emit the result of its pose."""
        with self._lock:
            if "hands" in job.kinds and self.settings.hands:
                self._emitter.add_hands(job, estimate, t_end_s, self._lanes.hands_gate)
            if "pose" in job.kinds or job.joined_by is not None:
                self._emitter.add(job, estimate, t_end_s, self.settings_version, self._lanes.hands_gate)
            self._adjust_to_target_age()
            self._finish_if_drained()

    def hand_crops(self, job: Job) -> tuple[Crop, ...]:
        """Where in a job's frame hands should be searched, by the last poses."""
        with self._lock:
            return self.result_builder.hand_crops(job.received.frame)

    def lane_failed(self, job: Job, error: LiveDanceError) -> None:
        """Close a frame for which a lane has no estimate: as rejected if its image is bad, else as failed."""
        with self._lock:
            if self.ended:
                return
            seq = job.received.seq
            bad_image = isinstance(error, ImageError)
            if "pose" not in job.kinds and not bad_image:
                self._throttled_events.add("hands failed", seq, str(error), self.clock())
                self._lanes.hands_gate.record_found(0)  # the pause before the next inference grows
                if job.joined_by is None:
                    return
            self._emitter.forget_waiting(seq)
            if self.ledger.is_open(seq):  # it is closed if the lane was given up, or if the listener has failed
                state = FrameState.REJECTED if bad_image else FrameState.FAILED
                code = error.code if isinstance(error, ImageError) else "estimator"
                if state is FrameState.FAILED:
                    self._throttled_events.add("estimator failed", seq, str(error), self.clock())
                self._refuse(job.received.record(state), code, str(error))
            self._finish_if_drained()

    # --- the end

    def end(self, captured: int) -> None:
        """Take no more frames; when the last one is closed, the ledger is closed and the listener called.

        Raises
        ------
        WireError
            If `captured` contradicts what has arrived.
        """
        with self._lock:
            if self.ended:
                return
            self.ledger.set_final_count(captured)
            self._ending = True
            self._finish_if_drained()

    def abandon(self) -> None:
        """End the session without its producer. Blocks while lanes stop, so the event loop must not call it."""
        self._ending = True
        self._lanes.close()
        self.pause()

    def resolve(self, unanswered: Iterable[int]) -> list[tuple[int, str]]:
        """Find out which of the client's unanswered frames have ended; see `FrameAccounting.resolve`.

        Raises
        ------
        WireError
            If a number is too high, or the session has ended.
        """
        with self._lock:
            if self.ended:
                raise self._ended_error()
            return self._accounting.resolve(unanswered)

    def status(self) -> dict[str, Any]:
        """State, settings and ledger, and rates and ages of the last seconds; see `HostedSession.status`."""
        with self._lock:
            now_s, offset, emitter = self.clock(), self.client_clock.offset, self._emitter
            return {
                "id": self.id, "running": self.running, "ready": self.ready,
                "lanes_given_up": self._lanes.watchdog.given_up, "ended": self.ended, "age_s": now_s - self.created_s,
                "results_per_s": emitter.result_rate.rate_hz(now_s), "hands_per_s": emitter.hands_rate.rate_hz(now_s),
                "age_ms": emitter.ages_ms.percentiles(now_s),
                "settings": self.settings.plain(), "settings_version": self.settings_version,
                "angles": list(self.result_builder.angle_names),
                "clock": {"offset_s": offset.offset_s, "uncertainty_s": offset.uncertainty_s},
                "hands": self.result_builder.tally.plain(), "ledger": self.ledger.summary(),
                "log_bytes": self.log.n_bytes(),
            }  # fmt: skip

    # --- helpers, called with the lock held, except `_new_lane_group`

    def _new_lane_group(self, settings: Settings) -> LaneGroup:
        make_estimator = partial(self._identities.make_estimator, settings)
        return LaneGroup(settings, self._slot, self._scheduler, lambda name, kinds: self._make_lane(
            name, kinds, make_estimator, self, self._scheduler, self.clock))  # fmt: skip

    def _send_result(self, result: PoseResult, closed: list[tuple[int, str]]) -> None:
        # The listener encodes the result here, in the lane's thread and with the lock held. That keeps the session's
        # results in capture order, and no other thread has to encode. The cost: another lane that has finished waits.
        self._target_age.add(result.record)
        self._listener.on_result(self.id, result, closed, self.ledger.summary())

    def _adjust_to_target_age(self) -> None:
        step = self._target_age.check(self.clock(), self.settings)
        if step is not None:
            self.event("target_age", step.name, step.data)
            self.change_settings(step.changes, by="target age")

    def _accept(self, seq: int) -> None:
        if self.ended or self._ending:
            raise self._ended_error()
        self.ledger.arrive(seq)

    def _ended_error(self) -> WireError:
        return WireError("ended", f"session {self.id} has ended; begin another.")

    def _refuse(self, record: FrameRecord, code: str, message: str) -> None:
        record.reason = f"{code}: {message}"
        if self._accounting.close(record):
            self._listener.on_refused(self.id, record.seq, record.state, code, message)

    def _finish_if_drained(self) -> None:
        if not self._ending or self.ended or self.ledger.in_flight:
            return
        self._accounting.lose_unreported()
        self.ended = True
        self._lanes.close()
        summary = self.ledger.summary()
        self.event("session", "ended", dict(summary))
        self.log.flush()
        self._listener.on_ended(self.id, summary)
