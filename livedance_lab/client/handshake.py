"""Opens a connection to the server: socket, hello, and the server's welcome or refusal."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from livedance_lab.clock import now_s
from livedance_lab.errors import BusyError, ConnectionLost, ConnectionRefused, WireError
from livedance_lab.system.tls import Trust, client_context
from livedance_lab.wire.messages import encode_json, parse_json

__all__ = ["open_connection", "retry"]

_ANSWER_WITHIN_S = 10.0
_PING_S = (5.0, 8.0)  # interval and timeout; shorter than the server's, so that the client notices a dead line first
_CLOSE_TIMEOUT_S = 2.0  # a dead line never answers
_LARGEST_ANSWER = 16 * 2**20
_BACK_OFF_S = (0.1, 5.0)  # first and longest pause between attempts; doubled each time, with jitter


async def open_connection(
    url: str, hello: dict[str, Any], trust: Trust = True
) -> tuple[ClientConnection, dict[str, Any]]:
    """Open a socket and exchange hello and welcome.

    Parameters
    ----------
    url : str
        ``ws://`` or ``wss://`` address.
    hello : dict
        The first message.
    trust : bool, str, Path or ssl.SSLContext, default True
        Which certificates are accepted, see `livedance_lab.system.tls`.

    Returns
    -------
    socket : ClientConnection
    welcome : dict
        The server's answer.

    Raises
    ------
    ConnectionRefused
        Code "unreachable" if no server answers; the server's own code and message if it refuses.
    BusyError
        If the server has as many sessions as it takes.
    ServerError
        If the file with the trusted certificates cannot be read.
    """
    tls = client_context(url, trust)
    frames = logging.getLogger(f"{__name__}.frames")
    frames.setLevel(logging.INFO)  # below it websockets logs every message, also the hello with the token
    try:
        socket = await connect(
            url, ssl=tls, compression=None, max_size=_LARGEST_ANSWER, open_timeout=_ANSWER_WITHIN_S, proxy=None,
            logger=frames, ping_interval=_PING_S[0], ping_timeout=_PING_S[1],
            close_timeout=_CLOSE_TIMEOUT_S,
        )  # fmt: skip
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as exc:
        raise ConnectionRefused("unreachable", f"no server answers at {url}: {exc}.") from exc
    try:
        await socket.send(encode_json(hello))
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            data: dict[str, Any] = {}
            while data.get("type") not in ("welcome", "error", "bye"):  # messages of the session may come first
                data = parse_json(await socket.recv())
    except (ConnectionClosed, TimeoutError, WireError) as exc:
        await socket.close()
        raise ConnectionRefused("unreachable", f"{url} accepted the connection but did not answer the hello.") from exc
    except asyncio.CancelledError:
        socket.transport.abort()  # an open socket that nobody owns would keep its session from ending
        raise
    if data["type"] != "welcome":
        await socket.close()
        kind = BusyError if data["code"] == "busy" else ConnectionRefused
        raise kind(data["code"], data["message"])
    return socket, data


async def retry(attempt: Callable[[], Awaitable[None]], within_s: float) -> None:
    """Repeat an attempt to connect, with growing pauses, until it succeeds.

    Raises
    ------
    ConnectionLost
        If no server answers in time.
    ConnectionRefused
        If the server refuses: then trying again is of no use.
    """
    pause_s, longest_s = _BACK_OFF_S
    give_up_s = now_s() + within_s
    while True:
        try:
            await attempt()
        except ConnectionRefused as exc:
            if exc.code not in ("unreachable", "shutdown"):  # a server that shuts down may be started again
                raise
            if now_s() > give_up_s:
                raise ConnectionLost(f"the server was gone for {within_s:.0f} s: {exc}") from exc
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, longest_s)
        else:
            return
