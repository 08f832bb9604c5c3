"""The server as a whole: made, run until told to stop, taken down in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from livedance_lab.errors import PortTakenError, ServerError
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.http import ROUTES, NotFound
from livedance_lab.server.hub import Hub
from livedance_lab.server.sockets import LiveSocket

__all__ = ["make_app", "run", "serving"]

_PORTS_TRIED = 20
_HARD_LIMIT = 64 * 2**20  # above it a message cannot even be read and refused: the connection is closed


def make_app(hub: Hub) -> Application:
    """The tornado application of a hub."""
    own = {"hub": hub}
    return Application(
        [(r"/ws", LiveSocket, own), *((path, handler, own) for path, handler in ROUTES)],
        default_handler_class=NotFound,
        default_handler_args=own,
        websocket_max_message_size=_HARD_LIMIT,
        websocket_ping_interval=10,  # finds half-open connections
        websocket_ping_timeout=8,
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
        If the address cannot be bound at all.
    """
    hub = Hub(config)
    server = HTTPServer(make_app(hub), max_body_size=2**20)
    port = _listen(server, config)
    flushing = asyncio.create_task(hub.keep_recordings_fresh())
    try:
        yield hub, port
    finally:
        server.stop()
        flushing.cancel()
        await hub.close()
        await asyncio.sleep(0.1)  # goodbyes leave
        await server.close_all_connections()


def _listen(server: HTTPServer, config: ServerConfig) -> int:
    """Bind to the port asked for, or to the next free one."""
    candidates = [0] if config.port == 0 else range(config.port, min(config.port + _PORTS_TRIED, 65536))
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
        f"ports {config.port} to {config.port + _PORTS_TRIED - 1} are taken on {config.host}; give another with --port."
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
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends the loop instead
            loop.add_signal_handler(getattr(signal, name), stop.set)
    async with serving(config) as (_hub, port):
        ready(port)
        await stop.wait()
