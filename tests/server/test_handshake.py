"""The handshake of a client, and its cancellation."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve

from livedance_lab.client.handshake import open_connection


def test_a_client_that_is_closed_while_it_introduces_itself_leaves_no_connection():
    """A connection left open would answer pings by itself, so the server would keep its producer."""

    async def work() -> None:
        heard, gone = asyncio.Event(), asyncio.Event()

        async def silent(connection: ServerConnection) -> None:
            await connection.recv()
            heard.set()
            await connection.wait_closed()
            gone.set()

        async with serve(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            shaking = asyncio.create_task(open_connection(f"ws://127.0.0.1:{port}/ws", {"type": "hello"}, True))
            await heard.wait()
            shaking.cancel()
            async with asyncio.timeout(60):
                await gone.wait()
            assert shaking.cancelled()

    asyncio.run(work())
