"""Log lines of C libraries kept off the terminal, Python's own kept on it.

MediaPipe, TensorFlow Lite, libjpeg and FFmpeg write to file descriptor 2 whatever Python is told; in normal
use their lines say nothing a user could act on.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from typing import TextIO

__all__ = ["quiet_c_logs"]

_LOCK = threading.Lock()
_REPLACED: list[TextIO] = []  # kept: were one collected, it might close descriptor 2


def quiet_c_logs(verbose: bool = False) -> None:
    """Send what C code writes to standard error nowhere; once per process, for a program of its own.

    `sys.stderr`, the log handlers that write to it and the fault handler go on writing to the terminal,
    through a descriptor of their own. Child processes inherit the silent descriptor: start them with
    ``stderr=sys.stderr`` if they should be heard.

    Parameters
    ----------
    verbose : bool, default False
        True changes nothing, so that everything is seen.
    """
    with _LOCK:
        if verbose or not _writes_to_fd_2(sys.stderr):
            return  # done already, or captured (a notebook, a test): its capturer's business
        old = sys.stderr
        old.flush()
        new = os.fdopen(os.dup(2), "w", encoding=old.encoding, errors=old.errors, buffering=1)
        _REPLACED.append(old)
        sys.stderr = new
        if sys.__stderr__ is old:
            sys.__stderr__ = new  # type: ignore[misc]  # Final for readers; a swap must include it
        _move_log_handlers(old, new)
        if faulthandler.is_enabled():
            faulthandler.enable(new)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)


def _writes_to_fd_2(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):  # io.UnsupportedOperation is both; ValueError: closed
        return False


def _move_log_handlers(old: TextIO, new: TextIO) -> None:
    loggers = [logging.getLogger(), *(x for x in logging.Logger.manager.loggerDict.values())]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):  # placeholders have none
            if isinstance(handler, logging.StreamHandler) and handler.stream is old:
                handler.setStream(new)
