import numpy as np
import pytest

from livedance_lab.analysis.angles import ANGLES, DEFAULT_ANGLES, angles_deg, definitions_of
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.skeletons import BLAZEPOSE_33


def place(**points):
    """World landmarks with only the named ones seen."""
    world = np.full((33, 3), np.nan)
    for name, xyz in points.items():
        world[BLAZEPOSE_33.index(name)] = xyz
    return world


def only(angle, **kwargs):
    return angles_deg(definitions=[angle], **kwargs)[..., 0]


@pytest.mark.parametrize("degrees", [0.0, 1e-3, 30.0, 90.0, 146.3, 179.999, 180.0])
def test_included_angle_is_the_one_built_in(degrees):
    """Turned into a slanted plane and moved, an elbow bent by hand keeps its angle, also near 0 and 180."""
    rad = np.radians(degrees)
    flat = np.array([[0.3, 0, 0], [0, 0, 0], [0.2 * np.cos(rad), 0.2 * np.sin(rad), 0]])
    turn, _ = np.linalg.qr([[1.0, 2, 3], [0, 1, 4], [5, 6, 0]])
    shoulder, elbow, wrist = flat @ turn.T + [1, -2, 0.5]

    out = only("left_elbow", world_m=place(left_shoulder=shoulder, left_elbow=elbow, left_wrist=wrist))

    assert out == pytest.approx(degrees, abs=2e-5 * max(degrees, 1))


def test_the_eight_stand_for_the_joints_of_the_original():
    chains = {"elbow": (11, 13, 15), "knee": (23, 25, 27), "shoulder": (13, 11, 23), "hip": (11, 23, 25)}
    for joint, left in chains.items():
        for side, step in (("left", 0), ("right", 1)):
            got = tuple(BLAZEPOSE_33.index(name) for name in ANGLES[f"{side}_{joint}"].landmarks)
            assert got == tuple(i + step for i in left)
    assert len(DEFAULT_ANGLES) == 8


@pytest.mark.parametrize("gone", ["left_shoulder", "left_elbow", "left_wrist"])
def test_missing_hidden_or_coinciding_landmarks_give_nan_not_zero(gone):
    points = {"left_shoulder": (0.3, 0, 0), "left_elbow": (0, 0, 0), "left_wrist": (0, 0.2, 0)}
    index = BLAZEPOSE_33.index(gone)
    visibility = np.ones(33)
    visibility[index] = 0.49

    assert np.isnan(only("left_elbow", world_m=place(**{**points, gone: [np.nan] * 3})))
    assert np.isnan(only("left_elbow", world_m=place(**points), visibility=visibility, threshold=0.5))
    assert only("left_elbow", world_m=place(**points), visibility=visibility, threshold=0.4) == 90
    if gone != "left_elbow":
        assert np.isnan(only("left_elbow", world_m=place(**{**points, gone: points["left_elbow"]})))


def test_a_whole_recording_at_once_equals_frame_by_frame():
    world = np.random.default_rng(0).normal(size=(50, 33, 3))
    visibility = np.random.default_rng(1).uniform(size=(50, 33))

    together = angles_deg(world, visibility)

    assert together.dtype == np.float32
    one_by_one = np.array([angles_deg(w, v) for w, v in zip(world, visibility, strict=True)])
    np.testing.assert_array_equal(together, one_by_one)
    assert 0.1 < np.isnan(together).mean() < 0.95


def test_mistakes_are_named():
    with pytest.raises(SettingsError, match="no angle 'left_tail'; the angles are left_elbow"):
        definitions_of(["left_tail"])
    with pytest.raises(ShapeError, match=r"\(\.\.\., 33, 3\), got \(17, 3\)"):
        angles_deg(np.zeros((17, 3)))
    with pytest.raises(ShapeError, match="visibility must have shape"):
        angles_deg(np.zeros((33, 3)), np.zeros(32))
