"""The WebSocket handler: parses each message, hands it to the session and returns. It computes nothing itself.

No message of a client can stop the server: every error is answered and logged, and the connection stays open where
that is safe.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from livedance_lab._version import __version__
from livedance_lab.analysis.angle_definitions import label_places
from livedance_lab.clock import ClockOffset, now_s
from livedance_lab.errors import CodedError, ConnectionRefused, ImageError, SettingsError, WireError
from livedance_lab.pipeline.policies import pose_lane_count
from livedance_lab.pipeline.session import Session
from livedance_lab.server.access import is_allowed_host, is_allowed_origin, is_valid_token
from livedance_lab.server.hosted_session import HostedSession
from livedance_lab.server.outbox import Outbox
from livedance_lab.server.rate_limit import TokenBucket
from livedance_lab.server.session_manager import SessionManager
from livedance_lab.system.program_logs import session_context
from livedance_lab.wire import messages as m
from livedance_lab.wire.frames import CountableFrameError, FrameHeader, decode_frame, decode_legacy_frame
from livedance_lab.wire.messages import encode_json

__all__ = ["LiveSocket"]

_log = logging.getLogger(__name__)

_HELLO_WITHIN_S = 5.0
_MAX_HELLO_BYTES = 2**20
_CLOSE_WITHIN_S = 5.0  # how long a connection that is being closed may take to read what waits for it


class LiveSocket(WebSocketHandler):
    """One connection: a producer of frames or a viewer of results."""

    def initialize(self, manager: SessionManager) -> None:
        """Called by tornado for each connection."""
        self.manager, self.config = manager, manager.config
        self.hosted: HostedSession | None = None
        self.is_producer = False
        self.results = "json"
        self.outbox = Outbox(self._write, lambda: self.close(m.CLOSE_CODES["protocol"], "too slow"))
        self._welcomed = False
        self._closing = False
        self._hello_timer: asyncio.TimerHandle | None = None
        self._message_bucket = TokenBucket(self.config.max_messages_per_s)
        self._byte_bucket = TokenBucket(self.config.max_bytes_per_s)
        self._handlers: dict[type, Callable[[Any], object]] = {
            m.Ping: self._ping,
            m.Clock: lambda x: self._session.set_clock(ClockOffset(x.offset_s, x.uncertainty_s)),
            m.Receipts: lambda x: self._session.receipts(x.frames),
            m.Skipped: lambda x: self._session.skipped(x.frames),
            m.PacingSwitch: lambda x: self._session.event("pacing", x.to, x.model_dump(exclude={"type", "to"})),
            m.SettingsChange: lambda x: self._session.change_settings(x.changes, x.by),
            m.Follow: lambda x: self._session.follow(x.person),
            m.Mark: lambda x: self._session.mark(x.name, x.data, x.t_s if self.is_producer else None),
            m.Stats: self._stats,
            m.End: lambda x: self._session.end(x.captured),
        }

    @property
    def _session(self) -> Session:
        assert self.hosted is not None, "no message is handled before the hello"
        return self.hosted.session

    # --- called by tornado

    def check_origin(self, origin: str) -> bool:
        """Accept pages of this machine and of the allow-list."""
        return is_allowed_origin(origin, self.config)

    def prepare(self) -> None:
        """Refuse foreign hosts and origins before the handshake.

        Newer versions of tornado do not call `check_origin` for an origin that equals the host in the request, which is
        what a page with a rebound DNS name sends. A request without an origin does not come from a browser.
        """
        origin, host = self.request.headers.get("Origin"), self.request.host_name
        if not (is_allowed_host(host, self.config) and (origin is None or self.check_origin(origin))):
            _log.warning("a page was refused", extra=session_context("", origin=origin, host=host))
            raise HTTPError(403)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log unexpected errors without the request line, because its query may hold a secret."""
        if not isinstance(value, HTTPError):
            _log.error("a connection failed", exc_info=(typ, value, tb))

    def get_compression_options(self) -> dict[str, Any] | None:
        """Return None, no compression: images do not shrink, and results are too small to gain from it."""
        return None

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Start to send what the outbox holds, and the timer for the hello."""
        self.set_nodelay(True)
        self.manager.counters["connections"] += 1
        loop = asyncio.get_running_loop()
        self._sender = loop.create_task(self.outbox.run((WebSocketClosedError, StreamClosedError)))
        self._hello_timer = loop.call_later(
            _HELLO_WITHIN_S, self.close_with_reason, "protocol", f"no hello came within {_HELLO_WITHIN_S:.0f} s."
        )

    def on_message(self, message: str | bytes) -> None:
        """Handle one message. Every error is answered; the connection stays open where that is safe."""
        t_receive_s = now_s()
        if self._closing:  # the message was on its way when this connection was closed or replaced
            return
        try:
            self._check_rate(len(message), t_receive_s)
            if not self._welcomed:
                self._hello(message)
            elif isinstance(message, bytes):
                self._frame(partial(decode_frame, message), message, t_receive_s)
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
        """Stop the outbox and leave the session."""
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        self.outbox.close()
        if self.hosted is not None:
            self.manager.disconnect(self, self.hosted)

    # --- called by the session manager and the broadcaster (see `Connection`)

    def send(self, message: str) -> None:
        """Queue a control message. It is never dropped."""
        self.outbox.put(message)

    def send_newest(self, kind: str, message: str | bytes) -> None:
        """Queue a message that a newer message of the same kind replaces while it waits."""
        self.outbox.put_newest(kind, message)

    def close_with_reason(self, code: str, message: str) -> None:
        """Send the reason, then close the connection."""
        self._close_after(code, {"type": "bye", "code": code, "message": message})

    # --- sending and closing

    async def _write(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))

    def _error(self, code: str, message: str, *, fatal: bool) -> None:
        error = {"type": "error", "code": code, "message": message, "fatal": fatal}
        if not fatal:
            self.send(encode_json(error))
            return
        self.manager.counters["refused_hellos"] += not self._welcomed
        session_id = self.hosted.session.id if self.hosted is not None else ""
        _log.warning("a connection is closed: %s", message,
                     extra=session_context(session_id, code=code, address=self.request.remote_ip))  # fmt: skip
        self._close_after(code, error)

    def _close_after(self, code: str, last_message: dict[str, Any]) -> None:
        """Close the connection after a last message, or after `_CLOSE_WITHIN_S` if the client does not read."""
        self._closing = True
        close_code = m.CLOSE_CODES.get(code, m.CLOSE_CODES["protocol"])
        self.outbox.finish(encode_json(last_message), lambda: self.close(close_code, code))
        asyncio.get_running_loop().call_later(_CLOSE_WITHIN_S, self.close, close_code, code)

    # --- messages of the client

    def _check_rate(self, n_bytes: int, t_s: float) -> None:
        """Refuse a connection that sends more than any camera does: it is broken or hostile."""
        for bucket, amount, unit in ((self._message_bucket, 1, "messages"), (self._byte_bucket, n_bytes, "bytes")):
            if not bucket.take(amount, t_s):
                raise ConnectionRefused("rate", f"one connection may send {bucket.rate_per_s:.0f} {unit} per second.")

    def _hello(self, message: str | bytes) -> None:
        """Check the first message and connect to the session that it names."""
        hello = self._parse_hello(message)
        resumed, closed, self.results = False, [], hello.results
        if hello.role == "producer":
            hosted, resumed = self.manager.connect_producer(self, hello.session, hello.settings)
            self.hosted, self.is_producer = hosted, True  # from here on, closing this connection leaves the session
            if resumed:
                closed = hosted.session.resolve(hello.unanswered)
            hosted.session.client_about = dict(hello.client)
            hosted.session.event("client", "hello", dict(hello.client))
        else:
            if hello.session is None:
                raise ConnectionRefused("session", "a viewer must name the session it wants to see.")
            hosted = self.hosted = self.manager.get(hello.session)
            hosted.viewers.add(self)
        self._welcomed = True
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        session = hosted.session
        self.send(encode_json({
            "type": "welcome", "version": m.PROTOCOL_VERSION, "session": session.id, "resumed": resumed,
            "settings": session.settings.plain(), "settings_version": session.settings_version,
            "angles": list(session.result_builder.angle_names),
            "angle_places": label_places(session.result_builder.angle_names), "closed": closed, "t_server_s": now_s(),
            "pose_lanes": pose_lane_count(session.settings, self.config.workers),
            "limits": {"message_bytes": self.config.max_message_bytes, "pixels": self.config.max_pixels},
            "next_seq": session.ledger.captured, "ready": session.ready, "server": {"livedance_lab": __version__},
        }))  # fmt: skip

    def _parse_hello(self, message: str | bytes) -> m.Hello:
        if isinstance(message, bytes):
            raise WireError("protocol", "the first message must be a hello in JSON text, got a binary one.")
        if len(message) > _MAX_HELLO_BYTES:  # before it is parsed: the sender has not shown the token yet
            raise WireError("size", f"a hello may take {_MAX_HELLO_BYTES} bytes, got {len(message)}.")
        hello = m.parse_client_message(message)
        if not isinstance(hello, m.Hello):
            raise WireError("protocol", "the first message must be a hello.")
        if hello.version != m.PROTOCOL_VERSION:
            raise ConnectionRefused("version", m.version_refusal(hello.version))
        if not is_valid_token(hello.token, self.config):
            raise ConnectionRefused("token", "the token is not this server's; copy the one it printed at its start.")
        if self.manager.draining:
            raise ConnectionRefused("shutdown", "the server is stopping.")
        return hello

    def _text(self, text: str, t_receive_s: float) -> None:
        if len(text) > 2 * self.config.max_message_bytes:
            raise WireError("size", f"text messages may take {2 * self.config.max_message_bytes} bytes.")
        message = m.parse_client_message(text)
        if isinstance(message, m.LegacyFrame):
            self._frame(partial(decode_legacy_frame, message), text, t_receive_s)
            return
        if isinstance(message, m.Hello):
            raise WireError("protocol", "this connection has sent a hello already.")
        if not self.is_producer and not isinstance(message, m.Ping | m.SettingsChange | m.Follow | m.Mark):
            raise WireError("role", f"viewers do not send {message.type!r} messages.")
        self._handlers[type(message)](message)

    def _frame(self, decode: Callable[[], tuple[FrameHeader, bytes]], message: str | bytes, t_receive_s: float) -> None:
        """Hand a frame, binary or in the original demo's form, to the session; count one that cannot be used."""
        if not self.is_producer:
            raise WireError("role", "viewers do not send frames.")
        try:
            header, image = decode()
            n_bytes = len(message) if isinstance(message, bytes) else len(image)  # base64 text is a third longer
            if n_bytes > self.config.max_message_bytes:
                reason = f"a frame may take {self.config.max_message_bytes} bytes, got {n_bytes}."
                raise CountableFrameError(header.seq, "size", reason)
        except CountableFrameError as exc:
            self._session.reject(exc.seq, exc, len(message), t_receive_s)
        else:
            self._session.receive(header, image, len(message), t_receive_s)

    def _ping(self, ping: m.Ping) -> None:
        t_receive_s = now_s()
        self.send(encode_json({"type": "pong", "t_s": ping.t_s, "t_receive_s": t_receive_s, "t_send_s": now_s()}))

    def _stats(self, stats: m.Stats) -> None:
        assert self.hosted is not None, "no message is handled before the hello"
        self.hosted.producer_stats = stats.values
        text = encode_json({"type": "stats", "values": stats.values})
        for viewer in self.hosted.viewers:
            viewer.send_newest("stats", text)
