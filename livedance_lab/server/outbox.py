"""What waits to be sent to one connection: every control message, and of results and readings only the newest.

A slow reader never makes a queue of results grow: a result that could not leave before the next one came is
replaced by it, and so are a producer's readings. Control messages are few and must all arrive; a reader so slow
that they pile up is cut off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

__all__ = ["Outbox"]

_MOST_WAITING, _MOST_BYTES = 1000, 32 * 2**20


class Outbox:
    """Sends in order, one message at a time, waiting for the socket.

    Parameters
    ----------
    send : async callable
        Sends one message and returns when the socket has taken it; raises when it is closed.
    overflow : callable
        Called once when control messages pile up.
    """

    def __init__(self, send: Callable[[str | bytes], Awaitable[None]], overflow: Callable[[], None]) -> None:
        self._send, self._overflow = send, overflow
        self._control: deque[str] = deque()
        self._control_bytes = 0
        self._newest: dict[str, str | bytes] = {}
        self._something = asyncio.Event()
        self._closed = False
        self._last: Callable[[], None] | None = None
        self.replaced = 0

    def put(self, message: str) -> None:
        """Send this for certain."""
        if self._closed or self._last is not None:
            return
        self._control.append(message)
        self._control_bytes += len(message)
        self._something.set()
        if len(self._control) > _MOST_WAITING or self._control_bytes > _MOST_BYTES:
            self._control.clear()
            self.close()
            self._overflow()

    def put_newest(self, kind: str, message: str | bytes) -> None:
        """Send this unless a newer one of its kind comes first; behind what is sent for certain."""
        if self._closed or self._last is not None:
            return
        self.replaced += kind in self._newest
        self._newest[kind] = message
        self._something.set()

    def finish(self, message: str, then: Callable[[], None]) -> None:
        """Send what waits and this, nothing after it, and call `then`."""
        self.put(message)
        self._last = self._last or then
        self._something.set()

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        self._something.set()

    async def run(self, closed_errors: tuple[type[Exception], ...]) -> None:
        """Send until closed; returns when the socket is gone."""
        while not self._closed:
            await self._something.wait()
            self._something.clear()
            try:
                await self._send_waiting()
                if self._last is not None:
                    self.close()
                    self._last()
            except closed_errors:
                self.close()

    async def _send_waiting(self) -> None:
        while not self._closed and (self._control or self._newest):
            if self._control:
                message = self._control.popleft()
                self._control_bytes -= len(message)
                await self._send(message)
            else:
                await self._send(self._newest.pop(next(iter(self._newest))))
