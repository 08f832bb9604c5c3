"""Plays a clip into a session from a thread, so that a notebook also runs without a browser."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionRefused, LiveDanceError
from livedance_lab.settings import Settings

__all__ = ["BackgroundSource"]

_CHECK_EVERY_S = 0.2

Status = Literal["waiting", "not needed", "playing", "replaced", "over", "stopped", "error"]


class BackgroundSource:
    """Plays a clip while the notebook continues. Returned by `LiveSession.play_in_background`.

    Parameters
    ----------
    source : str or Path
        A video file.
    settings : callable
        Returns the session's settings.
    has_producer : callable
        Returns whether the session has a producer, for example a view in a browser.
    play : callable
        Plays an encoded clip until it is over or until the function that is its second argument returns True.
    wait_s : float
        How long to wait for another producer before the clip is played.

    Attributes
    ----------
    status : str
        "waiting" (for a browser), "not needed" (one came), "playing", "replaced" (one came later), "over",
        "stopped" or "error".
    error : str
        What went wrong; empty if nothing did.
    """

    def __init__(
        self,
        source: str | Path,
        settings: Callable[[], Settings],
        has_producer: Callable[[], bool],
        play: Callable[[EncodedClip, Callable[[], bool]], None],
        wait_s: float,
    ) -> None:
        self.status: Status = "waiting"
        self.error = ""
        self._source, self._settings, self._has_producer, self._play = source, settings, has_producer, play
        self._give_up_s = now_s() + wait_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="livedance-background-source", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop playing once every sent frame is answered; the session continues and may get another producer."""
        self._stopped.set()
        self._thread.join(10.0)

    def __repr__(self) -> str:
        name = Path(self._source).name
        return f"<{name}: {self.status}{f', {self.error}' if self.error else ''}>"

    def _work(self) -> None:
        try:
            if self._browser_came():
                self.status = "not needed"
                return
            if not self._stopped.is_set():
                clip = EncodedClip.read(self._source, self._settings())
                self.status = "playing"
                self._play(clip, self._stopped.is_set)
            self.status = "stopped" if self._stopped.is_set() else "over"
        except LiveDanceError as exc:
            replaced = isinstance(exc, ConnectionRefused) and exc.code == "replaced"
            self.status, self.error = ("replaced", "") if replaced else ("error", str(exc))

    def _browser_came(self) -> bool:
        """Wait for another producer; whether one came in time."""
        while now_s() < self._give_up_s:
            with contextlib.suppress(LiveDanceError):  # a server that does not answer for a moment has no producer
                if self._has_producer():
                    return True
            if self._stopped.wait(_CHECK_EVERY_S):
                return False
        return False
