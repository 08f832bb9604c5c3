"""Feeds a session from a thread of its own, so that a notebook runs without a browser too."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionRefused, LiveDanceError
from livedance_lab.settings import Settings

__all__ = ["BackgroundFeed"]

_LOOK_EVERY_S = 0.2

FeedStatus = Literal["waiting", "not needed", "playing", "replaced", "over", "stopped", "error"]


class Feedable(Protocol):
    """What a feed needs of a session."""

    @property
    def summary(self) -> dict[str, Any]:
        """The session in numbers."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...


class BackgroundFeed:
    """A clip on its way into a session, while the notebook goes on. Made by `LiveSession.play_in_background`.

    Parameters
    ----------
    session : LiveSession
    source : str or Path
        A video file.
    play : callable
        Plays an encoded clip until it is over or the function it is also given says to stop.
    wait_s : float
        How long a browser may take to become the producer before the clip is played instead.

    Attributes
    ----------
    status : str
        "waiting" (for a browser), "not needed" (one came), "playing", "replaced" (one came later), "over",
        "stopped" or "error".
    error : str
        What went wrong, in words; empty when nothing did.
    """

    def __init__(
        self,
        session: Feedable,
        source: str | Path,
        play: Callable[[EncodedClip, Callable[[], bool]], None],
        wait_s: float,
    ) -> None:
        self.status: FeedStatus = "waiting"
        self.error = ""
        self._session, self._source, self._play = session, source, play
        self._give_up_s = now_s() + wait_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="livedance-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop playing, with every frame answered; the session goes on and may be fed by somebody else."""
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
                clip = EncodedClip.read(self._source, self._session.settings)
                self.status = "playing"
                self._play(clip, self._stopped.is_set)
            self.status = "stopped" if self._stopped.is_set() else "over"
        except LiveDanceError as exc:
            replaced = isinstance(exc, ConnectionRefused) and exc.code == "replaced"
            self.status, self.error = ("replaced", "") if replaced else ("error", str(exc))

    def _browser_came(self) -> bool:
        """Whether somebody became the producer in time."""
        while now_s() < self._give_up_s:
            with contextlib.suppress(LiveDanceError):  # a server that is away for a moment brings no producer
                if self._session.summary["producer"]:
                    return True
            if self._stopped.wait(_LOOK_EVERY_S):
                return False
        return False
