"""A connection to the server that is restored when it breaks: hello, messages, clock exchange."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from livedance_lab.client.handshake import open_connection, retry
from livedance_lab.clock import OffsetEstimator, now_s
from livedance_lab.errors import ConnectionLost, ConnectionRefused, LiveDanceError
from livedance_lab.system.tls import Trust
from livedance_lab.wire.messages import encode_json, parse_json

__all__ = ["Connection"]

_log = logging.getLogger(__name__)

_FIRST_PINGS = 5
_PING_EVERY_S = 2.0

Message = bytes | dict[str, Any]
"""A binary result, or the object of a JSON message."""


class Connection:
    """One conversation with the server, over as many sockets as it takes.

    Parameters
    ----------
    url : str
        The server's HTTP address.
    trust : bool, str, Path or ssl.SSLContext
        Which certificates are accepted, see `livedance_lab.system.tls`.
    retry_for_s : float
        How long a lost connection is retried before `failure` is set.
    hello : callable
        Returns the first message of each socket.
    on_welcome : coroutine function
        Receives the server's answer to each hello.
    on_message : callable
        Receives every later message and the time it arrived, seconds of this process's clock.
    report_clock : bool
        Send each better estimate of the clock offset to the server.

    Attributes
    ----------
    socket : ClientConnection or None
        None while disconnected.
    clock : OffsetEstimator
        The server's clock minus this process's, as measured over the present socket.
    failure : LiveDanceError or None
        Why the connection is lost permanently; None while it is not.
    reconnections, bytes_down : int
    """

    def __init__(
        self, url: str, trust: Trust, retry_for_s: float, *, hello: Callable[[], dict[str, Any]],
        on_welcome: Callable[[dict[str, Any]], Awaitable[None]], on_message: Callable[[Message, float], None],
        report_clock: bool,
    ) -> None:  # fmt: skip
        parts = urlsplit(url)
        self._url = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, parts.path + "/ws", "", ""))
        self._trust, self._retry_for_s, self._report_clock = trust, retry_for_s, report_clock
        self._hello, self._on_welcome, self._on_message = hello, on_welcome, on_message
        self.socket: ClientConnection | None = None
        self.clock = OffsetEstimator()
        self.failure: LiveDanceError | None = None
        self.reconnections = self.bytes_down = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()
        self._final = False  # a connection that breaks from now on is not restored

    async def open(self, *background: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Connect, and run the reader, the clock exchange and the `background` functions until `close`.

        Raises
        ------
        ConnectionRefused, BusyError
            If the server does not answer or refuses.
        """
        await self._connect()
        self._tasks = [asyncio.create_task(work()) for work in (self._listen, self._keep_time, *background)]

    async def close(self) -> None:
        """Stop every task and close the socket."""
        self._final = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.socket is not None:
            await self.socket.close()
            self.socket = None

    async def send(self, message: dict[str, Any]) -> None:
        """Send a JSON message; one that meets a broken connection is lost."""
        if self.socket is not None:
            with contextlib.suppress(ConnectionClosed):  # `_listen` sees it too, and reconnects
                await self.socket.send(encode_json(message))

    async def until(self, true: Callable[[], object], within_s: float | None = None) -> bool:
        """Wait until `true()` holds or the connection has failed; False if neither happens in time."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: true() or self.failure is not None)
        except TimeoutError:
            return False
        return True

    async def _connect(self) -> None:
        self.socket, welcome = await open_connection(self._url, self._hello(), self._trust)
        self.clock = OffsetEstimator()  # another server may answer by now
        await self._on_welcome(welcome)

    async def _listen(self) -> None:
        """Read messages until the conversation is over; reconnect when the connection breaks."""
        while True:
            socket = self.socket
            assert socket is not None
            try:
                async for data in socket:
                    self.bytes_down += len(data)
                    await self._receive(data, now_s())
            except ConnectionClosed:
                _log.debug("connection closed", exc_info=True)
            except Exception as exc:  # noqa: BLE001  nobody awaits this task: `failure` tells those who wait for results
                _log.exception("a message could not be handled")
                await self._fail(ConnectionLost(f"a message of the server could not be handled: {exc!r}"))
                return
            if self._final:
                return
            self.socket = None
            try:
                await retry(self._connect, self._retry_for_s)
            except LiveDanceError as exc:
                await self._fail(exc)
                return
            self.reconnections += 1
            await self._ping()  # the server has forgotten the offset, too
            await self._notify()

    async def _receive(self, data: str | bytes, t_s: float) -> None:
        message: Message = data if isinstance(data, bytes) else parse_json(data)
        if isinstance(message, dict):
            kind = message.get("type")
            if kind == "pong":
                await self._take_pong(message, t_s)
            elif kind == "ended":
                self._final = True
            elif (kind == "bye" or (kind == "error" and message.get("fatal"))) and message["code"] != "shutdown":
                await self._fail(ConnectionRefused(message["code"], message["message"]))
        self._on_message(message, t_s)
        await self._notify()

    async def _fail(self, exc: LiveDanceError) -> None:
        self.failure, self._final = exc, True
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _keep_time(self) -> None:
        """Exchange clocks: a few times at once, then every few seconds."""
        n_pings = 0
        while True:
            await self._ping()
            n_pings += 1
            await asyncio.sleep(0.02 if n_pings < _FIRST_PINGS else _PING_EVERY_S)

    async def _ping(self) -> None:
        await self.send({"type": "ping", "t_s": now_s()})

    async def _take_pong(self, pong: dict[str, Any], t_s: float) -> None:
        before = self.clock.best
        best = self.clock.add(pong["t_s"], pong["t_receive_s"], pong["t_send_s"], t_s)
        if self._report_clock and best.known and best != before:
            await self.send({"type": "clock", "offset_s": best.offset_s, "uncertainty_s": best.uncertainty_s})
