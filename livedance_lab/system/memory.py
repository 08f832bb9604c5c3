"""Returns memory that MediaPipe, or an ended session, has freed to the operating system (Linux with glibc)."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["limit_malloc_retention", "release_mapped_file", "trim_heap"]

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
_MMAP_THRESHOLD_BYTES = 65536
_MAX_ARENAS = 2
_MADV_DONTNEED = 4  # mman.h


def limit_malloc_retention() -> bool:
    """Configure glibc's `malloc` to return more of the freed memory; call it before the first landmarker is made.

    Blocks above 64 KiB are returned as soon as they are freed. Making a landmarker frees large blocks that glibc
    would keep: with two pose lanes and hands that is a quarter of the server's memory.

    At most two heaps ("arenas") are used. glibc would give up to eight heaps a core to the threads of the lanes, which
    come and go with the sessions, and each heap keeps what the largest of its threads once used: 120 MB in total
    after half an hour.

    Returns
    -------
    bool
        Whether this system has these options (Linux with glibc).
    """
    mallopt = _libc_function("mallopt")
    return bool(
        mallopt is not None and mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES) and mallopt(_M_ARENA_MAX, _MAX_ARENAS)
    )


def trim_heap() -> bool:
    """Call `malloc_trim`: freed blocks inside the heaps, as an ended session leaves them, are otherwise kept.

    Returns
    -------
    bool
        Whether memory was returned. Always False on systems other than Linux with glibc.
    """
    malloc_trim = _libc_function("malloc_trim")
    return bool(malloc_trim is not None and malloc_trim(0))


def _libc_function(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of the C library; None on systems other than Linux, or if the library lacks it."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None


def release_mapped_file(path: str | Path) -> int:
    """Release the resident pages of a file that is mapped into this process; they are read again if needed.

    MediaPipe maps a model file, copies its weights into a layout of its own, and keeps the mapping.

    Parameters
    ----------
    path : path

    Returns
    -------
    int
        Total size of the file's read-only mappings, bytes; 0 on systems other than Linux.
    """
    wanted = os.path.realpath(path)
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    madvise = ctypes.CDLL(None).madvise
    released_bytes = 0
    for line in lines:
        addresses, permissions, *_, name = line.split(maxsplit=5)
        if name == wanted and "w" not in permissions:  # changes to writable pages would be lost
            begin, end = (int(address, 16) for address in addresses.split("-"))
            madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED)
            released_bytes += end - begin
    return released_bytes
