"""The representation of a session in a notebook, with a real server, and with one that does not answer."""

from __future__ import annotations

import asyncio
import time

from livedance_lab.client import LiveClient, LiveSession
from livedance_lab.launcher import LiveServer
from tests.support.pipeline import LANDMARKS, SIZE
from tests.support.servers import TOKEN, Served, serve


def test_a_session_shows_its_state_its_frames_and_where_it_is_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown: dict[str, str] = {}

    async def produce(session: LiveSession) -> None:
        async with LiveClient(session.server.url, TOKEN, session=session.id, pacing="free") as client:
            await client.wait_ready()
            for _ in range(3):
                await client.send(LANDMARKS, SIZE)
                await client.settle()

    def cell(served: Served) -> None:
        with LiveSession.open(LiveServer(served.url, TOKEN, 0), "take-1") as session:
            session.record(tmp_path / "take-1")
            asyncio.run(produce(session))
            shown["running"], shown["html"] = repr(session), session._repr_html_()
            session.end()
            shown["ended"] = repr(session)

    async def main(served: Served) -> None:
        await asyncio.to_thread(cell, served)

    serve(main, record_root=tmp_path)
    assert shown["running"].startswith("<LiveSession take-1: running, opened ")
    assert "3 frames captured, 3 processed" in shown["running"]
    assert "results/s" in shown["running"]
    assert f"recorded in {tmp_path / 'take-1'}" in shown["running"]
    assert "<caption" in shown["html"]
    assert "3 frames captured, 3 processed" in shown["html"]
    assert shown["ended"].startswith("<LiveSession take-1: ended, ")


def test_a_server_that_does_not_answer_blocks_no_cell():
    """The server has accepted the connection but is busy."""
    shown: list[tuple[str, float]] = []

    def cell(session: LiveSession) -> None:
        begun_s = time.monotonic()
        shown.append((repr(session), time.monotonic() - begun_s))

    async def main(served: Served) -> None:
        session = await asyncio.to_thread(LiveSession.open, LiveServer(served.url, TOKEN, 0), "take-1")
        cell(session)  # on the server's own event loop, which cannot answer at the same time
        await asyncio.to_thread(session.close)

    serve(main)
    ((text, took_s),) = shown
    assert text.startswith("<LiveSession take-1: state unknown: no server answers at ")
    assert took_s < 5
