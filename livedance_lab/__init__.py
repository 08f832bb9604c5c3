"""livedance_lab: a person's pose, live, in JupyterLab; honest time, measured quality.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from livedance_lab._version import __version__ as __version__

if TYPE_CHECKING:
    from livedance_lab.client import LiveClient, LiveSession
    from livedance_lab.errors import LiveDanceError
    from livedance_lab.launcher import LiveServer
    from livedance_lab.session_data.data import SessionData
    from livedance_lab.session_data.recording.reader import Recording
    from livedance_lab.settings import Settings

_HOMES = {
    "LiveClient": "client",
    "LiveDanceError": "errors",
    "LiveServer": "launcher",
    "LiveSession": "client",
    "Recording": "session_data.recording.reader",
    "SessionData": "session_data.data",
    "Settings": "settings",
}

__all__ = [
    "LiveClient",
    "LiveDanceError",
    "LiveServer",
    "LiveSession",
    "Recording",
    "SessionData",
    "Settings",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
