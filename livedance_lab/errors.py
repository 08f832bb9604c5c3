"""Every error livedance_lab raises on purpose, as one tree.

::

    LiveDanceError
    ├── SettingsError      a setting is unknown, of the wrong type or out of range   (also ValueError)
    ├── ShapeError         an array has the wrong shape                              (also ValueError)
    ├── WireError          a message breaks the protocol; `code` says how
    ├── ImageError         a picture cannot be used: empty, truncated, too large; `code` says how
    ├── ModelError         a model cannot be fetched, verified or read
    ├── EstimatorError     inference failed
    ├── ServerError        the server cannot start or do what was asked
    │   └── PortTakenError
    ├── ConnectionRefused  the server said no, or is not there; `code` says why
    │   └── BusyError      it has all the sessions it can take
    ├── ConnectionLost     the server went away and could not be reached again
    ├── RecordingError     a recording cannot be written or opened
    └── ExportError        a session cannot be exported as asked

One ``except LiveDanceError`` catches all of them. Foreign exceptions (MediaPipe's, OpenCV's, tornado's)
are translated at the module that owns the foreign package, with ``from exc``.
"""

from __future__ import annotations

__all__ = [
    "BusyError",
    "ConnectionLost",
    "ConnectionRefused",
    "EstimatorError",
    "ExportError",
    "ImageError",
    "LiveDanceError",
    "ModelError",
    "PortTakenError",
    "RecordingError",
    "ServerError",
    "SettingsError",
    "ShapeError",
    "WireError",
]


class LiveDanceError(Exception):
    """Base of every error livedance_lab raises on purpose."""


class CodedError(LiveDanceError):
    """An error that also travels over the wire, as a short code beside its words.

    Parameters
    ----------
    code : str
        Short, stable, for programs.
    message : str
        What was expected and what came, for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SettingsError(LiveDanceError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class ShapeError(LiveDanceError, ValueError):
    """An array has the wrong shape."""


class WireError(CodedError):
    """A message breaks the protocol."""


class ImageError(CodedError):
    """A picture cannot be used: empty, truncated, too large or of an unknown kind."""


class ModelError(LiveDanceError):
    """A model cannot be fetched, verified or read."""


class EstimatorError(LiveDanceError):
    """Inference failed."""


class ServerError(LiveDanceError):
    """The server cannot start or do what was asked."""


class PortTakenError(ServerError):
    """No free port was found."""


class ConnectionRefused(CodedError):
    """The server said no, or is not there."""


class BusyError(ConnectionRefused):
    """The server has all the sessions it can take."""


class ConnectionLost(LiveDanceError):
    """The server went away and could not be reached again."""


class RecordingError(LiveDanceError):
    """A recording cannot be written or opened."""


class ExportError(LiveDanceError):
    """A session cannot be exported as asked."""
