"""Logging of our own programs: level, session id, text or JSON lines; secrets are replaced.

Modules log to ``logging.getLogger(__name__)`` and pass the session and further values as `extra`, see
`session_context`. Importing this module configures nothing: a program calls `configure_logging`, and a notebook keeps
its own logging.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

__all__ = ["LogFormat", "configure_logging", "session_context"]

LogFormat = Literal["text", "json"]

_REPLACEMENT = "[secret]"


def session_context(session_id: str, **values: Any) -> dict[str, Any]:
    """Return the `extra` of a log call: the session, and values that a program may want to read.

    Parameters
    ----------
    session_id : str
        Empty if the log line belongs to no session.
    **values
        Plain values; never images, landmarks or secrets.
    """
    return {"session": session_id, "values": values}


def configure_logging(level: str = "warning", log_format: LogFormat = "text", secrets: Sequence[str] = ()) -> None:
    """Log to standard error; replaces an earlier configuration of this process.

    Parameters
    ----------
    level : {"debug", "info", "warning", "error"}
    log_format : {"text", "json"}
    secrets : sequence of str
        Strings that are replaced wherever they occur in a line, in a traceback for example.
    """
    handler = logging.StreamHandler()
    formatter = _JsonFormatter() if log_format == "json" else _TextFormatter()
    handler.setFormatter(_RedactingFormatter(formatter, secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class _RedactingFormatter(logging.Formatter):
    """Replaces secrets in the lines of another formatter."""

    def __init__(self, inner: logging.Formatter, secrets: Sequence[str]) -> None:
        super().__init__()
        self._inner, self._secrets = inner, [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, _REPLACEMENT)
        return line


class _TextFormatter(logging.Formatter):
    """Formats a record as text: time, level, logger, message, session, values."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        session_id, values = getattr(record, "session", ""), getattr(record, "values", {})
        line = super().formatMessage(record)
        if session_id:
            line += f" [{session_id}]"
        return line + "".join(f" {name}={value}" for name, value in values.items())


class _JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        session_id = getattr(record, "session", "")
        if session_id:
            line["session"] = session_id
        line |= getattr(record, "values", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
