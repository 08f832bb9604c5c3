"""The server as a whole: made, run until told to stop, taken down in order."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from livedance_lab.errors import PortTakenError, ServerError
from livedance_lab.server.access import check_exposure
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.http_api import ROUTES, NotFound, Ready
from livedance_lab.server.readiness import Readiness
from livedance_lab.server.session_manager import Hub
from livedance_lab.server.websocket import LiveSocket
from livedance_lab.system.logs import about
from livedance_lab.system.tls import server_context

__all__ = ["make_app", "run", "serving"]

_log = logging.getLogger(__name__)

_PORTS_TRIED = 20
_HARD_LIMIT = 8  # times the largest message: above it one is not even read and refused, the connection is closed
_SILENT_S, _BODY_S = 120, 30  # how long an HTTP client may keep a connection open without a word, or over a body
_GOODBYES_S = 5.0
_PING_S = (10, 8)  # how often, and how long the answer may take: finds connections whose other end is gone


def make_app(hub: Hub) -> Application:
    """The tornado application of a hub."""
    own = {"hub": hub}
    ready = (r"/health/ready", Ready, {**own, "readiness": Readiness(hub)})
    return Application(
        [(r"/ws", LiveSocket, own), ready, *((path, handler, own) for path, handler in ROUTES)],
        default_handler_class=NotFound,
        default_handler_args=own,
        websocket_max_message_size=_HARD_LIMIT * hub.config.max_message_bytes,
        websocket_ping_interval=_PING_S[0],
        websocket_ping_timeout=_PING_S[1],
        log_function=lambda _handler: None,  # request lines would carry nothing but ids; our own log says more
    )


@asynccontextmanager
async def serving(config: ServerConfig) -> AsyncIterator[tuple[Hub, int]]:
    """A running server on this event loop: its hub and its port.

    Raises
    ------
    PortTakenError
        If neither the port nor one of the next ones is free.
    ServerError
        If the address cannot be bound at all, can be reached by others than was said, or the certificate is no use.
    """
    check_exposure(config)
    tls = server_context(config.certfile, config.keyfile) if config.certfile else None
    hub = Hub(config)
    server = HTTPServer(make_app(hub), ssl_options=tls, max_body_size=2**20, body_timeout=_BODY_S,
                        idle_connection_timeout=_SILENT_S)  # fmt: skip
    port = _listen(server, config)
    chores = [asyncio.create_task(_again_and_again(chore)) for chore in (hub.keep_recordings_fresh, hub.watch_lanes)]
    try:
        yield hub, port
    finally:
        server.stop()
        for chore in chores:
            chore.cancel()
        await hub.close(_GOODBYES_S)
        await server.close_all_connections()


async def _again_and_again(chore: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A chore that fails for one session is not to be left undone for the others."""
    while True:
        try:
            await chore()
        except Exception:  # noqa: BLE001  whatever it was, it is told, and the next time may go well
            _log.exception("%s failed; it is tried again", chore.__name__)


def _listen(server: HTTPServer, config: ServerConfig) -> int:
    """Bind to the port asked for, or to the next free one."""
    tried = 1 if config.after_crash else _PORTS_TRIED  # clients come back to where the server was, and nowhere else
    candidates = [0] if config.port == 0 else range(config.port, min(config.port + tried, 65536))
    for port in candidates:
        try:
            sockets = bind_sockets(port, config.host)
        except OSError as exc:
            if exc.errno in (errno.EADDRINUSE, errno.EACCES):
                continue
            raise ServerError(f"cannot listen on {config.host}: {exc}.") from exc
        server.add_sockets(sockets)
        bound: int = sockets[0].getsockname()[1]
        return bound
    raise PortTakenError(
        f"ports {config.port} to {config.port + tried - 1} are taken on {config.host}; give another with --port."
    )


async def run(config: ServerConfig, ready: Callable[[int], None], stop: asyncio.Event | None = None) -> None:
    """Serve until SIGINT, SIGTERM or `stop`.

    Parameters
    ----------
    config : ServerConfig
    ready : callable
        Told the port once connections are taken.
    stop : asyncio.Event, optional
        Set it to stop.
    """
    stop = stop or asyncio.Event()
    _stop_on_signals(stop)
    async with serving(config) as (_hub, port):
        ready(port)
        _log.info("serving", extra=about("", port=port, host=config.host, tls=config.certfile is not None))
        await stop.wait()
        _log.info("stopping")


def _stop_on_signals(stop: asyncio.Event) -> None:
    """The first SIGINT or SIGTERM stops in order; a second one has its usual effect, should that take too long."""
    loop = asyncio.get_running_loop()
    names = [signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGTERM)]  # Windows has no polite SIGTERM

    def stop_in_order(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)
        for name in names:
            signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)

    for name in names:
        signal.signal(name, stop_in_order)  # not the loop's own way, which Windows lacks
