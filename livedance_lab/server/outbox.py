"""What waits to be sent to one connection: every control message, and at most one result, the newest.

A slow reader never makes a queue of results grow: a result that could not leave before the next one came is
replaced by it. Control messages are few and must all arrive; a reader so slow that they pile up is cut off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

__all__ = ["Outbox"]

_MOST_WAITING = 1000


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
        self._result: str | bytes | None = None
        self._something = asyncio.Event()
        self._closed = False
        self.results_replaced = 0

    def put(self, message: str) -> None:
        """Send this for certain."""
        if self._closed:
            return
        self._control.append(message)
        self._something.set()
        if len(self._control) > _MOST_WAITING:
            self.close()
            self._overflow()

    def put_result(self, message: str | bytes) -> None:
        """Send this unless a newer result comes first."""
        if self._closed:
            return
        self.results_replaced += self._result is not None
        self._result = message
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
            except closed_errors:
                self.close()

    async def _send_waiting(self) -> None:
        while not self._closed and (self._control or self._result is not None):
            if self._control:
                await self._send(self._control.popleft())
            elif self._result is not None:
                message, self._result = self._result, None
                await self._send(message)
