"""The first choreography: 17 s in front of the camera, all rhythms between 0.5 and 2 Hz.

It starts and ends in the same still pose, so that the clip loops.
"""

import math

import numpy as np

from dancer.controls import REST_PALM, STANCE_M, Arm, Dance, KneeLift, Segment, Step, Trunk
from dancer.maths import keys, wave, window

SEGMENTS = (
    Segment("still", 0.0, 1.2),
    Segment("groove", 1.2, 4.2),
    Segment("knee_lifts", 4.2, 6.2),
    Segment("arm_wave", 6.2, 8.6),
    Segment("torso_turns", 8.6, 10.6),
    Segment("hand_wave", 10.6, 12.4),
    Segment("fast_arms", 12.4, 14.1),
    Segment("slow_squat", 14.1, 17.0),
)

STEPS = {
    "L": (
        Step(1.35, 1.75, 0.20, 0.00, 0.05),
        Step(2.35, 2.75, 0.10, 0.00, 0.06),
        Step(3.35, 3.75, 0.20, 0.00, 0.05),
        Step(4.00, 4.25, STANCE_M, 0.00, 0.03),
        Step(6.10, 6.50, 0.17, -0.40, 0.06),
        Step(8.42, 8.80, 0.16, 0.00, 0.06),
        Step(10.30, 10.70, 0.16, 0.40, 0.07),
        Step(12.20, 12.62, 0.15, -0.28, 0.07),
        Step(14.05, 14.45, 0.16, 0.0, 0.04),
        Step(16.25, 16.55, STANCE_M, 0.0, 0.02),
    ),
    "R": (
        Step(1.85, 2.25, 0.10, 0.00, 0.06),
        Step(2.85, 3.25, 0.20, 0.00, 0.05),
        Step(3.75, 4.00, STANCE_M, 0.00, 0.04),
        Step(6.40, 6.80, 0.17, -0.40, 0.06),
        Step(8.72, 9.12, 0.16, 0.00, 0.06),
        Step(10.62, 10.98, 0.16, 0.40, 0.07),
        Step(12.50, 12.92, 0.15, -0.28, 0.07),
        Step(14.30, 14.70, 0.16, 0.0, 0.04),
        Step(16.40, 16.70, STANCE_M, 0.0, 0.02),
    ),
}
KNEE_LIFTS = {"R": (KneeLift(4.30, 5.20, 0.50, 0.16),), "L": (KneeLift(5.20, 6.10, 0.50, 0.16),)}

# Postures of the arms: (time in s, value).  Rhythms are added to them.
# fmt: off
ABD_DEG = (
    (1.2, 9.0), (1.7, 26), (4.0, 26), (4.5, 22), (6.1, 22), (6.8, 84), (8.2, 84), (8.9, 48), (10.0, 48),
    (10.7, 50.0), (12.3, 50.0), (12.95, 70), (13.85, 70), (14.55, 60), (15.2, 86), (15.6, 86), (16.75, 9.0),
)
AZIM_DEG = (
    (1.2, 14.0), (1.7, 34), (4.0, 34), (4.5, 52), (6.1, 52), (6.8, 12), (8.2, 12), (8.9, 58), (10.0, 58),
    (10.7, 24.0), (12.3, 24.0), (12.95, 12), (13.85, 12), (14.55, 60), (15.2, 74), (15.6, 74), (16.75, 14.0),
)
SWIVEL_DEG = (
    (1.2, 8.0), (1.7, 26), (4.0, 26), (4.5, 52), (6.1, 52), (6.8, 30), (8.2, 30), (8.9, 46), (10.0, 46),
    (10.7, 88.0), (12.3, 88.0), (12.95, 30), (13.85, 30), (14.4, 40), (15.6, 50), (16.75, 8.0),
)
FLEX_DEG = (
    (1.2, 16.0), (1.7, 80), (4.0, 80), (4.5, 65), (6.1, 65), (6.8, 28), (8.2, 28), (8.9, 95), (10.0, 95),
    (10.7, 104.0), (12.3, 104.0), (12.95, 26), (13.85, 26), (14.4, 40), (15.2, 22), (15.6, 22), (16.75, 16.0),
)
CURL_DEG = (
    (1.2, 24.0), (1.7, 45), (4.0, 45), (4.5, 40), (6.1, 40), (6.6, 10), (8.2, 10), (8.8, 48), (10.0, 48),
    (10.5, 3), (12.3, 3), (12.95, 15), (13.85, 15), (14.5, 12), (15.6, 12), (16.75, 24.0),
)
SPREAD = (
    (1.2, 0.3), (6.6, 0.3), (7.0, 0.6), (10.0, 0.3), (10.5, 1.0), (12.3, 1.0), (12.9, 0.5), (16.75, 0.3),
)
PALM = (
    (1.2, REST_PALM), (1.7, [-0.9, -0.1, -0.2]), (6.1, [-0.9, -0.1, -0.2]),
    (6.8, [0, -0.75, 0.65]), (8.2, [0, -0.75, 0.65]), (8.9, [-0.8, -0.2, -0.3]), (10.0, [-0.8, -0.2, -0.3]),
    (10.5, [0, 0, 1]), (12.4, [0, 0, 1]), (12.95, [0, -0.6, 0.7]), (13.85, [0, -0.6, 0.7]),
    (14.4, [0, -0.9, -0.2]), (15.6, [0, -0.9, -0.2]), (16.75, REST_PALM),
)
# fmt: on


def arm(side: str, t: float) -> Arm:
    """Arm controls at a time in seconds: the posture and the rhythms on top of it."""
    s = 1.0 if side == "L" else -1.0
    abd, azim, swivel, flex = keys(t, *ABD_DEG), keys(t, *AZIM_DEG), keys(t, *SWIVEL_DEG), keys(t, *FLEX_DEG)
    wrist_flex, wrist_dev = 0.0, 0.0

    # groove: elbows pump in turn, 1 Hz, with the sway
    g = window(t, 1.3, 4.2)
    flex += g * 34 * s * wave(t, 1.3, 1.0)
    azim += g * 18 * s * wave(t, 1.3, 1.0, 0.1)
    abd += g * 8 * wave(t, 1.3, 2.0)
    # knee lifts: the opposite arm swings forward and folds
    k = window(t, 4.3, 6.1, 0.3)
    swing = math.sin(2 * math.pi * (t - 4.3) / 1.8)  # + while the right knee is up
    abd += k * (26 * s * swing + 18)
    flex += k * (42 * s * swing)
    # arm wave: runs from the right hand to the left, 0.95 Hz
    w = window(t, 6.5, 8.6, 0.4)
    delay = {"R": (0.0, 0.12, 0.24), "L": (0.60, 0.48, 0.36)}[side]  # wrist, elbow, shoulder, in cycles
    wrist_flex += w * 34 * wave(t, 6.5, 0.95, -delay[0])
    flex += w * (16 + 20 * wave(t, 6.5, 0.95, -delay[1]))
    abd += w * 17 * wave(t, 6.5, 0.95, -delay[2])
    swivel += w * 25 * wave(t, 6.5, 0.95, -delay[1])
    # torso turns: elbows open and close
    u = window(t, 8.8, 10.3, 0.35)
    abd += u * 10 * s * wave(t, 8.8, 1.1)
    flex += u * 25 * wave(t, 8.8, 1.1, 0.2)
    # two-hand wave: forearms swing sideways, 1.4 Hz
    v = window(t, 10.8, 12.45, 0.3)
    abd += v * 12 * s * wave(t, 10.8, 1.4)
    flex += v * -22 * s * wave(t, 10.8, 1.4, -0.05)
    wrist_dev += v * 14 * s * wave(t, 10.8, 1.4, -0.12)
    # fast arms: up and down, 1.9 Hz
    f = window(t, 12.9, 14.1, 0.22)
    abd += f * 56 * wave(t, 12.9, 1.9)
    flex += f * (10 + 10 * wave(t, 12.9, 1.9, 0.25))
    return Arm(
        abd_deg=float(abd),
        azim_deg=float(azim),
        swivel_deg=float(swivel),
        flex_deg=float(np.clip(flex, 4, 142)),
        curl_deg=float(keys(t, *CURL_DEG)),
        spread=float(keys(t, *SPREAD)),
        palm=keys(t, *PALM),
        wrist_flex_deg=float(wrist_flex),
        wrist_dev_deg=float(wrist_dev),
    )


# Postures of the trunk: (time in s, value)
# fmt: off
LIFT_SWAY_M = ((4.1, 0), (4.4, 0.085), (5.05, 0.085), (5.35, -0.085), (5.95, -0.085), (6.25, 0))
CROUCH_M = (
    (1.2, 0), (1.6, 0.02), (4.0, 0.02), (4.4, 0.004), (6.1, 0.004), (6.7, 0.03), (8.4, 0.03), (9.0, 0.05),
    (10.2, 0.05), (10.8, 0.03), (12.15, 0.03), (12.5, 0.085), (12.95, 0.035), (13.9, 0.03), (14.4, 0.03),
    (15.25, 0.30), (15.6, 0.30), (16.7, 0.0),
)
SQUAT = ((14.4, 0), (15.25, 1), (15.6, 1), (16.7, 0))
ROOT_Z_M = (
    (6.1, 0), (6.75, -0.40), (8.45, -0.40), (9.1, 0), (10.3, 0), (10.95, 0.40), (12.25, 0.40),
    (12.95, -0.28), (14.05, -0.28), (14.65, 0),
)
# fmt: on


def trunk(t: float) -> Trunk:
    """Pelvis, spine and head at a time in seconds."""
    g = window(t, 1.3, 4.2)
    sway = g * 0.075 * wave(t, 1.55, 0.5)
    sway += keys(t, *LIFT_SWAY_M)  # weight goes onto the standing leg before a knee lift
    w = window(t, 6.5, 8.6, 0.4)
    sway += w * 0.05 * wave(t, 6.5, 0.95, -0.25)
    v = window(t, 10.8, 12.45, 0.3)
    sway += v * 0.03 * wave(t, 10.8, 1.4)
    crouch = 0.012 + g * 0.055 * (0.5 - 0.5 * math.cos(4 * math.pi * (t - 1.3)))
    crouch += keys(t, *CROUCH_M)
    u = window(t, 8.7, 10.3, 0.35)
    crouch += u * 0.03 * (0.5 - 0.5 * math.cos(2 * math.pi * 1.1 * 2 * (t - 8.7)))
    turn = u * wave(t, 8.7, 1 / 1.7)  # right, then left
    squat = keys(t, *SQUAT)
    f = window(t, 12.9, 14.1, 0.22)
    lift_lean = window(t, 4.3, 6.1, 0.3) * math.sin(2 * math.pi * (t - 4.3) / 1.8)
    return Trunk(
        x_m=float(sway),
        z_m=float(keys(t, *ROOT_Z_M)) - 0.16 * float(squat) - 0.01,
        crouch_m=float(crouch) - 0.008 * f,
        yaw_deg=float(24 * turn),
        pitch_deg=float(24 * squat),
        roll_deg=float(-40 * sway + 3 * lift_lean),
        bend_deg=float(14 * squat + 3 * u),
        twist_deg=float(34 * turn + 8 * g * wave(t, 1.3, 1.0) + 7 * lift_lean),
        side_deg=float(40 * sway + 7 * w * wave(t, 6.5, 0.95, -0.3)),
        head_yaw_deg=float(-30 * turn + 10 * g * wave(t, 1.55, 0.5) + 12 * w * wave(t, 6.5, 0.95, -0.2)),
        head_pitch_deg=float(-22 * squat + 4 * g * wave(t, 1.3, 2.0)),
        head_roll_deg=float(6 * v * wave(t, 10.8, 1.4) - 4 * g * wave(t, 1.55, 0.5)),
    )


FIRST = Dance(SEGMENTS, arm, trunk, STEPS, KNEE_LIFTS)
