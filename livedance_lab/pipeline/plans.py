"""Which lane takes which picture: one class per design, all built on the latest-wins slot.

==============  ==========================================================================================
design          how a frame is treated
==============  ==========================================================================================
`lanes`         several pose lanes alternate frames, one hands lane; a result leaves when its pose is ready,
                with the newest hands and the frame they belong to (the default, as `auto`)
`decoupled`     the same with one pose lane
`join`          pose and hands of the *same* frame side by side; the result waits for the slower one
`sequential`    pose, then hands, in one lane: the original demo's way, and the baseline
`live_stream`   `decoupled` on MediaPipe's own LIVE_STREAM mode; slower, for comparison
==============  ==========================================================================================

`choose` is called with the scheduler's lock held and must be quick; it keeps no clock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from livedance_lab.pipeline.latest import LatestSlot
from livedance_lab.pipeline.picture import Picture
from livedance_lab.pipeline.scheduler import Job, LaneHandle
from livedance_lab.settings import Settings

__all__ = ["HandsPolicy", "JoinPlan", "LanesPlan", "SequentialPlan", "pose_lane_count"]


def pose_lane_count(settings: Settings, workers: int) -> int:
    """How many pose landmarkers a session gets.

    One or two by default: two follow 60 frames/s with the full model on two cores, and every further one
    costs memory and a little steadiness. Heavy models on many cores can be given more by hand.
    """
    if settings.design in ("decoupled", "live_stream"):
        return 1
    return settings.pose_lanes or min(2, workers)


@dataclass
class HandsPolicy:
    """When a hands inference is worth a core.

    Attributes
    ----------
    wrists_visible : bool
        Whether the newest pose shows a wrist in the picture; hands are not looked for otherwise.
    last_seq : int
        The frame last looked at.
    last_start_s : float
        When that began.
    misses : int
        Looks in a row that found nothing: each doubles the pause, up to half a second.
    """

    wrists_visible: bool = True
    last_seq: int = -1
    last_start_s: float = -1e9
    misses: int = 0

    def pause_s(self, settings: Settings) -> float:
        """Least time between the starts of two looks."""
        base_s = 1 / settings.hands_max_hz if settings.hands_max_hz else 0.0
        if self.misses < 3:
            return base_s
        return max(base_s, min(0.5, 0.05 * 2.0 ** (self.misses - 3)))

    def due(self, settings: Settings, newest: Picture | None, now_s: float) -> bool:
        """Whether the newest picture deserves a look for hands now."""
        return (
            settings.hands
            and newest is not None
            and self.wrists_visible
            and newest.frame.seq > self.last_seq
            and now_s - self.last_start_s >= self.pause_s(settings)
        )

    def found(self, n_hands: int) -> None:
        """A look has found so many hands."""
        self.misses = 0 if n_hands else self.misses + 1

    def begun(self, seq: int, now_s: float) -> None:
        """A look at frame `seq` begins."""
        self.last_seq, self.last_start_s = seq, now_s


class LanesPlan:
    """Pose lanes alternate frames; hands follow at their own rate.

    Parameters
    ----------
    slot : LatestSlot of Picture
    pose, hands : list of LaneHandle
    """

    def __init__(
        self, slot: LatestSlot[Picture], pose: list[LaneHandle], hands: list[LaneHandle], settings: Settings
    ) -> None:
        self.slot, self.pose, self.hands, self.settings = slot, pose, hands, settings
        self.policy = HandsPolicy()

    def choose(self, now_s: float) -> tuple[LaneHandle, Job] | None:
        """Pose of the newest frame or a look for hands, whichever the priority puts first."""
        hands_first = self.settings.priority == "hands_first" or (
            self.settings.priority == "balanced" and self._pose_begun_since_hands
        )
        order = (self._hands_job, self._pose_job) if hands_first else (self._pose_job, self._hands_job)
        for offer in order:
            chosen = offer(now_s)
            if chosen is not None:
                return chosen
        return None

    @property
    def _pose_begun_since_hands(self) -> bool:
        """Whether it is the hands' turn: also on a single core each look for hands follows a pose."""
        return any(lane.busy_since_s is not None or lane.last_start_s > self.policy.last_start_s for lane in self.pose)

    def replace(self, old: LaneHandle, new: LaneHandle) -> None:
        """Another lane does the work of one that was given up."""
        for lanes in (self.pose, self.hands):
            lanes[:] = [new if lane is old else lane for lane in lanes]

    def _pose_job(self, now_s: float) -> tuple[LaneHandle, Job] | None:
        idle = [lane for lane in self.pose if lane.idle]
        if not idle:
            return None
        picture = self.slot.take()
        # the one that has rested longest, so that lanes alternate
        return None if picture is None else (min(idle, key=lambda lane: lane.last_start_s), Job(picture, "pose", now_s))

    def _hands_job(self, now_s: float) -> tuple[LaneHandle, Job] | None:
        lane = next((lane for lane in self.hands if lane.idle), None)
        newest = self.slot.newest
        if lane is None or newest is None or not self.policy.due(self.settings, newest, now_s):
            return None
        self.policy.begun(newest.frame.seq, now_s)
        return lane, Job(newest, "hands", now_s)


class SequentialPlan:
    """One lane does everything of one frame before it looks at the next."""

    def __init__(self, slot: LatestSlot[Picture], lane: LaneHandle, settings: Settings) -> None:
        self.slot, self.lane, self.settings = slot, lane, settings
        self.policy = HandsPolicy()

    def choose(self, now_s: float) -> tuple[LaneHandle, Job] | None:
        """The newest frame, if the lane is idle."""
        if not self.lane.idle:
            return None
        picture = self.slot.take()
        return None if picture is None else (self.lane, Job(picture, "both", now_s))

    def replace(self, old: LaneHandle, new: LaneHandle) -> None:
        """As `LanesPlan.replace`."""
        self.lane = new if self.lane is old else self.lane


class JoinPlan:
    """Pose and hands of the same frame at the same time; both lanes meet before the next."""

    def __init__(self, slot: LatestSlot[Picture], pose: LaneHandle, hands: LaneHandle, settings: Settings) -> None:
        self.slot, self.pose, self.hands, self.settings = slot, pose, hands, settings
        self.policy = HandsPolicy()
        self._second: Picture | None = None

    def choose(self, now_s: float) -> tuple[LaneHandle, Job] | None:
        """The hands of the frame whose pose was begun, else the pose of the newest frame."""
        if self._second is not None:
            if not self.hands.idle:
                return None
            picture, self._second = self._second, None
            return self.hands, Job(picture, "hands", now_s, joined_by=self)
        if not (self.pose.idle and self.hands.idle):
            return None
        picture_or_none = self.slot.take()
        if picture_or_none is None:
            return None
        self._second = picture_or_none
        return self.pose, Job(picture_or_none, "pose", now_s, joined_by=self)

    def replace(self, old: LaneHandle, new: LaneHandle) -> None:
        """As `LanesPlan.replace`."""
        self.pose = new if self.pose is old else self.pose
        self.hands = new if self.hands is old else self.hands
