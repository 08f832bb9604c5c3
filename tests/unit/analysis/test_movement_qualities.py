import numpy as np
import pytest

from livedance_lab.analysis.movement_qualities import (
    QUALITIES,
    contraction,
    energy,
    jerkiness,
    qualities_over_time,
    smoothness,
    symmetry,
)
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.skeletons import BLAZEPOSE_33

T_S = np.arange(150) / 30
STANDING = {"nose": (0, -0.7, 0), "shoulder": (0.2, -0.5, 0), "elbow": (0.25, -0.25, 0), "wrist": (0.25, 0, 0),
            "hip": (0.1, 0, 0), "knee": (0.1, 0.4, 0), "ankle": (0.1, 0.8, 0)}  # fmt: skip


def still(**moved):
    world = np.zeros((len(T_S), 33, 3))
    for name, xyz in {**STANDING, **moved}.items():
        if name in BLAZEPOSE_33.landmarks:
            world[:, BLAZEPOSE_33.index(name)] = xyz
        else:
            world[:, BLAZEPOSE_33.index(f"left_{name}")] = xyz
            world[:, BLAZEPOSE_33.index(f"right_{name}")] = np.multiply(xyz, (-1, 1, 1))
    for name in moved:
        if name in BLAZEPOSE_33.landmarks:
            world[:, BLAZEPOSE_33.index(name)] = moved[name]
    return world


def waving(hz=0.7, shake=0.0, seed=0):
    world = still()
    wave = 0.3 * np.sin(2 * np.pi * hz * T_S) + shake * np.random.default_rng(seed).normal(0, 1, len(T_S))
    world[:, BLAZEPOSE_33.index("left_wrist"), 0] += wave
    world[:, BLAZEPOSE_33.index("right_wrist"), 0] -= wave
    return world


def test_a_shaken_wave_is_less_smooth():
    assert smoothness(waving(), T_S) > smoothness(waving(shake=0.01), T_S)
    assert jerkiness(waving(), T_S) > jerkiness(waving(shake=0.01), T_S)
    assert np.isnan(smoothness(still(), T_S))


def test_energy_of_one_segment_by_hand():
    """Forearms (0.0223 of the mass each) whose wrists go at 0.5 m/s: their middles at 0.25 m/s."""
    world = still()
    for side in ("left", "right"):
        world[:, BLAZEPOSE_33.index(f"{side}_wrist"), 2] += 0.5 * T_S
    total = 2 * (0.0271 + 0.0223 + 0.1416 + 0.0570) + 0.504
    assert energy(world, T_S) == pytest.approx(0.5 * 2 * 0.0223 * 0.25**2 / total, rel=1e-6)
    assert total == pytest.approx(1.0, abs=1e-3)
    assert energy(still(), T_S) == 0
    assert np.isnan(energy(np.full((150, 33, 3), np.nan), T_S))


def test_energy_counts_what_is_seen():
    world = still()
    world[:, BLAZEPOSE_33.index("left_wrist"), 2] += 0.5 * T_S
    world[:, BLAZEPOSE_33.index("right_knee")] = np.nan
    seen = 1.0 - 0.1416 - 0.0570
    assert energy(world, T_S) == pytest.approx(0.5 * 0.0223 * 0.25**2 / seen, rel=1e-3)


def test_contraction_by_hand_and_in_order():
    curled = still(nose=(0, -0.4, -0.1), wrist=(0.1, -0.2, -0.1), knee=(0.1, -0.2, -0.2), ankle=(0.1, 0.1, -0.1))
    wide = still(wrist=(0.8, -0.5, 0), elbow=(0.5, -0.5, 0), ankle=(0.5, 0.7, 0))
    assert contraction(curled) > contraction(still()) > contraction(wide)
    middle = np.array([0, -0.25, 0])
    ends = [(0, -0.7, 0), *[(0.25, 0, 0), (0.1, 0.8, 0)] * 2]
    distance = np.mean([np.linalg.norm(np.subtract(e, middle)) for e in ends])
    assert contraction(still()) == pytest.approx(1 / (1 + distance / 0.5))
    gone = still()
    gone[:, BLAZEPOSE_33.index("nose")] = np.nan
    assert np.isnan(contraction(gone))


def test_symmetry_of_a_mirror_image_and_of_one_raised_arm():
    assert symmetry(still()) == pytest.approx(1.0)
    raised = still(left_wrist=(0.25, -0.5, 0))
    assert symmetry(raised) == pytest.approx(1 - (0.5 / 4) / 0.5)  # one of four joints is 0.5 m off, torso 0.5 m
    turn, _ = np.linalg.qr([[1.0, 0.2, 0.5], [0, 1, 0.3], [-0.5, 0, 1]])
    assert symmetry(raised @ turn.T) == pytest.approx(symmetry(raised))  # whichever way the person faces


def test_qualities_over_time_follow_the_dance():
    world = waving()
    world[:75] = still()[:75]
    ends_s, values = qualities_over_time(world, T_S, ["energy", "symmetry"], window_s=1.0, step_s=0.5)
    np.testing.assert_allclose(ends_s, np.arange(1.0, 4.9, 0.5))
    assert (values["energy"][:3] == 0).all()
    assert (values["energy"][4:] > 0).all()
    assert set(qualities_over_time(world, T_S)[1]) == set(QUALITIES)
    with pytest.raises(SettingsError, match="no quality 'grace'"):
        qualities_over_time(world, T_S, ["grace"])
    with pytest.raises(ShapeError, match=r"\(T, 33, 3\)"):
        qualities_over_time(world[:, :5], T_S)
