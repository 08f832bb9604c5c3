"""The HTTP interface as a target: bytes go over a real socket to a server in a thread of this process."""

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
    """Start a server that runs as long as this process; return its port and its logged errors."""
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
    """Send these bytes and close the sending side; return the answer, empty if the server only closes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            raise
        except OSError:  # the server closed while we were sending; any of the calls may notice it
            return answer
    return answer


def failed(answer: bytes) -> bool:
    """Whether the answer is a server error; that no session is free is none."""
    return answer.startswith(b"HTTP/1.1 5") and b'"busy"' not in answer


def http(data: bytes) -> None:
    """Check that a request is answered, or its connection closed, without a logged error."""
    port, surprises = server_port()
    answer = ask(port, data)
    assert not failed(answer), answer[:500]
    assert not surprises.told, surprises.told[-1]
