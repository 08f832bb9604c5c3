"""Sends a video file or a local camera to a session, at the pace of a camera."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from livedance_lab.client.live_client import LiveClient
from livedance_lab.clock import now_s
from livedance_lab.launcher import LiveServer
from livedance_lab.media.images import downscale, encode_jpeg, encode_webp
from livedance_lab.media.video import VideoFrame, VideoSource
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.settings import CLIENT_SETTINGS, Settings

__all__ = ["EncodedClip", "Play", "Tick", "clip_or_camera", "no_tick", "play_camera", "play_clip", "produce"]

Tick = Callable[[LiveClient], None]
"""Called after each frame with the client that sends."""

Play = Callable[..., Coroutine[Any, Any, Any]]
"""Sends frames: called with a connected client and ``tick=``."""


def no_tick(_client: LiveClient) -> None:
    """Do nothing after a frame."""


@dataclass
class EncodedClip:
    """A video, downscaled and encoded in advance as a browser would do it.

    A camera's own machine encodes elsewhere; encoding while sending would take inference time from the same cores.

    Attributes
    ----------
    images : list of bytes
    size_px : (int, int)
        Width, height of the original images.
    fps : float
        Of the file; 30 if it names none.
    name : str
    """

    images: list[bytes] = field(repr=False)
    size_px: tuple[int, int]
    fps: float
    name: str

    @classmethod
    def read(
        cls, path: str | Path | int, settings: Settings, seconds: float = math.inf, offered_fps: float | None = None
    ) -> EncodedClip:
        """Read and encode a file.

        Parameters
        ----------
        path : str or Path
        settings : Settings
            `short_side_px`, `image_format` and `jpeg_quality` are used.
        seconds : float
            For how long it will be played.
        offered_fps : float, optional
            The rate it will be played at, by default the clip's own: a higher rate needs more frames of the clip.

        Raises
        ------
        ImageError
            If it is not a video.
        """
        with VideoSource(path) as video:
            most = None if math.isinf(seconds) else math.ceil(seconds * (offered_fps or video.assumed_fps))
            images = [encode(frame, settings) for frame in itertools.islice(video, most)]
            return cls(images, video.size_px, video.assumed_fps, Path(str(path)).name)


def encode(frame: VideoFrame, settings: Settings) -> bytes:
    """Downscale and encode an image as a browser would send it."""
    small = downscale(frame.rgb, settings.short_side_px)
    return (encode_webp if settings.image_format == "webp" else encode_jpeg)(small, settings.jpeg_quality)


async def produce(
    server: LiveServer, session_id: str, play: Play, tick: Tick | None = None, end: bool = False, **options: Any
) -> LiveClient:
    """Be a session's producer while `play` sends frames; `options` are those of `LiveClient`."""
    async with LiveClient(server.url, server.token, session=session_id, trust=server.trust, **options) as client:
        await client.wait_ready()
        await play(client, tick=tick or no_tick)
        await client.settle()
        if end:
            await client.end()
        return client


def clip_or_camera(
    source: str | Path | int | EncodedClip, settings: Settings, seconds: float | None, fps: float | None
) -> tuple[str, Play]:
    """Return the name of a source and the function that plays it; see `LiveSession.stream`."""
    longest_s = seconds or math.inf
    if not isinstance(source, EncodedClip):
        if str(source).isdecimal():
            return f"camera {source}", partial(play_camera, index=source, settings=settings, seconds=longest_s)
        source = EncodedClip.read(source, settings, longest_s, fps)
    return source.name, partial(play_clip, clip=source, fps=fps, seconds=seconds)


async def play_clip(
    client: LiveClient, clip: EncodedClip, fps: float | None = None, seconds: float | None = None,
    tick: Tick = no_tick, stopped: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Offer the clip's frames in real time, from its start again where it is shorter than `seconds` (or infinity).

    Frame *n* is captured at start + n / fps. If this process was delayed, the frames of that time are offered at
    once afterwards with the present time, because their delay here is not part of what is measured. `stopped` is
    called before each frame; True ends the clip.
    """
    fps = fps or clip.fps
    last_frame = len(clip.images) if seconds is None else seconds * fps
    start_s = now_s()
    for n in itertools.takewhile(lambda n: n < last_frame and not stopped(), itertools.count()):
        due_s = start_s + n / fps
        wait_s = due_s - now_s()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await client.send(clip.images[n % len(clip.images)], clip.size_px, due_s if wait_s > 0 else now_s())
        tick(client)


async def play_camera(
    client: LiveClient, index: int | str | Path, settings: Settings, seconds: float = math.inf, tick: Tick = no_tick
) -> None:
    """Offer a local camera's frames as they come; a reader thread keeps only the newest.

    They are encoded by `settings`, and after a change of the session's settings (a latency target makes images
    smaller) by the changed ones.

    Raises
    ------
    ImageError
        If there is no such camera.
    """
    slot: LatestSlot[VideoFrame] = LatestSlot()
    stop = threading.Event()
    source = VideoSource(index)

    def read() -> None:
        with source:
            for frame in source:
                slot.put(frame)
                if stop.is_set():
                    return
        stop.set()

    reader = threading.Thread(target=read, name="livedance-camera", daemon=True)
    reader.start()
    give_up_s = now_s() + seconds
    adopted = client.settings
    try:
        while now_s() < give_up_s and not stop.is_set():
            frame = await asyncio.to_thread(slot.take, 0.5)
            if frame is None:
                continue
            if client.settings is not adopted:
                adopted = client.settings
                settings = settings.changed({name: adopted[name] for name in CLIENT_SETTINGS if name in adopted})
            image = await asyncio.to_thread(encode, frame, settings)
            await client.send(image, source.size_px, frame.t_s)
            tick(client)
    finally:
        stop.set()
        await asyncio.to_thread(reader.join, 2.0)
