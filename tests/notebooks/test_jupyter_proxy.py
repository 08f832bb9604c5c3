"""The server behind a real Jupyter: same origin, Jupyter's login, WebSockets."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from livedance_lab.clock import now_s
from livedance_lab.launcher.live_server import LiveServer
from livedance_lab.wire.frames import FrameHeader, encode_frame
from tests.notebooks.conftest import answers, free_port, until
from tests.support.pipeline import LANDMARKS, SIZE

LOGIN = "a-login-for-tests"
HOST, BASE = "hub.example.org", "/user/ada/"
LIVE_PORT = "LIVEDANCE_PORT"


class Jupyter:
    """A running Jupyter server as a hub serves it: under another host name, below a path, with a login."""

    def __init__(self, world: dict[str, str], folder: Path) -> None:
        self.port, self.live_port = free_port(), free_port()
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", f"--ServerApp.port={self.port}",
                   f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={LOGIN}",
                   f"--ServerApp.root_dir={folder}", "--ServerApp.allow_root=True",
                   "--ServerApp.allow_remote_access=True"]  # fmt: skip
        self.words = (folder / "jupyter.log").open("wb")
        self.process = subprocess.Popen(command, env={**world, LIVE_PORT: str(self.live_port)}, stdout=self.words,
                                        stderr=self.words)  # fmt: skip
        until(lambda: answers(f"http://127.0.0.1:{self.port}{BASE}api"), "Jupyter's start")
        _, headers = self.get(f"api/status?token={LOGIN}")  # as a page logs in
        self.cookies = "; ".join(value.split(";")[0] for name, value in headers if name == "Set-Cookie")

    def get(self, path: str, cookies: str = "") -> tuple[bytes, list[tuple[str, str]]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", BASE + path, headers={"Host": HOST, "Cookie": cookies})
        answer = connection.getresponse()
        body, headers = answer.read(), answer.getheaders()
        connection.close()
        return body, headers

    def socket(self, *, logged_in: bool = True, origin: str = f"https://{HOST}") -> Any:
        """Open a WebSocket as a page does: Jupyter checks its cookie and its origin."""
        cookies = {"Cookie": self.cookies if logged_in else ""}
        return connect(f"ws://{HOST}{BASE}livedance/ws", host="127.0.0.1", port=self.port, origin=Origin(origin),
                       compression=None, proxy=None, additional_headers=cookies)  # fmt: skip


@pytest.fixture(scope="module")
def jupyter(own_world: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    running = Jupyter(own_world, tmp_path_factory.mktemp("jupyter"))
    yield running
    running.process.terminate()
    running.process.wait(20)
    running.words.close()


@pytest.fixture(scope="module")
def behind(jupyter: Jupyter, own_world: dict[str, str]) -> Iterator[LiveServer]:
    """Start the server as a kernel of that Jupyter does: with the environment it inherits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEDANCE_RUNTIME", own_world["LIVEDANCE_RUNTIME"])
        patch.setenv(LIVE_PORT, str(jupyter.live_port))
        with LiveServer.start(estimator="replay") as server:
            assert server.url.endswith(f":{jupyter.live_port}")
            assert server.proxy_url == "livedance/"
            yield server


async def hello(socket: Any, token: str) -> dict[str, Any]:
    await socket.send(json.dumps({"type": "hello", "version": 2, "token": token}))
    said: dict[str, Any] = json.loads(await socket.recv())
    return said


def test_the_entry_point_is_installed():
    (found,) = entry_points(group="jupyter_serverproxy_servers", name="livedance")
    assert found.load()()["port"]


def test_a_page_gets_its_welcome_and_its_results_through_jupyter(jupyter, behind):
    async def work() -> None:
        async with jupyter.socket() as socket, asyncio.timeout(30):
            welcome = await hello(socket, behind.token)
            assert welcome["type"] == "welcome"
            messages = [welcome]
            while not welcome["ready"] and messages[-1].get("name") != "ready":
                messages.append(json.loads(await socket.recv()))
            for seq in range(5):
                t_s = now_s()
                await socket.send(encode_frame(FrameHeader(seq, SIZE, t_s, t_s), LANDMARKS))
                while (said := json.loads(await socket.recv()))["type"] != "result":
                    assert said["type"] not in ("refused", "error"), said
                assert said["seq"] == seq
                assert said["people"]

    asyncio.run(work())


def test_http_calls_pass_too(jupyter, behind):
    assert json.loads(jupyter.get("livedance/health", jupyter.cookies)[0])["status"] == "ok"


def test_our_own_token_is_asked_for_all_the_same(jupyter, behind):
    async def work() -> None:
        async with jupyter.socket() as socket:
            said = await hello(socket, "not the token")
            assert (said["type"], said["code"]) == ("error", "token")

    asyncio.run(work())


@pytest.mark.parametrize(
    "page", [{"logged_in": False}, {"origin": "https://elsewhere.example"}], ids=["no login", "another site"]
)
def test_jupyter_lets_nobody_else_through(jupyter, behind, page):
    async def work() -> None:
        with pytest.raises(InvalidStatus, match="403"):
            async with jupyter.socket(**page):
                pass

    asyncio.run(work())
