"""The latest-wins slot: a buffer for one frame, in which the newest replaces the one that waits."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["LatestSlot"]

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """A buffer of one: `put` never waits, and of two frames it never keeps the older.

    A bounded queue of one refuses a new frame when it is full, and so keeps the *old* one. Here the old frame has to
    go; `put` returns it, so that the caller can count it.
    """

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._waiting: T | None = None
        self._newest: T | None = None

    def put(self, item: T) -> T | None:
        """Place `item`; return the item that it superseded, or None if that had been taken."""
        with self._ready:
            superseded, self._waiting, self._newest = self._waiting, item, item
            self._ready.notify()
            return superseded

    def take(self, timeout_s: float = 0.0) -> T | None:
        """Remove and return the waiting item; wait up to `timeout_s` for one, and return None if none comes."""
        with self._ready:
            if self._waiting is None and timeout_s > 0:
                self._ready.wait_for(lambda: self._waiting is not None, timeout_s)
            item, self._waiting = self._waiting, None
            return item

    @property
    def waiting(self) -> T | None:
        """The item that has not been taken yet."""
        return self._waiting

    @property
    def newest(self) -> T | None:
        """The last item put, taken or not; the hands lane reads it, since it shares frames with the pose lanes."""
        return self._newest

    def clear(self) -> None:
        """Remove the waiting item, and free the newest."""
        with self._ready:
            self._waiting = self._newest = None
