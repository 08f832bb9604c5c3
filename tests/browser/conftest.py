"""Real Chromium, real JupyterLab, real server; only the camera is a file.

A notebook is opened in the Lab, its cells are run one by one as a user would, and what the page shows, what the
kernel knows and what the server logged are compared.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from livedance_lab.launcher import LiveServer

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "test-artifacts"
CLIP = ROOT / "data" / "samples" / "dancer.mp4"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser: page, JupyterLab, kernel and server share the machine's cores."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], object], what: str, within_s: float = 90.0) -> None:
    """Wait for something that happens in another process; name it if it does not."""
    give_up = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} did not happen within {within_s:.0f} s")
        time.sleep(0.1)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program."""
    found = os.environ.get("LIVEDANCE_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium here: continuous integration must run the browser tests")
        pytest.skip("needs Chromium (Debian: apt install chromium)")
    return found


@pytest.fixture(scope="session")
def camera_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the dancer as Chromium's fake camera takes it: raw, 640x480, 60 frames/s."""
    import cv2

    path = tmp_path_factory.mktemp("camera") / "dancer.y4m"
    video = cv2.VideoCapture(str(CLIP))
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F60:1 Ip A1:1 C420jpeg\n")
        for _ in range(120):
            ok, frame = video.read()
            assert ok, "the clip is shorter than two seconds"
            small = cv2.copyMakeBorder(cv2.resize(frame, (360, 480)), 0, 0, 140, 140, cv2.BORDER_REPLICATE)
            file.write(b"FRAME\n" + cv2.cvtColor(small, cv2.COLOR_BGR2YUV_I420).tobytes())
    video.release()
    return path


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Ends with this folder: it keeps an event loop running, in which no later test could run its own."""
    with sync_playwright() as running:
        yield running


def launch(playwright: Playwright, chromium: str, *more: str) -> Browser:
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses its sandbox to root
    return playwright.chromium.launch(executable_path=chromium, args=[*flags, *more])


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium: str, camera_file: Path) -> Iterator[Browser]:
    """Chromium with a camera that everyone may use."""
    browser = launch(playwright, chromium, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                     f"--use-file-for-fake-video-capture={camera_file}")  # fmt: skip
    yield browser
    browser.close()


class Lab:
    """A running JupyterLab and the folder it shows."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.token = folder, free_port(), secrets.token_hex(8)
        self.url = f"http://127.0.0.1:{self.port}"
        own = {name: str(folder / ".jupyter" / name.lower()) for name in
               ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}  # fmt: skip
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={self.port}", "--port-retries=0",
                   f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={folder}", "--allow-root",
                   "--LabApp.extension_manager=readonly", "--ServerApp.allow_remote_access=True"]  # fmt: skip
        self.set("apputils-extension", "notification", {"fetchNews": "false", "checkForUpdates": False})
        self.words = (folder / "lab.log").open("wb")
        self.process = subprocess.Popen(command, stdout=self.words, stderr=self.words, env={**os.environ, **own})
        wait_until(self.answers, "JupyterLab's start", 60)

    def set(self, extension: str, plugin: str, values: dict[str, object]) -> None:
        """A user's setting of JupyterLab, in force from the next page on."""
        folder = self.folder / ".jupyter/jupyter_config_dir/lab/user-settings/@jupyterlab" / extension
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values))

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "lab.log").read_text()[-2000:]
        try:
            return "version" in self.call("GET", "")
        except OSError:
            return False

    def call(self, method: str, path: str) -> Any:
        request = urllib.request.Request(f"{self.url}/api/{path}?token={self.token}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def end_kernels(self) -> None:
        for session in self.call("GET", "sessions"):
            self.call("DELETE", f"sessions/{session['id']}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.words.close()


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    shutil.copy(CLIP, lab.folder / CLIP.name)
    yield lab
    lab.stop()


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    """JupyterLab without the kernels of earlier tests."""
    yield running_lab
    running_lab.end_kernels()


class Notebook:
    """A notebook open in a page, whose cells are run one by one."""

    def __init__(self, page: Page, lab: Lab, cells: list[str]) -> None:
        self.page, self.next = page, 0
        name = f"{secrets.token_hex(4)}.ipynb"
        made = [{"cell_type": "code", "id": f"c{i}", "source": source, "metadata": {}, "outputs": [],
                 "execution_count": None} for i, source in enumerate(cells)]  # fmt: skip
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        (lab.folder / name).write_text(
            json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
        )
        page.goto(f"{lab.url}/lab/tree/{name}?token={lab.token}&reset")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(timeout=60_000)

    def cell(self, i: int):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(i)

    def run(self, within_s: float = 60.0) -> str:
        """Run the next cell; its printed words."""
        cell = self.cell(self.next)
        self.next += 1
        prompt = cell.locator(".jp-InputPrompt")
        asked_s = 0.0

        def done() -> bool:
            nonlocal asked_s
            shown = prompt.inner_text().strip("[]: ")
            if not shown and time.monotonic() > asked_s + 2:  # a kernel that has just come may drop the first wish
                if self.page.locator(".jp-Dialog").count():  # JupyterLab's own, of a slow server: not what is tested
                    self.page.keyboard.press("Escape")
                cell.locator(".jp-InputArea-editor").click()
                self.page.keyboard.press("Shift+Enter")
                asked_s = time.monotonic()
            return shown.isdigit()

        wait_until(done, f"the end of cell {self.next - 1}", within_s)
        words = "\n".join(cell.locator(".jp-OutputArea-output pre").all_inner_texts())
        assert "Traceback" not in words, words
        return words

    @property
    def view(self):
        return self.page.locator(".ldl-view").first

    def wait_status(self, status: str, within_s: float = 60.0) -> None:
        self.page.locator(f".ldl-view[data-status='{status}']").first.wait_for(timeout=1000 * within_s)

    def painted_pixels(self) -> int:
        """How many pixels of the overlay are not empty."""
        return int(self.page.evaluate(
            """() => { const c = document.querySelector(".ldl-canvas");
            const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
            let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 0; return n; }"""
        ))  # fmt: skip

    def screenshot(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.wrong: list[str] = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.wrong.append(str(error)))  # type: ignore[attr-defined]
    yield page
    context.close()


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    server = LiveServer.start(reuse=False, port=0)
    yield server
    server.stop()
