"""The connection of a client, against a real server on this loop."""

from __future__ import annotations

from livedance_lab.client.live_client import LiveClient
from tests.support.pipeline import WAIT_S
from tests.support.servers import TOKEN, Served, serve


def test_a_connection_that_breaks_after_the_end_is_not_restored():
    """The session is over: the server would refuse, and the client would take that for a failure."""

    async def work(served: Served) -> None:
        async with LiveClient(served.url, TOKEN) as client:
            await client.wait_ready()
            await client.end(WAIT_S)
            client.connection.socket.transport.abort()

            assert not await client.connection.until(lambda: client.reconnections, within_s=0.3)
            assert client.failure is None

    serve(work)
