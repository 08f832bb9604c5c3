"""The WebSocket: parse, put, return. Nothing here computes, and nothing a client says can stop it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from livedance_lab._version import __version__
from livedance_lab.analysis.angle_definitions import label_places
from livedance_lab.clock import ClockOffset, now_s
from livedance_lab.errors import CodedError, ConnectionRefused, ImageError, SettingsError, WireError
from livedance_lab.pipeline.policies import pose_lane_count
from livedance_lab.server.access import known_host, known_origin, knows_token
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.hosted_session import Room
from livedance_lab.server.outbox import Outbox
from livedance_lab.server.rate_limit import Allowance
from livedance_lab.server.session_manager import Hub
from livedance_lab.system.logs import about
from livedance_lab.wire import messages as m
from livedance_lab.wire.frames import CountableFrameError, FrameHeader, decode_frame, decode_legacy_frame
from livedance_lab.wire.messages import encode_json

__all__ = ["LiveSocket"]

_log = logging.getLogger(__name__)

_HELLO_WITHIN_S = 5.0
_HELLO_BYTES = 2**20
_LAST_WORDS_WITHIN_S = 5.0


class LiveSocket(WebSocketHandler):
    """One connection: a producer of frames or a viewer of results."""

    def initialize(self, hub: Hub) -> None:
        """Called by tornado for each connection."""
        self.hub = hub
        self.config: ServerConfig = hub.config
        self.room: Room | None = None
        self._welcomed = False
        self.is_producer = False
        self.results = "json"
        self._dismissed = False
        self.outbox = Outbox(self._send, lambda: self.close(m.CLOSE_CODES["protocol"], "too slow"))
        self._hello_timer: asyncio.TimerHandle | None = None
        self._messages = Allowance(self.config.max_messages_per_s)
        self._bytes = Allowance(self.config.max_bytes_per_s)
        self._answers: dict[type, Callable[[Any], None]] = {
            m.Ping: self._ping,
            m.Clock: lambda x: self._session.set_clock(ClockOffset(x.offset_s, x.uncertainty_s)),
            m.Receipts: lambda x: self._session.receipts(x.frames),
            m.Skipped: lambda x: self._session.skipped(x.frames),
            m.PacingSwitch: lambda x: self._session.event("pacing", x.to, x.model_dump(exclude={"type", "to"})),
            m.SettingsChange: self._settings,
            m.Mark: lambda x: self._session.mark(x.name, x.data, x.t_s if self.is_producer else None),
            m.Stats: self._stats,
            m.End: self._end,
        }

    # --- tornado's hooks

    def check_origin(self, origin: str) -> bool:
        """Pages of this machine and of the allow-list; anything without an origin is not a browser."""
        return known_origin(origin, self.config)

    def prepare(self) -> None:
        """Refuse what `check_origin` is not asked about: newer tornado trusts an origin that equals the host named."""
        origin = self.request.headers.get("Origin")
        if not known_host(self.request.host_name, self.config) or not (origin is None or self.check_origin(origin)):
            _log.warning("a page was refused", extra=about("", origin=origin, host=self.request.host_name))
            raise HTTPError(403)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """What was refused is logged where it is; tornado's line would repeat the query, which may hold anything."""
        if not isinstance(value, HTTPError):
            _log.error("a connection failed", exc_info=(typ, value, tb))

    def get_compression_options(self) -> dict[str, Any] | None:
        """None: pictures do not shrink, and results are too small to be worth the wait."""
        return None

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Wait for the hello."""
        self.set_nodelay(True)
        self.hub.totals["connections"] += 1
        loop = asyncio.get_running_loop()
        self._sender = loop.create_task(self.outbox.run((WebSocketClosedError, StreamClosedError)))
        self._hello_timer = loop.call_later(
            _HELLO_WITHIN_S, self.dismiss, "protocol", f"no hello came within {_HELLO_WITHIN_S:.0f} s."
        )

    def on_message(self, message: str | bytes) -> None:
        """Parse, put, return; every error is told and the connection goes on where that is safe."""
        t_receive_s = now_s()
        if self._dismissed:  # what still was on the way when this connection was closed or replaced
            return
        try:
            self._check_rate(len(message), t_receive_s)
            if not self._welcomed:
                self._hello(message)
            elif isinstance(message, bytes):
                self._frame(message, t_receive_s)
            else:
                self._text(message, t_receive_s)
        except (WireError, ImageError, SettingsError) as exc:
            code = exc.code if isinstance(exc, CodedError) else "settings"
            self._error(code, str(exc), fatal=not self._welcomed)
        except ConnectionRefused as exc:
            self._error(exc.code, str(exc), fatal=True)
        except Exception:  # noqa: BLE001  one client's message must never end the server
            _log.exception("a message could not be handled")
            self._error("internal", "the server could not handle this message; see its log.", fatal=False)

    def on_close(self) -> None:
        """Tell the hub."""
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        self.outbox.close()
        if self.room is not None:
            self.hub.leave(self, self.room)

    # --- the hub's side

    def say(self, message: str) -> None:
        """Send for certain."""
        self.outbox.put(message)

    def show(self, kind: str, message: str | bytes) -> None:
        """Send unless a newer one of its kind comes first."""
        self.outbox.put_newest(kind, message)

    def dismiss(self, code: str, message: str) -> None:
        """Say why, and close once it has been sent."""
        self._part(code, {"type": "bye", "code": code, "message": message})

    async def _send(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))

    def _error(self, code: str, message: str, *, fatal: bool) -> None:
        error = {"type": "error", "code": code, "message": message, "fatal": fatal}
        if not fatal:
            self.say(encode_json(error))
            return
        self.hub.totals["refused_hellos"] += not self._welcomed
        session = self.room.session.id if self.room is not None else ""
        _log.warning("a connection is closed: %s", message,
                     extra=about(session, code=code, address=self.request.remote_ip))  # fmt: skip
        self._part(code, error)

    def _part(self, code: str, last: dict[str, Any]) -> None:
        """Send the last words, then close; somebody who does not read is not waited for."""
        self._dismissed = True
        number = m.CLOSE_CODES.get(code, m.CLOSE_CODES["protocol"])
        self.outbox.finish(encode_json(last), lambda: self.close(number, code))
        asyncio.get_running_loop().call_later(_LAST_WORDS_WITHIN_S, self.close, number, code)

    # --- what a client may say

    def _check_rate(self, size: int, t_s: float) -> None:
        """End a connection that sends more than any camera does: it is broken or hostile."""
        for allowance, amount, what in ((self._messages, 1, "messages"), (self._bytes, size, "bytes")):
            if not allowance.take(amount, t_s):
                raise ConnectionRefused("rate", f"one connection may send {allowance.per_s:.0f} {what} per second.")

    @property
    def _session(self) -> Any:
        assert self.room is not None
        return self.room.session

    def _hello(self, message: str | bytes) -> None:
        """The first message decides everything: may it come in, as what, to which session."""
        if isinstance(message, bytes):
            raise WireError("protocol", "the first message must be a hello in JSON text, got a binary one.")
        if len(message) > _HELLO_BYTES:  # before it is read: whoever sends it has not shown the token yet
            raise WireError("size", f"a hello may take {_HELLO_BYTES} bytes, got {len(message)}.")
        hello = m.parse_client_message(message)
        if not isinstance(hello, m.Hello):
            raise WireError("protocol", "the first message must be a hello.")
        if hello.version != m.PROTOCOL_VERSION:
            raise ConnectionRefused(
                "version", f"this server speaks protocol version {m.PROTOCOL_VERSION}, got {hello.version}."
            )
        if not knows_token(hello.token, self.config):
            raise ConnectionRefused("token", "the token is not this server's; copy the one it printed at its start.")
        if self.hub.draining:
            raise ConnectionRefused("shutdown", "the server is stopping.")
        resumed, ends, self.results = False, [], hello.results
        if hello.role == "producer":
            room, resumed = self.hub.produce(self, hello.session, hello.settings)
            self.room, self.is_producer = room, True  # from here on closing it leaves the session
            if resumed:
                ends = room.session.resolve(hello.unanswered)
            room.session.client_about = dict(hello.client)
            room.session.event("client", "hello", dict(hello.client))
        else:
            if hello.session is None:
                raise ConnectionRefused("session", "a viewer must name the session it wants to see.")
            room = self.hub.room(hello.session)
            room.viewers.add(self)
        self.room, self._welcomed = room, True
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        session = room.session
        self.say(encode_json({
            "type": "welcome", "version": m.PROTOCOL_VERSION, "session": session.id, "resumed": resumed,
            "settings": session.settings.plain(), "settings_version": session.settings_version,
            "angles": list(session.result_builder.angle_names),
            "angle_places": label_places(session.result_builder.angle_names), "closed": ends, "t_server_s": now_s(),
            "pose_lanes": pose_lane_count(session.settings, self.config.workers),
            "limits": {"message_bytes": self.config.max_message_bytes, "pixels": self.config.max_pixels},
            "next_seq": session.ledger.captured, "ready": session.ready, "server": {"livedance_lab": __version__},
        }))  # fmt: skip

    def _frame(self, message: bytes, t_receive_s: float) -> None:
        if not self.is_producer:
            raise WireError("role", "viewers do not send frames.")
        try:
            header, image = decode_frame(message)
        except CountableFrameError as exc:
            self._session.reject(exc.seq, exc, len(message), t_receive_s)
            return
        self._receive(header, image, len(message), len(message), t_receive_s)

    def _text(self, message: str, t_receive_s: float) -> None:
        if len(message) > 2 * self.config.max_message_bytes:
            raise WireError("size", f"text messages may take {2 * self.config.max_message_bytes} bytes.")
        said = m.parse_client_message(message)
        if isinstance(said, m.LegacyFrame):
            if not self.is_producer:
                raise WireError("role", "viewers do not send frames.")
            try:
                header, image = decode_legacy_frame(said)
            except WireError as exc:
                self._session.reject(said.sequence, exc, len(message), t_receive_s)
                return
            self._receive(header, image, len(image), len(message), t_receive_s)
            return
        if isinstance(said, m.Hello):
            raise WireError("protocol", "hello was said already.")
        if not self.is_producer and not isinstance(said, m.Ping | m.SettingsChange | m.Mark):
            raise WireError("role", f"viewers do not send {said.type!r} messages.")
        self._answers[type(said)](said)

    def _receive(self, header: FrameHeader, image: bytes, size: int, bytes_up: int, t_receive_s: float) -> None:
        """Hand a frame to the session, unless it is larger than a frame may be in either form."""
        limit = self.config.max_message_bytes
        if size > limit:
            error = ImageError("size", f"a frame may take {limit} bytes, got {size}.")
            self._session.reject(header.seq, error, bytes_up, t_receive_s)
            return
        self._session.receive(header, image, bytes_up, t_receive_s)

    def _ping(self, ping: m.Ping) -> None:
        t_s = now_s()
        self.say(encode_json({"type": "pong", "t_s": ping.t_s, "t_receive_s": t_s, "t_send_s": now_s()}))

    def _settings(self, change: m.SettingsChange) -> None:
        self._session.change_settings(change.changes, change.by)

    def _stats(self, stats: m.Stats) -> None:
        assert self.room is not None
        self.room.producer_stats = stats.values
        text = encode_json({"type": "stats", "values": stats.values})
        for viewer in self.room.viewers:
            viewer.show("stats", text)

    def _end(self, end: m.End) -> None:
        assert self.room is not None
        self.hub.end(self.room, end.captured)
