"""The log of a program of ours: levels, session ids, text or one JSON object a line; never a secret.

Modules write to ``logging.getLogger(__name__)`` and name the session and further values in `extra`, see `about`.
Nothing here runs at import: a program asks for it, and a notebook keeps its own logging.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

__all__ = ["LogFormat", "about", "set_up"]

LogFormat = Literal["text", "json"]

_HIDDEN = "[secret]"


def about(session: str, **values: Any) -> dict[str, Any]:
    """What to give a log call as `extra`: the session, and values a program may want to read.

    Parameters
    ----------
    session : str
        Its id; empty: none in particular.
    **values
        Plain values; never pictures, landmarks or secrets.
    """
    return {"session": session, "values": values}


def set_up(level: str = "warning", kind: LogFormat = "text", secrets: Sequence[str] = ()) -> None:
    """Send the log of this process to standard error; in place of what was set up before.

    Parameters
    ----------
    level : {"debug", "info", "warning", "error"}
    kind : {"text", "json"}
    secrets : sequence of str
        Words that must not be seen: whatever brought them into a line, a header that could not be parsed, a
        traceback, they are struck out.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Discreet(_Json() if kind == "json" else _Text(), secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class _Discreet(logging.Formatter):
    """Another formatter's lines without the secrets."""

    def __init__(self, inner: logging.Formatter, secrets: Sequence[str]) -> None:
        super().__init__()
        self._inner, self._secrets = inner, [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN)
        return line


class _Text(logging.Formatter):
    """For people: time, level, who, session, words, values."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        session, values = getattr(record, "session", ""), getattr(record, "values", {})
        line = super().formatMessage(record)
        if session:
            line += f" [{session}]"
        return line + "".join(f" {name}={value}" for name, value in values.items())


class _Json(logging.Formatter):
    """For programs: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        session = getattr(record, "session", "")
        if session:
            line["session"] = session
        line |= getattr(record, "values", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
