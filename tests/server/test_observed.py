"""What an operator sees of a server: a log without secrets, readiness, an orderly end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from livedance_lab.client.live_client import LiveClient
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators.base import Estimator, factory, register
from livedance_lab.launcher import LiveServer
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.settings import Settings
from livedance_lab.wire.messages import CLOSE_CODES
from tests.support.pipeline import LANDMARKS, SIZE, WAIT_S
from tests.support.servers import Served, serve

TOKEN = "this-must-not-be-seen-anywhere"


@pytest.fixture(autouse=True)
def own_notes(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LIVEDANCE_RUNTIME", str(tmp_path / "runtime"))


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files of this process."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


# --- the log


@pytest.fixture(params=["text", "json"])
def talkative(request, tmp_path) -> Iterator[tuple[LiveServer, str]]:
    """A server process that logs everything, and its log format."""
    with LiveServer.start(reuse=False, port=0, estimator="replay", token=TOKEN, log_level="debug",
                          log_format=request.param, record_root=tmp_path) as server:  # fmt: skip
        assert server.token == TOKEN
        yield server, request.param


def said_to(server: LiveServer, lines: list[str]) -> bytes:
    """Send the lines of an HTTP request; return the answer."""
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=WAIT_S) as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return raw.recv(65536)


async def one_session(server: LiveServer) -> None:
    async with LiveClient(server.url, server.token, session="trial1") as client:
        await client.wait_ready()
        await client.mark("Ada is ready", participant="Ada")
        await client.send(LANDMARKS, SIZE)
        await client.settle(WAIT_S)
        assert (await client.end(WAIT_S))["conserved"]


def test_the_token_is_neither_logged_nor_in_the_list_of_processes(talkative, caplog, monkeypatch):
    server, form = talkative
    caplog.set_level(logging.DEBUG)
    asyncio.run(one_session(server))
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]  # fmt: skip
    host = f"Host: {server.url.removeprefix('http://')}"
    for path, headers in (
        (f"/ws?token={TOKEN}", [host, *upgrade, "Origin: https://evil.example"]),
        (f"/ws?token={TOKEN}", [f"Host: {TOKEN}.evil.example", *upgrade]),
        (f"/{TOKEN}?token={TOKEN}", [host]),
        (f"/sessions/none?token={TOKEN}", [host, f"Authorization: Bearer {TOKEN}"]),
        (f"/health?token={TOKEN}", [host, f"Author\0ization: Bearer {TOKEN}"]),
        (f"/metrics?token={TOKEN}", [host, f"Cookie: token={TOKEN}"]),
    ):
        assert said_to(server, [f"GET {path} HTTP/1.1", *headers]).startswith(b"HTTP/1.1 4")

    assert server.log_path is not None
    log = server.log_path.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    process = psutil.Process(server.pid)
    everyones = " ".join([*process.cmdline(), *(word for child in process.children() for word in child.cmdline())])

    assert "session ended" in log
    assert "a page was refused" in log
    assert (form == "json") is bool(lines)
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys()
    if lines:
        (ended,) = [line for line in lines if line["message"] == "session ended"]
        assert (ended["session"], ended["conserved"], ended["level"]) == ("trial1", True, "info")
    assert TOKEN not in log
    assert TOKEN not in everyones
    assert TOKEN[:6] not in caplog.text  # websockets shortens the values it logs
    assert TOKEN not in repr(server)
    assert "Ada" not in log  # the text of a mark may name people


# --- readiness


class Mended:
    """An estimator that cannot be created until `works` is set."""

    works = False


def make_mended(kind: str, settings: Settings) -> Estimator:
    if not Mended.works:
        raise EstimatorError("its model is broken.")
    return factory("replay")(kind, settings)


register("mended", make_mended)


def test_ready_means_that_estimators_load_and_that_it_is_not_stopping():
    Mended.works = False

    async def work(served: Served) -> None:
        async def ready() -> tuple[int, dict]:
            status, body, _ = await served.http("GET", "/health/ready", Authorization="")
            return status, body

        async def until(words: str) -> None:
            async with asyncio.timeout(WAIT_S):
                while words not in (await ready())[1]["message"]:
                    await asyncio.sleep(0.01)

        status, body = await ready()
        assert (status, body["ready"]) == (503, False)
        await until("the estimators do not load: its model is broken.")
        assert (await served.http("GET", "/health/live", Authorization=""))[0] == 200  # alive nevertheless
        Mended.works = True
        async with asyncio.timeout(WAIT_S):
            while (await ready())[0] != 200:
                await asyncio.sleep(0.01)
        assert (await ready())[1] == {"ready": True}

        served.manager.draining = True
        assert await ready() == (503, {"ready": False, "code": "ready", "message": "the server is stopping."})
        async with served.socket() as raw:
            await raw.say({"type": "hello", "version": 2, "token": served.token})
            assert await raw.close_code() == CLOSE_CODES["shutdown"]
            assert "stopping" in raw.heard[-1]["message"]

    serve(work, estimator="mended")


# --- the end


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_server_told_to_stop_closes_the_books_the_recording_and_says_goodbye(name, temporary, tmp_path):
    server = LiveServer.start(reuse=False, port=0, estimator="replay", record_root=tmp_path)
    process, words = server._process, server.log_path

    async def until_told_goodbye() -> list[dict]:
        heard: list[dict] = []
        async with LiveClient(server.url, server.token, session="s", on_message=heard.append) as client:
            await client.wait_ready()
            server.call("POST", "/sessions/s/recording", {"path": str(tmp_path / "recorded")})
            while client.results_received < 20:
                await client.send(LANDMARKS, SIZE)
                await asyncio.sleep(0.002)
            os.kill(server.pid, getattr(signal, name))
            while not any(message["type"] == "bye" for message in heard):
                await asyncio.sleep(0.01)
        return heard

    try:
        heard = asyncio.run(asyncio.wait_for(until_told_goodbye(), 60))
        assert process.wait(60) == 0
        assert "Traceback" not in words.read_text()
    finally:
        server.stop()

    (bye,) = [message for message in heard if message["type"] == "bye"]
    (ended,) = [message for message in heard if message["type"] == "ended"]
    assert (bye["code"], bye["message"]) == ("shutdown", "the server is stopping.")
    assert ended["ledger"]["conserved"]
    recording = Recording.open(tmp_path / "recorded")
    assert len(recording.frames) == ended["ledger"]["captured"] >= 20
    assert recording.ledger.conserved
    assert list(temporary.iterdir()) == []
    assert list((tmp_path / "runtime").glob("server-*")) == []
