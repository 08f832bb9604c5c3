"""livedance_lab: live pose estimation for JupyterLab, with measured timing and accuracy.

`LiveServer` and `LiveSession` are where to begin. The sub-packages `analysis`, `export`, `plots`, `session_data` and
`widgets` and the module `samples` have the rest of the public names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names
from livedance_lab._version import __version__ as __version__

if TYPE_CHECKING:
    from livedance_lab.client import LiveClient, LiveSession
    from livedance_lab.errors import LiveDanceError
    from livedance_lab.launcher import LiveServer
    from livedance_lab.session_data import Recording, SessionData
    from livedance_lab.settings import Settings
else:
    __getattr__, __dir__ = lazy_names(__name__, {
        "client": ("LiveClient", "LiveSession"), "errors": ("LiveDanceError",), "launcher": ("LiveServer",),
        "session_data": ("Recording", "SessionData"), "settings": ("Settings",)})  # fmt: skip

__all__ = ["LiveClient", "LiveDanceError", "LiveServer", "LiveSession", "Recording", "SessionData", "Settings"]
