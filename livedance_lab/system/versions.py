"""What software made something: written beside every recording and analysis."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from livedance_lab._version import __version__

__all__ = ["software"]


def software(*packages: str) -> dict[str, Any]:
    """Versions of this toolkit, Python, the machine and some packages: plain values for JSON.

    Parameters
    ----------
    *packages : str
        Names as pip knows them. One without an installation record is None: unknown, not an error.
    """
    return {
        "livedance_lab": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
