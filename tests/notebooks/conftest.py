"""Everything in this folder runs Jupyter."""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livedance_lab.launcher import LiveServer

WITHIN_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something that another process does; fail with its name if it does not."""
    give_up_s = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < give_up_s, f"{what} did not happen"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return "version" in json.loads(answer.read())
    except OSError:
        return False


@pytest.fixture(scope="session")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables with separate folders: the tests neither find nor disturb other servers or settings."""
    folder = tmp_path_factory.mktemp("world")
    jupyter = {name: str(folder / name.lower()) for name in
               ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}  # fmt: skip
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LIVEDANCE_", "JPY_", "JUPYTER_"))}
    return {**kept, **jupyter, "LIVEDANCE_RUNTIME": str(folder / "livedance"), "MPLBACKEND": "Agg"}


@pytest.fixture(scope="session")
def server(own_world: dict[str, str]) -> Iterator[LiveServer]:
    """The server that every notebook of this run finds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEDANCE_RUNTIME", own_world["LIVEDANCE_RUNTIME"])
        root = str(Path(own_world["LIVEDANCE_RUNTIME"]).parents[1])  # above every test's folder
        with LiveServer.start(reuse=False, port=0, record_root=root) as running:
            yield running
