"""Keep the memory that MediaPipe frees from staying with the process."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["return_freed_memory"]

_M_MMAP_THRESHOLD = -3  # malloc.h
_BYTES = 65536


def return_freed_memory() -> bool:
    """Ask glibc to give blocks above 64 KiB back as soon as they are freed.

    Making a landmarker frees large blocks that glibc would keep: with two pose lanes and hands that is a
    quarter of the server's memory. Call it before the first landmarker is made.

    Returns
    -------
    bool
        Whether this system has such a setting (Linux with glibc).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt is not None and mallopt(_M_MMAP_THRESHOLD, _BYTES))
