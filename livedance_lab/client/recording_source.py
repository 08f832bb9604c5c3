"""Sends a recording to a server again, at the recorded times.

Kept images are sent as they were received. Without them, each result's raw landmarks are encoded as an image
(`livedance_lab.estimators.replay`) for a server started with ``--estimator replay``.

Capture times are the recorded ones, so that every interval between frames is the recorded one to the microsecond, at
any speed; ages of results have a meaning only at the original speed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livedance_lab.client.clip_source import Tick, no_tick
from livedance_lab.client.live_client import LiveClient
from livedance_lab.clock import now_s
from livedance_lab.errors import RecordingError
from livedance_lab.estimators.base import ESTIMATORS, Estimate, HandEstimate
from livedance_lab.estimators.replay import encode_estimate
from livedance_lab.pose import BODY_SHAPES, FloatArray
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.skeletons import HAND_SIDES

__all__ = ["ReplayFrame", "ReplaySource", "play_recording"]


@dataclass(frozen=True)
class ReplayFrame:
    """One recorded frame.

    Attributes
    ----------
    t_capture_s : float
        Clock of the recording's server.
    image : bytes
    size_px : (int, int)
        Width, height of the original image.
    """

    t_capture_s: float
    image: bytes
    size_px: tuple[int, int]


class ReplaySource:
    """Frames of a recording, in capture order.

    Parameters
    ----------
    path : str or Path
        A recording's folder.
    landmarks : bool, optional
        Send raw landmarks even if images were kept; by default images if there are any.

    Attributes
    ----------
    recording : Recording
    landmarks : bool
        Whether landmarks are sent; the server must run the "replay" estimator for them.
    n_frames : int

    Raises
    ------
    RecordingError
        If there is nothing to replay, or if landmarks of several people would be sent.
    """

    def __init__(self, path: str | Path, *, landmarks: bool | None = None) -> None:
        self.recording = Recording.open(path)
        self.landmarks = not self.recording.has_video if landmarks is None else landmarks
        if not self.landmarks and not self.recording.has_video:
            raise RecordingError(f"{path} holds no images; replay its landmarks.")
        if self.landmarks and not self.recording.follows_one:
            raise RecordingError(f"{path} holds landmarks of {len(self.recording.people)} people; landmarks of one can "
                                 "be replayed, and images of any number.")  # fmt: skip
        self.n_frames = len(self._sizes())
        if not self.n_frames:
            raise RecordingError(f"{path} holds no results to replay.")

    @property
    def estimator(self) -> str:
        """The estimator that the server needs: "replay", or for images the one of the recording."""
        recorded = self.recording.manifest.get("estimator")
        images = recorded if recorded in ESTIMATORS else ESTIMATORS[0]
        return "replay" if self.landmarks else images

    def __iter__(self) -> Iterator[ReplayFrame]:
        """Frames in capture order."""
        return self._from_landmarks() if self.landmarks else self._from_images()

    def _from_images(self) -> Iterator[ReplayFrame]:
        size_of = self._sizes()
        default = next(iter(size_of.values()))
        for image in self.recording.images():
            yield ReplayFrame(image.t_capture_s, image.image, size_of.get(image.seq, default))

    def _sizes(self) -> dict[int, tuple[int, int]]:
        rec = self.recording
        return {int(s): (int(w), int(h)) for s, w, h in
                zip(rec.seq, rec.column("width_px"), rec.column("height_px"), strict=True)}  # fmt: skip

    def _from_landmarks(self) -> Iterator[ReplayFrame]:
        rec, before = self.recording, -1
        found, hands_seq, sizes = rec.column("found"), rec.column("hands_seq"), self._sizes()
        arrays = {name: rec.array(name) for name in BODY_SHAPES}
        for row, seq in enumerate(rec.seq):
            fresh = hands_seq[row] >= 0 and hands_seq[row] != before  # otherwise they are those of an earlier frame
            before = hands_seq[row] if hands_seq[row] >= 0 else before
            here = {name: array[row] for name, array in arrays.items()}
            estimate = Estimate(
                pose_xyz=here["keypoints_px"] if found[row] else None,
                pose_world_m=here["world_m"] if found[row] else None,
                visibility=here["visibility"] if found[row] else None,
                presence=here["presence"] if found[row] else None,
                hands=_hands(here) if fresh else (),
                normalised=False,
            )
            yield ReplayFrame(float(rec.t_capture_s[row]), encode_estimate(estimate), sizes[int(seq)])


def _hands(here: dict[str, FloatArray]) -> tuple[HandEstimate, ...]:
    return tuple(
        HandEstimate(side, float(here["hands_score"][i]), here["hands_px"][i], here["hands_world_m"][i])
        for i, side in enumerate(HAND_SIDES)
        if np.isfinite(here["hands_score"][i])
    )


async def play_recording(client: LiveClient, source: ReplaySource, speed: float = 1.0, tick: Tick = no_tick) -> int:
    """Send a recording's frames again.

    Parameters
    ----------
    client : LiveClient
        Created with ``own_clock=False``, so that the recorded times are sent unchanged.
    source : ReplaySource
    speed : float, default 1
        Multiple of the original speed; infinity: each frame as soon as the previous one is answered, none dropped.
    tick : callable, optional
        Called after each frame with the client.

    Returns
    -------
    int
        Frames offered.
    """
    start_s, first_s, n_frames = now_s(), math.nan, 0
    for frame in source:
        if math.isnan(first_s):
            first_s = frame.t_capture_s
            await client.set_clock(round(start_s - first_s, 6))
        if math.isfinite(speed):
            wait_s = start_s + (frame.t_capture_s - first_s) / speed - now_s()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
        await client.send(frame.image, frame.size_px, frame.t_capture_s)
        if math.isinf(speed):
            await client.settle()
        n_frames += 1
        tick(client)
    return n_frames
