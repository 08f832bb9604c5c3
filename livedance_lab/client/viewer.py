"""Watches a session in a thread of its own: passes on results and messages, and says why none arrive."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from livedance_lab.analysis.statistics import Window
from livedance_lab.client.live_client import LiveClient
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionLost, LiveDanceError
from livedance_lab.launcher import LiveServer
from livedance_lab.wire.results import WireResult

__all__ = ["Viewer"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_EVERY_S = 1.0
_CHECK_EVERY_S = 0.05


class Viewer:
    """A viewer of a session on an event loop in a daemon thread, so that a busy notebook cell does not stop it.

    Parameters
    ----------
    server : LiveServer
    session_id : str

    Attributes
    ----------
    client : LiveClient
        The connection in use.
    stats : dict
        The producer's newest statistics.
    error : str
        Why no results arrive; empty while they can.
    rate : Window
        Of the results passed on.
    settings_version : int
        Version of the newest settings received.

    Raises
    ------
    ConnectionRefused
        If the server does not answer, or does not know the session.
    """

    def __init__(self, server: LiveServer, session_id: str) -> None:
        self._server, self._session_id = server, session_id
        self.stats: dict[str, Any] = {}
        self.error = ""
        self.settings_version = 0
        self.rate = Window()
        self._result_listeners: dict[object, Callable[[WireResult], None]] = {}
        self._message_listeners: dict[object, Callable[[dict[str, Any]], None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="livedance-session", daemon=True)
        self._thread.start()
        self.client: LiveClient
        try:
            self.run(self._connect())
        except LiveDanceError:
            self._stop_loop()
            raise
        self._watching = self.submit(self._watch())

    def on_result(self, listener: Callable[[WireResult], None]) -> Callable[[], None]:
        """Call `listener` with each new result, in this thread; the returned function stops that."""
        return _add(self._result_listeners, listener)

    def on_message(self, listener: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `listener` with each other message, in this thread; the returned function stops that."""
        return _add(self._message_listeners, listener)

    def wait(self, seconds: float, start_within_s: float, sources_error: Callable[[], str]) -> None:
        """Wait for a new result, then for some seconds more, as `LiveSession.wait` describes."""
        before, begun_s, now = self.client.latest, math.nan, now_s()
        give_up_s = now + start_within_s
        while not now - begun_s >= seconds:
            if math.isnan(begun_s) and self.client.latest is not before:
                begun_s = now
            if self.error or (math.isnan(begun_s) and now > give_up_s):
                why = self.error or sources_error() or "is the camera on, and the view not closed?"
                raise ConnectionLost(f"no result came within {now - give_up_s + start_within_s:.0f} s: {why}")
            time.sleep(_CHECK_EVERY_S)  # results arrive in this object's thread
            now = now_s()

    def adopt(self, settings: dict[str, Any]) -> None:
        """Take over the server's answer to a change of settings, before its message arrives."""
        self.settings_version = max(self.settings_version, settings["version"])
        self.client.settings = settings["settings"]

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for it; an interrupt of the wait cancels it there, too."""
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Disconnect and end the thread."""
        if self._loop.is_closed():
            return
        self._watching.cancel()
        self.run(self.client.close())
        self._stop_loop()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()

    async def _connect(self) -> None:
        client = LiveClient(self._server.url, self._server.token, session=self._session_id, role="viewer",
                            on_message=self._take_message, trust=self._server.trust)  # fmt: skip
        await client.open()
        self.client, self.error = client, ""
        self.settings_version = client.welcome["settings_version"]

    async def _watch(self) -> None:
        """Pass results on; when the client has given up the connection, connect again at intervals.

        A restarted server does not know the session until its producer is back, so that a refusal is not final.
        """
        while True:
            try:
                await self._pass_on()
                return
            except LiveDanceError as exc:
                self.error = str(exc)
            await self.client.close()
            while self.error:
                await asyncio.sleep(_RETRY_EVERY_S)
                try:
                    await self._connect()
                except LiveDanceError as exc:
                    self.error = str(exc)
            self._take_message({"type": "settings", "settings": self.client.settings,
                                "version": self.settings_version, "by": "server"})  # fmt: skip

    async def _pass_on(self) -> None:
        async for result in self.client.results():
            self.rate.add(now_s())
            _call(self._result_listeners, result)

    def _take_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "stats":
            self.stats = message["values"]
        elif message["type"] == "settings":
            self.settings_version = max(self.settings_version, message["version"])
        _call(self._message_listeners, message)


def _add(listeners: dict[object, Any], listener: Any) -> Callable[[], None]:
    """Add a listener; the returned function removes it, and may be called twice."""
    key = object()
    listeners[key] = listener
    return lambda: listeners.pop(key, None)


def _call(listeners: dict[object, Any], value: Any) -> None:
    for listener in list(listeners.values()):
        try:
            listener(value)
        except Exception:  # noqa: BLE001  one display's mistake must not stop the others
            _log.exception("a listener could not take a result or message")
