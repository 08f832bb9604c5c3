"""The parts of the setup that need no network; continuous integration runs all of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from livedance_lab import bootstrap


def test_an_old_python_is_told_what_to_install(capsys):
    assert bootstrap.main(["demo"], version=(3, 10, 4)) == 2
    said = capsys.readouterr().err
    assert "needs Python 3.11 or newer" in said
    assert "3.10.4" in said


def test_the_oldest_supported_python_is_accepted():
    bootstrap.check_python((3, 11, 0))
    bootstrap.check_python((4, 0, 0))


def test_an_unknown_command_is_answered_with_the_commands(capsys):
    assert bootstrap.main(["dmeo"]) == 2
    said = capsys.readouterr().err
    assert "'dmeo'" in said
    assert "demo|test" in said


@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_help_needs_no_environment(argv, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "none")
    assert bootstrap.main(argv) == 0
    assert "usage:" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_without_a_checkout_it_says_how_to_go_on(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    assert bootstrap.main(["demo"]) == 2
    assert "livedance demo" in capsys.readouterr().err


def test_an_environment_it_makes_has_a_pip(tmp_path):
    bootstrap.make_environment(tmp_path / "env")
    python = next((tmp_path / "env").glob("[bS]*/python*"))
    done = subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout


class TestASecondRun:
    """It installs again only if something has changed."""

    @pytest.fixture
    def installs(self, monkeypatch, tmp_path) -> list[str]:
        """A clone with an environment; returns the list of installations requested since."""
        (tmp_path / "pyproject.toml").write_text("[project]")
        (tmp_path / "constraints.txt").write_text("numpy==2.0")
        monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
        monkeypatch.setattr(bootstrap, "CONSTRAINTS", tmp_path / "constraints.txt")
        monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
        bin_folder = tmp_path / ".venv" / "bin"
        bin_folder.mkdir(parents=True)
        python = bin_folder / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        asked: list[str] = []
        monkeypatch.setattr(bootstrap, "_pip", lambda python, *arguments: asked.append(arguments[-1]) or 0)
        return asked

    def test_installs_nothing(self, installs, tmp_path):
        bootstrap.set_up("")
        bootstrap.set_up("")
        assert installs == [str(tmp_path)]

    def test_the_tests_environment_serves_the_demo(self, installs, tmp_path):
        bootstrap.set_up("dev")
        bootstrap.set_up("")
        assert installs == [f"{tmp_path}[dev]"]

    def test_the_demo_s_environment_does_not_serve_the_tests(self, installs):
        bootstrap.set_up("")
        bootstrap.set_up("dev")
        assert len(installs) == 2

    @pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
    def test_installs_again_when_the_needs_change(self, installs, tmp_path, file):
        bootstrap.set_up("")
        (tmp_path / file).write_text("changed")
        bootstrap.set_up("")
        assert len(installs) == 2

    def test_a_failed_installation_is_no_installation(self, installs, monkeypatch):
        monkeypatch.setattr(bootstrap, "_pip", lambda *_: 1)
        with pytest.raises(bootstrap.SetupError, match="installing failed"):
            bootstrap.set_up("")
        assert not list(bootstrap.VENV.glob("*.stamp"))
