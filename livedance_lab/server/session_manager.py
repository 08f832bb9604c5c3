"""The sessions of one server and who is connected to each.

Everything here runs on the event loop, except the four `on_*` calls, which lane threads make too and which
only post to the loop. What blocks (making and freeing estimators) goes to a thread.
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
from livedance_lab.estimators.base import factory
from livedance_lab.pipeline.ledger import LedgerSummary
from livedance_lab.pipeline.policies import pose_lane_count
from livedance_lab.pipeline.scheduler import Scheduler
from livedance_lab.pipeline.session import Session
from livedance_lab.pose import FrameState, PoseResult
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.hosted_session import Connection, Room
from livedance_lab.server.metrics import Meters
from livedance_lab.server.recorder import Recorder, unused, within
from livedance_lab.system.logs import about
from livedance_lab.system.memory import return_free_pages
from livedance_lab.wire.messages import encode_json
from livedance_lab.wire.results import encode_result
from livedance_lab.wire.results_binary import encode_binary_result

__all__ = ["Hub"]

_log = logging.getLogger(__name__)

_MOST_ROOMS = 64
_FLUSH_EVERY_S = 0.25
_LOOK_EVERY_S = 1.0
_ENDED_BYTES = 512 * 2**20  # ended sessions' logs kept for late readers
_LEVELS = {"error": logging.WARNING, "clock": logging.DEBUG}  # of events in the log; others: info
_TOLD = ("reason", "captured", "states", "conserved", "version", "lanes", "path")  # of an event's data, in the log
_ENCODERS: dict[str, Callable[[PoseResult, list[tuple[int, str]], dict[str, int]], str | bytes]] = {
    "json": encode_result,
    "binary": encode_binary_result,
}


class Hub:
    """All sessions.

    Parameters
    ----------
    config : ServerConfig
    clock : callable, optional
        Seconds now.
    """

    def __init__(self, config: ServerConfig, clock: Callable[[], float] = now_s) -> None:
        self.config = config
        self.rooms: dict[str, Room] = {}
        self.scheduler = Scheduler(config.workers, clock)
        self.started_s = clock()
        self.clock = clock
        self.totals: dict[str, int] = {"connections": 0, "sessions": 0, "refused_hellos": 0}
        self._loop = asyncio.get_running_loop()
        self.factory = factory(config.estimator)
        self.meters = Meters(self)
        self.draining = False  # no session begins any more
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- rooms

    def create(self, session_id: str | None, settings: dict[str, Any]) -> Room:
        """A new session; its estimators are made when a producer comes.

        Raises
        ------
        ConnectionRefused
            If the id is taken, too many sessions are remembered, or the server records and cannot.
        SettingsError
        """
        session_id = session_id or _new_id()
        if session_id in self.rooms:
            raise ConnectionRefused("taken", f"there is a session {session_id!r} already.")
        self._forget_ended()
        if len(self.rooms) >= _MOST_ROOMS:
            raise BusyError("busy", f"{_MOST_ROOMS} sessions are open; end one first.")
        chosen = self.config.settings.changed(settings)
        session = Session(session_id, self.scheduler, self, self.factory, chosen, clock=self.clock,
                          max_pixels=self.config.max_pixels, make_slot=self.config.make_slot,
                          hang_s=self.config.hang_s)  # fmt: skip
        room = Room(session)
        if self.config.record_dir is not None:
            try:
                room.recorder = Recorder(session, self.config, unused(self.config.record_dir / session_id))
            except RecordingError as exc:  # a server that records has no session it cannot record
                raise ConnectionRefused("recording", str(exc)) from exc
        self.rooms[session_id] = room
        self.totals["sessions"] += 1
        if self.config.after_crash:
            session.event("error", "server restarted", {"reason": self.config.after_crash})
        return room

    def room(self, session_id: str) -> Room:
        """The room of a session.

        Raises
        ------
        ConnectionRefused
            Code "session" if there is none.
        """
        try:
            return self.rooms[session_id]
        except KeyError:
            raise ConnectionRefused("session", f"there is no session {session_id!r} on this server.") from None

    def produce(self, connection: Connection, session_id: str | None, settings: dict[str, Any]) -> tuple[Room, bool]:
        """Let a connection be the producer of a session; True if the session existed before.

        A newer producer takes the place of an older one: after a lost connection the old socket may look
        alive for a while.

        Raises
        ------
        BusyError
            If all places are taken.
        ConnectionRefused
            If the session has ended.
        SettingsError
        """
        room = self.rooms.get(session_id) if session_id else None
        existed = room is not None
        if room is not None and (room.session.ended or room.left):
            raise ConnectionRefused("ended", f"session {session_id!r} has ended; begin another.")
        gives_way = None if room is not None and room.holds_place else self._who_gives_way()
        if room is None:
            room = self.create(session_id, settings)
        elif settings:
            room.session.change_settings(settings, by="producer")
        if gives_way is not None:  # only now: a hello that cannot be served costs nobody a session
            self._bid_farewell(gives_way)
        room.holds_place = True
        if room.farewell is not None:
            room.farewell.cancel()
            room.farewell = None
        if room.producer is not None:
            room.producer.dismiss("replaced", "another client became the producer of this session.")
        room.producer = connection
        room.session.client_clock.new_connection()
        if not room.session.running:
            self.in_thread(room.session.start)
        room.session.event("producer", "joined", {})
        return room, existed

    def _who_gives_way(self) -> Room | None:
        """Nobody, while a place is free; else the session that has waited longest for its producer."""
        taken = [room for room in self.rooms.values() if room.holds_place]
        if len(taken) < self.config.max_sessions:
            return None
        waiting = [room for room in taken if room.producer is None]
        if not waiting:
            raise BusyError(
                "busy",
                f"all {self.config.max_sessions} places are taken; try again later, or start the "
                "server with more: livedance serve --max-sessions.",
            )
        return min(waiting, key=lambda room: room.farewell.when() if room.farewell is not None else 0.0)

    def leave(self, connection: Connection, room: Room) -> None:
        """A connection has closed."""
        room.viewers.discard(connection)
        if room.producer is connection:
            room.producer = None
            if room.session.ended:
                return
            room.session.event("producer", "left", {})
            room.farewell = self._loop.call_later(self.config.resume_s, self._bid_farewell, room)

    def _bid_farewell(self, room: Room) -> None:
        if room.farewell is not None:
            room.farewell.cancel()
            room.farewell = None
        room.left, room.holds_place = True, False
        self.in_thread(room.session.abandon)

    def record(self, room: Room, path: str, *, keep_video: bool, blur_faces: bool) -> dict[str, Any]:
        """Begin to record a session below the server's record root. Blocks.

        Raises
        ------
        RecordingError
            If it is being recorded, or the folder cannot be used.
        """
        with room.recording:
            if room.recorder is not None:
                raise RecordingError(f"session {room.session.id} is being recorded to {room.recorder.path}.")
            folder = within(self.config.record_root, path)
            recorder = Recorder(room.session, self.config, folder, keep_video=keep_video, blur_faces=blur_faces)
            room.recorder = recorder
            if room.session.ended:  # perhaps just now: nobody else would close it
                room.recorder = None
                recorder.stop()
            return recorder.state

    def stop_recording(self, room: Room) -> dict[str, Any]:
        """Finish a recording. Blocks.

        Raises
        ------
        RecordingError
            If there is none, or it had failed.
        """
        with room.recording:
            recorder, room.recorder = room.recorder, None
            if recorder is None:
                raise RecordingError(f"session {room.session.id} is not being recorded.")
            recorder.stop()
            return recorder.state

    async def keep_recordings_fresh(self) -> None:
        """Hand pending rows to the recordings a few times a second, so that a crash loses little."""
        while True:
            await asyncio.sleep(_FLUSH_EVERY_S)
            for room in list(self.rooms.values()):
                if room.recorder is not None:
                    await asyncio.to_thread(room.session.log.flush)

    async def watch_lanes(self) -> None:
        """Look after every session's lanes; one whose estimators hang again and again is ended."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for room in list(self.rooms.values()):
                if not room.left and not room.session.look_after_lanes():
                    self._bid_farewell(room)

    def end(self, room: Room, captured: int) -> None:
        """The producer has said that no more frames come."""
        room.session.end(captured)

    def _forget_ended(self) -> None:
        """Drop the oldest ended sessions nobody looks at when their logs take too much memory."""
        ended = [room for room in self.rooms.values() if room.session.ended and not room.connections]
        total = sum(room.session.log.n_bytes() for room in ended)
        while ended and (total > _ENDED_BYTES or len(self.rooms) >= _MOST_ROOMS):
            room = ended.pop(0)
            total -= room.session.log.n_bytes()
            del self.rooms[room.session.id]

    async def close(self, within_s: float) -> None:
        """End every session, finish every recording, say goodbye, free everything.

        Parameters
        ----------
        within_s : float
            How long the goodbyes may take to leave.
        """
        self.draining = True
        # side by side: one session whose estimator hangs must not keep the others' recordings from being closed
        await asyncio.gather(*(asyncio.to_thread(room.session.abandon) for room in self.rooms.values()))
        for room in list(self.rooms.values()):
            await asyncio.to_thread(self._finish_recording, room)
        await asyncio.sleep(0)  # let posted messages reach the outboxes
        for room in self.rooms.values():
            for connection in room.connections:
                connection.dismiss("shutdown", "the server is stopping.")
        give_up_s = self._loop.time() + within_s  # whoever does not read is left behind
        while any(room.connections for room in self.rooms.values()) and self._loop.time() < give_up_s:
            await asyncio.sleep(0.01)

    def _finish_recording(self, room: Room) -> None:
        try:
            with room.recording:
                if room.recorder is not None:
                    self.stop_recording(room)
        except RecordingError as exc:
            _log.error("the recording had failed: %s", exc, extra=about(room.session.id))

    def in_thread(self, work: Callable[[], None]) -> None:
        """Run something that blocks off the loop; its errors are logged."""

        async def run() -> None:
            try:
                await asyncio.to_thread(work)
            except Exception:  # noqa: BLE001  nobody awaits this task, so the log is where it shows
                _log.exception("background work failed")

        task = self._loop.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what sessions tell (any thread)

    def on_result(
        self, session_id: str, result: PoseResult, closed: list[tuple[int, str]], summary: LedgerSummary
    ) -> None:
        """Encode once for each form that is wanted, in the lane's thread; hand to everyone on the loop."""
        ledger = {"captured": summary["captured"], **summary["states"]}
        room = self.rooms.get(session_id)
        wanted = {connection.results for connection in room.connections} if room else set()
        forms = {form: _ENCODERS[form](result, closed, ledger) for form in wanted}
        self._post(self._show, session_id, forms)
        self.meters.observe(result.record)

    def on_refused(self, session_id: str, seq: int, state: FrameState, code: str, message: str) -> None:
        """Tell the producer."""
        text = encode_json({"type": "refused", "seq": seq, "state": str(state), "code": code, "message": message})
        self._post(self._tell_producer, session_id, text)

    def on_event(self, session_id: str, event: dict[str, Any]) -> None:
        """Tell everyone; new settings also as what they are. Marks may name people: the log only counts them."""
        name = "" if event["kind"] == "mark" else f" {event['name']}"
        told = {key: event["data"][key] for key in _TOLD if key in event["data"]} if name else {}
        _log.log(_LEVELS.get(event["kind"], logging.INFO), "%s%s", event["kind"], name, extra=about(session_id, **told))
        if event["kind"] == "settings" and session_id in self.rooms:
            session = self.rooms[session_id].session
            message = {"type": "settings", "settings": session.settings.plain(), "version": session.settings_version,
                       "pose_lanes": pose_lane_count(session.settings, self.config.workers),
                       "by": event["data"].get("by", "")}  # fmt: skip
            self._post(self._tell_all, session_id, encode_json(message))
        self._post(self._tell_all, session_id, encode_json({"type": "event", **event}))

    def on_ended(self, session_id: str, summary: LedgerSummary) -> None:
        """Tell everyone, and free the estimators."""
        self._post(self._free_place, session_id)
        self._post(self._tell_all, session_id, encode_json({"type": "ended", "ledger": summary}))
        room = self.rooms.get(session_id)
        if room is not None:
            self._post(self.in_thread, lambda: self._wind_down(room))

    def _wind_down(self, room: Room) -> None:
        """After the end: the estimators are freed and the recording is closed."""
        room.session.pause()
        self._finish_recording(room)
        return_free_pages()

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop has stopped: nobody is left to tell
            _log.debug("the loop is closed; a message was not sent")

    def _free_place(self, session_id: str) -> None:
        room = self.rooms.get(session_id)
        if room is not None:
            room.holds_place = False

    def _show(self, session_id: str, forms: dict[str, str | bytes]) -> None:
        room = self.rooms.get(session_id)
        for connection in room.connections if room else ():
            if connection.results in forms:  # who came while it was encoded sees the next one
                connection.show("result", forms[connection.results])

    def _tell_producer(self, session_id: str, message: str) -> None:
        room = self.rooms.get(session_id)
        if room is not None and room.producer is not None:
            room.producer.say(message)

    def _tell_all(self, session_id: str, message: str) -> None:
        room = self.rooms.get(session_id)
        for connection in room.connections if room else ():
            connection.say(message)


def _new_id() -> str:
    stamp = datetime.fromtimestamp(wall_s(), UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(2)}"
