"""The HTTP side as a target: bytes go over a real socket to a real server in a thread of this process."""

from __future__ import annotations

import asyncio
import logging
import socket
import tempfile
import threading
from functools import cache
from pathlib import Path

from livedance_lab.server.app import serving
from livedance_lab.server.config import ServerConfig
from tests.support.pipeline import WAIT_S
from tests.support.servers import TOKEN

__all__ = ["ask", "failed", "http"]


class Surprises(logging.Handler):
    """Remembers what the server logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@cache
def server_port() -> tuple[int, Surprises]:
    """The port of a server that runs as long as this process, and what surprised it."""
    surprises, told, ready = Surprises(), [], threading.Event()
    logging.getLogger().addHandler(surprises)

    async def run() -> None:
        root = Path(tempfile.mkdtemp(prefix="fuzz-recordings-"))
        config = ServerConfig(port=0, token=TOKEN, estimator="replay", workers=1, record_root=root)
        async with serving(config) as (manager, port):
            manager.create("s", {})
            told.append(port)
            ready.set()
            await asyncio.Event().wait()

    threading.Thread(target=asyncio.run, args=(run(),), name="fuzzed server", daemon=True).start()
    assert ready.wait(WAIT_S)
    return told[0], surprises


def ask(port: int, data: bytes) -> bytes:
    """What a server answers to these bytes, from a connection that says no more; nothing if it just closes it."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            raise
        except OSError:  # closed while we were still speaking: whichever call comes to know of it
            return answer
    return answer


def failed(answer: bytes) -> bool:
    """Whether the server blames itself; that it has no place left is no failure."""
    return answer.startswith(b"HTTP/1.1 5") and b'"busy"' not in answer


def http(data: bytes) -> None:
    """A request: answered or the connection closed, never a surprise."""
    port, surprises = server_port()
    answer = ask(port, data)
    assert not failed(answer), answer[:500]
    assert not surprises.told, surprises.told[-1]
