"""Imports packages of the optional extras when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from livedance_lab.errors import ExportError

__all__ = ["require"]


def require(module: str, extra: str) -> Any:
    """Import a module of an optional package and return it.

    Parameters
    ----------
    module : str
        Its full name.
    extra : str
        The extra of livedance_lab that installs it.

    Raises
    ------
    ExportError
        If it cannot be imported; the message names the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as exc:
        raise ExportError(
            f"this format needs {module.partition('.')[0]}, which cannot be imported ({exc}): "
            f"pip install 'livedance-lab[{extra}]'"
        ) from exc
