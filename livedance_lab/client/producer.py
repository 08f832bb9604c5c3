"""Sends frames into a session from this process: clips, cameras and recordings."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from livedance_lab.client.background_source import BackgroundSource
from livedance_lab.client.clip_source import EncodedClip, Play, Tick, play_camera, play_clip
from livedance_lab.client.live_client import LiveClient
from livedance_lab.client.recording_source import ReplaySource, play_recording
from livedance_lab.client.viewer import Viewer
from livedance_lab.launcher import LiveServer
from livedance_lab.settings import Settings

__all__ = ["Producer"]


class Producer:
    """The producing side of a `LiveSession`, which describes the parameters.

    Parameters
    ----------
    server : LiveServer
    session_id : str
    viewer : Viewer
        Its event loop also runs the sending.
    """

    def __init__(self, server: LiveServer, session_id: str, viewer: Viewer) -> None:
        self._server, self._session_id, self._viewer = server, session_id, viewer
        self._background: list[BackgroundSource] = []

    def stream(
        self,
        source: str | Path | int | EncodedClip,
        settings: Settings,
        seconds: float | None,
        fps: float | None,
        **options: Any,
    ) -> LiveClient:
        """Play a video file or a local camera; returns when it is over."""
        longest_s = seconds or math.inf
        if not isinstance(source, EncodedClip) and str(source).isdecimal():
            play = partial(play_camera, index=str(source), settings=settings, seconds=longest_s)
            return self._produce(play, about={"source": f"camera {source}"}, **options)
        clip = source if isinstance(source, EncodedClip) else EncodedClip.read(source, settings, longest_s, fps)
        play = partial(play_clip, clip=clip, fps=fps, seconds=seconds)
        return self._produce(play, about={"source": clip.name}, **options)

    def replay(self, source: ReplaySource, speed: float, **options: Any) -> LiveClient:
        """Play a recording; returns when it is over."""
        about = {"source": f"recording {source.recording.session_id}", "speed": str(speed)}
        play = partial(play_recording, source=source, speed=speed)
        return self._produce(play, about=about, pacing="free", own_clock=False, **options)

    def play_in_background(
        self,
        source: str | Path,
        settings: Callable[[], Settings],
        has_producer: Callable[[], bool],
        wait_s: float,
        **how: Any,
    ) -> BackgroundSource:
        """Play a clip in a thread, unless the session gets a producer within `wait_s`."""

        def play(clip: EncodedClip, stopped: Callable[[], bool]) -> None:
            self._produce(partial(play_clip, clip=clip, stopped=stopped, **how), about={"source": clip.name})

        self._background.append(BackgroundSource(source, settings, has_producer, play, wait_s))
        return self._background[-1]

    @property
    def error(self) -> str:
        """Why clips could not be played in the background; empty if nothing went wrong."""
        return "; ".join(background.error for background in self._background if background.error)

    def stop(self) -> None:
        """Stop what plays in the background."""
        for background in self._background:
            background.stop()

    def _produce(self, play: Play, tick: Tick | None = None, end: bool = False, **options: Any) -> LiveClient:
        """Be the session's producer while `play` sends frames."""

        async def produce() -> LiveClient:
            async with LiveClient(
                self._server.url, self._server.token, session=self._session_id, trust=self._server.trust, **options
            ) as client:
                await client.wait_ready()
                await play(client, tick=tick)
                await client.settle()
                if end:
                    await client.end()
                return client

        return self._viewer.run(produce())
