"""A session in a notebook: background sources, waiting for results, names, and a restarted server."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from livedance_lab.client import LiveSession, handshake, viewer
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.live_client import LiveClient
from livedance_lab.errors import ConnectionLost, ServerError
from livedance_lab.estimators.base import Estimate, register
from livedance_lab.launcher import LiveServer
from tests.support.pipeline import LANDMARKS, SIZE, WAIT_S
from tests.support.servers import TOKEN, Served, serve

CLIP = Path(__file__).resolve().parents[2] / "data" / "samples" / "dancer.mp4"
SMALL = {"short_side_px": 96}  # most of the time of these tests is spent on reading the clip


class Blank:
    """An estimator that detects nobody, at once."""

    def estimate(self, *_args: Any, **_kwargs: Any) -> Estimate:
        return Estimate()

    def close(self) -> None:
        """Nothing to free."""


register("blank", lambda kind, settings: Blank())


@pytest.fixture(autouse=True)
def _short_clip(monkeypatch):
    """Read only half a second of the clip, which is then played repeatedly."""
    read = EncodedClip.read
    monkeypatch.setattr(EncodedClip, "read", lambda path, settings, *_rest: read(path, settings, 0.5))


def with_session(work: Callable[[Served, LiveSession], None], **settings: Any) -> None:
    """Run blocking `work` in a thread, as a notebook cell does, with a real server."""

    def cell(served: Served) -> None:
        with LiveSession.open(LiveServer(served.url, TOKEN, 0), **SMALL, **settings) as session:
            work(served, session)

    async def main(served: Served) -> None:
        await asyncio.to_thread(cell, served)

    serve(main, estimator="blank")


def until(true: Callable[[], object]) -> None:
    give_up_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < give_up_s
        time.sleep(0.005)


# --- fed in the background


def test_without_a_browser_the_clip_is_played_until_it_is_stopped_and_every_frame_is_answered():
    def work(_served: Served, session: LiveSession) -> None:
        feed = session.play_in_background(CLIP, wait_for_browser_s=0)
        session.wait(1.0)  # twice the length of the clip
        assert feed.status == "playing"
        assert session.results_per_s > 0
        session.end()
        assert feed.status == "stopped"
        ledger = session.ledger
        assert ledger.conserved
        assert ledger.states["lost"] == 0
        assert ledger.captured > 40

    with_session(work)


def test_it_stands_back_where_a_browser_produces():
    async def main(served: Served) -> None:
        async with served.producer(session="s"):
            await asyncio.to_thread(cell, served)

    def cell(served: Served) -> None:
        with LiveSession.attach(LiveServer(served.url, TOKEN, 0), "s") as session:
            feed = session.play_in_background(CLIP, wait_for_browser_s=WAIT_S)
            until(lambda: feed.status == "not needed")
            assert session.summary["ledger"]["captured"] == 0

    serve(main, estimator="blank")


def test_a_browser_that_comes_later_takes_over():
    async def main(served: Served) -> None:
        playing, feeds = asyncio.Event(), []
        cell_done = asyncio.create_task(asyncio.to_thread(cell, served, playing, asyncio.get_running_loop(), feeds))
        await playing.wait()
        async with served.producer(session="s"):
            await served.until(lambda: feeds[0].status == "replaced")
            assert feeds[0].error == ""
        await cell_done

    def cell(served: Served, playing: asyncio.Event, loop: Any, feeds: list) -> None:
        with LiveSession.open(LiveServer(served.url, TOKEN, 0), "s", **SMALL) as session:
            feeds.append(session.play_in_background(CLIP, wait_for_browser_s=0))
            until(lambda: session.latest is not None)
            loop.call_soon_threadsafe(playing.set)
            until(lambda: feeds[0].status == "replaced")

    serve(main, estimator="blank")


def test_it_ends_by_itself_after_the_time_asked_for():
    def work(_served: Served, session: LiveSession) -> None:
        feed = session.play_in_background(CLIP, wait_for_browser_s=0, seconds=0.2)
        until(lambda: feed.status == "over")
        assert session.summary["ledger"]["captured"] == 12

    with_session(work)


def test_stopping_before_it_began_plays_nothing():
    def work(_served: Served, session: LiveSession) -> None:
        feed = session.play_in_background(CLIP, wait_for_browser_s=WAIT_S)
        feed.stop()
        assert feed.status == "stopped"
        assert repr(feed) == "<dancer.mp4: stopped>"
        assert session.summary["ledger"]["captured"] == 0

    with_session(work)


def test_what_went_wrong_is_said_to_who_waits():
    def work(_served: Served, session: LiveSession) -> None:
        feed = session.play_in_background("no-such-clip.mp4", wait_for_browser_s=0)
        until(lambda: feed.status == "error")
        with pytest.raises(ConnectionLost, match=r"no result came within 0 s.*no-such-clip.mp4"):
            session.wait(1.0, start_within_s=0.0)

    with_session(work)


def test_waiting_without_any_pictures_says_what_to_look_at():
    def work(_served: Served, session: LiveSession) -> None:
        with pytest.raises(ConnectionLost, match="is the camera on"):
            session.wait(1.0, start_within_s=0.1)

    with_session(work)


# --- named, ended


def test_a_cell_with_a_name_can_be_run_again():
    def work(served: Served, session: LiveSession) -> None:
        server = LiveServer(served.url, TOKEN, 0)
        with LiveSession.open_or_attach(server, "take-1", hands=False) as first:
            assert not first.settings.hands
        with LiveSession.open_or_attach(server, "take-1") as again:
            assert not again.settings.hands
        with pytest.raises(ServerError, match="take-1"):
            LiveSession.open(server, "take-1")
        with LiveSession.open_or_attach(server, "take-1", hands=True) as third:
            assert third.settings.hands
            assert third.settings_version == 2
        assert [s["id"] for s in server.get("/sessions")] == [session.id, "take-1"]

    with_session(work)


def test_a_change_returns_the_settings_it_made_whatever_message_comes_in_between(monkeypatch):
    """The message about an earlier change may arrive between the answer to this one and the return."""

    def work(_served: Served, session: LiveSession) -> None:
        before, adopt = session.settings.plain(), viewer.Viewer.adopt

        def adopt_then_hear_of_before(self: viewer.Viewer, answer: dict[str, Any]) -> None:
            adopt(self, answer)
            self.client.settings = before

        monkeypatch.setattr(viewer.Viewer, "adopt", adopt_then_hear_of_before)
        assert session.set(jpeg_quality=0.5).jpeg_quality == 0.5

    with_session(work)


def test_listeners_that_fail_do_not_stop_the_others(caplog):
    def work(_served: Served, session: LiveSession) -> None:
        heard: list[int] = []
        stop_bad = session.on_result(lambda result: 1 / 0)
        stop = session.on_result(lambda result: heard.append(result.seq))
        session.play_in_background(CLIP, wait_for_browser_s=0)
        until(lambda: len(heard) > 3)
        for each in (stop_bad, stop, stop):
            each()
        count = len(heard)
        session.wait(0.2)
        assert len(heard) == count

    with_session(work)
    assert "a listener could not take a result" in caplog.text


# --- after a crash of the server


def results_of(session: LiveSession, count: int) -> list[int]:
    """Produce results, as a view does on a new connection; return their numbers once the session has received them."""

    async def produce() -> list[int]:
        async with LiveClient(session.server.url, TOKEN, session=session.id, pacing="free") as client:
            await client.wait_ready()
            await asyncio.to_thread(until, lambda: not session.error)  # the session reconnects by itself; wait for it
            first = client.credit.captured
            for _ in range(count):
                await client.send(LANDMARKS, SIZE)
                await client.settle(WAIT_S)
            return list(range(first, client.credit.captured))

    numbers = asyncio.run(produce())
    until(lambda: session.latest is not None and session.latest.seq == numbers[-1])
    return numbers


def test_after_a_crash_the_session_is_found_again_when_its_producer_is_back(monkeypatch, tmp_path):
    """The view in the browser reconnects by itself under the session's name; the kernel must notice."""
    monkeypatch.setattr(handshake, "_BACK_OFF_S", (0.02, 0.05))
    monkeypatch.setattr(viewer, "_RETRY_EVERY_S", 0.02)
    monkeypatch.setenv("LIVEDANCE_TOKEN", TOKEN)
    monkeypatch.setenv("LIVEDANCE_RUNTIME", str(tmp_path))
    first = LiveServer.start(reuse=False, port=0, estimator="replay")
    port = urlsplit(first.url).port
    with LiveSession.open(first, "take") as session:
        assert results_of(session, 3) == [0, 1, 2]
        assert len(session.angles) == 3

        os.kill(first.pid, signal.SIGKILL)
        first.stop()
        with LiveServer.start(reuse=False, port=port, estimator="replay") as second:
            assert second.url == first.url
            until(lambda: "no session 'take'" in session.error)
            assert results_of(session, 2) == [0, 1]
            assert session.error == ""
            assert session.angles["seq"].tolist() == [0, 1]
