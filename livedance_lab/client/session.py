"""A session as the researcher holds it in a notebook: watch it, tune it, mark it, read its log, export it.

Nothing here captures or computes: the server does, in its own process, and goes on while a cell runs or the
kernel restarts. `LiveSession.attach` takes a running session up again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from livedance_lab.client.background_source import BackgroundFeed
from livedance_lab.client.clip_source import EncodedClip, play_camera, play_clip
from livedance_lab.client.live_client import LiveClient
from livedance_lab.client.recording_source import ReplaySource, play_recording
from livedance_lab.client.remote_log import ServerAddress, trust_of
from livedance_lab.client.watched import WatchedSession
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionLost, ServerError
from livedance_lab.settings import Settings

if TYPE_CHECKING:
    from livedance_lab.client.frame_credit import Pacing

__all__ = ["LiveSession", "ServerAddress"]

_LOOK_EVERY_S = 0.05
_END_WITHIN_S = 10.0


class LiveSession(WatchedSession):
    """One session on a server, seen from Python.

    Use `LiveSession.open` for a new one and `LiveSession.attach` for one that is running. Its tables (`frames`,
    `angles`, `landmarks`, `events`, all as `data()`) and `export` are those of `RemoteLog`.

    Attributes
    ----------
    id : str
    """

    def __init__(self, server: ServerAddress, session_id: str) -> None:
        super().__init__(server, session_id)
        self._feeds: list[BackgroundFeed] = []

    @classmethod
    def open(cls, server: ServerAddress, session: str | None = None, **settings: Any) -> LiveSession:
        """Make a new session and watch it.

        Parameters
        ----------
        server : LiveServer
        session : str, optional
            What to call it: letters, digits, ``.``, ``_``, ``-``.
        **settings
            Changes to the server's default settings.

        Raises
        ------
        ServerError
            If the server refuses; its words are in the message.
        """
        body = {"settings": Settings().changed(settings).model_dump(include=set(settings), mode="json")}
        if session is not None:
            body["session"] = session  # type: ignore[assignment]
        return cls(server, json.loads(server.call("POST", "/sessions", body)[0])["id"])

    @classmethod
    def attach(cls, server: ServerAddress, session: str | None = None) -> LiveSession:
        """Take up a running session again, by id or the newest one.

        Raises
        ------
        ConnectionLost
            If there is none.
        """
        if session is None:
            ids = [s["id"] for s in server.get("/sessions")]
            if not ids:
                raise ConnectionLost("the server has no session to attach to; open one.")
            session = ids[-1]
        return cls(server, session)

    @classmethod
    def open_or_attach(cls, server: ServerAddress, session: str, **settings: Any) -> LiveSession:
        """Take up the session of this name if it is running, else make it: a cell with it can be run again.

        Parameters and errors are those of `open`; `settings` are applied in both cases.
        """
        if all(known["id"] != session for known in server.get("/sessions")):
            return cls.open(server, session, **settings)
        attached = cls.attach(server, session)
        if settings:
            attached.set(**settings)
        return attached

    def wait(self, seconds: float, start_within_s: float = 60.0) -> None:
        """Let the session run: return when results have been coming for some seconds.

        Parameters
        ----------
        seconds : float
        start_within_s : float, default 60
            How long the first result may take.

        Raises
        ------
        ConnectionLost
            If no result comes in time, or the session cannot be watched any more.
        """
        before, begun_s, now = self.latest, math.nan, now_s()
        give_up_s = now + start_within_s
        while not now - begun_s >= seconds:
            if math.isnan(begun_s) and self.latest is not before:
                begun_s = now
            if self.error or (math.isnan(begun_s) and now > give_up_s):
                feeds = "; ".join(feed.error for feed in self._feeds if feed.error)
                why = self.error or feeds or "is the camera on, and the view not closed?"
                raise ConnectionLost(f"no result came within {now - give_up_s + start_within_s:.0f} s: {why}")
            time.sleep(_LOOK_EVERY_S)  # the main thread of a notebook waits; results come in another
            now = now_s()

    # --- feeding it without a browser

    def stream(
        self,
        source: str | Path | int | EncodedClip,
        *,
        seconds: float | None = None,
        fps: float | None = None,
        pacing: Pacing | None = None,
        legacy: bool = False,
        tick: Callable[[LiveClient], None] | None = None,
        end: bool = False,
    ) -> LiveClient:
        """Play a video file or a local camera into this session; returns when it is over.

        Parameters
        ----------
        source : str, Path, int or EncodedClip
            File name, camera index, or a clip read and encoded before.
        seconds : float, optional
            How long; a clip's own length, or without limit from a camera.
        fps : float, optional
            Frames offered per second; the clip's own rate if not given.
        pacing : {"auto", "paced", "free"}, optional
            When to hold frames back; as the setting says, if not given.
        legacy : bool, default False
            Send as the original demo did, for comparison.
        tick : callable, optional
            Called after each frame with the client, for progress.
        end : bool, default False
            Close the session's ledger afterwards.

        Returns
        -------
        LiveClient
            Closed; its counters can be read.

        Raises
        ------
        ImageError
            If the source gives no pictures.
        ConnectionRefused, ConnectionLost
        """
        settings = self.settings
        clip: EncodedClip | None = None
        if isinstance(source, EncodedClip):
            clip = source
        elif not str(source).isdecimal():
            clip = EncodedClip.read(source, settings, seconds or math.inf, fps)

        async def frames(client: LiveClient) -> None:
            report = (lambda: tick(client)) if tick is not None else None
            if clip is None:
                await play_camera(client, str(source), settings, seconds or math.inf, report)
            else:
                await play_clip(client, clip, fps, seconds, report)

        about = {"source": clip.name if clip is not None else f"camera {source}"}
        return self._watcher.run(self._feed(frames, end, about=about, pacing=pacing, legacy=legacy))

    def play_in_background(
        self,
        source: str | Path,
        *,
        fps: float | None = None,
        seconds: float = math.inf,
        wait_for_browser_s: float = 4.0,
    ) -> BackgroundFeed:
        """Play a clip into this session if no browser does, while the notebook goes on.

        A view that is on the page captures and sends by itself; then this does nothing. Where there is no browser
        (a test, a server, a script) the clip is played from here, over and over, until `seconds` are over,
        `stop` is called or the session ends. A browser that comes later takes its place.

        Parameters
        ----------
        source : str or Path
            A video file.
        fps : float, optional
            Frames offered per second; the clip's own rate if not given.
        seconds : float
        wait_for_browser_s : float, default 4
            How long a view may take to begin; one that comes later takes over all the same.
        """

        def play(clip: EncodedClip, stopped: Callable[[], bool]) -> None:
            about = {"source": clip.name}
            self._watcher.run(self._feed(lambda c: play_clip(c, clip, fps, seconds, stopped=stopped), about=about))

        feed = BackgroundFeed(self, source, play, wait_for_browser_s)
        self._feeds.append(feed)
        return feed

    async def _feed(
        self, frames: Callable[[LiveClient], Coroutine[Any, Any, None]], end: bool = False, **options: Any
    ) -> LiveClient:
        """Be the producer while `frames` sends."""
        async with LiveClient(
            self.server.url, self.server.token, session=self.id, trust=trust_of(self.server), **options
        ) as client:
            await client.wait_ready()
            await frames(client)
            await client.settle()
            if end:
                await client.end()
            return client

    def replay(
        self,
        source: ReplaySource,
        *,
        speed: float = 1.0,
        tick: Callable[[LiveClient], None] | None = None,
        end: bool = False,
    ) -> LiveClient:
        """Play a recording into this session; returns when it is over.

        Parameters
        ----------
        source : ReplaySource
            Raw landmarks need a server with the "replay" estimator, and are best sent to the "sequential" design.
        speed : float, default 1
            Times the original speed; infinity: as fast as possible, no frame dropped.
        tick : callable, optional
            Called after each frame with the client, for progress.
        end : bool, default False
            Close the session's ledger afterwards.
        """

        async def frames(client: LiveClient) -> None:
            await play_recording(client, source, speed, (lambda: tick(client)) if tick is not None else None)

        about = {"source": f"recording {source.recording.session_id}", "speed": str(speed)}
        return self._watcher.run(self._feed(frames, end, about=about, pacing="free", own_clock=False))

    def end(self) -> None:
        """Close the ledger: no more frames will come. Clips played in the background stop first.

        Returns when the last frame in work has been counted.

        Raises
        ------
        ServerError
            If the server does not answer, or does not finish.
        """
        for feed in self._feeds:
            feed.stop()
        self.server.call("POST", f"/sessions/{self.id}/end", {})
        give_up_s = now_s() + _END_WITHIN_S
        while not self.summary["ended"]:
            if now_s() > give_up_s:
                raise ServerError(f"session {self.id} did not end within {_END_WITHIN_S:.0f} s.")
            time.sleep(_LOOK_EVERY_S)

    # --- closing

    def close(self) -> None:
        """Stop watching and feeding; the session on the server goes on."""
        for feed in self._feeds:
            feed.stop()
        self._watcher.close()

    def __enter__(self) -> LiveSession:
        """Use it in a `with` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop watching."""
        self.close()
