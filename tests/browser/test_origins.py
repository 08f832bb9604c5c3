"""Whose pages may reach the server, in a real browser: the right token alone opens nothing."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from livedance_lab.launcher import LiveServer
from livedance_lab.wire.messages import PROTOCOL_VERSION
from tests.browser.conftest import Notebook, launch, wait_until
from tests.browser.live_page import SHOW
from tests.support.certificates import self_signed

SAY_HELLO = """([url, token, version]) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify({ type: "hello", version, token }));
  socket.onmessage = ({ data }) => {
    const said = JSON.parse(data);
    done(`${said.type} ${said.code ?? ""}`.trim());
  };
  socket.onclose = (event) => done(`closed ${event.code}`);
})"""
READ = """([url, token]) => fetch(url, token ? { headers: { Authorization: `Bearer ${token}` } } : {})
  .then((answer) => `read ${answer.status}`, (error) => error.name)"""


@dataclass
class Place:
    """A server, and a web site beside it that has several names."""

    server: LiveServer
    site_port: int

    @property
    def port(self) -> str:
        return self.server.url.rsplit(":", 1)[1]

    def page_of(self, name: str) -> str:
        return f"http://{name}:{self.site_port}/"


class Site(http.server.BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title>")

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=site.serve_forever, args=(0.05,))
    thread.start()
    port = site.server_address[1]
    allowed = f"http://lab.example:{port}"
    with LiveServer.start(reuse=False, port=0, estimator="replay", allow_origin=allowed) as server:
        yield Place(server, port)
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture(scope="module")
def named(playwright, chromium) -> Iterator:
    """Chromium to which every name below ``.example`` is this machine, as after DNS rebinding."""
    browser = launch(playwright, chromium, "--host-resolver-rules=MAP *.example 127.0.0.1")
    yield browser
    browser.close()


@pytest.mark.parametrize(
    ("name", "right_token", "heard"),
    [
        ("lab.example", True, "welcome"),
        ("127.0.0.1", True, "welcome"),
        ("lab.example", False, "error token"),
        ("evil.example", True, "closed 1006"),
        ("lab.example.evil.example", True, "closed 1006"),
    ],
)
def test_only_pages_of_known_origins_open_the_socket(named, place, name, right_token, heard):
    page = named.new_page()
    page.goto(place.page_of(name))
    token = place.server.token if right_token else "guess"
    assert page.evaluate(SAY_HELLO, [f"ws://127.0.0.1:{place.port}/ws", token, PROTOCOL_VERSION]) == heard
    page.close()


def test_a_page_whose_name_was_rebound_to_this_machine_opens_nothing(named, place):
    """To the browser it is the server's own page."""
    page, host = named.new_page(), f"rebound.example:{place.port}"
    page.goto(f"http://{host}/health")
    assert "does not answer for the host" in page.inner_text("body")
    assert page.evaluate(SAY_HELLO, [f"ws://{host}/ws", place.server.token, PROTOCOL_VERSION]) == "closed 1006"
    assert page.evaluate(READ, [f"http://{host}/sessions", place.server.token]) == "read 403"
    page.close()


@pytest.mark.parametrize("name", ["evil.example", "lab.example"])
def test_no_page_of_another_origin_reads_over_http(named, place, name):
    """There is no CORS header: what the notebook needs over HTTP, the kernel asks for."""
    page = named.new_page()
    page.goto(place.page_of(name))
    for token in ("", place.server.token):
        assert page.evaluate(READ, [f"{place.server.url}/sessions", token]) == "TypeError"
    page.close()


def test_the_view_streams_over_tls(browser, lab, tmp_path):
    """The browser must trust the certificate; here it is told to."""
    files = self_signed(tmp_path, "127.0.0.1")
    context = browser.new_context(ignore_https_errors=True)
    with LiveServer.start(reuse=False, port=0, certfile=files.certfile, keyfile=files.keyfile) as server:
        page, opened = context.new_page(), []
        page.on("websocket", lambda socket: opened.append(socket.url))
        connect = f'from livedance_lab.launcher import LiveServer\nfrom livedance_lab.widgets import PoseView\n' \
                  f'server = LiveServer("{server.url}", "{server.token}", trust="{files.certfile}")'  # fmt: skip
        notebook = Notebook(page, lab, [connect, SHOW["own camera"]])
        notebook.run()
        notebook.run()
        notebook.wait_status("live")
        wait_until(lambda: notebook.painted_pixels() > 300, "a painted skeleton")
        assert f"{server.url.replace('https', 'wss')}/ws" in opened
    context.close()
