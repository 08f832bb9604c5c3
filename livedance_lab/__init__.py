"""livedance_lab: a person's pose, live, in JupyterLab, with true times and measured quality.

`LiveServer` and `LiveSession` are where to begin. The sub-packages `analysis`, `export`, `plots`, `session_data` and
`widgets` and the module `samples` hold the rest of the public names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names
from livedance_lab._version import __version__ as __version__

if TYPE_CHECKING:
    from livedance_lab.client import LiveClient as LiveClient
    from livedance_lab.client import LiveSession as LiveSession
    from livedance_lab.errors import LiveDanceError as LiveDanceError
    from livedance_lab.launcher import LiveServer as LiveServer
    from livedance_lab.session_data import Recording as Recording
    from livedance_lab.session_data import SessionData as SessionData
    from livedance_lab.settings import Settings as Settings
else:
    __all__, __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "LiveClient": "client",
            "LiveDanceError": "errors",
            "LiveServer": "launcher",
            "LiveSession": "client",
            "Recording": "session_data",
            "SessionData": "session_data",
            "Settings": "settings",
        },
    )
