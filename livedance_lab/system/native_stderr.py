"""Keeps the standard error of native libraries off the terminal; Python's own output and logging are unaffected.

MediaPipe, TensorFlow Lite, libjpeg and FFmpeg write to file descriptor 2 whatever Python's logging is set to; in normal
use their lines say nothing that a user could act on.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from typing import TextIO

__all__ = ["silence_native_stderr"]

_LOCK = threading.Lock()
_REPLACED: list[TextIO] = []  # referenced for ever: a stream that is garbage-collected might close descriptor 2


def silence_native_stderr(verbose: bool = False) -> None:
    """Redirect file descriptor 2 to the null device. Repeated calls have no effect.

    `sys.stderr`, the log handlers that write to it and the fault handler still write to the terminal, through a new
    descriptor. Child processes inherit the redirected descriptor: start them with ``stderr=sys.stderr`` if their
    output is wanted.

    Parameters
    ----------
    verbose : bool, default False
        True: do nothing, so that all output is shown.
    """
    with _LOCK:
        if verbose or not _writes_to_fd_2(sys.stderr):
            return  # redirected already, or captured by a notebook or a test, which decide about it
        old = sys.stderr
        old.flush()
        new = os.fdopen(os.dup(2), "w", encoding=old.encoding, errors=old.errors, buffering=1)
        _REPLACED.append(old)
        sys.stderr = new
        if sys.__stderr__ is old:
            sys.__stderr__ = new  # type: ignore[misc]  # declared Final, but it must be replaced as well
        _move_log_handlers(old, new)
        if faulthandler.is_enabled():
            faulthandler.enable(new)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)


def _writes_to_fd_2(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):  # io.UnsupportedOperation is both; ValueError: the stream is closed
        return False


def _move_log_handlers(old: TextIO, new: TextIO) -> None:
    loggers = [logging.getLogger(), *(x for x in logging.Logger.manager.loggerDict.values())]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):  # placeholders for missing parents have no handlers
            if isinstance(handler, logging.StreamHandler) and handler.stream is old:
                handler.setStream(new)
