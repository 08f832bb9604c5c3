import dataclasses

import numpy as np
import pytest

from livedance_lab.analysis.angles import angles_deg
from livedance_lab.analysis.constraints import BoneLengths, VelocityGate
from livedance_lab.analysis.smoothing import BodySmoother
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import Flag
from livedance_lab.settings import Smoothing
from livedance_lab.skeletons import BLAZEPOSE_33

WRIST = BLAZEPOSE_33.index("left_wrist")


def test_what_moves_faster_than_the_limit_is_not_believed():
    """100 px body, 10 bodies/s, 1/30 s steps: 33.3 px is the most."""
    gate = VelocityGate(10.0)
    assert not gate(np.zeros((2, 2)), 0.0, 100.0).any()
    assert list(gate([[33.0, 0.0], [33.7, 0.0]], 1 / 30, 100.0)) == [False, True]
    # the second has had two steps since it was last believed
    assert not gate([[33.0, 0.0], [66.0, 0.0]], 2 / 30, 100.0).any()


def test_a_place_that_is_insisted_on_is_believed_in_the_end():
    gate = VelocityGate(1.0, patience_s=0.25)
    gate(np.zeros((1, 2)), 0.0, 100.0)
    believed = [not gate(np.full((1, 2), 500.0), k / 30, 100.0)[0] for k in range(1, 12)]
    assert believed.index(True) == 7  # 8 / 30 s is the first time past 0.25 s
    assert all(believed[7:])


def test_depth_and_gaps_are_no_jumps():
    gate = VelocityGate(1.0)
    gate([[0.0, 0.0, 0.0]], 0.0, 100.0)
    assert not gate([[0.0, 0.0, 900.0]], 0.1, 100.0)[0]
    assert not gate([[np.nan] * 3], 0.2, 100.0)[0]
    assert gate([[99.0, 0.0, 0.0]], 0.3, 100.0)[0]


@pytest.mark.parametrize("speed", [0.0, -1.0, np.nan])
def test_a_limit_must_be_one(speed):
    with pytest.raises(SettingsError, match="max_speed must be more than 0"):
        VelocityGate(speed)


def arm(world, length_m):
    out = world.copy()
    elbow, direction = world[13], world[15] - world[13]
    out[15] = elbow + direction / np.linalg.norm(direction) * length_m
    return out


def test_bones_get_their_usual_length_and_hands_move_along(make_body):
    world = arm(make_body().world_m.astype(float), 0.25)
    bones = BoneLengths()
    for k in range(60):
        np.testing.assert_allclose(bones(world, k / 30), world, atol=1e-9)
    stretched = arm(world, 0.40)
    fingers = BLAZEPOSE_33.index("left_index")
    out = bones(stretched, 2.0)
    assert np.linalg.norm(out[15] - out[13]) == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose(np.cross(out[15] - out[13], stretched[15] - stretched[13]), 0, atol=1e-9)
    assert np.linalg.norm(out[fingers] - out[15]) == pytest.approx(np.linalg.norm(world[fingers] - world[15]), abs=0.01)
    np.testing.assert_array_equal(out[:13], stretched[:13])


def test_bones_are_learned_from_clear_views_only_and_nan_stays(make_body):
    world = make_body().world_m.astype(float)
    bones, hidden = BoneLengths(), np.ones(33, dtype=bool)
    bones(arm(world, 0.25), 0.0)
    hidden[WRIST] = False
    for k in range(1, 300):
        bones(arm(world, 0.5), k / 30, hidden)
    out = bones(arm(world, 0.5), 10.0, hidden)
    assert np.linalg.norm(out[15] - out[13]) == pytest.approx(0.25)
    gone = world.copy()
    gone[13] = np.nan
    out = bones(gone, 10.1)
    assert np.isnan(out[13]).all()
    np.testing.assert_array_equal(out[15], world[15])
    with pytest.raises(ShapeError, match=r"shape \(33, 3\)"):
        bones(world[:5], 11.0)


def run(smoother, bodies):
    return [smoother(b, angles_deg(b.world_m, b.visibility), k / 30) for k, b in enumerate(bodies)]


def test_the_smoother_holds_what_jumps_and_says_so(make_body):
    bodies = [make_body() for _ in range(20)]
    jump = bodies[10].keypoints_px.copy()
    jump[WRIST] += 200
    bodies[10] = dataclasses.replace(bodies[10], keypoints_px=jump)
    still = bodies[0].keypoints_px[WRIST]

    out = run(BodySmoother(Smoothing(filter="none", max_speed=10.0), 0.5), bodies)
    np.testing.assert_allclose(out[10][0].keypoints_px[WRIST], still)
    assert out[10][2][WRIST] == Flag.HELD
    assert (out[10][2] == Flag.HELD).sum() == 1
    assert (out[11][2] == Flag.MEASURED).all()
    free = run(BodySmoother(Smoothing(filter="none"), 0.5), bodies)
    np.testing.assert_array_equal(free[10][0].keypoints_px[WRIST], jump[WRIST])


def test_the_smoother_keeps_bones_rigid_when_asked(make_body):
    bodies = [make_body() for _ in range(30)]
    bodies.append(dataclasses.replace(bodies[0], world_m=arm(bodies[0].world_m, 1.0).astype(np.float32)))
    usual = np.linalg.norm(bodies[0].world_m[15] - bodies[0].world_m[13])

    def forearm(smoothing):
        world = run(BodySmoother(smoothing, 0.5), bodies)[-1][0].world_m
        return np.linalg.norm(world[15] - world[13])

    assert forearm(Smoothing(filter="none", rigid_bones=True)) == pytest.approx(usual, rel=0.05)
    assert forearm(Smoothing(filter="none")) == pytest.approx(1.0)
    only_world = Smoothing(filter="none", groups={"world": Smoothing(filter="none", rigid_bones=True)})
    assert forearm(only_world) == pytest.approx(usual, rel=0.05)
