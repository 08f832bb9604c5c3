"""The values that pass through the pipeline: frames, bodies, results, and the ledger's records.

Image landmarks are **pixels of the original frame** (x right, y down, z on the scale of x, towards the
camera negative), so that angles and speeds do not depend on the image's aspect ratio. World landmarks are
metres, origin mid-hip, x right in the image, y down, z away from the camera. NaN means "not seen".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import ShapeError
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21, HAND_SIDES

__all__ = ["Array", "Body", "BodyArrays", "Flag", "FloatArray", "Frame", "FrameRecord", "FrameState", "FrameTimes",
           "PoseResult"]  # fmt: skip

Array = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.floating[Any]]

_K, _H, _J = len(BLAZEPOSE_33), len(HAND_SIDES), len(HAND_21)


class FrameState(StrEnum):
    """Final state of a captured frame. Each frame has exactly one, so that their counts add up to `captured`."""

    PROCESSED = "processed"
    """The server emitted its result."""
    SUPERSEDED = "superseded"
    """A newer frame replaced it before inference began."""
    CLIENT_SKIPPED = "client_skipped"
    """The client did not send it: pacing, or a full socket."""
    LATE = "late"
    """Its result was ready only after a newer one had been emitted."""
    REJECTED = "rejected"
    """The image was empty, broken, too large or of an unknown kind."""
    FAILED = "failed"
    """The estimator raised an exception or did not answer."""
    LOST = "lost"
    """It was sent but never answered, because the connection ended."""


class Flag(IntEnum):
    """Provenance of a smoothed keypoint's value."""

    MEASURED = 0
    LOW_VISIBILITY = 1
    HELD = 2
    INTERPOLATED = 3
    PREDICTED = 4
    MISSING = 5


@dataclass
class FrameTimes:
    """When a frame passed each step: seconds on the server's clock, NaN for a step that it did not reach.

    `t_capture_s`, `t_send_s`, `t_result_s` and `t_paint_s` are read from the client's clock and mapped with
    the measured offset.
    """

    t_capture_s: float = math.nan
    t_send_s: float = math.nan
    t_receive_s: float = math.nan
    t_infer_start_s: float = math.nan
    t_infer_end_s: float = math.nan
    t_emit_s: float = math.nan
    t_result_s: float = math.nan
    t_paint_s: float = math.nan

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the field names in the order of the steps."""
        return tuple(f.name for f in fields(cls))


@dataclass
class Frame:
    """One captured frame on its way to the estimator.

    Attributes
    ----------
    seq : int
        Counts every captured frame of the session from 0, sent or not.
    image : bytes
        JPEG, PNG or WebP.
    source_size_px : (int, int)
        Width and height of the camera's image, before any downscaling.
    times : FrameTimes
    """

    seq: int
    image: bytes
    source_size_px: tuple[int, int]
    times: FrameTimes = field(default_factory=FrameTimes)


@dataclass
class FrameRecord:
    """The ledger's record of one captured frame: its final state, its times, and the duration of each step.

    Attributes
    ----------
    seq : int
    state : FrameState
    times : FrameTimes
    reason : str
        Why it was `rejected` or `failed`; empty otherwise.
    bytes_up : int
        Size of its message, 0 if it never arrived.
    stage_ms : dict of str to float
        Milliseconds of each step (`STAGES`); a step that did not run is absent.
    """

    seq: int
    state: FrameState
    times: FrameTimes
    reason: str = ""
    bytes_up: int = 0
    stage_ms: dict[str, float] = field(default_factory=dict)


STAGES = ("wait", "decode", "downscale", "pose", "hands", "angles", "smoothing", "emit")
"""The timed steps of one frame. `hands` is the hands inference whose hands the result contains."""


def _nan(*shape: int) -> FloatArray:
    return np.full(shape, np.nan, dtype=np.float32)


@dataclass(frozen=True)
class Body:
    """One person at one instant. NaN where not seen; the constructor checks the shapes.

    Attributes
    ----------
    keypoints_px : ndarray of shape (33, 3), float32
    world_m : ndarray of shape (33, 3), float32
    visibility, presence : ndarray of shape (33,), float32, 0 to 1
    hands_px : ndarray of shape (2, 21, 3), float32
        The person's left hand, then the right one.
    hands_world_m : ndarray of shape (2, 21, 3), float32
        Metres, origin at the hand's geometric centre.
    hands_score : ndarray of shape (2,), float32
        Handedness score of each hand.

    Raises
    ------
    ShapeError
        If an array has another shape.
    """

    keypoints_px: FloatArray = field(default_factory=lambda: _nan(_K, 3))
    world_m: FloatArray = field(default_factory=lambda: _nan(_K, 3))
    visibility: FloatArray = field(default_factory=lambda: _nan(_K))
    presence: FloatArray = field(default_factory=lambda: _nan(_K))
    hands_px: FloatArray = field(default_factory=lambda: _nan(_H, _J, 3))
    hands_world_m: FloatArray = field(default_factory=lambda: _nan(_H, _J, 3))
    hands_score: FloatArray = field(default_factory=lambda: _nan(_H))

    def __post_init__(self) -> None:
        """Check every shape."""
        for name, shape in BODY_SHAPES.items():
            got = np.shape(getattr(self, name))
            if got != shape:
                raise ShapeError(f"{name} must have shape {shape}, got {got}.")


BODY_SHAPES: dict[str, tuple[int, ...]] = {
    f.name: f.default_factory().shape  # type: ignore[operator]  # every field has one
    for f in fields(Body)
}


class BodyArrays:
    """The arrays of a result's `raw` and `smooth` body under the names they have in tables and files.

    An unsuffixed name is as measured; the same name with ``_smooth`` is after smoothing. Shapes and units are those of
    `Body`.
    """

    raw: Body
    smooth: Body

    @property
    def keypoints_px(self) -> FloatArray:
        """Image landmarks as measured, shape (33, 3)."""
        return self.raw.keypoints_px

    @property
    def keypoints_px_smooth(self) -> FloatArray:
        """Image landmarks after smoothing, shape (33, 3)."""
        return self.smooth.keypoints_px

    @property
    def world_m(self) -> FloatArray:
        """World landmarks as measured, shape (33, 3)."""
        return self.raw.world_m

    @property
    def world_m_smooth(self) -> FloatArray:
        """World landmarks after smoothing, shape (33, 3)."""
        return self.smooth.world_m

    @property
    def visibility(self) -> FloatArray:
        """Visibility of each body landmark, shape (33,), 0 to 1."""
        return self.raw.visibility

    @property
    def hands_px(self) -> FloatArray:
        """Hand landmarks as measured, shape (2, 21, 3): left, right."""
        return self.raw.hands_px

    @property
    def hands_px_smooth(self) -> FloatArray:
        """Hand landmarks after smoothing, shape (2, 21, 3): left, right."""
        return self.smooth.hands_px

    @property
    def hands_score(self) -> FloatArray:
        """Handedness score of each hand, shape (2,)."""
        return self.raw.hands_score


@dataclass(frozen=True)
class PoseResult(BodyArrays):
    """The result of one processed frame; `BodyArrays` names its arrays.

    Attributes
    ----------
    seq : int
    source_size_px : (int, int)
        Width, height of the original frame: the range of `keypoints_px`.
    raw, smooth : Body
        As the model gave it, and after smoothing.
    angles_deg, angles_smooth_deg : ndarray of shape (A,), float32
        In the order of the session's angle names. NaN if a landmark is missing or not visible enough.
    flags : ndarray of shape (33,), uint8
        `Flag` of each body keypoint.
    found : bool
        Whether a person was seen in this frame.
    hands_seq : int
        The frame in which the hands were seen; -1 without hands.
    settings_version : int
        Version of the current settings.
    record : FrameRecord
        The frame's record in the ledger.
    """

    seq: int
    source_size_px: tuple[int, int]
    raw: Body
    smooth: Body
    angles_deg: FloatArray
    angles_smooth_deg: FloatArray
    flags: npt.NDArray[np.uint8]
    found: bool
    hands_seq: int
    settings_version: int
    record: FrameRecord
