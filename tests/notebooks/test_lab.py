"""`livedance lab`: one command starts both, one Ctrl-C stops both, kernels find the server by themselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from livedance_lab.cli import lab as lab_module
from livedance_lab.cli.lab import notebooks_folder
from livedance_lab.errors import LiveDanceError
from livedance_lab.launcher.discovery import default_port
from livedance_lab.launcher.live_server import LiveServer, find_servers
from tests.notebooks.conftest import WITHIN_S, answers, free_port, until

HEARS_CTRL_C = """import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("livedance_lab")"""
"""Restores the handler of Ctrl-C: a shell makes its background processes ignore it."""

LAB = [sys.executable, "-c", HEARS_CTRL_C, "lab", "--no-browser", "--allow-root"]


def servers_of(world: dict[str, str], monkeypatch) -> list[LiveServer]:
    monkeypatch.setenv("LIVEDANCE_RUNTIME", world["LIVEDANCE_RUNTIME"])
    return find_servers()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_one_command_starts_both_and_one_signal_stops_both(number, tmp_path, own_world, monkeypatch):
    world = {**own_world, "LIVEDANCE_RUNTIME": str(tmp_path / "runtime"), "JUPYTER_TOKEN": "known"}
    port = free_port()
    command = [*LAB, "--port", str(port)]
    with (tmp_path / "words.txt").open("wb") as words:
        lab = subprocess.Popen(command, cwd=tmp_path, env=world, stdout=words, stderr=words, start_new_session=True)
        try:
            until(lambda: lab.poll() is not None or answers(f"http://127.0.0.1:{port}/api"), "JupyterLab's start")
            assert lab.poll() is None, (tmp_path / "words.txt").read_text()
            (server,) = servers_of(world, monkeypatch)
            assert server.alive()
            children = psutil.Process(lab.pid).children()
        finally:
            lab.send_signal(number)
            lab.wait(WITHIN_S)
    assert lab.returncode == 0, (tmp_path / "words.txt").read_text()
    assert not answers(f"http://127.0.0.1:{port}/api")
    assert not server.alive()
    assert len(children) >= 2
    assert not [child for child in children if child.is_running()]


def test_a_server_that_was_there_before_is_used_and_stays(tmp_path, own_world, monkeypatch):
    world = {**own_world, "LIVEDANCE_RUNTIME": str(tmp_path / "runtime"), "JUPYTER_TOKEN": "known"}
    monkeypatch.setenv("LIVEDANCE_RUNTIME", world["LIVEDANCE_RUNTIME"])
    port = free_port()
    command = [*LAB, "--port", str(port)]
    with LiveServer.start(reuse=False, port=0, estimator="replay") as server:
        lab = subprocess.Popen(command, cwd=tmp_path, env=world, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # fmt: skip
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/api"), "JupyterLab's start")
            assert [found.url for found in find_servers()] == [server.url]
        finally:
            lab.send_signal(signal.SIGINT)
            lab.wait(WITHIN_S)
        assert server.alive()


# --- where the notebooks are


def test_notebooks_beside_the_user_come_first(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_quickstart.ipynb").touch()
    assert notebooks_folder(tmp_path) == tmp_path / "notebooks"


def test_in_a_checkout_they_are_found_from_anywhere(tmp_path, repository):
    assert notebooks_folder(tmp_path) == repository / "notebooks"


def test_from_an_installed_package_they_are_copied_once_and_then_kept(tmp_path, repository, monkeypatch):
    package = tmp_path / "site-packages" / "livedance_lab"
    shutil.copytree(repository / "notebooks", package / "_notebooks")
    monkeypatch.setattr(lab_module, "__file__", str(package / "cli" / "lab.py"))
    here = tmp_path / "here"
    here.mkdir()
    made = notebooks_folder(here)
    assert made == here / "livedance-notebooks"
    (made / "01_quickstart.ipynb").write_text("mine now")
    assert notebooks_folder(here) == made
    assert (made / "01_quickstart.ipynb").read_text() == "mine now"
    assert len(list(made.glob("*.ipynb"))) == 4


def test_a_package_without_notebooks_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(lab_module, "__file__", str(tmp_path / "a" / "b" / "cli" / "lab.py"))
    with pytest.raises(LiveDanceError, match="--folder"):
        notebooks_folder(tmp_path)


# --- which port


def test_the_environment_names_the_port(monkeypatch):
    monkeypatch.delenv("LIVEDANCE_PORT", raising=False)
    assert default_port() == 8000
    monkeypatch.setenv("LIVEDANCE_PORT", "8123")
    assert default_port() == 8123
    for wrong in ("", "eighty", "70000", "-1"):
        monkeypatch.setenv("LIVEDANCE_PORT", wrong)
        with pytest.raises(LiveDanceError, match="LIVEDANCE_PORT must be a port number"):
            default_port()


def test_only_a_server_on_the_agreed_port_is_reached_through_jupyter(monkeypatch):
    server = LiveServer("http://127.0.0.1:8123", "", 0)
    monkeypatch.delenv("LIVEDANCE_PORT", raising=False)
    assert server.proxy_url == ""
    monkeypatch.setenv("LIVEDANCE_PORT", "8124")
    assert server.proxy_url == ""
    monkeypatch.setenv("LIVEDANCE_PORT", "8123")
    assert server.proxy_url == "livedance/"
    assert os.environ["LIVEDANCE_PORT"] == "8123"
