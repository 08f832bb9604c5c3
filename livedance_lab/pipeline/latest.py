"""The latest-wins slot: room for one frame, and the newest always gets it."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["LatestSlot"]

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
