"""Two common ways to hold frames until inference, for comparison with the latest-wins slot.

``livedance serve --queue`` selects one of them; the option exists for the benchmark designs `fifo` and `keep-oldest`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from livedance_lab.pipeline.latest_slot import LatestSlot

__all__ = ["QUEUES", "FifoQueue", "KeepOldest"]

T = TypeVar("T")


class FifoQueue(LatestSlot[T]):
    """A queue that hands out frames in order and refuses new ones when it is full: the results grow old in it.

    Parameters
    ----------
    length : int, default 5
        Frames it holds.
    """

    def __init__(self, length: int = 5) -> None:
        super().__init__()
        self._length = length
        self._queue: deque[T] = deque()

    def put(self, item: T) -> T | None:
        """Add `item` to the queue; return it if the queue is full."""
        with self._ready:
            if len(self._queue) >= self._length:
                return item
            self._queue.append(item)
            self._newest = item
            self._ready.notify()
            return None

    def take(self, timeout_s: float = 0.0) -> T | None:
        """Remove and return the oldest item; wait up to `timeout_s` for one, and return None if none comes."""
        with self._ready:
            if not self._queue and timeout_s > 0:
                self._ready.wait_for(lambda: bool(self._queue), timeout_s)
            return self._queue.popleft() if self._queue else None

    @property
    def waiting(self) -> T | None:
        """The item that `take` would return now."""
        return self._queue[0] if self._queue else None

    def clear(self) -> None:
        """Remove every item."""
        with self._ready:
            self._queue.clear()
            self._newest = None


class KeepOldest(FifoQueue[T]):
    """A queue of one that refuses when it is full: it keeps the waiting frame and drops the newest."""

    def __init__(self) -> None:
        super().__init__(1)


QUEUES: dict[str, Callable[[], LatestSlot[Any]]] = {
    "latest": LatestSlot,
    "fifo": FifoQueue,
    "keep-oldest": KeepOldest,
}
"""The values of ``livedance serve --queue``, and what each makes for a session."""
