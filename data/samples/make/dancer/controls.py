"""What a choreography says: anatomical controls of arms, trunk and feet at a time, and the dance they make."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dancer.maths import FloatArray, ease

STANCE_M = 0.115  # half the distance between the ankles
SIDES = ("L", "R")


@dataclass(frozen=True)
class Arm:
    """One arm, written for the left one; the rig mirrors the right one."""

    abd_deg: float  # upper arm away from the trunk; 0 hangs down
    azim_deg: float  # 0 abducts sideways, 90 forward
    swivel_deg: float  # about the upper arm
    flex_deg: float  # elbow
    curl_deg: float  # fingers
    spread: float  # fingers, 0 closed to 1 wide
    palm: FloatArray  # where the palm looks, chest axes, shape (3,)
    wrist_flex_deg: float
    wrist_dev_deg: float


@dataclass(frozen=True)
class Trunk:
    """Pelvis place and turn, spine and head angles; places and turns are relative to `heading_deg`."""

    x_m: float  # to the dancer's left
    z_m: float  # forward
    crouch_m: float
    yaw_deg: float  # pelvis
    pitch_deg: float
    roll_deg: float
    bend_deg: float  # spine forward
    twist_deg: float
    side_deg: float
    head_yaw_deg: float
    head_pitch_deg: float
    head_roll_deg: float
    heading_deg: float = 0.0  # the whole dancer about the vertical; 180 shows the back


@dataclass(frozen=True)
class Foot:
    """Ankle over its rest height, in axes turned by `yaw_deg` about the middle of the floor."""

    x_m: float  # outwards
    height_m: float
    z_m: float  # forward
    pitch_deg: float  # toes down
    yaw_deg: float = 0.0


class Step(NamedTuple):
    """From the last place of the foot to this one."""

    start_s: float
    end_s: float
    x_m: float
    z_m: float
    lift_m: float
    yaw_deg: float = 0.0


class KneeLift(NamedTuple):
    """Up and down again on the spot."""

    start_s: float
    end_s: float
    lift_m: float
    forward_m: float


def foot_at(t_s: float, steps: Sequence[Step], lifts: Sequence[KneeLift]) -> Foot:
    """Foot of one side at a time, from its steps and knee lifts, both in order of time."""
    x, z, yaw, h, pitch = STANCE_M, 0.0, 0.0, 0.0, 0.0
    for step in steps:
        if t_s >= step.end_s:
            x, z, yaw = step.x_m, step.z_m, step.yaw_deg
        elif t_s > step.start_s:
            s = ease((t_s - step.start_s) / (step.end_s - step.start_s))
            x, z, yaw = x + (step.x_m - x) * s, z + (step.z_m - z) * s, yaw + (step.yaw_deg - yaw) * s
            h = step.lift_m * math.sin(math.pi * s)
            pitch = 18 * math.sin(math.pi * s)
            break
        else:
            break
    for lift in lifts:
        if lift.start_s < t_s < lift.end_s:
            s = math.sin(math.pi * ease((t_s - lift.start_s) / (lift.end_s - lift.start_s)))
            h, z, pitch = h + lift.lift_m * s, z + lift.forward_m * s, 32 * s
            x = x - 0.02 * s
    return Foot(x, h, z, pitch, yaw)


class Segment(NamedTuple):
    """A named part of a dance, from start to before end."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Dance:
    """A choreography: controls over time.  The first segment is still.

    Parameters
    ----------
    segments : tuple of Segment
        Without gaps, from 0 s to the end.
    arm, trunk : callable
        ``arm(side, t_s)`` and ``trunk(t_s)``.
    steps, knee_lifts : mapping of "L" and "R"
        What the feet do.
    extra_still_s : float
        How much longer than choreographed the dancer waits before moving.
    """

    segments: tuple[Segment, ...]
    arm: Callable[[str, float], Arm]
    trunk: Callable[[float], Trunk]
    steps: Mapping[str, Sequence[Step]]
    knee_lifts: Mapping[str, Sequence[KneeLift]]
    extra_still_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Length of the clip."""
        return self.segments[-1].end_s

    def with_still(self, still_s: float) -> "Dance":
        """Return the same dance with a still start of another length; everything after it moves along."""
        if not still_s > 0:
            raise ValueError(f"still_s must be > 0 s, got {still_s!r}.")
        extra_s = still_s - self.segments[0].end_s
        first, *rest = self.segments
        moved = [Segment(s.name, s.start_s + extra_s, s.end_s + extra_s) for s in rest]
        return replace(self, segments=(first._replace(end_s=still_s), *moved), extra_still_s=extra_s)

    def segment_at(self, t_s: float) -> str:
        """Name of the segment, empty outside the dance."""
        return next((s.name for s in self.segments if s.start_s <= t_s < s.end_s), "")

    def controls_at(self, t_s: float) -> tuple[Trunk, dict[str, Arm], dict[str, Foot]]:
        """Trunk, arms and feet at a time of the clip."""
        t = max(0.0, t_s - self.extra_still_s)
        arms = {s: self.arm(s, t) for s in SIDES}
        return self.trunk(t), arms, {s: self.foot(s, t) for s in SIDES}

    def foot(self, side: str, t: float) -> Foot:
        """One foot at a time as choreographed."""
        return foot_at(t, self.steps[side], self.knee_lifts[side])


REST_PALM = np.array([-0.9, 0.0, -0.35])  # hands hang beside the thighs
