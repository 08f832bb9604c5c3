"""Keep the memory that MediaPipe is done with from staying with the process."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["return_free_pages", "return_freed_memory", "return_mapped_file"]

_M_MMAP_THRESHOLD = -3  # malloc.h
_BYTES = 65536
_M_ARENA_MAX = -8
_ARENAS = 2
_MADV_DONTNEED = 4  # mman.h


def return_freed_memory() -> bool:
    """Ask glibc to give blocks above 64 KiB back as soon as they are freed.

    Making a landmarker frees large blocks that glibc would keep: with two pose lanes and hands that is a
    quarter of the server's memory. And it would give up to eight heaps a core to the lanes' threads, which come and
    go with the sessions: each heap keeps what the largest of its threads once took, 120 MB in all after half an
    hour of them. Call it before the first landmarker is made.

    Returns
    -------
    bool
        Whether this system has such a setting (Linux with glibc).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt is not None and mallopt(_M_MMAP_THRESHOLD, _BYTES) and mallopt(_M_ARENA_MAX, _ARENAS))


def return_free_pages() -> bool:
    """Give back what is free in the midst of the heaps: a session that is over leaves holes between its rows.

    Returns
    -------
    bool
        Whether there was something, and this system can (Linux with glibc).
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim is not None and trim(0))


def return_mapped_file(path: str | Path) -> int:
    """Give back the pages of a file that is mapped into this process; they are read again if needed.

    MediaPipe maps a model, copies its weights into a layout of its own, and leaves the mapping as it is.

    Parameters
    ----------
    path : path

    Returns
    -------
    int
        Bytes of mappings of that file; 0 where the system does not tell (other than Linux).
    """
    wanted = os.path.realpath(path)
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    madvise = ctypes.CDLL(None).madvise
    returned = 0
    for line in lines:
        addresses, rights, *_, name = line.split(maxsplit=5)
        if name == wanted and "w" not in rights:  # what was written to would be lost
            begin, end = (int(address, 16) for address in addresses.split("-"))
            madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED)
            returned += end - begin
    return returned
