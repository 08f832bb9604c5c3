"""The latest-wins slot: room for one frame, and the newest always gets it.

`FifoQueue` and `KeepOldest` are what other tools do; they are here to be measured against.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["QUEUES", "FifoQueue", "KeepOldest", "LatestSlot"]

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """A buffer of one: putting never waits, and never keeps the older of two frames.

    A bounded queue of one that refuses when full would keep the *old* frame; here it is the old one that has
    to go, and whoever puts learns which, so that it can be counted.
    """

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._waiting: T | None = None
        self._newest: T | None = None

    def put(self, item: T) -> T | None:
        """Place `item`; return the one it superseded, or None if that had been taken."""
        with self._ready:
            superseded, self._waiting, self._newest = self._waiting, item, item
            self._ready.notify()
            return superseded

    def take(self, timeout_s: float = 0.0) -> T | None:
        """Take the waiting item, waiting up to `timeout_s` for one; None if there is none."""
        with self._ready:
            if self._waiting is None and timeout_s > 0:
                self._ready.wait_for(lambda: self._waiting is not None, timeout_s)
            item, self._waiting = self._waiting, None
            return item

    @property
    def waiting(self) -> T | None:
        """The item nobody has taken yet."""
        return self._waiting

    @property
    def newest(self) -> T | None:
        """The last item put, taken or not: what a second reader (the hands) looks at."""
        return self._newest

    def clear(self) -> None:
        """Forget everything."""
        with self._ready:
            self._waiting = self._newest = None


class FifoQueue(LatestSlot[T]):
    """A queue that takes frames in order and refuses new ones when full: results grow old in it.

    Parameters
    ----------
    length : int, default 5
    """

    def __init__(self, length: int = 5) -> None:
        super().__init__()
        self._length = length
        self._queue: deque[T] = deque()

    def put(self, item: T) -> T | None:
        """Queue `item`; return it if there is no room."""
        with self._ready:
            if len(self._queue) >= self._length:
                return item
            self._queue.append(item)
            self._newest = item
            self._ready.notify()
            return None

    def take(self, timeout_s: float = 0.0) -> T | None:
        """The oldest item, waiting up to `timeout_s` for one."""
        with self._ready:
            if not self._queue and timeout_s > 0:
                self._ready.wait_for(lambda: bool(self._queue), timeout_s)
            return self._queue.popleft() if self._queue else None

    @property
    def waiting(self) -> T | None:
        """The item that is next."""
        return self._queue[0] if self._queue else None

    def clear(self) -> None:
        """Forget everything."""
        with self._ready:
            self._queue.clear()
            self._newest = None


class KeepOldest(FifoQueue[T]):
    """A queue of one that refuses when full: the waiting frame stays, the newest is dropped."""

    def __init__(self) -> None:
        super().__init__(1)


QUEUES: dict[str, Callable[[], LatestSlot[Any]]] = {
    "latest": LatestSlot,
    "fifo": FifoQueue,
    "keep-oldest": KeepOldest,
}
"""Ways to hold frames that wait for inference, by name."""
