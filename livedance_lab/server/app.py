"""The whole server: built from its parts, run until it is stopped, shut down in order."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from livedance_lab.errors import PortTakenError, ServerError
from livedance_lab.server.access import check_exposure
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.http_api import ROUTES, NotFoundHandler
from livedance_lab.server.metrics import ServerMetrics
from livedance_lab.server.readiness import Readiness
from livedance_lab.server.session_manager import SessionManager
from livedance_lab.server.websocket import LiveSocket
from livedance_lab.system.program_logs import session_context
from livedance_lab.system.tls import server_context

__all__ = ["make_app", "run", "run_periodically", "serving"]

_log = logging.getLogger(__name__)

_MAX_PORTS_TRIED = 20
_HARD_LIMIT = 8  # in units of the largest frame: tornado closes the connection instead of reading a larger message
_IDLE_TIMEOUT_S, _BODY_TIMEOUT_S = 120, 30  # of an HTTP connection: between requests, and while it sends a body
_CLOSE_TIMEOUT_S = 5.0
_PING_S = (10, 8)  # interval, and time allowed for the answer: this finds connections whose other end is gone
_FLUSH_EVERY_S = 0.25
_CHECK_LANES_EVERY_S = 1.0


def make_app(manager: SessionManager) -> Application:
    """Return the tornado application that serves the sessions of a manager."""
    metrics = ServerMetrics(manager.statuses, manager.counters, lambda: manager.up_s)
    manager.broadcaster.on_record = metrics.observe
    parts = {"manager": manager, "metrics": metrics, "readiness": Readiness(manager)}
    return Application(
        [(r"/ws", LiveSocket, {"manager": manager}), *((path, handler, parts) for path, handler in ROUTES)],
        default_handler_class=NotFoundHandler,
        default_handler_args=parts,
        websocket_max_message_size=_HARD_LIMIT * manager.config.max_message_bytes,
        websocket_ping_interval=_PING_S[0],
        websocket_ping_timeout=_PING_S[1],
        log_function=lambda _handler: None,  # no request lines: they hold only ids, and our own log says more
    )


@asynccontextmanager
async def serving(config: ServerConfig) -> AsyncIterator[tuple[SessionManager, int]]:
    """Run a server on this event loop; yield its session manager and its port.

    Raises
    ------
    PortTakenError
        If neither the port nor one of the next ones is free.
    ServerError
        If the address cannot be bound, would be reachable from other machines without permission, or the certificate
        cannot be used.
    """
    check_exposure(config)
    tls = server_context(config.certfile, config.keyfile) if config.certfile else None
    manager = SessionManager(config)
    server = HTTPServer(make_app(manager), ssl_options=tls, max_body_size=2**20, body_timeout=_BODY_TIMEOUT_S,
                        idle_connection_timeout=_IDLE_TIMEOUT_S)  # fmt: skip
    port = _listen(server, config)
    periodic = ((manager.flush_recordings, _FLUSH_EVERY_S), (manager.check_lanes, _CHECK_LANES_EVERY_S))
    tasks = [asyncio.create_task(run_periodically(action, every_s)) for action, every_s in periodic]
    try:
        yield manager, port
    finally:
        server.stop()
        for task in tasks:
            task.cancel()
        await manager.close(_CLOSE_TIMEOUT_S)
        await server.close_all_connections()


async def run_periodically(action: Callable[[], Awaitable[None]], every_s: float) -> None:
    """Call `action` every few seconds until cancelled; an exception is logged and the loop continues."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await action()
        except Exception:  # noqa: BLE001  a failure for one session must not stop the checks of the others
            _log.exception("%s failed; it is tried again", getattr(action, "__name__", action))


def _listen(server: HTTPServer, config: ServerConfig) -> int:
    """Bind to the configured port or to the next free one; return it."""
    n_tried = 1 if config.after_crash else _MAX_PORTS_TRIED  # clients return to the old port and try no other
    candidates = [0] if config.port == 0 else range(config.port, min(config.port + n_tried, 65536))
    for port in candidates:
        try:
            sockets = bind_sockets(port, config.host)
        except OSError as exc:
            if exc.errno in (errno.EADDRINUSE, errno.EACCES):
                continue
            raise ServerError(f"cannot listen on {config.host}: {exc}.") from exc
        server.add_sockets(sockets)
        return int(sockets[0].getsockname()[1])
    raise PortTakenError(
        f"ports {config.port} to {config.port + n_tried - 1} are taken on {config.host}; give another with --port."
    )


async def run(config: ServerConfig, ready: Callable[[int], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    config : ServerConfig
    ready : callable
        Called with the port as soon as the server accepts connections.
    """
    stop = asyncio.Event()
    _stop_on_signals(stop)
    async with serving(config) as (_manager, port):
        ready(port)
        _log.info("serving", extra=session_context("", port=port, host=config.host, tls=config.certfile is not None))
        await stop.wait()
        _log.info("stopping")


def _stop_on_signals(stop: asyncio.Event) -> None:
    """Let the first SIGINT or SIGTERM stop the server in order, and a second one have its default effect."""
    loop = asyncio.get_running_loop()
    names = [signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGTERM)]  # on Windows SIGTERM kills at once

    def stop_in_order(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)
        for name in names:
            signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)

    for name in names:
        signal.signal(name, stop_in_order)  # not loop.add_signal_handler, which Windows lacks
