"""What a process uses of the machine."""

from __future__ import annotations

import psutil

__all__ = ["cpu_s", "resident_bytes", "threads"]


def resident_bytes(pid: int | None = None) -> int:
    """Resident memory, bytes."""
    return int(psutil.Process(pid).memory_info().rss)


def cpu_s(pid: int | None = None) -> float:
    """Processor seconds used so far, user and system."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def threads(pid: int | None = None) -> int:
    """Threads alive."""
    return int(psutil.Process(pid).num_threads())
