"""Watches a session from a thread of its own: newest results, messages, and why there are none."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from livedance_lab.analysis.statistics import Window
from livedance_lab.client.live_client import LiveClient
from livedance_lab.clock import now_s
from livedance_lab.errors import LiveDanceError
from livedance_lab.system.tls import Trust
from livedance_lab.wire.results import WireResult

__all__ = ["Watcher"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

_LOOK_AGAIN_S = 1.0


class Watcher:
    """A viewer on an event loop in a daemon thread, so that a busy cell does not stop it.

    Parameters
    ----------
    url, token : str
        The server's.
    session_id : str
    trust : bool, str, Path or ssl.SSLContext, default True
        As `LiveClient`.

    Attributes
    ----------
    viewer : LiveClient
        The connection in use.
    stats : dict
        The producer's newest readings.
    error : str
        Why nothing new is seen, in words; empty while all is well.
    rate : Window
        Of the results passed on.
    settings_version : int
        Of the newest settings told of.

    Raises
    ------
    ConnectionRefused
        If the server is not there, or does not know the session.
    """

    def __init__(self, url: str, token: str, session_id: str, trust: Trust = True) -> None:
        self._address, self._trust = (url, token, session_id), trust
        self.stats: dict[str, Any] = {}
        self.error = ""
        self.settings_version = 0
        self.rate = Window()
        self._result_listeners: list[Callable[[WireResult], None]] = []
        self._message_listeners: list[Callable[[dict[str, Any]], None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="livedance-session", daemon=True)
        self._thread.start()
        self.viewer: LiveClient
        try:
            self.run(self._connect())
        except LiveDanceError:
            self._stop_loop()
            raise
        self._watching = self.submit(self._keep_watching())

    def on_result(self, listener: Callable[[WireResult], None]) -> Callable[[], None]:
        """Call `listener` with each new result, in this thread; gives back what stops that."""
        return _add(self._result_listeners, listener)

    def on_message(self, listener: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `listener` with each other message, in this thread; gives back what stops that."""
        return _add(self._message_listeners, listener)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run something on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop and wait for it; interrupted, it is cancelled there, too."""
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
        self.run(self.viewer.close())
        self._stop_loop()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()

    async def _connect(self) -> None:
        url, token, session_id = self._address
        viewer = LiveClient(url, token, session=session_id, role="viewer", on_message=self._hear,
                            trust=self._trust)  # fmt: skip
        await viewer.__aenter__()
        self.viewer, self.error = viewer, ""
        self.settings_version = viewer.welcome["settings_version"]

    async def _keep_watching(self) -> None:
        """Pass results on; when the connection is lost for good, look again now and then.

        A server that was started again does not know the session until its producer is back, so being refused
        now does not mean being refused for ever.
        """
        while True:
            try:
                await self._pass_on()
                return
            except LiveDanceError as exc:
                self.error = str(exc)
            await self.viewer.close()
            while self.error:
                await asyncio.sleep(_LOOK_AGAIN_S)
                try:
                    await self._connect()
                except LiveDanceError as exc:
                    self.error = str(exc)
            self._hear({"type": "settings", "settings": self.viewer.settings, "version": self.settings_version,
                        "by": "server"})  # fmt: skip

    async def _pass_on(self) -> None:
        async for result in self.viewer.results():
            self.rate.add(now_s())
            for listener in list(self._result_listeners):
                try:
                    listener(result)
                except Exception:  # noqa: BLE001  one display's mistake must not stop the others
                    _log.exception("a listener could not take a result")

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "stats":
            self.stats = message["values"]
        elif message["type"] == "settings":
            self.settings_version = max(self.settings_version, message["version"])
        for listener in list(self._message_listeners):
            try:
                listener(message)
            except Exception:  # noqa: BLE001  as for results
                _log.exception("a listener could not take a message")


def _add(listeners: list[Any], listener: Any) -> Callable[[], None]:
    """Add a listener; the function given back takes it out, also when it is called again."""
    listeners.append(listener)

    def stop() -> None:
        if listener in listeners:
            listeners.remove(listener)

    return stop
