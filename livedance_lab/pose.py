"""The values that pass through the pipeline: frames, bodies, results, and the ledger's records.

Image landmarks are **pixels of the original frame** (x right, y down, z on the scale of x, towards the
camera negative), so that angles and speeds do not depend on the image's aspect ratio. World landmarks are
metres, origin mid-hip, x right in the image, y down, z away from the camera. NaN means "not seen".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from functools import cache
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
class Person(BodyArrays):
    """One person in the result of one frame; `BodyArrays` names the arrays.

    Attributes
    ----------
    id : int
        Counts the people of a session from 1. A person keeps it; no number is used for a second person.
    raw, smooth : Body
        As the model gave it, and after smoothing.
    angles_deg, angles_smooth_deg : ndarray of shape (A,), float32
        In the order of the session's angle names. NaN if a landmark is missing or not visible enough.
    flags : ndarray of shape (33,), uint8
        `Flag` of each body keypoint.
    hands_seq : int
        The frame in which the hands were seen; -1 without hands.
    score : float
        How certain the model is that it sees a person, 0 to 1; NaN if it does not say.
    """

    id: int
    raw: Body
    smooth: Body
    angles_deg: FloatArray
    angles_smooth_deg: FloatArray
    flags: npt.NDArray[np.uint8]
    hands_seq: int = -1
    score: float = math.nan

    @property
    def has_body(self) -> bool:
        """Whether the frame shows the person's body; False if it shows their hands only."""
        return bool(np.isfinite(self.raw.keypoints_px).any())


class PeopleOfFrame(BodyArrays):
    """The people of one result, and the arrays of the followed one under their own names.

    Where the followed person was not seen, the arrays are NaN, the flags `Flag.MISSING`, and `hands_seq` is -1.
    """

    people: tuple[Person, ...]
    followed_id: int
    n_angles: int

    @property
    def person(self) -> Person | None:
        """The followed person; None if this frame does not show them."""
        return next((person for person in self.people if person.id == self.followed_id), None)

    @property
    def found(self) -> bool:
        """Whether this frame shows the followed person's body."""
        return self.person is not None and self.person.has_body

    @property
    def _shown(self) -> Person:
        return self.person or nobody(self.n_angles)

    @property
    def raw(self) -> Body:  # type: ignore[override]
        """The followed person as measured."""
        return self._shown.raw

    @property
    def smooth(self) -> Body:  # type: ignore[override]
        """The followed person after smoothing."""
        return self._shown.smooth

    @property
    def angles_deg(self) -> FloatArray:
        """Angles of the followed person as measured, shape (A,)."""
        return self._shown.angles_deg

    @property
    def angles_smooth_deg(self) -> FloatArray:
        """Angles of the followed person after smoothing, shape (A,)."""
        return self._shown.angles_smooth_deg

    @property
    def flags(self) -> npt.NDArray[np.uint8]:
        """`Flag` of each body keypoint of the followed person, shape (33,)."""
        return self._shown.flags

    @property
    def hands_seq(self) -> int:
        """The frame in which the hands of the followed person were seen; -1 without hands."""
        return self._shown.hands_seq


@cache
def nobody(n_angles: int) -> Person:
    """Values for a frame that does not show the person: NaN, `Flag.MISSING`, id 0."""
    body, angles_deg, flags = Body(), _nan(n_angles), np.full(_K, Flag.MISSING, np.uint8)
    for array in (angles_deg, flags, *(getattr(body, name) for name in BODY_SHAPES)):
        array.flags.writeable = False  # every caller gets the same arrays
    return Person(0, body, body, angles_deg, angles_deg, flags)


@dataclass(frozen=True)
class PoseResult(PeopleOfFrame):
    """The result of one processed frame; `PeopleOfFrame` names the values of the followed person.

    Attributes
    ----------
    seq : int
    source_size_px : (int, int)
        Width, height of the original frame: the range of `keypoints_px`.
    people : tuple of Person
        Everybody whom the frame shows, in order of their ids.
    followed_id : int
        The person whose values the result itself has (`PeopleOfFrame`); 0 before anybody was seen.
    n_angles : int
        Number of the session's joint angles.
    settings_version : int
        Version of the settings in force.
    record : FrameRecord
        The frame's record in the ledger.
    """

    seq: int
    source_size_px: tuple[int, int]
    people: tuple[Person, ...]
    followed_id: int
    n_angles: int
    settings_version: int
    record: FrameRecord
