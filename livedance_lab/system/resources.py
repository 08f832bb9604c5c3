"""CPU time, memory and threads that a process uses. `pid` is that of the process, None: this one."""

from __future__ import annotations

import psutil

__all__ = ["cpu_s", "resident_bytes", "threads"]


def resident_bytes(pid: int | None = None) -> int:
    """Return the resident memory, bytes."""
    return int(psutil.Process(pid).memory_info().rss)


def cpu_s(pid: int | None = None) -> float:
    """Return the processor time used so far, user and system, seconds."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def threads(pid: int | None = None) -> int:
    """Return the number of threads."""
    return int(psutil.Process(pid).num_threads())
