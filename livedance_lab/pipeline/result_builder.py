"""Builds results from estimates: pixels, hands on the right wrists, angles, smoothing. No threads, no wall clock.

Live sessions, offline analysis and the replay of recorded landmarks use the same `ResultBuilder`, so live and offline
results agree to the last bit.

In a mirrored camera's frames (`Settings.mirrored`) the model takes the person's right side for the left. The builder
renames the landmarks and inverts x of the world landmarks before anything else uses them. Keypoints in pixels stay
where they are in the frame that was sent, so that a skeleton drawn on it fits. Later steps need not know of the
mirroring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from livedance_lab.analysis.angles import OTHER_SIDE, angle_ids, angles_deg, unmirrored
from livedance_lab.analysis.smoothing import BodySmoother
from livedance_lab.errors import SettingsError
from livedance_lab.estimators.base import Estimate
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.pipeline.hand_tracking import HandsTally, WristTracker, assign_sides, visible_wrists
from livedance_lab.pose import Body, FloatArray, Frame, FrameRecord, FrameState, PoseResult
from livedance_lab.settings import Settings

__all__ = ["ResultBuilder"]

_MAX_HANDS_AGE_S = 0.5  # hands older than this are not added to a newer pose
_FLIP = np.array([-1, 1, 1], dtype=np.float32)  # inverts x


@dataclass(frozen=True)
class _Hands:
    """The hands found in one frame, in pixels, by side."""

    seq: int
    t_capture_s: float
    body: Body
    stage_ms: float


class ResultBuilder:
    """Builds the results of one session, in capture order.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Returns the time in seconds; used for stage times only, it never influences a value.

    Attributes
    ----------
    angle_names : tuple of str
        Ids of the joint angles that are computed; they do not change during a session.
    last_pose : Body
        As estimated in the last frame.
    wrists_visible : bool
        Whether the last pose shows a wrist inside the frame; True before the first pose.
    tally : HandsTally

    Raises
    ------
    SettingsError
        If the settings name an unknown angle, filter or parameter.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.angle_names = angle_ids(settings.angles)
        self._clock = clock
        self._hands: _Hands | None = None
        self._hands_fresh = False
        self.last_pose = Body()
        self.wrists_visible = True
        self.tally = HandsTally()
        self._wrists = WristTracker()
        self.smoother = BodySmoother(settings.smoothing, settings.gap_reset_s, self.angle_names)
        self._smoothed_mirrored = settings.mirrored
        self.settings = settings

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next frame on; the filters keep their state where it stays valid.

        Raises
        ------
        SettingsError
            If the settings name other angles, or an unknown filter or parameter; nothing is changed then.
        """
        if angle_ids(settings.angles) != self.angle_names:
            raise SettingsError(
                "angles are fixed when a session begins, because its tables have a column for each: this one has "
                f"{', '.join(self.settings.angles)}, and {', '.join(settings.angles)} was requested. Begin another "
                "session with these angles."
            )
        if (settings.smoothing, settings.gap_reset_s) != (self.settings.smoothing, self.settings.gap_reset_s):
            self.smoother.reconfigure(settings.smoothing, settings.gap_reset_s)
        if not settings.hands or settings.mirrored != self.settings.mirrored:
            self._hands = None
        if settings.mirrored != self.settings.mirrored:
            self.last_pose, self._wrists = Body(), WristTracker()
        self.settings = settings

    def hand_crops(self, frame: Frame) -> tuple[Crop, ...]:
        """Where in a frame hands should be searched; empty: in the whole frame."""
        if self.settings.hands_crop == "none" or 0 in frame.source_size_px:
            return ()
        return self._wrists.crops(frame.times.t_capture_s, frame.source_size_px)

    def add_hands(self, frame: Frame, estimate: Estimate, stage_ms: float) -> int:
        """Keep the hands of one frame for the next results, unless those of a newer frame are there.

        Returns
        -------
        int
            How many hands belong to the person.
        """
        if self._hands is not None and frame.seq <= self._hands.seq:
            return 0
        body = self._place_hands(frame, estimate)
        found = int(np.isfinite(body.hands_score).sum())
        self.tally.add(len(estimate.hands), found, stage_ms)
        self._hands = _Hands(frame.seq, frame.times.t_capture_s, body, stage_ms) if found else None
        self._hands_fresh = found > 0
        return found

    def build(self, frame: Frame, estimate: Estimate, record: FrameRecord, settings_version: int) -> PoseResult:
        """Build the result of one frame, with the newest hands that are not too old.

        Parameters
        ----------
        frame : Frame
            Its `t_capture_s` must not be earlier than the previous call's.
        estimate : Estimate
            The pose; hands in it are those of this frame.
        record : FrameRecord
            Gets the stage times "angles", "smoothing" and, with hands, "hands".
        settings_version : int
        """
        start_s = self._clock()
        if estimate.hands:
            self.add_hands(frame, estimate, record.stage_ms.get("hands", np.nan))
        hands = self._current_hands(frame.times.t_capture_s)
        raw = self._body(frame, estimate, hands)
        self.last_pose = raw
        self.wrists_visible = bool(visible_wrists(raw, frame.source_size_px).any())
        self._wrists.update(frame.times.t_capture_s, raw)
        angles = self._angles(raw)
        angles_s = self._clock()
        if (
            self.settings.mirrored != self._smoothed_mirrored
        ):  # left and right were exchanged: the filters' state is of the other side
            self.smoother.reset()
            self._smoothed_mirrored = self.settings.mirrored
        smooth, angles_smooth, flags = self.smoother(
            raw,
            angles,
            frame.times.t_capture_s,
            self.settings.visibility_threshold,
            hands_t_s=hands.t_capture_s if hands else np.nan,
            hands_fresh=self._hands_fresh,
        )
        self._hands_fresh = False
        record.stage_ms["angles"] = (angles_s - start_s) * 1000
        record.stage_ms["smoothing"] = (self._clock() - angles_s) * 1000
        if hands is not None:
            record.stage_ms["hands"] = hands.stage_ms
        record.state = FrameState.PROCESSED
        return PoseResult(
            seq=frame.seq,
            source_size_px=frame.source_size_px,
            raw=raw,
            smooth=smooth,
            angles_deg=angles,
            angles_smooth_deg=angles_smooth,
            flags=flags,
            found=estimate.pose_xyz is not None,
            hands_seq=hands.seq if hands else -1,
            settings_version=settings_version,
            record=record,
        )

    def _angles(self, raw: Body) -> FloatArray:
        """Joint angles, degrees; those in the image plane as a camera without mirroring would show them."""
        unmirrored_px = raw.keypoints_px * _FLIP if self.settings.mirrored else raw.keypoints_px
        threshold = self.settings.visibility_threshold
        return angles_deg(raw.world_m, raw.visibility, self.angle_names, threshold, keypoints_px=unmirrored_px)

    def _current_hands(self, t_capture_s: float) -> _Hands | None:
        hands = self._hands
        return hands if hands is not None and abs(t_capture_s - hands.t_capture_s) <= _MAX_HANDS_AGE_S else None

    def _body(self, frame: Frame, estimate: Estimate, hands: _Hands | None) -> Body:
        empty = Body()
        found = hands.body if hands is not None else empty
        keypoints_px = empty.keypoints_px if estimate.pose_xyz is None else _pixels(estimate.pose_xyz, frame, estimate)
        world_m = _float32_or(estimate.pose_world_m, empty.world_m)
        visibility = _float32_or(estimate.visibility, empty.visibility)
        presence = _float32_or(estimate.presence, empty.presence)
        if self.settings.mirrored:
            keypoints_px, visibility, presence = (a[OTHER_SIDE] for a in (keypoints_px, visibility, presence))
            world_m = unmirrored(world_m).astype(np.float32)
        return replace(found, keypoints_px=keypoints_px, world_m=world_m, visibility=visibility, presence=presence)

    def _place_hands(self, frame: Frame, estimate: Estimate) -> Body:
        """The hands in pixels, by side; a hand far from both wrists is left out: it is another person's, or a face."""
        body = Body()
        px = [_pixels(hand.xyz, frame, estimate) for hand in estimate.hands]
        mirrored = self.settings.mirrored
        for index, side in assign_sides(estimate.hands, px, self.last_pose, mirrored=mirrored).items():
            body.hands_px[side] = px[index]
            body.hands_world_m[side] = estimate.hands[index].world_m * (_FLIP if mirrored else 1)
            body.hands_score[side] = estimate.hands[index].score
        return body


def _pixels(xyz: FloatArray, frame: Frame, estimate: Estimate) -> FloatArray:
    """Landmarks in pixels of the original frame; float32, so that the log stores them exactly."""
    if not estimate.normalised:
        return xyz.astype(np.float32)
    width, height = frame.source_size_px
    return (xyz * np.array([width, height, width], dtype=np.float32)).astype(np.float32)


def _float32_or(value: FloatArray | None, default: FloatArray) -> FloatArray:
    return default if value is None else value.astype(np.float32)
