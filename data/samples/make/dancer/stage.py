"""Dances that lead all over the floor: a path to follow, a heading, and what arms and trunk do meanwhile.

The feet follow from the path: while the body moves they step in turn, each to where the body will be
in the middle of the foot's stance; a planted foot stays put.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dancer.controls import SIDES, STANCE_M, Arm, Dance, Foot, Segment, Step, Trunk, foot_at
from dancer.maths import FloatArray, Y, keys, rot

RAMP_S = 0.45  # to walking speed and to a halt again
STEP_S = 0.36  # from one foot's landing to the other's
SWING_S = 0.31  # of which a foot is in the air
LEAST_STEP_M, LEAST_TURN_DEG = 0.03, 8.0  # a foot nearer to its place than that stays
SWAY_SHARE = 0.5  # of the sway of dances whose feet step with it

Place = tuple[float, float, float]  # time in s, x to the right of the picture and z towards the camera in m


def glide(t_s: float, start_s: float, end_s: float) -> float:
    """Share of a way at a time: steady speed between two ramps."""
    whole = end_s - start_s
    ramp, t = min(RAMP_S, whole / 2), min(max(t_s - start_s, 0.0), whole)
    if t > whole / 2:
        return 1 - glide(whole - t, 0.0, whole)
    # speed follows half a cosine over the ramp
    way = t / 2 - ramp / (2 * math.pi) * math.sin(math.pi * t / ramp) if t < ramp else t - ramp / 2
    return way / (whole - ramp)


@dataclass(frozen=True)
class Path:
    """Where a dancer is: places to walk between, and the heading over time (0 looks at the camera).

    Parameters
    ----------
    places : sequence of (time in s, x in m, z in m)
    headings : sequence of (time in s, degrees)
        90 looks to the right of the picture; whole turns count on.
    """

    places: Sequence[Place]
    headings: Sequence[tuple[float, float]]

    def at(self, t_s: float) -> FloatArray:
        """Place on the floor, ndarray of shape (3,) with y = 0."""
        x, z = self.places[0][1:]
        for (t0_s, x0, z0), (t1_s, x1, z1) in zip(self.places, self.places[1:], strict=False):
            if t_s > t0_s:
                s = glide(t_s, t0_s, t1_s)
                x, z = x0 + (x1 - x0) * s, z0 + (z1 - z0) * s
        return np.array([x, 0.0, z])

    def heading_deg(self, t_s: float) -> float:
        """Heading at a time."""
        return float(keys(t_s, *self.headings))

    def foothold(self, side: str, t_s: float) -> Step:
        """Where a foot stands under the body at a time, in the room's axes."""
        heading = self.heading_deg(t_s)
        out = STANCE_M if side == "L" else -STANCE_M
        x, _, z = self.at(t_s) + rot(Y, heading) @ np.array([out, 0, 0])
        return Step(-1.0, 0.0, float(x), float(z), 0.0, heading)

    def steps(self, side: str, end_s: float) -> tuple[Step, ...]:
        """All steps of a foot, the first one onto its first place."""
        out = [self.foothold(side, 0.0)]
        first_s = 0.0 if side == "L" else STEP_S
        for start_s in np.arange(first_s, end_s + 2 * STEP_S, 2 * STEP_S):
            land_s = float(start_s) + SWING_S
            hold = self.foothold(side, land_s + STEP_S - SWING_S / 2)
            far = math.hypot(hold.x_m - out[-1].x_m, hold.z_m - out[-1].z_m)
            if far > LEAST_STEP_M or abs(hold.yaw_deg - out[-1].yaw_deg) > LEAST_TURN_DEG:
                out.append(hold._replace(start_s=float(start_s), end_s=land_s, lift_m=0.03 + 0.06 * min(far, 1.0)))
        return tuple(out)


def turned(place_m: FloatArray, heading_deg: float) -> tuple[float, float]:
    """X and z of a place on the floor, in axes turned by a heading about the middle of the floor."""
    x, _, z = rot(Y, -heading_deg) @ place_m
    return float(x), float(z)


@dataclass(frozen=True)
class Phrase:
    """From a time of the clip on, arms and trunk do what they do in a dance from another time on."""

    start_s: float
    dance: Dance
    dance_s: float
    rate: float = 1.0


def phrase_at(phrases: Sequence[Phrase], t_s: float) -> tuple[Dance, float]:
    """The dance to look into and the time there."""
    p = [p for p in phrases if p.start_s <= t_s or p is phrases[0]][-1]
    return p.dance, p.dance_s + (t_s - p.start_s) * p.rate


class StagedDance(Dance):
    """A dance whose steps are places in the room."""

    def foot(self, side: str, t: float) -> Foot:
        """One foot at a time, in the axes that the rig wants: turned by the foot's own yaw."""
        foot = foot_at(t, self.steps[side], ())
        x, z = turned(np.array([foot.x_m, 0.0, foot.z_m]), foot.yaw_deg)
        return replace(foot, x_m=x if side == "L" else -x, z_m=z)


def staged(segments: Sequence[Segment], path: Path, phrases: Sequence[Phrase]) -> StagedDance:
    """Arms and trunk of some phrases, carried along a path."""

    def arm(side: str, t: float) -> Arm:
        dance, s = phrase_at(phrases, t)
        return dance.arm(side, s)

    def trunk(t: float) -> Trunk:
        dance, s = phrase_at(phrases, t)
        upper = dance.trunk(s)
        heading = path.heading_deg(t)
        x, z = turned(path.at(t), heading)
        x += SWAY_SHARE * upper.x_m
        return replace(upper, x_m=x, z_m=z - 0.01, crouch_m=upper.crouch_m + 0.01, heading_deg=heading)

    end_s = segments[-1].end_s
    feet = {side: path.steps(side, end_s) for side in SIDES}
    return StagedDance(tuple(segments), arm, trunk, feet, dict.fromkeys(SIDES, ()))
