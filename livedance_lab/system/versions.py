"""Versions of the software, stored in the metadata of each recording and analysis."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from livedance_lab._version import __version__

__all__ = ["software"]


def software(*packages: str) -> dict[str, Any]:
    """Return the versions of this toolkit, Python, the platform and some packages as plain values for JSON.

    Parameters
    ----------
    *packages : str
        Names as pip knows them. The version of a package without an installation record is None: unknown.
    """
    return {
        "livedance_lab": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version_or_none(name) for name in packages},
    }


def _version_or_none(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
