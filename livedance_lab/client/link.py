"""One socket to the server, kept alive: hello, clock exchange, frames up, results down, reconnection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from livedance_lab import __version__
from livedance_lab.client.credit import Credit, Pacing
from livedance_lab.client.handshake import keep_trying, shake_hands
from livedance_lab.clock import OffsetEstimator, now_s
from livedance_lab.errors import ConnectionLost, ConnectionRefused, LiveDanceError
from livedance_lab.wire import codec
from livedance_lab.wire.codec import FrameHeader, WireResult, encode_json
from livedance_lab.wire.messages import PROTOCOL_VERSION, parse_json

__all__ = ["LiveClient"]

_log = logging.getLogger(__name__)

_FIRST_PINGS = 5
_PING_EVERY_S = 2.0
_REPORT_EVERY_S = 0.25
_MOST_UNANSWERED = 10_000  # that a hello may name
_KEPT = 1000


class LiveClient:
    """A producer of frames, or a viewer of a session's results, on an asyncio loop.

    Use it as ``async with LiveClient(server.url, server.token) as client``.

    Parameters
    ----------
    url : str
        The server's HTTP address, as `LiveServer.url`.
    token : str
    session : str, optional
        A session to resume or to watch; a producer without one gets a new session.
    role : {"producer", "viewer"}
    settings : dict, optional
        Changes to the server's default settings.
    pacing : {"auto", "paced", "free"}
        When to hold frames back, see `livedance_lab.client.credit`.
    about : dict, optional
        What the log should know of this client: camera, browser.
    legacy : bool, default False
        Send frames as the original demo did, base64 in JSON; for comparison.
    own_clock : bool, default True
        False: times given to `send` are of another clock (a recording's); say which with `set_clock`.
    on_message : callable, optional
        Called with every message that is not a result, as a dict.
    retry_for_s : float, default 60
        How long a lost connection is tried again.

    Attributes
    ----------
    refusals, errors : deque of dict
        The newest "refused" and "error" messages, as the server sent them.

    Raises
    ------
    ConnectionRefused, BusyError
        On entering: the server is not there or says no.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        session: str | None = None,
        role: Literal["producer", "viewer"] = "producer",
        settings: dict[str, Any] | None = None,
        pacing: Pacing = "auto",
        about: dict[str, Any] | None = None,
        legacy: bool = False,
        own_clock: bool = True,
        on_message: Callable[[dict[str, Any]], None] | None = None,
        retry_for_s: float = 60.0,
    ) -> None:
        parts = urlsplit(url)
        self._url = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, parts.path + "/ws", "", ""))
        self._token, self.session, self._role = token, session, role
        self._settings_wanted = dict(settings or {})
        self._about = {"library": f"livedance_lab {__version__}", **(about or {})}
        self._legacy, self._own_clock = legacy, own_clock
        self._on_message, self._retry_for_s = on_message, retry_for_s
        self.credit = Credit(pacing)
        self.clock = OffsetEstimator()
        self.welcome: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        self.latest: WireResult | None = None
        self.refusals: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.errors: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.results_received = self.reconnections = self.bytes_up = self.bytes_down = 0
        self.ended: dict[str, Any] | None = None
        self.ready = False
        self.failure: LiveDanceError | None = None
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._receipts: list[tuple[int, float, None]] = []
        self._changed = asyncio.Condition()
        self._sending = self._closing = False

    async def __aenter__(self) -> LiveClient:
        """Connect, exchange clocks, begin."""
        await self._connect()
        self._tasks = [asyncio.create_task(work()) for work in (self._listen, self._keep_time, self._report)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close; without `end` the session waits a while for somebody to resume it."""
        await self.close()

    # --- sending

    async def send(self, image: bytes, size_px: tuple[int, int] = (0, 0), t_capture_s: float | None = None) -> bool:
        """Offer one captured frame; never waits for results.

        Parameters
        ----------
        image : bytes
            JPEG, PNG or WebP.
        size_px : (int, int)
            Width, height of the camera's picture if `image` was shrunk.
        t_capture_s : float, optional
            When it was captured, on `livedance_lab.clock.now_s`; now, if not given.

        Returns
        -------
        bool
            True if it was sent, False if it was skipped (pacing, busy socket, no connection) and counted so.

        Raises
        ------
        ConnectionLost, ConnectionRefused
            If the connection could not be restored, the session has ended, or another client has taken it over.
        """
        if self.failure is not None:
            raise self.failure
        if self.ended is not None:
            raise ConnectionRefused("ended", f"session {self.session} has ended; begin another.")
        now = now_s()
        t_capture_s = now if t_capture_s is None else t_capture_s
        seq = self.credit.capture()
        socket = self._socket
        busy = self._sending or socket is None
        if busy or not self.credit.may_send(now, self.clock.round_trip_s, socket_busy=busy):
            self.credit.skip(seq, t_capture_s)
            return False
        assert socket is not None
        header = FrameHeader(seq, size_px, t_capture_s, now_s() if self._own_clock else t_capture_s)
        message = (codec.encode_legacy_frame if self._legacy else codec.encode_frame)(header, image)
        self.credit.send(seq, now)
        self._sending = True
        try:
            await socket.send(message)
            self.bytes_up += len(message)
        except ConnectionClosed:
            return False  # unanswered; on reconnection the server says how it ended
        finally:
            self._sending = False
        return True

    async def change_settings(self, **changes: Any) -> None:
        """Ask for other settings; the answer arrives as a "settings" message."""
        await self._say({"type": "settings", "changes": changes, "by": self._about["library"]})

    async def set_clock(self, offset_s: float, uncertainty_s: float = 0.0) -> None:
        """Say how the clock of the capture times lies to the server's: server minus client."""
        await self._say({"type": "clock", "offset_s": offset_s, "uncertainty_s": uncertainty_s})

    async def mark(self, name: str, **data: Any) -> None:
        """Put a marker into the session's event log, stamped now."""
        await self._say({"type": "mark", "name": name, "data": data, "t_s": now_s()})

    async def wait_ready(self, within_s: float = 60.0) -> None:
        """Wait until the session's estimators are warm: frames sent before are only counted as superseded.

        Raises
        ------
        ConnectionLost
            If it takes longer.
        """
        if not await self._until(lambda: self.ready, within_s):
            raise ConnectionLost(f"the session's estimators were not ready within {within_s:.0f} s.")
        if self.failure is not None:
            raise self.failure

    async def settle(self, within_s: float = 3.0) -> bool:
        """Wait until every sent frame is answered; False if some are not in time."""
        await self._until(lambda: not self.credit.unanswered, within_s)
        await self._send_reports()
        return not self.credit.unanswered

    async def end(self, within_s: float = 10.0) -> dict[str, Any]:
        """Finish: every frame gets its end, the ledger is closed.

        Returns
        -------
        dict
            The ledger: captured, states, conserved.

        Raises
        ------
        ConnectionLost
            If the server does not answer within `within_s`.
        """
        give_up_s = now_s() + within_s
        while self.ended is None:
            if not await self._say_end(give_up_s - now_s()):
                said = self.errors[-1]["message"] if self.errors else ""
                raise ConnectionLost(f"the server did not close the ledger within {within_s:.0f} s. {said}")
            if self.ended is None and self.failure is not None:
                raise self.failure
        return self.ended

    async def _say_end(self, within_s: float) -> bool:
        """True once it has ended, or has to be said again: a connection that breaks may take the word with it."""
        said_on = self.reconnections
        await self._send_reports()
        await self._say({"type": "end", "captured": self.credit.captured})
        return await self._until(lambda: self.ended is not None or self.reconnections != said_on, within_s)

    async def close(self) -> None:
        """Close the socket and stop every task."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    # --- receiving

    async def results(self) -> AsyncIterator[WireResult]:
        """Results as they come, newest only: a slow reader misses some rather than falling behind."""
        last: WireResult | None = None
        while True:
            async with self._changed:
                while self.latest is last and self.ended is None and self.failure is None:
                    await self._changed.wait()
            if self.latest is not None and self.latest is not last:
                yield (last := self.latest)
            elif self.failure is not None:
                raise self.failure
            else:
                return

    async def _listen(self) -> None:
        """Read until closed for good; reconnect when the connection breaks."""
        while not self._closing:
            socket = self._socket
            assert socket is not None
            try:
                async for message in socket:
                    self.bytes_down += len(message)
                    await self._handle(message)
            except ConnectionClosed:
                _log.debug("connection closed", exc_info=True)
            except Exception as exc:  # noqa: BLE001  nobody awaits this task: whoever waits for results must hear of it
                _log.exception("a message could not be handled")
                await self._fail(ConnectionLost(f"a message of the server could not be handled: {exc!r}"))
                return
            if self._closing or self.ended is not None:
                return
            self._socket = None
            try:
                await self._reconnect()
            except LiveDanceError as exc:
                await self._fail(exc)
                return

    async def _handle(self, message: str | bytes) -> None:
        data = parse_json(message)
        kind = data.get("type")
        if kind == "result":
            t_result_s = now_s()
            self.credit.answer(data["seq"])
            self.results_received += 1
            self._receipts.append((data["seq"], t_result_s, None))
            self.latest = codec.decode_result(data, t_result_s)
            await self._notify()
            return
        if kind == "pong":
            best_before = self.clock.best
            best = self.clock.add(data["t_s"], data["t_receive_s"], data["t_send_s"], now_s())
            if best.known and best != best_before and self._role == "producer" and self._own_clock:
                await self._say({"type": "clock", "offset_s": best.offset_s, "uncertainty_s": best.uncertainty_s})
        elif kind == "refused":
            self.credit.answer(data["seq"])
            self.refusals.append(data)
        elif kind == "settings":
            self.settings, self.credit.window = data["settings"], data["pose_lanes"]
        elif kind == "event":
            self.ready = self.ready or (data["kind"], data["name"]) == ("session", "ready")
        elif kind == "ended":
            self.ended = data["ledger"]
        elif kind == "error" and not data.get("fatal"):
            self.errors.append(data)
        elif (kind == "bye" or (kind == "error" and data.get("fatal"))) and data["code"] != "shutdown":
            await self._fail(ConnectionRefused(data["code"], data["message"]))
        if self._on_message is not None:
            self._on_message(data)
        await self._notify()

    async def _fail(self, exc: LiveDanceError) -> None:
        self.failure = exc
        self._closing = True
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _until(self, true: Callable[[], object], within_s: float) -> bool:
        """Wait for something, or for this client to fail; False if neither happens in time."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: true() or self.failure is not None)
        except TimeoutError:
            return False
        return True

    # --- connecting

    async def _connect(self) -> None:
        """One attempt: socket, hello, welcome."""
        hello = {
            "type": "hello", "version": PROTOCOL_VERSION, "token": self._token, "role": self._role,
            "session": self.session, "settings": self._settings_wanted if self._role == "producer" else {},
            "client": self._about, "unanswered": sorted(self.credit.unanswered)[-_MOST_UNANSWERED:],
        }  # fmt: skip
        socket, data = await shake_hands(self._url, hello)
        self._welcomed(data)
        self._socket = socket

    def _welcomed(self, data: dict[str, Any]) -> None:
        self.welcome = data
        self.session = data["session"]
        self.settings = data["settings"]
        self.ready = data["ready"]
        self.credit.window = data["pose_lanes"]
        if self.credit.captured and not data["resumed"]:
            _log.warning("the server no longer knew session %s: it begins anew", self.session)
        self.credit.connected(data["next_seq"], (seq for seq, _ in data["closed"]), resumed=data["resumed"])
        self._settings_wanted = {}  # a resumed session keeps what was set meanwhile
        self.clock = OffsetEstimator()  # it may be another server by now

    async def _reconnect(self) -> None:
        await keep_trying(self._connect, self._retry_for_s)
        self.reconnections += 1
        await self._ping()  # the server has forgotten the offset, too
        await self._notify()

    # --- housekeeping

    async def _keep_time(self) -> None:
        """Clock exchanges: a few at once, then now and then."""
        n_pings = 0
        while True:
            await self._ping()
            n_pings += 1
            await asyncio.sleep(0.02 if n_pings < _FIRST_PINGS else _PING_EVERY_S)

    async def _ping(self) -> None:
        await self._say({"type": "ping", "t_s": now_s()})

    async def _report(self) -> None:
        """Tell the server what only this side knows."""
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            await self._send_reports()

    async def _send_reports(self) -> None:
        if self._role != "producer" or self._socket is None:
            return
        while skipped := self.credit.take_skipped():
            await self._say({"type": "skipped", "frames": skipped})
        receipts, self._receipts = self._receipts, []
        if receipts:
            await self._say({"type": "receipts", "frames": receipts})

    async def _say(self, message: dict[str, Any]) -> None:
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):  # `_listen` sees it too, and reconnects
                await self._socket.send(encode_json(message))
