"""The exceptions of livedance_lab, as one tree.

::

    LiveDanceError
    ├── SettingsError      a setting is unknown, of the wrong type or out of range   (also ValueError)
    ├── ShapeError         an array has the wrong shape                              (also ValueError)
    ├── WireError          a message breaks the protocol; `code` says how
    ├── ImageError         an image cannot be used: empty, truncated, too large; `code` says how
    ├── ModelError         a model cannot be fetched, verified or read
    ├── EstimatorError     inference failed
    ├── ServerError        the server cannot start or carry out a request
    │   └── PortTakenError no free port was found
    ├── ConnectionRefused  the server refused a connection or a request, or does not answer; `code` says why
    │   └── BusyError      the server has as many sessions as it can take
    ├── ConnectionLost     the connection to the server broke and could not be restored
    ├── RecordingError     a recording cannot be written or opened
    └── ExportError        a session cannot be exported as requested

One ``except LiveDanceError`` catches all of them. Exceptions of other packages (MediaPipe, OpenCV, tornado) are
translated in the module that owns the package, with ``from exc``.
"""

from __future__ import annotations

__all__ = ["BusyError", "ConnectionLost", "ConnectionRefused", "EstimatorError", "ExportError", "ImageError",
           "LiveDanceError", "ModelError", "PortTakenError", "RecordingError", "ServerError", "SettingsError",
           "ShapeError", "WireError"]  # fmt: skip


class LiveDanceError(Exception):
    """Base class of all exceptions of livedance_lab."""


class CodedError(LiveDanceError):
    """An error with a code, which is also sent over the network.

    Parameters
    ----------
    code : str
        Short and stable, for programs.
    message : str
        What was expected and what was received, for people.
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
    """An image cannot be used: empty, truncated, too large or of an unknown kind."""


class ModelError(LiveDanceError):
    """A model cannot be fetched, verified or read."""


class EstimatorError(LiveDanceError):
    """Inference failed."""


class ServerError(LiveDanceError):
    """The server cannot start or carry out a request."""


class PortTakenError(ServerError):
    """No free port was found."""


class ConnectionRefused(CodedError):
    """The server refused a connection or a request, or does not answer."""


class BusyError(ConnectionRefused):
    """The server has as many sessions as it can take."""


class ConnectionLost(LiveDanceError):
    """The connection to the server broke and could not be restored."""


class RecordingError(LiveDanceError):
    """A recording cannot be written or opened."""


class ExportError(LiveDanceError):
    """A session cannot be exported as requested."""
