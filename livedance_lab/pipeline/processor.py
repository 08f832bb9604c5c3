"""From estimates to a result: pixels, hands on the right wrists, angles, smoothing. No threads, no clock.

The same `Processor` serves live sessions, offline analysis and the replay of recorded landmarks, which is
what makes live and offline agree to the last bit.

Of a mirrored camera's pictures (`Settings.mirrored`) the model takes the person's right for the left. Here, before
anything else sees them, landmarks get their true names and world landmarks their true x; keypoints in pixels stay
where they are in the picture that was sent, so that a skeleton lies on it. Nothing after this knows of mirrors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from livedance_lab.analysis.angles import OTHER_SIDE, angle_ids, angles_deg, unmirrored
from livedance_lab.analysis.smoothing import BodySmoother
from livedance_lab.errors import SettingsError
from livedance_lab.estimators.base import Estimate
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.pipeline.hand_tracking import HandsTally, WristFollower, sides, visible_wrists
from livedance_lab.pose import Body, FloatArray, Frame, FrameRecord, FrameState, PoseResult
from livedance_lab.settings import Settings

__all__ = ["Hands", "Processor"]

_HANDS_KEEP_S = 0.5  # older hands than this are not shown with a newer pose
_FLIP = np.array([-1, 1, 1], dtype=np.float32)  # x the other way


@dataclass(frozen=True)
class Hands:
    """Hands as they were seen in one frame, in pixels, sides settled."""

    seq: int
    t_capture_s: float
    body: Body
    stage_ms: float


class Processor:
    """Turns the estimates of one session into results, in capture order.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Seconds now, for stage times only; it never influences a value.

    Attributes
    ----------
    angle_names : tuple of str
        Ids of the joint angles that are computed, always the same ones.
    tally : HandsTally
        What looking for hands has brought.

    Raises
    ------
    SettingsError
        If there is no such angle, filter or parameter.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.angle_names = angle_ids(settings.angles)
        self._clock = clock
        self._hands: Hands | None = None
        self._hands_fresh = False
        self.last_pose = Body()
        self.tally = HandsTally()
        self._follower = WristFollower()
        self.smoother = BodySmoother(settings.smoothing, settings.gap_reset_s, self.angle_names)
        self._smoothed_mirrored = settings.mirrored
        self.settings = settings

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from the next frame on; filter state is kept where it still means something.

        Raises
        ------
        SettingsError
            If they name other angles, or a filter or parameter there is not; nothing has changed then.
        """
        if angle_ids(settings.angles) != self.angle_names:
            raise SettingsError(
                "angles are fixed when a session begins, because its tables have a column for each: this one has "
                f"{', '.join(self.settings.angles)}, and {', '.join(settings.angles)} was asked for. Begin another "
                "session with these angles."
            )
        if (settings.smoothing, settings.gap_reset_s) != (self.settings.smoothing, self.settings.gap_reset_s):
            self.smoother.reconfigure(settings.smoothing, settings.gap_reset_s)
        if not settings.hands or settings.mirrored != self.settings.mirrored:
            self._hands = None
        if settings.mirrored != self.settings.mirrored:
            self.last_pose, self._follower = Body(), WristFollower()
        self.settings = settings

    @property
    def wrists_visible(self) -> bool:
        """Whether the last pose shows a wrist inside the picture; True before the first pose."""
        return self._wrists_visible

    _wrists_visible = True

    def hand_crops(self, frame: Frame) -> tuple[Crop, ...]:
        """Where in a frame to look for hands; none: in all of it."""
        if self.settings.hands_crop == "none" or 0 in frame.source_size_px:
            return ()
        return self._follower.crops(frame.times.t_capture_s, frame.source_size_px)

    def take_hands(self, frame: Frame, estimate: Estimate, stage_ms: float) -> int:
        """Remember the hands of one frame for the results to come.

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
        self._hands = Hands(frame.seq, frame.times.t_capture_s, body, stage_ms) if found else None
        self._hands_fresh = found > 0
        return found

    def result(self, frame: Frame, estimate: Estimate, record: FrameRecord, settings_version: int) -> PoseResult:
        """The result of one frame, with the newest hands that are not too old.

        Parameters
        ----------
        frame : Frame
            Its `t_capture_s` must not be earlier than the previous call's.
        estimate : Estimate
            Body part; hands in it are taken as this frame's.
        record : FrameRecord
            Gains the stage times "angles", "smoothing" and, with hands, "hands".
        settings_version : int
        """
        start_s = self._clock()
        if estimate.hands:
            self.take_hands(frame, estimate, record.stage_ms.get("hands", np.nan))
        hands = self._current_hands(frame.times.t_capture_s)
        raw = self._body(frame, estimate, hands)
        self.last_pose = raw
        self._wrists_visible = bool(visible_wrists(raw, frame.source_size_px).any())
        self._follower.note(frame.times.t_capture_s, raw)
        angles = self._angles(raw)
        angles_s = self._clock()
        if self.settings.mirrored != self._smoothed_mirrored:  # left has become right: nothing to go on from
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
        """Of the unmirrored person; those in the picture, of the picture as an ordinary camera would have it."""
        picture = raw.keypoints_px * _FLIP if self.settings.mirrored else raw.keypoints_px
        threshold = self.settings.visibility_threshold
        return angles_deg(raw.world_m, raw.visibility, self.angle_names, threshold, keypoints_px=picture)

    def _current_hands(self, t_capture_s: float) -> Hands | None:
        hands = self._hands
        return hands if hands is not None and abs(t_capture_s - hands.t_capture_s) <= _HANDS_KEEP_S else None

    def _body(self, frame: Frame, estimate: Estimate, hands: Hands | None) -> Body:
        empty = Body()
        seen = hands.body if hands is not None else empty
        keypoints_px = empty.keypoints_px if estimate.pose_xyz is None else _pixels(estimate.pose_xyz, frame, estimate)
        world_m = _or(estimate.pose_world_m, empty.world_m)
        visibility = _or(estimate.visibility, empty.visibility)
        presence = _or(estimate.presence, empty.presence)
        if self.settings.mirrored:
            keypoints_px, visibility, presence = (a[OTHER_SIDE] for a in (keypoints_px, visibility, presence))
            world_m = unmirrored(world_m).astype(np.float32)
        return Body(
            keypoints_px=keypoints_px,
            world_m=world_m,
            visibility=visibility,
            presence=presence,
            hands_px=seen.hands_px,
            hands_world_m=seen.hands_world_m,
            hands_score=seen.hands_score,
        )

    def _place_hands(self, frame: Frame, estimate: Estimate) -> Body:
        """Each hand on the person's nearest wrist; hands far from both are somebody else's, or a face."""
        body = Body()
        px = [_pixels(hand.xyz, frame, estimate) for hand in estimate.hands]
        mirrored = self.settings.mirrored
        for index, side in sides(estimate.hands, px, self.last_pose, mirrored=mirrored).items():
            body.hands_px[side] = px[index]
            body.hands_world_m[side] = estimate.hands[index].world_m * (_FLIP if mirrored else 1)
            body.hands_score[side] = estimate.hands[index].score
        return body


def _pixels(xyz: FloatArray, frame: Frame, estimate: Estimate) -> FloatArray:
    """Normalised landmarks as pixels of the original frame, in float32 so that a log holds them exactly."""
    if not estimate.normalised:
        return xyz.astype(np.float32)
    width, height = frame.source_size_px
    return (xyz * np.array([width, height, width], dtype=np.float32)).astype(np.float32)


def _or(value: FloatArray | None, default: FloatArray) -> FloatArray:
    return default if value is None else value.astype(np.float32)
