"""One conversation with the server over as many sockets as it takes: hello, clock exchange, reports, reconnection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from livedance_lab._version import __version__
from livedance_lab.client.frame_credit import Credit, Pacing
from livedance_lab.client.handshake import keep_trying, shake_hands
from livedance_lab.clock import OffsetEstimator, now_s
from livedance_lab.errors import ConnectionLost, ConnectionRefused, LiveDanceError
from livedance_lab.system.tls import Trust
from livedance_lab.wire.messages import PROTOCOL_VERSION, encode_json, parse_json
from livedance_lab.wire.results import WireResult, decode_result
from livedance_lab.wire.results_binary import decode_binary_result

__all__ = ["Conversation"]

_log = logging.getLogger(__name__)

_FIRST_PINGS = 5
_PING_EVERY_S = 2.0
_REPORT_EVERY_S = 0.25
_MOST_UNANSWERED = 10_000  # that a hello may name
_KEPT = 1000


class Conversation:
    """What a producer and a viewer have in common; parameters and attributes are those of `LiveClient`."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        session: str | None = None,
        role: Literal["producer", "viewer"] = "producer",
        settings: dict[str, Any] | None = None,
        pacing: Pacing | None = None,
        about: dict[str, Any] | None = None,
        legacy: bool = False,
        own_clock: bool = True,
        results: Literal["json", "binary"] = "binary",
        on_message: Callable[[dict[str, Any]], None] | None = None,
        retry_for_s: float = 60.0,
        trust: Trust = True,
    ) -> None:
        parts = urlsplit(url)
        self._url = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, parts.path + "/ws", "", ""))
        self._token, self._trust, self.session, self._role = token, trust, session, role
        self._settings_wanted = dict(settings or {})
        self._about = {"library": f"livedance_lab {__version__}", **(about or {})}
        self._legacy, self._own_clock, self._results_as = legacy, own_clock, results
        self._on_message, self._retry_for_s = on_message, retry_for_s
        self._pacing = pacing
        self.credit = Credit(pacing or "auto")
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

    async def open(self) -> None:
        """Connect, exchange clocks, begin."""
        await self._connect()
        self._tasks = [asyncio.create_task(work()) for work in (self._listen, self._keep_time, self._report)]

    async def close(self) -> None:
        """Close the socket and stop every task."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

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

    # --- what the server says

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
        t_s = now_s()
        if isinstance(message, bytes):
            await self._take_result(decode_binary_result(message, t_s))
            return
        data = parse_json(message)
        kind = data.get("type")
        if kind == "result":
            await self._take_result(decode_result(data, t_s))
            return
        if kind == "pong":
            best_before = self.clock.best
            best = self.clock.add(data["t_s"], data["t_receive_s"], data["t_send_s"], t_s)
            if best.known and best != best_before and self._role == "producer" and self._own_clock:
                await self._say({"type": "clock", "offset_s": best.offset_s, "uncertainty_s": best.uncertainty_s})
        elif kind == "refused":
            self.credit.answer(data["seq"])
            self.refusals.append(data)
        elif kind == "settings":
            self._adopt(data)
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

    async def _take_result(self, result: WireResult) -> None:
        self.credit.answer(result.seq)
        self.credit.gauge.result(result.times.t_emit_s - result.times.t_receive_s)
        self.results_received += 1
        self._receipts.append((result.seq, result.t_result_s, None))
        self.latest = result
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
            "results": self._results_as,
        }  # fmt: skip
        before = self.settings
        socket, data = await shake_hands(self._url, hello, self._trust)
        self._welcomed(data)
        self._socket = socket
        if self._role == "producer" and not data["resumed"]:
            changes = {name: value for name, value in before.items() if data["settings"].get(name) != value}
            if changes:  # of the session that the server no longer knew
                await self._say({"type": "settings", "changes": changes, "by": "the session before"})

    def _welcomed(self, data: dict[str, Any]) -> None:
        self.welcome = data
        self.session = data["session"]
        self.ready = data["ready"]
        self._adopt(data)
        if self.credit.captured and not data["resumed"]:
            _log.warning("the server no longer knew session %s: it begins anew", self.session)
        self.credit.connected(data["next_seq"], (seq for seq, _ in data["closed"]), resumed=data["resumed"])
        # a resumed session keeps what was set meanwhile; one that begins anew needs to know its angles at once
        self._settings_wanted = {"angles": data["settings"]["angles"]}
        self.clock = OffsetEstimator()  # it may be another server by now

    def _adopt(self, data: dict[str, Any]) -> None:
        """The settings in force, of a welcome or a change."""
        self.settings, self.credit.window = data["settings"], data["pose_lanes"]
        self.credit.pacing = self._pacing or data["settings"]["pacing"]

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
            if self._role == "producer" and (switch := self.credit.reconsider(now_s(), self.clock.round_trip_s)):
                await self._say(switch)

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
