"""The tiers of ``tests.check``: every test belongs to one part of the standard run, and marks tell the truth."""

from __future__ import annotations

import itertools
import sys
from types import SimpleNamespace

import pytest

from tests import check
from tests.support import costs

MARKS = ("process", "model", "slow", "browser", "notebook", "soak", "alone")


def selects(command: tuple[str, ...], marks: dict[str, bool]) -> bool:
    """Whether a call of pytest runs a test with these marks."""
    return bool(eval(command[command.index("-m") + 1], {}, dict(marks)))


def test_every_test_belongs_to_exactly_one_part_of_the_full_run():
    parts = [command for command in check.commands(False, True, None, []).values() if command[0] == "pytest"]
    for values in itertools.product([False, True], repeat=len(MARKS)):
        marks = dict(zip(MARKS, values, strict=True))
        assert sum(selects(part, marks) for part in parts) == 1, marks
        assert any(selects(part, marks) for part in check.STANDARD.values()) != marks["soak"], marks


def test_the_fast_tests_are_those_without_a_mark():
    (fast,) = check.FAST.values()
    assert selects(fast, dict.fromkeys(MARKS, False))
    assert not any(selects(fast, {**dict.fromkeys(MARKS, False), mark: True}) for mark in MARKS)


def test_options_go_to_pytest_and_to_nothing_else():
    for command in check.commands(False, True, None, ["-k", "wire"]).values():
        assert (command[-2:] == ("-k", "wire")) == (command[0] == "pytest")


def test_single_checks_can_be_chosen():
    assert list(check.commands(False, False, ["soak", "mypy"], [])) == ["mypy", "soak"]


def test_a_run_without_tests_fails_unless_options_asked_for_it(monkeypatch):
    ended = SimpleNamespace(returncode=check.NO_TESTS)
    monkeypatch.setattr(check.subprocess, "run", lambda *command, **options: ended)
    assert check.run("tests", ("pytest", "-m", "x"), may_be_empty=False).status
    assert not check.run("tests", ("pytest", "-m", "x"), may_be_empty=True).status


def test_every_marked_path_exists(repository):
    assert not [place for place in costs.BY_PATH if not (repository / place).exists()]


@pytest.mark.process
@pytest.mark.model
@pytest.mark.parametrize(
    ("event", "arguments", "words"),
    [
        ("subprocess.Popen", ("/usr/bin/python3", [], None, None), "mark the test `process`"),
        ("ctypes.dlopen", ("/x/libmediapipe.so",), "mark the test `model`"),
    ],
)
def test_a_missing_mark_is_found(event, arguments, words):
    watched = costs.Witness()._watched(SimpleNamespace(get_closest_marker=lambda mark: None))
    next(watched)
    sys.audit(event, *arguments)
    with pytest.raises(pytest.fail.Exception, match=words):
        next(watched)
