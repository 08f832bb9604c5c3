"""Builds what a result says of one person: pixels, angles, smoothing, hands. Nothing of it is state of another person.

In a mirrored camera's frames (`Settings.mirrored`) the model takes the person's right side for the left. The builder
renames the landmarks and inverts x of the world landmarks before anything else uses them. Keypoints in pixels stay
where they are in the frame that was sent, so that a skeleton drawn on it fits. Later steps need not know of the
mirroring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from livedance_lab.analysis.angles import OTHER_SIDE, angles_deg, unmirrored
from livedance_lab.analysis.smoothing import BodySmoother
from livedance_lab.estimators.base import Estimate
from livedance_lab.pipeline.hand_tracking import WristTracker
from livedance_lab.pose import Body, FloatArray, Frame, Person
from livedance_lab.settings import Settings

__all__ = ["Hands", "PersonBuilder", "in_pixels"]

_MAX_HANDS_AGE_S = 0.5  # hands older than this are not added to a newer pose
FLIP = np.array([-1, 1, 1], dtype=np.float32)
"""Inverts x."""


@dataclass(frozen=True)
class Hands:
    """A person's hands of one frame, by side.

    Attributes
    ----------
    seq : int
        The frame.
    t_capture_s : float
    body : Body
        Holds the hands' arrays only, in pixels and metres.
    stage_ms : float
        How long the inference took.
    """

    seq: int
    t_capture_s: float
    body: Body
    stage_ms: float


class PersonBuilder:
    """Builds one person's part of the results, in capture order.

    Parameters
    ----------
    id : int
        The person's id.
    settings : Settings
    angle_names : tuple of str
        Ids of the joint angles.
    clock : callable
        Returns the time in seconds; used for stage times only.

    Attributes
    ----------
    pose : Body
        As estimated in the last frame; NaN if it did not show the person.
    wrists : WristTracker
    """

    def __init__(self, id: int, settings: Settings, angle_names: tuple[str, ...], clock: Callable[[], float]) -> None:
        self.id, self.pose, self.wrists = id, Body(), WristTracker()
        self._angle_names, self._clock = angle_names, clock
        self._hands: Hands | None = None
        self._hands_fresh = False
        self._smoother = BodySmoother(settings.smoothing, settings.gap_reset_s, angle_names)
        self._smoothed_mirrored = settings.mirrored
        self._settings = settings

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next frame on; the filters keep their state where it stays valid.

        Raises
        ------
        SettingsError
            If a filter or parameter is unknown; nothing is changed then.
        """
        before = self._settings
        if (settings.smoothing, settings.gap_reset_s) != (before.smoothing, before.gap_reset_s):
            self._smoother.reconfigure(settings.smoothing, settings.gap_reset_s)
        if not settings.hands or settings.mirrored != before.mirrored:
            self._hands = None
        if settings.mirrored != before.mirrored:
            self.pose, self.wrists = Body(), WristTracker()
        self._settings = settings

    def add_hands(self, hands: Hands | None) -> None:
        """Keep hands for the next results; None if the newest frame that was searched shows none."""
        self._hands, self._hands_fresh = hands, hands is not None

    def build(self, frame: Frame, estimate: Estimate | None, stage_ms: dict[str, float]) -> Person | None:
        """Build the person's part of a result, with the newest hands that are not too old.

        Parameters
        ----------
        frame : Frame
            Its `t_capture_s` must not be earlier than the previous call's.
        estimate : Estimate or None
            The person's pose; None if the frame does not show the person. The filters must know of such frames too.
        stage_ms : dict of str to float
            The times of "angles", "smoothing" and, with hands, "hands" are added to it.

        Returns
        -------
        Person or None
            None if the frame shows neither the person's body nor, where one person is followed, their hands.
        """
        start_s, t_s = self._clock(), frame.times.t_capture_s
        # a camera may show one person's hands only; of several people nobody could say whose they are
        hands = self._current_hands(t_s) if estimate is not None or self._settings.max_people == 1 else None
        shows_body = estimate is not None and estimate.pose_xyz is not None
        estimate = estimate or Estimate()
        self.pose = raw = self.body(frame, estimate, hands)
        self.wrists.update(t_s, raw)
        angles = self._angles(raw)
        angles_s = self._clock()
        if self._settings.mirrored != self._smoothed_mirrored:
            self._smoother.reset()  # left and right were exchanged: the filters' state is of the other side
            self._smoothed_mirrored = self._settings.mirrored
        smooth, angles_smooth, flags = self._smoother(
            raw, angles, t_s, self._settings.visibility_threshold,
            hands_t_s=hands.t_capture_s if hands else np.nan, hands_fresh=self._hands_fresh and hands is not None,
        )  # fmt: skip
        if hands is not None:
            self._hands_fresh = False
            stage_ms["hands"] = hands.stage_ms
        stage_ms["angles"] = stage_ms.get("angles", 0.0) + (angles_s - start_s) * 1000
        stage_ms["smoothing"] = stage_ms.get("smoothing", 0.0) + (self._clock() - angles_s) * 1000
        if not shows_body and hands is None:
            return None
        return Person(self.id, raw, smooth, angles, angles_smooth, flags, hands.seq if hands else -1,
                      estimate.score)  # fmt: skip

    def _angles(self, raw: Body) -> FloatArray:
        """Joint angles, degrees; those in the image plane as a camera without mirroring would show them."""
        unmirrored_px = raw.keypoints_px * FLIP if self._settings.mirrored else raw.keypoints_px
        threshold = self._settings.visibility_threshold
        return angles_deg(raw.world_m, raw.visibility, self._angle_names, threshold, keypoints_px=unmirrored_px)

    def _current_hands(self, t_capture_s: float) -> Hands | None:
        hands = self._hands
        return hands if hands is not None and abs(t_capture_s - hands.t_capture_s) <= _MAX_HANDS_AGE_S else None

    def body(self, frame: Frame, estimate: Estimate, hands: Hands | None = None) -> Body:
        """The person as estimated, in pixels and on their own sides; NaN where the estimate has nothing."""
        empty = Body()
        found = hands.body if hands is not None else empty
        xyz = estimate.pose_xyz
        keypoints_px = empty.keypoints_px if xyz is None else in_pixels(xyz, frame, estimate)
        world_m = _float32_or(estimate.pose_world_m, empty.world_m)
        visibility = _float32_or(estimate.visibility, empty.visibility)
        presence = _float32_or(estimate.presence, empty.presence)
        if self._settings.mirrored:
            keypoints_px, visibility, presence = (a[OTHER_SIDE] for a in (keypoints_px, visibility, presence))
            world_m = unmirrored(world_m).astype(np.float32)
        return replace(found, keypoints_px=keypoints_px, world_m=world_m, visibility=visibility, presence=presence)


def in_pixels(xyz: FloatArray, frame: Frame, estimate: Estimate) -> FloatArray:
    """Landmarks in pixels of the original frame; float32, so that the log stores them exactly."""
    if not estimate.normalised:
        return xyz.astype(np.float32)
    width, height = frame.source_size_px
    return (xyz * np.array([width, height, width], dtype=np.float32)).astype(np.float32)


def _float32_or(value: FloatArray | None, default: FloatArray) -> FloatArray:
    return default if value is None else value.astype(np.float32)
