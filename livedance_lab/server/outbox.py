"""Messages that wait to be sent to one connection: all control messages, and the newest result and statistics.

A client that reads slowly never makes results queue up: a result that could not be sent before the next one is
replaced by it, and so are the statistics of a producer. Control messages are few and all of them must arrive; a
connection for which they pile up is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

__all__ = ["Outbox"]

_MAX_CONTROL_MESSAGES, _MAX_CONTROL_CHARACTERS = 1000, 32 * 2**20


class Outbox:
    """Sends messages in order, one at a time, as fast as the socket takes them.

    Parameters
    ----------
    send : async callable
        Sends one message and returns when the socket has taken it; raises when the socket is closed.
    overflow : callable
        Called once if too many control messages wait; nothing is sent after that.

    Attributes
    ----------
    n_replaced : int
        Messages that were replaced by a newer one of their kind before they could be sent.
    """

    def __init__(self, send: Callable[[str | bytes], Awaitable[None]], overflow: Callable[[], None]) -> None:
        self._send, self._overflow = send, overflow
        self._control: deque[str] = deque()
        self._control_characters = 0
        self._newest: dict[str, str | bytes] = {}
        self._wakeup = asyncio.Event()
        self._closed = False
        self._after_last: Callable[[], None] | None = None
        self.n_replaced = 0

    @property
    def n_control(self) -> int:
        """Number of control messages that wait."""
        return len(self._control)

    def put(self, message: str) -> None:
        """Queue a control message. It is never dropped; the connection is closed if too many wait."""
        if self._closed or self._after_last is not None:
            return
        self._control.append(message)
        self._control_characters += len(message)
        self._wakeup.set()
        if self.n_control > _MAX_CONTROL_MESSAGES or self._control_characters > _MAX_CONTROL_CHARACTERS:
            self._control.clear()
            self.close()
            self._overflow()

    def put_newest(self, kind: str, message: str | bytes) -> None:
        """Queue a message that a newer one of its kind replaces; control messages are sent before it."""
        if self._closed or self._after_last is not None:
            return
        self.n_replaced += kind in self._newest
        self._newest[kind] = message
        self._wakeup.set()

    def finish(self, message: str, then: Callable[[], None]) -> None:
        """Send what waits, then this message and no other, then call `then`."""
        self.put(message)
        self._after_last = self._after_last or then
        self._wakeup.set()

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        self._wakeup.set()

    async def run(self, closed_errors: tuple[type[Exception], ...]) -> None:
        """Send until the outbox or the socket is closed.

        Parameters
        ----------
        closed_errors : tuple of exception types
            What `send` raises when the socket is closed.
        """
        while not self._closed:
            await self._wakeup.wait()
            self._wakeup.clear()
            try:
                await self._send_waiting()
                if self._after_last is not None:
                    self.close()
                    self._after_last()
            except closed_errors:
                self.close()

    async def _send_waiting(self) -> None:
        while not self._closed and (self._control or self._newest):
            if self._control:
                message = self._control.popleft()
                self._control_characters -= len(message)
                await self._send(message)
            else:
                await self._send(self._newest.pop(next(iter(self._newest))))
