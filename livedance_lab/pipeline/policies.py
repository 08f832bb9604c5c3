"""Scheduling policies: which lane takes which frame. One class per way to schedule, and one table of designs.

==============  ==========================================================================================
design          how a frame is treated
==============  ==========================================================================================
`lanes`         several pose lanes alternate frames, one hands lane; a result leaves when its pose is ready,
                with the newest hands and the frame that these belong to (the default, as `auto`)
`decoupled`     the same with one pose lane
`join`          pose and hands of the *same* frame run in parallel; the result waits for the slower one
`sequential`    pose, then hands, in one lane: as in the original demo, and the baseline
`live_stream`   `decoupled` with MediaPipe's own LIVE_STREAM mode; slower, for comparison
==============  ==========================================================================================

`choose` is called with the scheduler's lock held, so it must be fast. No policy reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.scheduler import Job, LaneState, SchedulingPolicy
from livedance_lab.pipeline.session_load import SessionLoad
from livedance_lab.settings import Settings

__all__ = ["DESIGNS", "Design", "HandsGate", "JoinPolicy", "LanesPolicy", "Policy", "SequentialPolicy", "lane_kinds",
           "pose_lane_count"]  # fmt: skip

HANDS_WEIGHT = {"pose_first": 0.0625, "balanced": 0.25, "hands_first": 2.0}
"""By `Settings.priority`: weight of the hands' age, if the pose's age has weight 1."""

STAGGER = 0.25
"""Least time between the starts of two pose lanes, as a fraction of the time that would space them evenly."""


@dataclass
class HandsGate:
    """Decides when a hands inference may start.

    Attributes
    ----------
    wrists_visible : bool
        Whether the newest pose shows a wrist inside the frame; if not, no inference is started.
    last_seq : int
        The last frame whose hands inference was started.
    last_start_s : float
        When that inference was started.
    misses : int
        Successive inferences that found no hand: from the third on each doubles the pause, up to half a second.
    """

    wrists_visible: bool = True
    last_seq: int = -1
    last_start_s: float = -1e9
    misses: int = 0

    def pause_s(self, settings: Settings) -> float:
        """Least time between the starts of two inferences."""
        base_s = 1 / settings.hands_max_hz if settings.hands_max_hz else 0.0
        if self.misses < 3:
            return base_s
        return max(base_s, min(0.5, 0.05 * 2.0 ** (self.misses - 3)))

    def is_due(self, settings: Settings, newest: ReceivedFrame | None, now_s: float) -> bool:
        """Whether a hands inference on the newest frame may start now."""
        return (
            settings.hands
            and newest is not None
            and self.wrists_visible
            and newest.seq > self.last_seq
            and now_s - self.last_start_s >= self.pause_s(settings)
        )

    def record_start(self, seq: int, now_s: float) -> None:
        """Note that the inference on frame `seq` starts."""
        self.last_seq, self.last_start_s = seq, now_s

    def record_found(self, n_hands: int) -> None:
        """Note how many hands an inference has found."""
        self.misses = 0 if n_hands else self.misses + 1


class Policy(SchedulingPolicy):
    """Base of all policies: the session's slot, its lanes by kind, and its settings.

    Parameters
    ----------
    slot : LatestSlot of ReceivedFrame
    lanes : sequence of LaneState
    settings : Settings
        The current ones; the session replaces them when they change.
    """

    def __init__(self, slot: LatestSlot[ReceivedFrame], lanes: Sequence[LaneState], settings: Settings) -> None:
        self.slot, self.settings = slot, settings
        self.pose = [lane for lane in lanes if "pose" in lane.kinds]
        self.hands = [lane for lane in lanes if "hands" in lane.kinds]
        self.hands_gate = HandsGate()

    def observe_duration(self, job: Job, duration_s: float) -> None:
        """Ignore it: this policy does not depend on durations."""

    def replace(self, old: LaneState, new: LaneState) -> None:
        """Use another lane in place of one that was given up."""
        for lanes in (self.pose, self.hands):
            lanes[:] = [new if lane is old else lane for lane in lanes]


class LanesPolicy(Policy):
    """Pose lanes alternate frames, hands run at their own rate; a free core takes the job that reduces age most.

    What a viewer sees is as old as its newest pose and, with a weight, its newest hands. A job on a frame that was
    captured *d* seconds after the last one of its kind makes that part of the view *d* seconds younger, and keeps a
    core for about *s* seconds. The policy chooses the job with the greatest utility, weight · *d* / *s*: the greedy
    policy for the "age of information" (Kadota, Sinha and Modiano, IEEE/ACM Transactions on Networking 26 (6), 2018),
    divided by the service time. After a pose was started, another pose has little utility; and because the hands' age
    grows, a hands job is chosen eventually.
    """

    def __init__(self, slot: LatestSlot[ReceivedFrame], lanes: Sequence[LaneState], settings: Settings) -> None:
        super().__init__(slot, lanes, settings)
        self.load = SessionLoad(len(self.pose))
        self._started_capture_s = {"pose": -math.inf, "hands": -math.inf}  # capture time of the last frame, by kind

    def choose(self, now_s: float, cores: float = math.inf) -> tuple[LaneState, Job] | None:
        """A pose or a hands job on the newest frame, whichever has more utility."""
        pose_lane, hands_lane = self._pose_lane(now_s, cores), self._hands_lane(now_s)
        pose_utility = self._utility("pose", self.slot.waiting) if pose_lane is not None else 0.0
        newest = self.slot.newest
        weight = HANDS_WEIGHT[self.settings.priority]
        if hands_lane is not None and newest is not None and weight * self._utility("hands", newest) > pose_utility:
            self.hands_gate.record_start(newest.seq, now_s)
            return self._job(hands_lane, "hands", newest, now_s)
        if pose_lane is None or (frame := self.slot.take()) is None:
            return None
        return self._job(pose_lane, "pose", frame, now_s)

    def observe_duration(self, job: Job, duration_s: float) -> None:
        """Update the duration that is expected of the next job of this kind."""
        self.load.observe_duration(job.kinds[0], duration_s)

    def _utility(self, kind: str, frame: ReceivedFrame | None) -> float:
        """Seconds by which a job makes its part of the view younger, per second of a core."""
        if frame is None:
            return 0.0
        return (frame.times.t_capture_s - self._started_capture_s[kind]) / self.load.typical_s[kind]

    def _pose_lane(self, now_s: float, cores: float) -> LaneState | None:
        """The lane that should take the waiting frame; None if no frame waits, no lane is idle, or it is too early."""
        if self.slot.waiting is None:
            return None
        n_used = math.ceil(min(cores, self.load.pose_lanes))
        used = sorted(self.pose, key=lambda lane: -lane.last_start_s)[:n_used]
        idle = [lane for lane in used if lane.idle]
        if not idle:
            return None
        # two poses that start together give two results together, and then none for a long time
        if len(idle) < len(used) and now_s - used[0].last_start_s < STAGGER * self.load.typical_s["pose"] / len(used):
            return None
        return min(idle, key=lambda lane: lane.last_start_s)  # the one that was idle longest: lanes alternate

    def _hands_lane(self, now_s: float) -> LaneState | None:
        lane = next((lane for lane in self.hands if lane.idle), None)
        return lane if self.hands_gate.is_due(self.settings, self.slot.newest, now_s) else None

    def _job(self, lane: LaneState, kind: str, frame: ReceivedFrame, now_s: float) -> tuple[LaneState, Job]:
        self._started_capture_s[kind] = frame.times.t_capture_s
        if kind == "pose":
            self.load.observe_start(frame, now_s)
        return lane, Job(frame, (kind,), now_s, expected_s=self.load.typical_s[kind])


class SequentialPolicy(Policy):
    """One lane estimates pose and hands of a frame before it takes the next."""

    def choose(self, now_s: float, cores: float = math.inf) -> tuple[LaneState, Job] | None:  # noqa: ARG002
        """The newest frame, if the lane is idle."""
        (lane,) = self.pose
        if not lane.idle or (frame := self.slot.take()) is None:
            return None
        return lane, Job(frame, lane.kinds, now_s)


class JoinPolicy(Policy):
    """Pose and hands of the same frame run in parallel; both lanes finish before the next frame."""

    _frame: ReceivedFrame | None = None  # its pose was assigned, its hands not yet

    def choose(self, now_s: float, cores: float = math.inf) -> tuple[LaneState, Job] | None:  # noqa: ARG002
        """The hands of the frame whose pose was assigned, else the pose of the newest frame."""
        (pose,), (hands,) = self.pose, self.hands
        if self._frame is not None:
            if not hands.idle:
                return None
            frame, self._frame = self._frame, None
            return hands, Job(frame, hands.kinds, now_s, joined_by=self)
        if not (pose.idle and hands.idle) or (newest := self.slot.take()) is None:
            return None
        self._frame = newest
        return pose, Job(newest, pose.kinds, now_s, joined_by=self)


def _join(slot: LatestSlot[ReceivedFrame], lanes: Sequence[LaneState], settings: Settings) -> Policy:
    """Without hands there is nothing to join, and the one pose lane takes the newest frame."""
    return (JoinPolicy if settings.hands else LanesPolicy)(slot, lanes, settings)


@dataclass(frozen=True)
class Design:
    """Lanes and policy of one value of `Settings.design`.

    Attributes
    ----------
    policy : callable
        Makes the policy from slot, lanes and settings.
    pose_lanes : int
        Fixed number of lanes that estimate poses; 0: by settings and cores, see `pose_lane_count`.
    lanes : dict of str to tuple of str, or None
        Fixed lanes by name, with what each estimates; None: the pose lanes and one hands lane.
    """

    policy: Callable[[LatestSlot[ReceivedFrame], Sequence[LaneState], Settings], Policy] = LanesPolicy
    pose_lanes: int = 0
    lanes: dict[str, tuple[str, ...]] | None = None


DESIGNS: dict[str, Design] = {
    "auto": Design(),
    "lanes": Design(),
    "decoupled": Design(pose_lanes=1),
    "live_stream": Design(pose_lanes=1),
    "join": Design(_join, pose_lanes=1),
    "sequential": Design(SequentialPolicy, pose_lanes=1, lanes={"sequential": ("pose", "hands")}),
}
"""Every value of `Settings.design`."""


def pose_lane_count(settings: Settings, workers: int) -> int:
    """Number of lanes that estimate poses, which is also the number of unanswered frames that a paced client may have.

    The default is two, or one on a single core. Two keep up with 60 frames/s if a pose takes at most 27 ms. On machines
    with 4, 8 or 16 cores a third lane makes results less than a millisecond younger (``livedance bench --simulate``).
    Each lane costs memory, and `SessionLoad` uses no more of them than the camera's rate needs. `Settings.pose_lanes`
    sets another number, for models that take longer.
    """
    return DESIGNS[settings.design].pose_lanes or settings.pose_lanes or min(2, workers)


def lane_kinds(settings: Settings, workers: int) -> dict[str, tuple[str, ...]]:
    """The lanes that a session needs: their names, and what each estimates."""
    alternating = {f"pose-{i}": ("pose",) for i in range(pose_lane_count(settings, workers))}
    lanes = DESIGNS[settings.design].lanes or {**alternating, "hands": ("hands",)}
    wanted = {name: tuple(k for k in kinds if settings.hands or k != "hands") for name, kinds in lanes.items()}
    return {name: kinds for name, kinds in wanted.items() if kinds}
