"""CPU time, memory and threads of a process, and the cores it may use."""

from __future__ import annotations

import os

import psutil

__all__ = ["core_count", "cpu_s", "resident_bytes"]


def core_count() -> int:
    """Cores that this process may use; containers and taskset may allow fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def resident_bytes(pid: int | None = None) -> int:
    """Return the resident memory, bytes."""
    return int(psutil.Process(pid).memory_info().rss)


def cpu_s(pid: int | None = None) -> float:
    """Return the processor time used so far, user and system, seconds."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
