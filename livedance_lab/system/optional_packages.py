"""Libraries of the optional extras, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from livedance_lab.errors import ExportError

__all__ = ["require"]


def require(module: str, extra: str) -> Any:
    """An optional library, imported now.

    Raises
    ------
    ExportError
        If it is not installed; names the line that installs it.
    """
    try:
        return import_module(module)
    except ImportError as exc:
        raise ExportError(
            f"this format needs {module.partition('.')[0]}, which cannot be imported ({exc}): "
            f"pip install 'livedance-lab[{extra}]'"
        ) from exc
