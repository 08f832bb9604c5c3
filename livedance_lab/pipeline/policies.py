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

import math
from dataclasses import dataclass

from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.load import Load
from livedance_lab.pipeline.received_frame import Picture
from livedance_lab.pipeline.scheduler import Job, LaneHandle
from livedance_lab.settings import Settings

__all__ = ["HandsPolicy", "JoinPlan", "LanesPlan", "SequentialPlan", "pose_lane_count"]


HANDS_WEIGHT = {"pose_first": 0.0625, "balanced": 0.25, "hands_first": 2.0}
"""By priority: how much a viewer minds the age of the hands, the pose's age being 1."""

STAGGER = 0.25
"""Least time between the starts of two pose lanes, as a share of what would spread them evenly."""


def pose_lane_count(settings: Settings, workers: int) -> int:
    """How many pose landmarkers a session gets.

    Two by default, one on a single core: two follow 60 frames/s where a pose takes up to 27 ms, and on machines with
    4, 8 or 16 cores a third one makes results less than a millisecond younger (``livedance bench --simulate``). Each
    costs memory, and none is used that the camera's rate does not need. Slow models can be given more by hand.
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
    """Pose lanes alternate frames, hands follow at their own rate; a free core does what freshens the view most.

    What a viewer sees is as old as its newest pose and, by a weight, its newest hands. A job on a frame captured
    *d* seconds after the last one looked at makes its part of the view *d* seconds younger and keeps a core for about
    *s* seconds, so that the job with the greatest weight · *d* / *s* is chosen: the greedy policy of the "age of
    information" (Kadota, Sinha and Modiano, IEEE/ACM Transactions on Networking 26 (6), 2018), by time of service.
    A pose that was just begun leaves little to gain from another one; hands that grow old come to their turn.

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
        self.load = Load(len(pose))
        self._begun_capture_s = {"pose": -math.inf, "hands": -math.inf}

    def choose(self, now_s: float, cores: float = math.inf) -> tuple[LaneHandle, Job] | None:
        """Pose of the newest frame, or a look for hands in it: what gains more, if anything does."""
        pose_lane, hands_lane = self._pose_lane(now_s, cores), self._hands_lane(now_s)
        pose = self._gain("pose", self.slot.waiting) if pose_lane is not None else 0.0
        newest = self.slot.newest
        hands = self._gain("hands", newest) if hands_lane is not None else 0.0
        if hands_lane is not None and newest is not None and hands * HANDS_WEIGHT[self.settings.priority] > pose:
            self.policy.begun(newest.frame.seq, now_s)
            return self._job(hands_lane, "hands", newest, now_s)
        if pose_lane is None or (picture := self.slot.take()) is None:
            return None
        return self._job(pose_lane, "pose", picture, now_s)

    def took(self, job: Job, seconds: float) -> None:
        """A job has taken so long: what the next of its kind is expected to take."""
        self.load.took(job.kind, seconds)

    def replace(self, old: LaneHandle, new: LaneHandle) -> None:
        """Another lane does the work of one that was given up."""
        for lanes in (self.pose, self.hands):
            lanes[:] = [new if lane is old else lane for lane in lanes]

    def _gain(self, kind: str, picture: Picture | None) -> float:
        """How much younger its part of the view gets, per second of a core."""
        if picture is None:
            return 0.0
        return (picture.frame.times.t_capture_s - self._begun_capture_s[kind]) / self.load.usual_s[kind]

    def _pose_lane(self, now_s: float, cores: float) -> LaneHandle | None:
        """The lane that should take the waiting frame; None if none is there, or it is better to wait a little."""
        if self.slot.waiting is None:
            return None
        most = math.ceil(min(cores, self.load.pose_lanes))
        used = sorted(self.pose, key=lambda lane: -lane.last_start_s)[:most]
        idle = [lane for lane in used if lane.idle]
        at_work = len(used) - len(idle)
        # frames looked at in quick succession give results in pairs, and then a long one grows old
        if not idle or (at_work and now_s - used[0].last_start_s < STAGGER * self.load.usual_s["pose"] / len(used)):
            return None
        return min(idle, key=lambda lane: lane.last_start_s)  # the one that has rested longest: lanes alternate

    def _hands_lane(self, now_s: float) -> LaneHandle | None:
        lane = next((lane for lane in self.hands if lane.idle), None)
        return lane if self.policy.due(self.settings, self.slot.newest, now_s) else None

    def _job(self, lane: LaneHandle, kind: str, picture: Picture, now_s: float) -> tuple[LaneHandle, Job]:
        self._begun_capture_s[kind] = picture.frame.times.t_capture_s
        if kind == "pose":
            self.load.begun(picture.frame, now_s)
        return lane, Job(picture, kind, now_s, expected_s=self.load.usual_s[kind])


class SequentialPlan:
    """One lane does everything of one frame before it looks at the next."""

    def __init__(self, slot: LatestSlot[Picture], lane: LaneHandle, settings: Settings) -> None:
        self.slot, self.lane, self.settings = slot, lane, settings
        self.policy = HandsPolicy()

    def choose(self, now_s: float, _cores: float = math.inf) -> tuple[LaneHandle, Job] | None:
        """The newest frame, if the lane is idle."""
        if not self.lane.idle:
            return None
        picture = self.slot.take()
        return None if picture is None else (self.lane, Job(picture, "both", now_s))

    def took(self, job: Job, seconds: float) -> None:
        """There is no choice that could depend on it."""

    def replace(self, old: LaneHandle, new: LaneHandle) -> None:
        """As `LanesPlan.replace`."""
        self.lane = new if self.lane is old else self.lane


class JoinPlan:
    """Pose and hands of the same frame at the same time; both lanes meet before the next."""

    def __init__(self, slot: LatestSlot[Picture], pose: LaneHandle, hands: LaneHandle, settings: Settings) -> None:
        self.slot, self.pose, self.hands, self.settings = slot, pose, hands, settings
        self.policy = HandsPolicy()
        self._second: Picture | None = None

    def choose(self, now_s: float, _cores: float = math.inf) -> tuple[LaneHandle, Job] | None:
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

    def took(self, job: Job, seconds: float) -> None:
        """There is no choice that could depend on it."""

    def replace(self, old: LaneHandle, new: LaneHandle) -> None:
        """As `LanesPlan.replace`."""
        self.pose = new if self.pose is old else self.pose
        self.hands = new if self.hands is old else self.hands
