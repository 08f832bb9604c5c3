"""The Python end of a connection: frames up, results down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed

from livedance_lab.client.connection import Conversation
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionLost, ConnectionRefused
from livedance_lab.wire.frames import FrameHeader, encode_frame, encode_legacy_frame
from livedance_lab.wire.results import WireResult

__all__ = ["LiveClient"]


class LiveClient(Conversation):
    """A producer of frames, or a viewer of a session's results, on an asyncio loop.

    Use it as ``async with LiveClient(server.url, server.token) as client``.

    Parameters
    ----------
    url : str
        The server's HTTP address, as `LiveServer.url`.
    token : str
    session : str, optional
        A session to resume or to watch; a producer without one gets a new session.
    role : {"producer", "viewer"}
    settings : dict, optional
        Changes to the server's default settings.
    pacing : {"auto", "paced", "free"}, optional
        When to hold frames back, see `livedance_lab.client.pacing`; as the session's setting says, if not given.
    about : dict, optional
        What the log should know of this client: camera, browser.
    legacy : bool, default False
        Send frames as the original demo did, base64 in JSON; for comparison.
    own_clock : bool, default True
        False: times given to `send` are of another clock (a recording's); say which with `set_clock`.
    results : {"binary", "json"}
        The form in which results come; the values are the same.
    on_message : callable, optional
        Called with every message that is not a result, as a dict.
    retry_for_s : float, default 60
        How long a lost connection is tried again.
    trust : bool, str, Path or ssl.SSLContext, default True
        For https addresses: True, what the system trusts; a path, the certificates in this PEM file.

    Attributes
    ----------
    refusals, errors : deque of dict
        The newest "refused" and "error" messages, as the server sent them.

    Raises
    ------
    ConnectionRefused, BusyError
        On entering: the server is not there or says no.
    """

    async def __aenter__(self) -> LiveClient:
        """Connect, exchange clocks, begin."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close; without `end` the session waits a while for somebody to resume it."""
        await self.close()

    # --- sending

    async def send(self, image: bytes, size_px: tuple[int, int] = (0, 0), t_capture_s: float | None = None) -> bool:
        """Offer one captured frame; never waits for results.

        Parameters
        ----------
        image : bytes
            JPEG, PNG or WebP.
        size_px : (int, int)
            Width, height of the camera's picture if `image` was shrunk.
        t_capture_s : float, optional
            When it was captured, on `livedance_lab.clock.now_s`; now, if not given.

        Returns
        -------
        bool
            True if it was sent, False if it was skipped (pacing, busy socket, no connection) and counted so.

        Raises
        ------
        ConnectionLost, ConnectionRefused
            If the connection could not be restored, the session has ended, or another client has taken it over.
        """
        if self.failure is not None:
            raise self.failure
        if self.ended is not None:
            raise ConnectionRefused("ended", f"session {self.session} has ended; begin another.")
        now = now_s()
        t_capture_s = now if t_capture_s is None else t_capture_s
        seq = self.credit.capture()
        socket = self._socket
        busy = self._sending or socket is None
        if not busy:
            self.credit.gauge.offered()
        if not self.credit.may_send(now, socket_busy=busy):
            self.credit.skip(seq, t_capture_s)
            return False
        assert socket is not None
        header = FrameHeader(seq, size_px, t_capture_s, now_s() if self._own_clock else t_capture_s)
        message = (encode_legacy_frame if self._legacy else encode_frame)(header, image)
        self.credit.send(seq, now)
        self._sending = True
        try:
            await socket.send(message)
            self.bytes_up += len(message)
        except ConnectionClosed:
            return False  # unanswered; on reconnection the server says how it ended
        finally:
            self._sending = False
        return True

    async def change_settings(self, **changes: Any) -> None:
        """Ask for other settings; the answer arrives as a "settings" message."""
        await self._say({"type": "settings", "changes": changes, "by": self._about["library"]})

    async def set_clock(self, offset_s: float, uncertainty_s: float = 0.0) -> None:
        """Say how the clock of the capture times lies to the server's: server minus client."""
        await self._say({"type": "clock", "offset_s": offset_s, "uncertainty_s": uncertainty_s})

    async def mark(self, name: str, **data: Any) -> None:
        """Put a marker into the session's event log, stamped now."""
        await self._say({"type": "mark", "name": name, "data": data, "t_s": now_s()})

    async def settle(self, within_s: float = 3.0) -> bool:
        """Wait until every sent frame is answered; False if some are not in time."""
        await self._until(lambda: not self.credit.unanswered, within_s)
        await self._send_reports()
        return not self.credit.unanswered

    async def end(self, within_s: float = 10.0) -> dict[str, Any]:
        """Finish: every frame gets its end, the ledger is closed.

        Returns
        -------
        dict
            The ledger: captured, states, conserved.

        Raises
        ------
        ConnectionLost
            If the server does not answer within `within_s`.
        """
        give_up_s = now_s() + within_s
        while self.ended is None:
            if not await self._say_end(give_up_s - now_s()):
                said = self.errors[-1]["message"] if self.errors else ""
                raise ConnectionLost(f"the server did not close the ledger within {within_s:.0f} s. {said}")
            if self.ended is None and self.failure is not None:
                raise self.failure
        return self.ended

    async def _say_end(self, within_s: float) -> bool:
        """True once it has ended, or has to be said again: a connection that breaks may take the word with it."""
        said_on = self.reconnections
        await self._send_reports()
        await self._say({"type": "end", "captured": self.credit.captured})
        return await self._until(lambda: self.ended is not None or self.reconnections != said_on, within_s)

    # --- receiving

    async def results(self) -> AsyncIterator[WireResult]:
        """Results as they come, newest only: a slow reader misses some rather than falling behind."""
        last: WireResult | None = None
        while True:
            async with self._changed:
                while self.latest is last and self.ended is None and self.failure is None:
                    await self._changed.wait()
            if self.latest is not None and self.latest is not last:
                yield (last := self.latest)
            elif self.failure is not None:
                raise self.failure
            else:
                return
