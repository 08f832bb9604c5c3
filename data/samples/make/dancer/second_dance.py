"""The second choreography: a long still, then 10 s with two half turns and rhythms up to 2.2 Hz.

The dancer turns away from the camera to the left, dances with the back to it, and turns on to face
it again; so left and right, front and back must be told apart.  Nothing of it repeats the first one.
"""

import math

import numpy as np

from dancer.controls import REST_PALM, STANCE_M, Arm, Dance, KneeLift, Segment, Step, Trunk
from dancer.maths import keys, wave, window

SEGMENTS = (
    Segment("still", 0.0, 5.0),
    Segment("side_steps", 5.0, 7.4),
    Segment("turn_away", 7.4, 8.9),
    Segment("back_groove", 8.9, 10.6),
    Segment("turn_back", 10.6, 12.1),
    Segment("kicks", 12.1, 13.3),
    Segment("lunge_reach", 13.3, 15.0),
)

# Whole turns count on: after both half turns the feet stand at 360 degrees.
STEPS = {
    "L": (
        Step(5.05, 5.40, 0.265, 0.0, 0.05),
        Step(6.65, 6.95, -0.035, 0.0, 0.05),
        Step(7.30, 7.60, STANCE_M, 0.0, 0.04, 50),
        Step(7.95, 8.20, STANCE_M, 0.0, 0.04, 130),
        Step(8.50, 8.75, STANCE_M, 0.0, 0.04, 180),
        Step(9.00, 9.25, 0.16, 0.0, 0.03, 180),
        Step(10.50, 10.80, STANCE_M, 0.0, 0.04, 230),
        Step(11.15, 11.40, STANCE_M, 0.0, 0.04, 310),
        Step(11.70, 11.95, STANCE_M, 0.0, 0.04, 360),
        Step(13.30, 13.65, 0.40, 0.05, 0.06, 372),
        Step(14.50, 14.85, STANCE_M, 0.0, 0.05, 360),
    ),
    "R": (
        Step(5.50, 5.80, -0.035, 0.0, 0.05),
        Step(6.20, 6.55, 0.265, 0.0, 0.05),
        Step(7.62, 7.92, STANCE_M, 0.0, 0.04, 80),
        Step(8.22, 8.48, STANCE_M, 0.0, 0.04, 160),
        Step(8.77, 8.97, STANCE_M, 0.0, 0.03, 180),
        Step(9.25, 9.50, 0.16, 0.0, 0.03, 180),
        Step(10.82, 11.12, STANCE_M, 0.0, 0.04, 260),
        Step(11.42, 11.68, STANCE_M, 0.0, 0.04, 340),
        Step(11.97, 12.12, STANCE_M, 0.0, 0.03, 360),
    ),
}
KNEE_LIFTS = {"R": (KneeLift(12.12, 12.72, 0.42, 0.22),), "L": (KneeLift(12.70, 13.30, 0.42, 0.22),)}

# Postures of the arms: (time in s, value).  Rhythms are added to them.
# fmt: off
ABD_DEG = (
    (5.0, 9), (5.4, 30), (7.2, 30), (7.7, 38), (8.6, 38), (9.1, 98), (10.4, 98), (10.9, 38), (11.8, 38),
    (12.1, 34), (13.2, 34), (13.7, 75), (14.5, 75), (14.95, 9),
)
AZIM_DEG = (
    (5.0, 14), (5.4, 60), (7.2, 60), (7.7, 50), (8.6, 50), (9.1, 15), (10.4, 15), (10.9, 50), (11.8, 50),
    (12.1, 45), (13.2, 45), (13.7, 15), (14.5, 15), (14.95, 14),
)
SWIVEL_DEG = (
    (5.0, 8), (5.4, 40), (7.2, 40), (7.7, 55), (8.6, 55), (9.1, 80), (10.4, 80), (10.9, 55), (11.8, 55),
    (12.1, 40), (13.2, 40), (13.7, 30), (14.5, 30), (14.95, 8),
)
FLEX_DEG = (
    (5.0, 16), (5.4, 95), (7.2, 95), (7.7, 105), (8.6, 105), (9.1, 60), (10.4, 60), (10.9, 105), (11.8, 105),
    (12.1, 85), (13.2, 85), (13.7, 14), (14.5, 14), (14.95, 16),
)
CURL_DEG = (
    (5.0, 24), (5.4, 60), (7.2, 60), (7.7, 40), (8.5, 40), (8.9, 12), (10.4, 12), (10.9, 40), (11.8, 55),
    (13.2, 55), (13.6, 5), (14.5, 5), (14.95, 24),
)
SPREAD = ((5.0, 0.3), (8.7, 0.3), (9.1, 0.8), (10.4, 0.8), (10.9, 0.3), (13.2, 0.3), (13.6, 1), (14.5, 1), (14.95, 0.3))
PALM = (
    (5.0, REST_PALM), (5.4, [-0.9, -0.1, -0.2]), (8.6, [-0.9, -0.1, -0.2]), (9.1, [0, 0, 1]), (10.4, [0, 0, 1]),
    (10.9, [-0.9, -0.1, -0.2]), (13.2, [-0.9, -0.1, -0.2]), (13.7, [0, -0.5, 0.8]), (14.5, [0, -0.5, 0.8]),
    (14.95, REST_PALM),
)
# fmt: on


def arm(side: str, t: float) -> Arm:
    """Arm controls at a time in seconds: the posture and the rhythms on top of it."""
    s = 1.0 if side == "L" else -1.0
    abd, azim, swivel, flex = keys(t, *ABD_DEG), keys(t, *AZIM_DEG), keys(t, *SWIVEL_DEG), keys(t, *FLEX_DEG)

    # side steps: the fists punch forward in turn, 1.67 Hz
    p = window(t, 5.2, 7.3, 0.25)
    flex -= p * 45 * s * wave(t, 5.2, 1.67)
    azim += p * 20 * s * wave(t, 5.2, 1.67)
    abd += p * 16 * s * wave(t, 5.2, 1.67)
    # back groove: raised arms swing to both sides, 2.2 Hz
    g = window(t, 9.0, 10.5, 0.25)
    abd += g * 16 * s * wave(t, 9.0, 2.2)
    flex += g * 24 * wave(t, 9.0, 2.2, 0.2)
    # kicks: the opposite arm swings forward and folds
    k = window(t, 12.1, 13.3, 0.2)
    swing = math.sin(2 * math.pi * (t - 12.12) / 1.18)  # + while the right knee is up
    flex += k * 32 * s * swing
    azim += k * 28 * s * swing  # the other one passes beside the knee
    abd += k * 8 * s * swing
    # lunge: the left hand reaches up, the right one down
    abd += keys(t, (13.4, 0), (13.9, 30), (14.5, 30), (14.9, 0)) * s
    return Arm(
        abd_deg=float(abd),
        azim_deg=float(azim),
        swivel_deg=float(swivel),
        flex_deg=float(np.clip(flex, 4, 142)),
        curl_deg=float(keys(t, *CURL_DEG)),
        spread=float(keys(t, *SPREAD)),
        palm=keys(t, *PALM),
        wrist_flex_deg=0.0,
        wrist_dev_deg=float(g * 10 * s * wave(t, 9.0, 2.2, -0.1)),
    )


# Postures of the trunk: (time in s, value)
# fmt: off
HEADING_DEG = ((7.4, 0), (8.75, 180), (10.6, 180), (11.95, 360))
SWAY_M = (
    (5.0, 0), (5.55, 0.15), (6.15, 0.15), (6.8, -0.15), (7.1, -0.15), (7.5, 0), (12.0, 0), (12.2, 0.085),
    (12.6, 0.085), (12.8, -0.085), (13.2, -0.085), (13.7, 0.17), (14.5, 0.17), (14.95, 0),
)
CROUCH_M = (
    (5.0, 0), (5.3, 0.03), (7.3, 0.03), (7.6, 0.02), (8.9, 0.02), (9.2, 0.045), (10.5, 0.045), (10.8, 0.02),
    (12.0, 0.02), (12.2, 0.004), (13.2, 0.004), (13.7, 0.15), (14.5, 0.15), (14.95, 0),
)
# fmt: on


def trunk(t: float) -> Trunk:
    """Pelvis, spine and head at a time in seconds."""
    p = window(t, 5.2, 7.3, 0.25)
    g = window(t, 9.0, 10.5, 0.25)
    k = window(t, 12.1, 13.3, 0.2)
    sway = keys(t, *SWAY_M) + g * 0.06 * wave(t, 9.0, 1.1)
    bounce = p * 0.035 * (0.5 - 0.5 * math.cos(2 * math.pi * 1.67 * (t - 5.2)))
    bounce += g * 0.04 * (0.5 - 0.5 * math.cos(2 * math.pi * 2.2 * (t - 9.0)))
    swing = math.sin(2 * math.pi * (t - 12.12) / 1.18)
    lunge = keys(t, (13.3, 0), (13.8, 1), (14.5, 1), (14.95, 0))
    looks_ahead = window(t, 7.35, 8.6, 0.4) + window(t, 10.55, 11.8, 0.4)  # the head leads a turn
    return Trunk(
        x_m=float(sway),
        z_m=-0.01,
        crouch_m=0.012 + float(keys(t, *CROUCH_M)) + bounce,
        yaw_deg=0.0,
        pitch_deg=float(4 * lunge),
        roll_deg=float(-20 * g * 0.06 * wave(t, 9.0, 1.1) * 2),
        bend_deg=float(6 * p + 4 * k),
        twist_deg=float(-14 * p * wave(t, 5.2, 1.67) + 8 * k * swing + 14 * looks_ahead),
        side_deg=float(50 * g * 0.06 * wave(t, 9.0, 1.1) - 10 * lunge),
        head_yaw_deg=float(10 * p * wave(t, 5.2, 1.67) + 34 * looks_ahead + 15 * lunge),
        head_pitch_deg=float(5 * g * wave(t, 9.0, 2.2) - 8 * lunge),
        head_roll_deg=float(-4 * g * wave(t, 9.0, 1.1)),
        heading_deg=float(keys(t, *HEADING_DEG)),
    )


SECOND = Dance(SEGMENTS, arm, trunk, STEPS, KNEE_LIFTS)
