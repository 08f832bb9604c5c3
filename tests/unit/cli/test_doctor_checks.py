"""The doctor: each fault is found, named, and something can be done about it."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from livedance_lab import samples
from livedance_lab.cli import doctor_checks
from livedance_lab.cli.doctor import doctor as command
from livedance_lab.cli.doctor_checks.server import answers
from livedance_lab.estimators import model_store
from tests.support.package_indexes import put_out_of_reach


@pytest.mark.process
@pytest.mark.model
def test_a_machine_that_runs_these_tests_is_fit():
    found = {check.name: check for check in doctor_checks.run()}
    assert list(found) == ["Python", "packages", "OpenCV", "cores", "memory", "models", "lite/heavy",
                           "inference", "port", "JupyterLab", "Chromium"]  # fmt: skip
    assert [c for c in found.values() if c.level == "fail"] == []
    assert "pose_full, hands" in found["models"].text
    assert "with a person" in found["inference"].text


@pytest.mark.model
def test_advice_comes_with_every_fault_and_with_nothing_else():
    for check in doctor_checks.run("http://127.0.0.1:9"):
        assert bool(check.advice) == (check.level in ("warn", "fail")) or check.level == "info", check


# --- packages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("0.10.31", "<0.10.32,>=0.10.30", True),
        ("0.10.32", "<0.10.32,>=0.10.30", False),
        ("0.10.9", "<0.10.32,>=0.10.30", False),
        ("1.0", "<0.10.32,>=0.10.30", False),
        ("4.10.0.84", ">=4.9", True),
        ("5", ">=4.9", True),
        ("4", ">=4.0.0", True),
        ("2.0rc1", ">=1.26", True),
        ("3.0", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version, wanted, fits):
    assert doctor_checks._fits(version, wanted) == fits


def test_a_wrong_version_is_named(monkeypatch):
    real = doctor_checks.metadata.version
    monkeypatch.setattr(
        doctor_checks.metadata, "version", lambda name: "0.10.35" if name == "mediapipe" else real(name)
    )
    check = doctor_checks.packages()
    assert check.level == "fail"
    assert check.text == "mediapipe is 0.10.35, needed is <0.10.32,>=0.10.30"
    assert "pip install" in check.advice


def test_an_opencv_that_cannot_be_imported(monkeypatch):
    from livedance_lab.media import images

    monkeypatch.setitem(sys.modules, "cv2", None)  # Python's own way to make an import fail
    images.load_cv2.cache_clear()
    check = doctor_checks.opencv()
    monkeypatch.undo()
    images.load_cv2.cache_clear()
    assert check.level == "fail"
    assert check.advice == "Run: pip install --force-reinstall --no-deps opencv-python-headless"


# --- models -------------------------------------------------------------------------------------------


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model folder and no index."""
    put_out_of_reach(monkeypatch, tmp_path)
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.model
@pytest.mark.parametrize(("found", "text"), [(True, "with a person"), (False, "no inference")])
def test_inference_is_timed_on_the_sample_clip_wherever_it_is_installed(tmp_path, monkeypatch, found, text):
    """A wheel has the samples in another folder than a checkout."""
    if found:
        shutil.copy(samples.sample_path(), tmp_path)
    monkeypatch.setattr(samples, "_FOLDERS", (tmp_path,))
    monkeypatch.chdir(tmp_path)
    assert text in doctor_checks.inference().text


@pytest.mark.process
def test_models_that_cannot_be_fetched(cold):
    models, inference = doctor_checks.models(), doctor_checks.inference()
    assert (models.level, models.text) == ("fail", "a model cannot be fetched")
    assert "livedance models fetch" in models.advice
    assert inference.level == "fail"


def test_a_broken_model_is_made_again(cold, monkeypatch):
    kept = Path(os.path.join(str(cold), "parts"))
    monkeypatch.delenv(model_store.FOLDER_VARIABLE)
    model_store.ensure("pose")
    model_store.ensure("hands")
    source = model_store.folder() / "parts"
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(cold))
    kept.mkdir(parents=True)
    for file in source.iterdir():
        (kept / file.name).write_bytes(file.read_bytes())
    (cold / "hand_landmarker.task").write_bytes(b"broken")

    check = doctor_checks.models()

    assert check.level == "ok"
    assert "hands was broken, now fetched" in check.text
    assert "pose_full was absent, now fetched" in check.text


# --- ports and servers --------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that is taken, by nothing that speaks HTTP."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_taken_port(listener, monkeypatch):
    monkeypatch.setattr(doctor_checks, "health", lambda base, trust=True: ("silent", ""))
    check = doctor_checks.port(listener)
    assert check.level == "warn"
    assert check.text == f"port {listener} is taken"
    assert "will use" in check.advice


def answering(content: bytes, status: int = 200) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Silent."""

    return Handler


@pytest.fixture
def serve() -> Iterator[object]:
    """Starts web servers that give one answer; returns their ports."""
    running = []

    def start(content: bytes, status: int = 200) -> int:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answering(content, status))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return server.server_address[1]

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{}", "127.0.0.1:{}", "ws://127.0.0.1:{}/?token=x", "http://127.0.0.1:{}/"]
)
def test_a_server_that_answers(serve, form):
    check = answers(form.format(serve(b'{"status": "ok"}')))
    assert check.level == "ok"
    assert '{"status": "ok"}' in check.text


def test_something_else_answers(serve):
    for port in (serve(b"<html>hello"), serve(b"", status=404)):
        check = answers(f"http://127.0.0.1:{port}")
        assert check.level == "fail"
        assert "Another program uses this port" in check.advice


def test_the_port_of_a_running_server_is_recognised(serve):
    port = serve(b'{"status": "ok"}')
    assert doctor_checks.port(port).text == f"port {port} is taken by a livedance server"


@pytest.mark.parametrize(
    ("url", "text", "advice"),
    [
        ("http://127.0.0.1:9", "connection refused", "livedance serve"),
        ("http://nowhere.invalid", "no such host", "spelling"),
        ("http://[nonsense", "no HTTP answer", "Another program"),
    ],
)
def test_a_server_that_does_not_answer(url, text, advice):
    check = answers(url)
    assert check.level == "fail"
    assert text in check.text
    assert advice in check.advice


# --- the command --------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    return result.exit_code, result.output


@pytest.mark.process
@pytest.mark.model
@pytest.mark.alone  # the doctor judges how long an inference takes
def test_the_command_ends_well_on_a_fit_machine():
    code, output = run()
    assert code == 0
    assert "ok   inference" in output
    assert "Ready." in output


@pytest.mark.model
def test_the_command_fails_and_says_what_to_do():
    code, output = run("--server", "http://127.0.0.1:9")
    assert code == 1
    assert "fail server" in output
    assert "livedance serve" in output
    assert "1 of these checks failed" in output
