"""Registry of a server's sessions: creation, admission of producers, recordings, and the end of each session.

Methods run on the event loop, except those whose docstring says that they block: callers run these in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from livedance_lab.clock import now_s, wall_s
from livedance_lab.errors import BusyError, ConnectionRefused, RecordingError
from livedance_lab.estimators.base import factory, region_factory
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.scheduler import Scheduler
from livedance_lab.pipeline.session import Session
from livedance_lab.server.broadcaster import ResultBroadcaster
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.hosted_session import Connection, HostedSession
from livedance_lab.server.recorder import Recorder, resolve_below, unused_path
from livedance_lab.system.memory import trim_heap
from livedance_lab.system.program_logs import session_context

__all__ = ["SessionManager"]

_log = logging.getLogger(__name__)

_MAX_SESSIONS_KEPT = 64  # running and ended ones
_MAX_ENDED_LOG_BYTES = 512 * 2**20  # the logs of ended sessions stay readable up to this much memory


class SessionManager:
    """All sessions of one server.

    Parameters
    ----------
    config : ServerConfig

    Attributes
    ----------
    sessions : dict of str to HostedSession
        By id, the oldest first.
    broadcaster : ResultBroadcaster
        The listener of all sessions.
    counters : dict of str to int
        "connections", "sessions" and "refused_hellos" since the server's start, for the metrics.
    estimator_factory : EstimatorFactory
    draining : bool
        Whether the server is stopping: it admits no more producers or viewers.
    """

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.sessions: dict[str, HostedSession] = {}
        self.broadcaster = ResultBroadcaster(self.sessions, config.workers, self._on_session_ended)
        self.counters = {"connections": 0, "sessions": 0, "refused_hellos": 0}
        self.estimator_factory = factory(config.estimator)
        self.draining = False
        self._scheduler = Scheduler(config.workers, now_s)
        self._started_s = now_s()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def up_s(self) -> float:
        """Seconds since the server's start."""
        return now_s() - self._started_s

    def statuses(self) -> list[dict[str, Any]]:
        """Return the numbers of every session, the oldest first."""
        return [hosted.status() for hosted in self.sessions.values()]

    # --- registry

    def create(self, session_id: str | None, settings: dict[str, Any]) -> HostedSession:
        """Create a session. Its estimators are made when a producer connects.

        Parameters
        ----------
        session_id : str or None
            None: an id made of the date and a random number.
        settings : dict
            Changes to the server's default settings.

        Raises
        ------
        ConnectionRefused
            If the id is taken, or if the server records all sessions and cannot record this one.
        BusyError
            If the server keeps as many sessions as it can.
        SettingsError
        """
        session_id = session_id or _new_session_id()
        if session_id in self.sessions:
            raise ConnectionRefused("taken", f"session {session_id!r} exists already.")
        self._forget_ended()
        if len(self.sessions) >= _MAX_SESSIONS_KEPT:
            raise BusyError("busy", f"{_MAX_SESSIONS_KEPT} sessions are open; end one first.")
        wanted = self.config.settings.changed(settings)
        session = Session(session_id, self._scheduler, self.broadcaster, self.estimator_factory, wanted,
                          make_regions=region_factory(self.config.estimator) if wanted.max_people > 1 else None,
                          max_pixels=self.config.max_pixels, make_slot=self.config.make_slot or LatestSlot,
                          hang_s=self.config.hang_s)  # fmt: skip
        hosted = HostedSession(session)
        if self.config.record_dir is not None:
            try:
                hosted.recorder = Recorder(session, self.config, unused_path(self.config.record_dir / session_id))
            except RecordingError as exc:
                raise ConnectionRefused("recording", str(exc)) from exc
        self.sessions[session_id] = hosted
        self.counters["sessions"] += 1
        if self.config.complexity_reason and "complexity" not in settings:
            chosen = {"complexity": session.settings.complexity, "reason": self.config.complexity_reason}
            session.event("session", "complexity chosen", chosen)
        if self.config.after_crash:
            session.event("error", "server restarted", {"reason": self.config.after_crash})
        return hosted

    def get(self, session_id: str) -> HostedSession:
        """Return a session by its id.

        Raises
        ------
        ConnectionRefused
            Code "session": the server has none with this id.
        """
        if session_id not in self.sessions:
            raise ConnectionRefused("session", f"there is no session {session_id!r} on this server.")
        return self.sessions[session_id]

    def _forget_ended(self) -> None:
        """Remove the oldest ended sessions without connections while their logs or their number exceed the limits."""
        ended = [hosted for hosted in self.sessions.values() if hosted.released and not hosted.connections]
        total_bytes = sum(hosted.session.log.n_bytes() for hosted in ended)
        while ended and (total_bytes > _MAX_ENDED_LOG_BYTES or len(self.sessions) >= _MAX_SESSIONS_KEPT):
            oldest = ended.pop(0)
            total_bytes -= oldest.session.log.n_bytes()
            del self.sessions[oldest.session.id]

    # --- admission

    def connect_producer(
        self, connection: Connection, session_id: str | None, settings: dict[str, Any]
    ) -> tuple[HostedSession, bool]:
        """Make a connection the producer of a session; create the session if it does not exist.

        A newer producer replaces an older one: after a network failure the old connection may look open for a while.

        Returns
        -------
        HostedSession
        bool
            Whether the session existed before.

        Raises
        ------
        BusyError
            If all session slots are in use.
        ConnectionRefused
            If the session has ended, or cannot be created.
        SettingsError
        """
        hosted = self.sessions.get(session_id) if session_id else None
        existed = hosted is not None
        if hosted is not None and (hosted.session.ended or hosted.expired):
            raise ConnectionRefused("ended", f"session {session_id!r} has ended; begin another.")
        evicted = None if hosted is not None and hosted.holds_slot else self._session_to_evict()
        if hosted is None:
            hosted = self.create(session_id, settings)
        elif settings:
            hosted.session.change_settings(settings, by="producer")
        if evicted is not None:  # only now: a hello that is refused above must not end another session
            self.expire(evicted)
        hosted.holds_slot = True
        hosted.cancel_expiry()
        if hosted.producer is not None:
            hosted.producer.close_with_reason("replaced", "another client became the producer of this session.")
        hosted.producer = connection
        hosted.session.client_clock.new_connection()
        if not hosted.session.running:
            self._run_in_thread(hosted.session.start)
        hosted.session.event("producer", "joined", {})
        return hosted, existed

    def _session_to_evict(self) -> HostedSession | None:
        """Return None while a slot is free, else the session that has been without a producer for longest.

        Raises
        ------
        BusyError
            If every session that holds a slot has a producer.
        """
        holders = [hosted for hosted in self.sessions.values() if hosted.holds_slot]
        if len(holders) < self.config.max_sessions:
            return None
        without_producer = [hosted for hosted in holders if hosted.producer is None]
        if not without_producer:
            slots = f"all {self.config.max_sessions} session slots are in use"
            raise BusyError("busy", f"{slots}; try again later, or start the server with a larger --max-sessions.")
        return min(without_producer, key=lambda hosted: hosted.expiry.when() if hosted.expiry is not None else 0.0)

    def disconnect(self, connection: Connection, hosted: HostedSession) -> None:
        """Remove a closed connection. A session without its producer ends after `ServerConfig.resume_s`."""
        hosted.viewers.discard(connection)
        if hosted.producer is connection:
            hosted.producer = None
            if not hosted.session.ended:
                hosted.session.event("producer", "left", {})
                hosted.expiry = asyncio.get_running_loop().call_later(self.config.resume_s, self.expire, hosted)

    def expire(self, hosted: HostedSession) -> None:
        """Begin to end a session whose producer is gone for good; its slot is free at once."""
        hosted.cancel_expiry()
        hosted.expired, hosted.holds_slot = True, False
        self._run_in_thread(hosted.session.abandon)

    # --- recordings

    def start_recording(
        self, hosted: HostedSession, path: str, *, keep_video: bool, blur_faces: bool
    ) -> dict[str, Any]:
        """Start to record a session below the server's record root. Blocks.

        Raises
        ------
        RecordingError
            If the session is being recorded already, or the folder cannot be used.
        """
        with hosted.recording_lock:
            if hosted.recorder is not None:
                raise RecordingError(f"session {hosted.session.id} is being recorded to {hosted.recorder.path}.")
            folder = resolve_below(self.config.record_root, path)
            recorder = Recorder(hosted.session, self.config, folder, keep_video=keep_video, blur_faces=blur_faces)
            if hosted.session.ended:  # the end of the session has passed, which would have closed the recording
                recorder.stop()
            else:
                hosted.recorder = recorder
            return recorder.state

    def stop_recording(self, hosted: HostedSession) -> dict[str, Any]:
        """Finish a recording. Blocks.

        Raises
        ------
        RecordingError
            If the session is not being recorded, or the recording failed before.
        """
        with hosted.recording_lock:
            recorder, hosted.recorder = hosted.recorder, None
            if recorder is None:
                raise RecordingError(f"session {hosted.session.id} is not being recorded.")
            recorder.stop()
            return recorder.state

    def _close_recording(self, hosted: HostedSession) -> None:
        try:
            with hosted.recording_lock:
                if hosted.recorder is not None:
                    self.stop_recording(hosted)
        except RecordingError as exc:
            _log.error("the recording had failed: %s", exc, extra=session_context(hosted.session.id))

    # --- periodic tasks

    async def flush_recordings(self) -> None:
        """Hand the rows that wait in memory to the recordings, so that a crash loses little."""
        for hosted in list(self.sessions.values()):
            if hosted.recorder is not None:
                await asyncio.to_thread(hosted.session.log.flush)

    async def check_lanes(self) -> None:
        """Replace estimators that hang; end a session whose estimators hang repeatedly."""
        for hosted in list(self.sessions.values()):
            if not hosted.expired and not hosted.session.look_after_lanes():
                self.expire(hosted)

    # --- the end

    def _on_session_ended(self, session_id: str) -> None:
        hosted = self.sessions[session_id]
        hosted.holds_slot = False
        self._run_in_thread(lambda: self._release(hosted))

    def _release(self, hosted: HostedSession) -> None:
        """Free the estimators of an ended session and close its recording. Blocks."""
        try:
            hosted.session.pause()
            self._close_recording(hosted)
        finally:
            hosted.released = True
        trim_heap()

    async def close(self, within_s: float) -> None:
        """End every session, finish every recording and close every connection with a reason.

        Parameters
        ----------
        within_s : float
            How long to wait for the connections to close.
        """
        self.draining = True
        # in parallel: a session whose estimator hangs must not delay the end of the others
        await asyncio.gather(*(asyncio.to_thread(hosted.session.abandon) for hosted in self.sessions.values()))
        for hosted in list(self.sessions.values()):
            await asyncio.to_thread(self._close_recording, hosted)
        await asyncio.sleep(0)  # messages that are posted by now reach the outboxes
        for hosted in self.sessions.values():
            for connection in hosted.connections:
                connection.close_with_reason("shutdown", "the server is stopping.")
        deadline_s = now_s() + within_s
        while any(hosted.connections for hosted in self.sessions.values()) and now_s() < deadline_s:
            await asyncio.sleep(0.01)

    def _run_in_thread(self, work: Callable[[], None]) -> None:
        """Start blocking work in a thread; an error is logged."""

        async def run() -> None:
            try:
                await asyncio.to_thread(work)
            except Exception:  # noqa: BLE001  no caller awaits this task, so the log is the only place to report it
                _log.exception("background work failed")

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)  # the event loop itself keeps only weak references
        task.add_done_callback(self._tasks.discard)


def _new_session_id() -> str:
    stamp = datetime.fromtimestamp(wall_s(), UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(2)}"
