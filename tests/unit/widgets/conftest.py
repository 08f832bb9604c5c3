"""A real server with the replay estimator, and sessions on it, for widgets that need one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from livedance_lab.client import LiveSession
from livedance_lab.client.live_client import LiveClient
from livedance_lab.launcher import LiveServer
from tests.support.pipeline import LANDMARKS, SIZE

GIVE_UP_S = 30.0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Its own process, as in real life; no model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEDANCE_RUNTIME", str(tmp_path_factory.mktemp("runtime")))
        with LiveServer.start(reuse=False, port=0, estimator="replay") as server:
            yield server


@pytest.fixture
def session(server: LiveServer) -> Iterator[LiveSession]:
    """A fresh session."""
    with LiveSession.open(server) as session:
        yield session


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something another thread or process does; name it if it does not."""
    give_up_s = time.monotonic() + GIVE_UP_S
    while not true():
        assert time.monotonic() < give_up_s, f"{what} did not happen"
        time.sleep(0.005)


def feed(session: LiveSession, frames: int) -> None:
    """Produce some results, each heard by every listener of the session before the next is sent."""
    heard: list[int] = []
    stop = session.on_result(lambda result: heard.append(result.seq))

    async def send() -> None:
        async with LiveClient(session.server.url, session.server.token, session=session.id, pacing="free") as client:
            await client.wait_ready()
            for _ in range(frames):
                await client.send(LANDMARKS, SIZE)
                async with asyncio.timeout(GIVE_UP_S):
                    while client.credit.captured - 1 not in heard:
                        await asyncio.sleep(0.001)

    asyncio.run(send())
    stop()
