"""From controls to bone rotations: arms forward, legs by two-bone inverse kinematics.

Planted feet stay put: the pelvis moves, the legs follow.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dancer.body import Body, Pose
from dancer.controls import SIDES, Arm, Dance, Foot, Trunk
from dancer.maths import FloatArray, X, Y, Z, ease, rot, signed_angle_deg, unit

MIRROR = np.diag([-1.0, 1.0, 1.0])
REACH = 0.992  # of the straight leg; the pelvis sinks rather than stretch a leg beyond
MAX_FOREARM_TWIST_DEG = 115.0


class _Leg(NamedTuple):
    """Rest places of hip, knee, ankle and ball, lengths of thigh and shank, and their frames."""

    hip: FloatArray
    knee: FloatArray
    ankle: FloatArray
    ball: FloatArray
    thigh_m: float
    shank_m: float
    thigh_frame: FloatArray
    shank_frame: FloatArray


def _frame(along: FloatArray, x: FloatArray) -> FloatArray:
    """Orthonormal columns: along, the part of x across it, and their cross product."""
    d = unit(along)
    x = unit(x - d * np.dot(x, d))
    return np.stack([d, x, np.cross(d, x)], 1)


def _leg(body: Body, side: str) -> _Leg:
    hip, knee, ankle = (body.head_of(f"{b}.{side}") for b in ("upperleg01", "lowerleg01", "foot"))
    thigh, shank = knee - hip, ankle - knee
    lengths_m = float(np.linalg.norm(thigh)), float(np.linalg.norm(shank))
    return _Leg(hip, knee, ankle, body.head_of(f"toe3-1.{side}"), *lengths_m, _frame(thigh, X), _frame(shank, X))


class ArmRig:
    """Rotations of the left arm and hand, from its rest directions."""

    def __init__(self, body: Body) -> None:
        self.body = body
        shoulder, elbow, wrist = (body.head_of(f"{b}.L") for b in ("upperarm01", "lowerarm01", "wrist"))
        index, middle, pinky = (body.head_of(f"finger{k}-1.L") for k in (2, 3, 5))
        upper, self.fore0 = unit(elbow - shoulder), unit(wrist - elbow)
        self.hinge0 = unit(np.cross(upper, self.fore0))
        self.frame0 = np.stack([upper, self.hinge0, np.cross(upper, self.hinge0)], 1)
        self.flex0_deg = math.degrees(math.acos(np.dot(upper, self.fore0)))
        self.hand0 = unit(middle - wrist)
        palm = unit(np.cross(index - wrist, pinky - wrist))
        if np.dot(palm, body.tail_of("finger3-3.L") - middle) < 0:
            palm = -palm  # fingers curl towards the palm at rest
        self.palm0 = unit(palm - self.hand0 * np.dot(palm, self.hand0))
        # + about the palm normal must move the little finger away from the index finger
        opens = np.dot(np.cross(self.palm0, self.hand0), pinky - index) > 0
        self.spread_sign = 1.0 if opens else -1.0

    def rotations(self, c: Arm) -> dict[str, FloatArray]:
        """Local rotations by bone name without its side, in chest axes."""
        R = rot(Y, -c.azim_deg) @ rot(Z, c.abd_deg) @ rot(Y, c.swivel_deg)
        u, h = R @ -Y, R @ -X
        upper = np.stack([u, h, np.cross(u, h)], 1) @ self.frame0.T
        # the shoulder girdle follows a raised arm
        raised = max(0.0, c.abd_deg - 35)
        clavicle = rot(Z, 0.12 * raised) @ rot(Y, -0.10 * (c.azim_deg - 14) * min(1.0, c.abd_deg / 60))
        shoulder = rot(Z, 0.05 * raised)
        girdle = clavicle @ shoulder
        elbow = rot(self.hinge0, c.flex_deg - self.flex0_deg)
        half_twist = rot(self.fore0, self._forearm_twist_deg(upper @ elbow, c.palm) / 2)
        lateral = np.cross(self.hand0, self.palm0)
        wrist = half_twist @ rot(lateral, c.wrist_flex_deg) @ rot(self.palm0, c.wrist_dev_deg)
        return {
            "clavicle": clavicle,
            "shoulder01": shoulder,
            "upperarm01": girdle.T @ upper,
            "lowerarm01": elbow,
            "lowerarm02": half_twist,
            "wrist": wrist,
            **self._fingers(c),
        }

    def _forearm_twist_deg(self, fore_R: FloatArray, palm: FloatArray) -> float:
        """Turn about the forearm that makes the palm look as wanted; nothing where that is along it."""
        f, n = fore_R @ self.fore0, fore_R @ self.palm0
        n = n - f * np.dot(n, f)
        want = palm - f * np.dot(palm, f)
        size = np.linalg.norm(want)
        if size <= 1e-3:
            return 0.0
        twist = signed_angle_deg(n, want, f)
        return float(np.clip(twist, -MAX_FOREARM_TWIST_DEG, MAX_FOREARM_TWIST_DEG)) * min(1.0, size / 0.3)

    def _fingers(self, c: Arm) -> dict[str, FloatArray]:
        b, n0 = self.body, self.palm0
        out = {}
        for k in (2, 3, 4, 5):
            names = [f"finger{k}-{j}" for j in (1, 2, 3)]
            pts = [b.head_of("wrist.L"), *(b.head_of(n + ".L") for n in names), b.tail_of(names[2] + ".L")]
            dirs = [unit(q - p) for p, q in pairwise(pts)]
            axis = unit(np.cross(dirs[1], n0))  # + turns the finger towards the palm
            for j, (name, gain) in enumerate(zip(names, (0.9, 1.15, 0.75), strict=True)):
                out[name] = rot(axis, c.curl_deg * gain - signed_angle_deg(dirs[j], dirs[j + 1], axis))
            # spread about the palm normal; the rest mesh is already a little open
            fan = {2: -1, 3: -0.2, 4: 0.6, 5: 1.4}[k] * 7 * (c.spread - 0.3) * self.spread_sign
            out[names[0]] = rot(n0, fan) @ out[names[0]]
        thumb = unit(b.tail_of("finger1-3.L") - b.head_of("finger1-1.L"))
        axis = unit(np.cross(thumb, n0))
        out["finger1-2"] = rot(axis, 0.35 * c.curl_deg - 6)
        out["finger1-3"] = rot(axis, 0.55 * c.curl_deg - 10)
        return out


class Dancer:
    """A body that dances.

    Parameters
    ----------
    body : Body
    dance : Dance
    """

    def __init__(self, body: Body, dance: Dance) -> None:
        self.body, self.dance = body, dance
        self.arms = ArmRig(body)
        self.legs = {s: _leg(body, s) for s in SIDES}

    def pose(self, t_s: float) -> Pose:
        """Bone transforms of the whole body at a time of the clip."""
        c, arms, feet = self.dance.controls_at(t_s)
        root = rot(Y, c.heading_deg + c.yaw_deg) @ rot(Z, c.roll_deg) @ rot(X, c.pitch_deg)
        local = {"root": root, **_spine(c)}
        for s in SIDES:
            for name, R in self.arms.rotations(arms[s]).items():
                local[f"{name}.{s}"] = R if s == "L" else MIRROR @ R @ MIRROR
        targets = {s: self._foot_target(s, feet[s]) for s in SIDES}
        middle = (self.legs["L"].hip + self.legs["R"].hip) / 2
        pelvis = self._pelvis(c, root, middle, targets)
        for s in SIDES:
            hip = pelvis + root @ (self.legs[s].hip - middle)
            # knees point between where the pelvis and where the feet look
            facing_deg = 0.5 * (c.heading_deg + feet[s].yaw_deg) + 0.5 * c.yaw_deg
            self._bend_leg(s, local, root, hip, targets[s], facing_deg)
        head = self.body.head_of("root")
        return self.body.pose(local, pelvis - (root @ (middle - head) + head))

    def _pelvis(
        self, c: Trunk, root: FloatArray, middle: FloatArray, targets: dict[str, tuple[FloatArray, FloatArray]]
    ) -> FloatArray:
        """Place between the hips: over the ankles' rest line, lowered by the crouch and by short legs."""
        pelvis = rot(Y, c.heading_deg) @ np.array([c.x_m, middle[1] - c.crouch_m, middle[2] + c.z_m])
        drop = 0.0
        for s in SIDES:
            leg = self.legs[s]
            d = targets[s][0] - (pelvis + root @ (leg.hip - middle))
            reach = REACH * (leg.thigh_m + leg.shank_m)
            horizontal = d[0] ** 2 + d[2] ** 2
            drop = max(drop, -d[1] - math.sqrt(max(1e-6, reach**2 - horizontal)))
        pelvis[1] -= max(0.0, drop)
        return pelvis

    def _bend_leg(
        self,
        side: str,
        local: dict[str, FloatArray],
        root: FloatArray,
        hip: FloatArray,
        target: tuple[FloatArray, FloatArray],
        facing_deg: float,
    ) -> None:
        """Write the leg's rotations: thigh and shank meet at a knee in front (law of cosines)."""
        leg, (ankle, foot_R) = self.legs[side], target
        d = min(np.linalg.norm(ankle - hip), leg.thigh_m + leg.shank_m - 1e-4)
        a = unit(ankle - hip)
        pole = rot(Y, facing_deg + (1 if side == "L" else -1) * 14) @ Z
        p = unit(pole - a * np.dot(pole, a))
        cos_hip = (leg.thigh_m**2 + d * d - leg.shank_m**2) / (2 * leg.thigh_m * d)
        knee = hip + leg.thigh_m * (a * cos_hip + p * math.sqrt(max(0.0, 1 - cos_hip**2)))
        x = unit(np.cross(p, a))
        thigh = _frame(knee - hip, x) @ leg.thigh_frame.T
        shank = _frame(ankle - knee, x) @ leg.shank_frame.T
        local[f"upperleg01.{side}"] = root.T @ thigh
        local[f"lowerleg01.{side}"] = thigh.T @ shank
        local[f"foot.{side}"] = shank.T @ foot_R

    def _foot_target(self, side: str, c: Foot) -> tuple[FloatArray, FloatArray]:
        """Where the ankle is and how the foot is turned."""
        leg = self.legs[side]
        out = 1 if side == "L" else -1
        base = rot(Y, c.yaw_deg + out * 4)
        R = base @ rot(X, c.pitch_deg)
        # pitch about the ball of the foot while it is low, about the ankle when high
        plant = rot(Y, c.yaw_deg) @ np.array([out * c.x_m, leg.ankle[1] + c.height_m, leg.ankle[2] + c.z_m])
        k = 1 - ease(c.height_m / 0.15)
        v = leg.ankle - leg.ball
        return plant + k * (R @ v - base @ v), R


def _spine(c: Trunk) -> dict[str, FloatArray]:
    """Five equal spine joints and four equal neck joints."""
    spine = rot(Y, c.twist_deg / 5) @ rot(Z, -c.side_deg / 5) @ rot(X, c.bend_deg / 5)
    neck = rot(Y, c.head_yaw_deg / 4) @ rot(Z, c.head_roll_deg / 4) @ rot(X, c.head_pitch_deg / 4)
    bones = {f"spine0{i}": spine for i in range(1, 6)}
    return bones | dict.fromkeys(("neck01", "neck02", "neck03", "head"), neck)
