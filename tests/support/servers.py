"""A real server on this event loop, and clients that send exactly the messages of a test."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from livedance_lab.clock import now_s
from livedance_lab.server.app import serving
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.session_manager import SessionManager
from livedance_lab.wire.frames import FrameHeader, encode_frame
from tests.support.pipeline import LANDMARKS, SIZE, WAIT_S

TOKEN = "a-token-for-tests"


@dataclass
class Served:
    """A running server."""

    manager: SessionManager
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return TOKEN

    @asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator[Raw]:
        """A connection that has sent nothing yet."""
        async with connect(f"ws://127.0.0.1:{self.port}/ws", compression=None, proxy=None, max_size=None,
                           **options) as connection:  # fmt: skip
            yield Raw(connection)

    @asynccontextmanager
    async def producer(self, **hello: Any) -> AsyncIterator[Raw]:
        """A producer that has been welcomed and whose session is ready."""
        async with self.socket() as raw:
            await raw.hello(**hello)
            await raw.until_ready()
            yield raw

    @asynccontextmanager
    async def viewer(self, session: str, **options: Any) -> AsyncIterator[Raw]:
        """A viewer that has been welcomed."""
        async with self.socket(**options) as raw:
            await raw.hello(role="viewer", session=session)
            yield raw

    async def http(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """An HTTP call with the token: status, parsed body, headers."""
        return await asyncio.to_thread(self._http, method, path, body, headers)

    def _http(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, sent, {"Authorization": f"Bearer {TOKEN}", **headers})
        answer = connection.getresponse()
        data: Any = answer.read()
        connection.close()
        if data and answer.headers.get("Content-Type", "").startswith("application/json"):  # HEAD has no body
            data = json.loads(data)
        return answer.status, data, dict(answer.headers)

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(WAIT_S):
            while not true():
                await asyncio.sleep(0.005)


class Raw:
    """A client connection that sends any message, valid or not."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []
        self.welcome: dict[str, Any] = {}
        self.next_seq = 0

    async def say(self, message: dict[str, Any] | str | bytes) -> None:
        await self.connection.send(json.dumps(message) if isinstance(message, dict) else message)

    async def hello(self, **more: Any) -> dict[str, Any]:
        await self.say({"type": "hello", "version": 2, "token": TOKEN, **more})
        self.welcome = await self.hear("welcome")
        self.next_seq = self.welcome["next_seq"]
        return self.welcome

    async def until_ready(self) -> None:
        if not self.welcome["ready"]:
            await self.hear("event", kind="session", name="ready")

    async def hear(self, what: str, /, **fields: Any) -> dict[str, Any]:
        """Return the next message of a type with these fields; all received messages are kept in `heard`."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message: dict[str, Any] = json.loads(await self.connection.recv())
                self.heard.append(message)
                if message["type"] == what and all(message.get(k) == v for k, v in fields.items()):
                    return message

    async def frame(self, image: bytes = LANDMARKS, seq: int | None = None, t_s: float | None = None) -> int:
        """Send one frame; return its number."""
        seq = self.next_seq if seq is None else seq
        self.next_seq = max(self.next_seq, seq + 1)
        t_s = now_s() if t_s is None else t_s
        await self.say(encode_frame(FrameHeader(seq, SIZE, t_s, t_s), image))
        return seq

    async def result(self, image: bytes = LANDMARKS) -> dict[str, Any]:
        """Send a valid frame and wait for its result."""
        return await self.hear("result", seq=await self.frame(image))

    async def end(self) -> dict[str, Any]:
        """End the session; return the final ledger."""
        await self.say({"type": "end", "captured": self.next_seq})
        ledger: dict[str, Any] = (await self.hear("ended"))["ledger"]
        return ledger

    async def close_code(self) -> int:
        """Read until the server closes the connection; return the close code."""
        async with asyncio.timeout(WAIT_S):
            try:
                while True:
                    self.heard.append(json.loads(await self.connection.recv()))
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd is not None else 1006  # abnormal closure (RFC 6455)


def serve(work: Callable[[Served], Awaitable[None]], **config: Any) -> None:
    """Run `work` with a real server; its estimator is the replay estimator unless `config` names another."""

    async def main() -> None:
        chosen = {"port": 0, "token": TOKEN, "estimator": "replay", "workers": 2, **config}
        async with serving(ServerConfig(**chosen)) as (manager, port):
            await work(Served(manager, port))

    asyncio.run(main())
