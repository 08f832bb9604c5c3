"""The log as text and as JSON, without secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from livedance_lab.system.program_logs import configure_logging, session_context

_log = logging.getLogger("livedance_lab.tests.logs")
SECRET = "s3cr3t-t0k3n"


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Restores what `configure_logging` replaces."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers, root.level = handlers, level


def test_for_programs_each_line_is_an_object(capsys):
    configure_logging("info", "json")
    _log.info("session %s", "ended", extra=session_context("trial1", captured=12, conserved=True))
    _log.debug("not this")
    first, second = {"a": 1}, ValueError("two\nlines")
    try:
        raise second
    except ValueError:
        _log.exception("an odd thing: %r", first)

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert len(lines) == 2
    assert datetime.fromisoformat(lines[0].pop("time")).utcoffset() is not None
    assert lines[0] == {"level": "info", "logger": _log.name, "message": "session ended", "session": "trial1",
                        "captured": 12, "conserved": True}  # fmt: skip
    assert lines[1]["message"] == "an odd thing: {'a': 1}"
    assert "session" not in lines[1]
    assert lines[1]["exception"].startswith("Traceback")
    assert lines[1]["exception"].endswith("ValueError: two\nlines")


def test_for_people_session_and_values_follow_the_words(capsys):
    configure_logging("warning", "text")
    _log.warning("error estimator", extra=session_context("trial1", reason="it hangs"))
    _log.info("not this")

    (line,) = capsys.readouterr().err.splitlines()

    assert line.endswith(f"WARNING {_log.name}: error estimator [trial1] reason=it hangs")


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_secret_is_struck_out_wherever_it_comes_from(kind, capsys):
    configure_logging("debug", kind, secrets=[SECRET, ""])
    _log.debug("header %s", f"Authorization: Bearer {SECRET}\r\n")
    _log.info("values", extra=session_context("s", given=SECRET))
    try:
        raise RuntimeError(f"cannot parse {SECRET}")
    except RuntimeError:
        _log.exception("failed")

    said = capsys.readouterr().err

    assert SECRET not in said
    assert said.count("[secret]") == 3
