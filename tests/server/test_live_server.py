"""A server process: started, found, described, stopped, and killed without warning."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import math
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from livedance_lab._version import __version__
from livedance_lab.client import LiveSession
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.live_client import LiveClient
from livedance_lab.errors import ConnectionLost, ConnectionRefused, ServerError
from livedance_lab.launcher import LiveServer
from livedance_lab.launcher.live_server import find_servers
from tests.support.pipeline import LANDMARKS, SIZE, WAIT_S

STREAMER = """
import asyncio, sys
from livedance_lab.client.live_client import LiveClient

async def main(url, token, image):
    client = LiveClient(url, token, session=sys.argv[4], pacing="free")
    await client.__aenter__()
    await client.wait_ready()
    told = False
    while True:
        await client.send(image, (640, 480))
        await asyncio.sleep(0.01)
        if client.results_received >= 5 and not told:
            told = True
            print("streaming", flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], open(sys.argv[3], "rb").read()))
"""


@pytest.fixture(autouse=True)
def own_notes(tmp_path, monkeypatch):
    """These tests and others do not find each other's servers."""
    monkeypatch.setenv("LIVEDANCE_RUNTIME", str(tmp_path / "runtime"))


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """A server process for one test that stops or kills it."""
    with LiveServer.start(reuse=False, port=0, estimator="replay") as started:
        yield started


def wait_for(true) -> None:
    async def wait() -> None:
        async with asyncio.timeout(WAIT_S):
            while not true():
                await asyncio.sleep(0.02)

    asyncio.run(wait())


def test_it_is_found_reused_and_stopped_without_a_trace(server, tmp_path):
    assert server.alive()
    with pytest.raises(ConnectionLost, match="no session to attach to"):
        LiveSession.attach(server)
    (note,) = (tmp_path / "runtime").glob("server-*.json")
    assert stat.S_IMODE(note.stat().st_mode) == 0o600  # it holds the token
    (found,) = find_servers()
    assert (found.url, found.token, found.pid) == (server.url, server.token, server.pid)
    assert LiveServer.start(reuse=True).url == server.url
    found.stop()  # this object did not start the process, so nothing happens
    assert server.alive()

    process, log = server._process, server.log_path
    words = log.read_text()
    server.stop()

    assert process.returncode == 0
    assert "Traceback" not in words
    assert find_servers() == []
    assert not note.exists()
    assert not log.parent.exists()
    with pytest.raises(ServerError, match=r"no server answers at .* Is it running"):
        server.get("/sessions")


def test_a_stale_note_is_no_server(tmp_path):
    folder = tmp_path / "runtime"
    folder.mkdir()
    (folder / "server-1.json").write_text('{"url": "http://127.0.0.1:9", "token": "x", "pid": 1}')
    (folder / "server-2.json").write_text('{"url": "http://12')

    assert find_servers() == []


def test_another_program_on_the_port_of_a_server_that_is_gone_is_no_server(tmp_path):
    """It answers, but not in HTTP."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.1)

        def answer():
            while not over.is_set():
                with contextlib.suppress(OSError), other.accept()[0] as caller:
                    caller.recv(4096)
                    caller.sendall(b":\x00 compression none\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        folder = tmp_path / "runtime"
        folder.mkdir()
        (folder / "server-1.json").write_text(f'{{"url": "{url}", "token": "x", "pid": {os.getpid()}}}')

        try:
            assert find_servers() == []
            with pytest.raises(ServerError, match="is not a livedance_lab server: no HTTP answer"):
                LiveServer(url, "x", 0).get("/health")
        finally:
            over.set()
            answering.join(WAIT_S)


def test_another_web_server_at_the_address_is_no_server():
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]" if self.path.endswith("list/health") else b"<html>hello")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        answering = threading.Thread(target=other.serve_forever, args=(0.01,))
        answering.start()
        try:
            for path in ("", "/list"):
                server = LiveServer(f"http://127.0.0.1:{other.server_address[1]}{path}", "x")
                assert not server.alive()
                assert "does not answer" in repr(server)
        finally:
            other.shutdown()
            answering.join(WAIT_S)


def test_a_server_that_cannot_start_shows_the_end_of_its_log_and_leaves_nothing_behind(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with pytest.raises(ServerError, match=r"(?s)did not start \(exit code \d+\).*no estimator 'magic'"):
        LiveServer.start(reuse=False, port=0, estimator="magic")
    assert list(temporary.iterdir()) == []


def test_it_describes_itself_and_never_shows_its_token(replay_server):
    with LiveSession.open(replay_server, session="described"):
        for text in (repr(replay_server), replay_server._repr_html_()):
            assert replay_server.url in text
            assert "alive" in text
            assert f"livedance_lab {__version__}" in text
            assert re.search(r"[1-9]\d* sessions, \d+ running", text)
            assert replay_server.token not in text
    other = replace(replay_server, token="<guess>")
    assert "sessions unknown" in repr(other)
    assert "guess" not in other._repr_html_()
    assert "does not answer" in repr(LiveServer("http://127.0.0.1:9", "x"))


def test_a_taken_port_leads_to_the_next_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with LiveServer.start(reuse=False, port=port, estimator="replay") as server:
            assert port < int(server.url.rsplit(":", 1)[1]) < port + 20


def test_the_servers_own_words_reach_the_caller(replay_server):
    with pytest.raises(ServerError, match="no session 'none' on this server"):
        replay_server.get("/sessions/none")
    with pytest.raises(ServerError, match="complexity must be 0, 1 or 2"):
        replay_server.call("POST", "/sessions", {"settings": {"complexity": 9}})
    with pytest.raises(ServerError, match="token is missing or wrong"):
        LiveServer(replay_server.url, "guess", replay_server.pid).get("/sessions")


def test_a_server_killed_mid_stream_is_said_in_words(server):
    async def stream() -> None:
        async with LiveClient(server.url, server.token, retry_for_s=0.3) as client:
            await client.wait_ready()
            while True:
                await client.send(LANDMARKS, SIZE)
                await asyncio.sleep(0.002)
                if client.results_received >= 20 and server.alive():
                    os.kill(server.pid, signal.SIGKILL)

    with pytest.raises(ConnectionLost, match="the server was gone for 0 s: no server answers at"):
        asyncio.run(asyncio.wait_for(stream(), WAIT_S))
    assert not server.alive()


def test_a_killed_client_leaves_no_thread_and_its_place_is_free(replay_server, tmp_path):
    image = tmp_path / "frame.png"
    image.write_bytes(LANDMARKS)
    rested = []
    for name in ("first", "second", "third"):
        at_work = kill_mid_stream(replay_server, image, name)
        wait_for(lambda name=name: replay_server.get(f"/sessions/{name}")["ended"])
        wait_for(lambda name=name: not replay_server.get(f"/sessions/{name}")["running"])
        wait_for(lambda n=at_work: psutil.Process(replay_server.pid).num_threads() < n)
        rested.append(psutil.Process(replay_server.pid).num_threads())
        ledger = replay_server.get(f"/sessions/{name}")["ledger"]
        assert ledger["conserved"]
        assert ledger["captured"] >= 5
    # the thread pool of the event loop may have grown by one or two; three lanes a session would be six more
    assert rested[-1] <= rested[0] + 2

    with pytest.raises(ConnectionRefused, match="has ended"):
        asyncio.run(LiveClient(replay_server.url, replay_server.token, session="first").__aenter__())


def kill_mid_stream(server: LiveServer, image: Path, session: str) -> int:
    """Kill a client process while it streams; return the server's number of threads just before."""
    arguments = [sys.executable, "-c", STREAMER, server.url, server.token, str(image), session]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as client:
        try:
            assert client.stdout is not None
            assert client.stdout.readline() == "streaming\n"
            assert server.get(f"/sessions/{session}")["running"]
            return psutil.Process(server.pid).num_threads()
        finally:
            client.kill()


def test_an_interrupted_cell_stops_streaming(replay_server):
    """As by a notebook's stop button: what runs in the session's thread is stopped as well."""
    landmarks = EncodedClip([LANDMARKS], SIZE, 200.0, "landmarks")
    interrupted: list[bool] = []

    def tick(client: LiveClient) -> None:
        if client.credit.captured >= 10 and not interrupted:
            interrupted.append(True)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with LiveSession.open(replay_server, session="interrupted") as session:
        with pytest.raises(KeyboardInterrupt):
            session.stream(landmarks, seconds=math.inf, tick=tick)
        wait_for(lambda: not session.summary["producer"])
        session.end()
        assert session.ledger.conserved


def test_a_session_survives_the_notebook_that_made_it(replay_server):
    with LiveSession.open(replay_server, session="s") as session:
        session.mark("begin")
    with LiveSession.attach(replay_server) as again:
        assert again.id == "s"
        assert "begin" in set(again.events["name"])
        again.set(hands=False)
        assert again.settings.hands is False
        again.end()
        assert again.summary["ended"]
        assert again.ledger.conserved
