"""Feeds a client from a video file or a local camera, at the pace of a camera."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from livedance_lab.client.live_client import LiveClient
from livedance_lab.clock import now_s
from livedance_lab.media.images import downscale, encode_jpeg, encode_webp
from livedance_lab.media.video import VideoFrame, VideoSource
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.settings import CLIENT_SETTINGS, Settings

__all__ = ["EncodedClip", "play_camera", "play_clip"]

Tick = Callable[[], None]


@dataclass
class EncodedClip:
    """A video, ready to send: as a browser would have shrunk and encoded it, done ahead.

    Encoding on the way would take inference time from the same cores; a camera's own machine does it elsewhere.

    Attributes
    ----------
    images : list of bytes
    size_px : (int, int)
        Width, height of the original pictures.
    fps : float
        Of the file; 30 if it names none.
    name : str
    """

    images: list[bytes]
    size_px: tuple[int, int]
    fps: float
    name: str

    @classmethod
    def read(
        cls,
        path: str | Path | int,
        settings: Settings,
        seconds: float = math.inf,
        offered_fps: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> EncodedClip:
        """Read and encode a file.

        Parameters
        ----------
        path : str or Path
        settings : Settings
            `short_side_px`, `image_format` and `jpeg_quality` are used.
        seconds : float
            How much of it will be played.
        offered_fps : float, optional
            Played at this rate; the clip's own if not given. Quicker, more of the clip is used in the same time.
        progress : callable, optional
            Told frames done and frames expected.

        Raises
        ------
        ImageError
            If it is no video.
        """
        with VideoSource(path) as video:
            fps = video.fps if math.isfinite(video.fps) else 30.0
            most = math.inf if math.isinf(seconds) else math.ceil(seconds * (offered_fps or fps))
            images: list[bytes] = []
            for frame in video:
                if len(images) >= most:
                    break
                images.append(encode(frame, settings))
                if progress is not None:
                    progress(len(images), int(min(most, video.frame_count or len(images))))
            return cls(images, video.size_px, fps, Path(str(path)).name)


def encode(frame: VideoFrame, settings: Settings) -> bytes:
    """One picture as a browser would send it."""
    small = downscale(frame.rgb, settings.short_side_px)
    return (encode_webp if settings.image_format == "webp" else encode_jpeg)(small, settings.jpeg_quality)


async def play_clip(
    client: LiveClient, clip: EncodedClip, fps: float | None = None, seconds: float | None = None,
    tick: Tick | None = None, stopped: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Offer the clip's frames in real time, from its start again where it is shorter than `seconds` (or infinity).

    Frame *n* is captured at start + n / fps; if this process was held up, the frames of that time are offered
    at once after it, as captured then: their wait here is no part of what is measured. `stopped` is asked before each.
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
        if tick is not None:
            tick()


async def play_camera(
    client: LiveClient, index: int | str, settings: Settings, seconds: float = math.inf, tick: Tick | None = None
) -> None:
    """Offer a local camera's frames as they come; a reader thread keeps only the newest.

    They are encoded by `settings`, and as the session's settings change (a target age makes them smaller), by those.

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
            frames: Iterator[VideoFrame] = iter(source)
            for frame in frames:
                slot.put(frame)
                if stop.is_set():
                    return
        stop.set()

    reader = threading.Thread(target=read, name="livedance-camera", daemon=True)
    reader.start()
    give_up_s = now_s() + seconds
    said = client.settings
    try:
        while now_s() < give_up_s and not stop.is_set():
            frame = await asyncio.to_thread(slot.take, 0.5)
            if frame is None:
                continue
            if client.settings is not said:
                said = client.settings
                settings = settings.changed({name: said[name] for name in CLIENT_SETTINGS if name in said})
            image = await asyncio.to_thread(encode, frame, settings)
            await client.send(image, source.size_px, frame.t_s)
            if tick is not None:
                tick()
    finally:
        stop.set()
        await asyncio.to_thread(reader.join, 2.0)
