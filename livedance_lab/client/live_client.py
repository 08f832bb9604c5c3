"""Sends frames to a session and receives its results, on an asyncio loop."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Literal

from websockets.exceptions import ConnectionClosed

from livedance_lab._version import __version__
from livedance_lab.client.connection import Connection, Message
from livedance_lab.client.frame_credit import FrameCredit, Pacing
from livedance_lab.clock import OffsetEstimator, now_s
from livedance_lab.errors import ConnectionLost, ConnectionRefused, LiveDanceError
from livedance_lab.system.tls import Trust
from livedance_lab.wire.frames import FrameHeader, encode_frame, encode_legacy_frame
from livedance_lab.wire.messages import PROTOCOL_VERSION
from livedance_lab.wire.results import WireResult, decode_result
from livedance_lab.wire.results_binary import decode_binary_result

__all__ = ["LiveClient"]

_log = logging.getLogger(__name__)

_REPORT_EVERY_S = 0.25
_MOST_UNANSWERED = 10_000  # that a hello may name
_MESSAGES_KEPT = 1000


class LiveClient:
    """A producer of frames, or a viewer of a session's results.

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
        When to hold frames back, see `livedance_lab.client.pacing`; by default the session's setting.
    about : dict, optional
        What the log should say about this client, for example its camera.
    legacy : bool, default False
        Send frames as the original demo did, base64 in JSON; for comparison.
    own_clock : bool, default True
        False: the times given to `send` are of another clock (a recording's), which `set_clock` describes.
    results : {"binary", "json"}
        The encoding of the results; the values are the same.
    on_message : callable, optional
        Called with every message that is not a result, as a dict.
    retry_for_s : float, default 60
        How long a lost connection is retried.
    trust : bool, str, Path or ssl.SSLContext, default True
        For https addresses: True, the certificates the system trusts; a path, those in this PEM file.

    Attributes
    ----------
    connection : Connection
    credit : FrameCredit
        Counts the frames: captured, sent, skipped, answered.
    session : str or None
        The session's id; known once connected.
    welcome : dict
        The server's newest answer to a hello.
    settings : dict
        The current settings.
    ready : bool
        Whether the session's estimators are loaded.
    latest : WireResult or None
    results_received, bytes_up : int
    refusals, errors : deque of dict
        The newest "refused" and "error" messages, as the server sent them.
    ended : dict or None
        The session's final ledger; None while it runs.

    Raises
    ------
    ConnectionRefused, BusyError
        On entering: the server does not answer or refuses.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        session: str | None = None,
        role: Literal["producer", "viewer"] = "producer",
        settings: dict[str, Any] | None = None,
        pacing: Pacing | None = None,
        about: dict[str, Any] | None = None,
        legacy: bool = False,
        own_clock: bool = True,
        results: Literal["json", "binary"] = "binary",
        on_message: Callable[[dict[str, Any]], None] | None = None,
        retry_for_s: float = 60.0,
        trust: Trust = True,
    ) -> None:
        self.session, self._token, self._producing = session, token, role == "producer"
        self._wanted_settings = dict(settings or {})
        self._about = {"library": f"livedance_lab {__version__}", **(about or {})}
        self._legacy, self._own_clock, self._results_as = legacy, own_clock, results
        self._on_message, self._pacing = on_message, pacing
        self.connection = Connection(
            url, trust, retry_for_s, hello=self._hello, on_welcome=self._welcomed, on_message=self._handle,
            report_clock=self._producing and own_clock,
        )  # fmt: skip
        self.credit = FrameCredit(pacing or "auto")
        self.welcome: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        self.latest: WireResult | None = None
        self.refusals: deque[dict[str, Any]] = deque(maxlen=_MESSAGES_KEPT)
        self.errors: deque[dict[str, Any]] = deque(maxlen=_MESSAGES_KEPT)
        self.results_received = self.bytes_up = 0
        self.ended: dict[str, Any] | None = None
        self.ready = self._sending = False
        self._receipts: list[tuple[int, float, None]] = []

    async def open(self) -> None:
        """Connect, and start to receive."""
        await (self.connection.open(self._report) if self._producing else self.connection.open())

    async def close(self) -> None:
        """Disconnect; without `end` the session waits some time for a producer to resume it."""
        await self.connection.close()

    async def __aenter__(self) -> LiveClient:
        """Connect, and start to receive."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self.close()

    # --- the connection

    @property
    def clock(self) -> OffsetEstimator:
        """The server's clock minus this process's, as measured."""
        return self.connection.clock

    @property
    def failure(self) -> LiveDanceError | None:
        """Why the connection is lost permanently; None while it is not."""
        return self.connection.failure

    @property
    def reconnections(self) -> int:
        """How often the connection has been restored."""
        return self.connection.reconnections

    @property
    def bytes_down(self) -> int:
        """Bytes of the messages received."""
        return self.connection.bytes_down

    async def wait_ready(self, within_s: float = 60.0) -> None:
        """Wait until the session's estimators are loaded: the server supersedes frames that are sent before.

        Raises
        ------
        ConnectionLost
            If it takes longer.
        """
        if not await self.connection.until(lambda: self.ready, within_s):
            raise ConnectionLost(f"the session's estimators were not ready within {within_s:.0f} s.")
        if self.failure is not None:
            raise self.failure

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello", "version": PROTOCOL_VERSION, "token": self._token,
            "role": "producer" if self._producing else "viewer", "session": self.session,
            "settings": self._wanted_settings if self._producing else {}, "client": self._about,
            "unanswered": sorted(self.credit.unanswered)[-_MOST_UNANSWERED:], "results": self._results_as,
        }  # fmt: skip

    async def _welcomed(self, welcome: dict[str, Any]) -> None:
        before, resumed = self.settings, welcome["resumed"]
        self.welcome, self.session, self.ready = welcome, welcome["session"], welcome["ready"]
        self._adopt(welcome)
        if self.credit.captured and not resumed:
            _log.warning("the server no longer has session %s; it starts again at frame 0", self.session)
        self.credit.connected(welcome["next_seq"], (seq for seq, _ in welcome["closed"]), resumed=resumed)
        # a resumed session keeps its changed settings; one that starts again needs to know its angles at once
        self._wanted_settings = {"angles": self.settings["angles"]}
        if self._producing and not resumed:
            changes = {name: value for name, value in before.items() if self.settings.get(name) != value}
            if changes:  # made in the session that the server no longer knew
                await self.connection.send({"type": "settings", "changes": changes, "by": "the session before"})

    def _adopt(self, message: dict[str, Any]) -> None:
        """Take over the current settings from a welcome or a change."""
        self.settings, self.credit.window = message["settings"], message["pose_lanes"]
        self.credit.pacing = self._pacing or message["settings"]["pacing"]

    # --- sending

    async def send(self, image: bytes, size_px: tuple[int, int] = (0, 0), t_capture_s: float | None = None) -> bool:
        """Offer one captured frame; never waits for results.

        Parameters
        ----------
        image : bytes
            JPEG, PNG or WebP.
        size_px : (int, int)
            Width, height of the camera's image if `image` was downscaled.
        t_capture_s : float, optional
            When it was captured, on `livedance_lab.clock.now_s`; by default now.

        Returns
        -------
        bool
            True if it was sent; False if it was skipped (pacing, busy socket, no connection), which is counted.

        Raises
        ------
        ConnectionLost, ConnectionRefused
            If the connection could not be restored, the session has ended, or another client has replaced this one.
        """
        if self.failure is not None:
            raise self.failure
        if self.ended is not None:
            raise ConnectionRefused("ended", f"session {self.session} has ended; open another one.")
        now = now_s()
        t_capture_s = now if t_capture_s is None else t_capture_s
        seq = self.credit.capture()
        socket = self.connection.socket
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
            return False  # it stays unanswered; on reconnection the server says how it ended
        finally:
            self._sending = False
        return True

    async def change_settings(self, **changes: Any) -> None:
        """Ask for other settings; the answer arrives as a "settings" message, or as an "error"."""
        await self.connection.send({"type": "settings", "changes": changes, "by": self._about["library"]})

    async def set_clock(self, offset_s: float, uncertainty_s: float = 0.0) -> None:
        """Report the offset of the capture times' clock: the server's minus the client's."""
        await self.connection.send({"type": "clock", "offset_s": offset_s, "uncertainty_s": uncertainty_s})

    async def mark(self, name: str, **data: Any) -> None:
        """Put a marker with the present time into the session's event log."""
        await self.connection.send({"type": "mark", "name": name, "data": data, "t_s": now_s()})

    async def settle(self, within_s: float = 3.0) -> bool:
        """Wait until every sent frame is answered; False if some are not in time."""
        await self.connection.until(lambda: not self.credit.unanswered, within_s)
        await self._send_reports()
        return not self.credit.unanswered

    async def end(self, within_s: float = 10.0) -> dict[str, Any]:
        """Finish the session: the server gives every frame its final state and closes the ledger.

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
            if not await self._ask_to_end(give_up_s - now_s()):
                why = self.errors[-1]["message"] if self.errors else ""
                raise ConnectionLost(f"the server did not close the ledger within {within_s:.0f} s. {why}")
            if self.ended is None and self.failure is not None:
                raise self.failure
        return self.ended

    async def _ask_to_end(self, within_s: float) -> bool:
        """Send "end"; True once the server has confirmed it, or when a reconnection means it must be sent again."""
        reconnections = self.reconnections
        await self._send_reports()
        await self.connection.send({"type": "end", "captured": self.credit.captured})
        return await self.connection.until(
            lambda: self.ended is not None or self.reconnections != reconnections, within_s
        )

    async def _report(self) -> None:
        """Report at intervals what only the producer knows: skipped frames, receipts, pacing."""
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            await self._send_reports()
            if switch := self.credit.reconsider(now_s(), self.clock.round_trip_s):
                await self.connection.send(switch)

    async def _send_reports(self) -> None:
        if not self._producing or self.connection.socket is None:
            return
        while skipped := self.credit.take_skipped():
            await self.connection.send({"type": "skipped", "frames": skipped})
        receipts, self._receipts = self._receipts, []
        if receipts:
            await self.connection.send({"type": "receipts", "frames": receipts})

    # --- receiving

    async def results(self) -> AsyncIterator[WireResult]:
        """Iterate over the results, newest only: a slow reader misses some rather than falling behind."""
        last: WireResult | None = None
        while True:
            await self.connection.until(lambda: self.latest is not last or self.ended is not None)
            if self.latest is not None and self.latest is not last:
                yield (last := self.latest)
            elif self.failure is not None:
                raise self.failure
            else:
                return

    def _handle(self, message: Message, t_s: float) -> None:
        if isinstance(message, bytes):
            return self._take_result(decode_binary_result(message, t_s))
        kind = message.get("type")
        if kind == "result":
            return self._take_result(decode_result(message, t_s))
        if kind == "refused":
            self.credit.answer(message["seq"])
            self.refusals.append(message)
        elif kind == "settings":
            self._adopt(message)
        elif kind == "event":
            self.ready = self.ready or (message["kind"], message["name"]) == ("session", "ready")
        elif kind == "ended":
            self.ended = message["ledger"]
        elif kind == "error" and not message.get("fatal"):
            self.errors.append(message)
        if self._on_message is not None:
            self._on_message(message)
        return None

    def _take_result(self, result: WireResult) -> None:
        self.credit.answer(result.seq)
        self.results_received += 1
        if self._producing:
            self.credit.gauge.result(result.times.t_emit_s - result.times.t_receive_s)
            self._receipts.append((result.seq, result.t_result_s, None))
        self.latest = result
