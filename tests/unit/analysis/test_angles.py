import numpy as np
import pytest

from livedance_lab.analysis.angles import (
    ANGLES,
    DEFAULT_ANGLES,
    PRESETS,
    ViewQuality,
    angles_deg,
    angular_velocity_deg_s,
    definitions_of,
    unmirrored,
    view_quality,
)
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
    with pytest.raises(
        SettingsError, match=r"no angle 'left_tail'; the presets are included, .*; the angles are left_elbow, "
    ):
        definitions_of(["left_tail"])
    with pytest.raises(ShapeError, match=r"\(\.\.\., 33, 3\), got \(17, 3\)"):
        angles_deg(np.zeros((17, 3)))
    with pytest.raises(ShapeError, match="visibility must have shape"):
        angles_deg(np.zeros((33, 3)), np.zeros(32))


# other families


def turned(point, around, degrees):
    """A point turned in the picture; positive is clockwise as seen (y down)."""
    rad = np.radians(degrees)
    x, y = np.subtract(point, around)
    return np.add(around, (x * np.cos(rad) - y * np.sin(rad), x * np.sin(rad) + y * np.cos(rad)))


def side_view(*, knee=0.0, hip=0.0, shoulder=0.0, elbow=0.0, ankle=0.0):
    """A person seen from the side, facing right, in pixels; joints flexed by degrees."""
    neck, mid_hip = np.array([200.0, 100.0]), np.array([200.0, 200.0])
    thigh = turned(mid_hip + np.array((0, 80)), mid_hip, -hip)
    lower = lambda p: turned(turned(p, mid_hip, -hip), thigh, knee)  # noqa: E731
    foot = lower(mid_hip + np.array((0, 160)))
    toe, heel = (turned(lower(mid_hip + np.array(d)), foot, -ankle) for d in ((30, 165), (-10, 165)))
    arm = turned(neck + np.array((0, 50)), neck, -shoulder)
    hand = turned(turned(neck + np.array((0, 100)), neck, -shoulder), arm, -elbow)
    points = {"shoulder": neck, "elbow": arm, "wrist": hand, "hip": mid_hip, "knee": thigh, "ankle": foot,
              "foot_index": toe, "heel": heel, "ear": neck - (0, 40)}  # fmt: skip
    picture = np.full((33, 2), np.nan)
    for side in ("left", "right"):
        for name, xy in points.items():
            picture[BLAZEPOSE_33.index(f"{side}_{name}")] = xy
    return picture


@pytest.mark.parametrize("facing", [1, -1], ids=["facing right", "facing left"])
@pytest.mark.parametrize(
    ("posture", "joint", "expected"),
    [({}, "knee", 0), ({"knee": 60}, "knee", 60), ({"hip": 45}, "hip", 45), ({}, "hip", 0),
     ({}, "shoulder", 0), ({"shoulder": 90}, "shoulder", 90), ({"shoulder": 170}, "shoulder", 170),
     ({"elbow": 90}, "elbow", 90), ({"ankle": 20}, "ankle", 20), ({}, "ankle", 0)],
)  # fmt: skip
def test_sports2d_angles_say_flexion_whichever_way_the_person_faces(facing, posture, joint, expected):
    picture = side_view(**posture) * (facing, 1) + (500, 0)
    ids = [f"sports2d_{side}_{joint}" for side in ("left", "right")]
    out = angles_deg(np.zeros((33, 3)), definitions=ids, keypoints_px=picture)
    np.testing.assert_allclose(out, expected, atol=0.01)


def test_sports2d_segments_of_a_standing_person():
    out = dict(zip(PRESETS["sports2d"], angles_deg(np.zeros((33, 3)), definitions=["sports2d"],
                                                   keypoints_px=side_view()), strict=True))  # fmt: skip
    assert out["sports2d_left_shank"] == pytest.approx(-90)
    assert out["sports2d_trunk"] == pytest.approx(90)
    assert out["sports2d_head"] == pytest.approx(90)
    assert out["sports2d_right_foot"] == pytest.approx(0, abs=1e-4)
    assert np.isnan(out["sports2d_pelvis"])  # exactly from the side both hips are one point


def test_sports2d_pelvis_and_shoulders_are_lines_without_a_direction():
    picture = side_view()
    picture[[23, 24]] = [(210, 195), (190, 205)]
    out = angles_deg(np.zeros((33, 3)), definitions=["sports2d_pelvis"], keypoints_px=picture)
    assert out[0] == pytest.approx(np.degrees(np.arctan2(10, 20)), abs=1e-4)
    picture[[23, 24]] = [(190, 195), (210, 205)]
    out = angles_deg(np.zeros((33, 3)), definitions=["sports2d_pelvis"], keypoints_px=picture)
    assert out[0] == pytest.approx(-np.degrees(np.arctan2(10, 20)), abs=1e-4)


def test_angles_in_the_picture_need_the_picture():
    with pytest.raises(SettingsError, match="sports2d_left_knee is an angle in the picture: it needs keypoints_px"):
        angles_deg(np.zeros((33, 3)), definitions=["sports2d_left_knee"])


def test_flexion_is_what_is_missing_to_straight():
    world = np.random.default_rng(0).normal(size=(20, 33, 3))
    included = angles_deg(world, definitions=["left_knee", "right_elbow"])
    np.testing.assert_allclose(angles_deg(world, definitions=["left_knee_flexion", "right_elbow_flexion"]),
                               180 - included, atol=1e-4)  # fmt: skip


def test_tilt_is_measured_from_upright():
    world = place(left_hip=(0, 0, 0), left_knee=(0, 0.4, 0))
    assert only("left_thigh_tilt", world_m=world) == 0
    world = place(left_hip=(0, 0, 0), left_knee=(0, 0, -0.4))
    assert only("left_thigh_tilt", world_m=world) == 90


def test_neck_and_trunk_use_points_half_way_and_their_lesser_visibility():
    points = {"left_ear": (0.1, -0.7, 0), "right_ear": (-0.1, -0.7, 0), "left_shoulder": (0.2, -0.5, 0),
              "right_shoulder": (-0.2, -0.5, 0), "left_hip": (0.1, 0, 0), "right_hip": (-0.1, 0, 0),
              "left_knee": (0.1, 0, -0.4), "right_knee": (-0.1, 0, -0.4)}  # fmt: skip
    world = place(**points)
    assert only("neck", world_m=world) == 180
    assert only("trunk", world_m=world) == 90  # sitting
    visibility = np.ones(33)
    visibility[BLAZEPOSE_33.index("right_shoulder")] = 0.1
    assert np.isnan(only("neck", world_m=world, visibility=visibility))


# clinical: from the neutral position, in the planes of the body

STANDING = {"ear": (0.08, -0.7, 0), "shoulder": (0.2, -0.5, 0), "elbow": (0.2, -0.25, 0), "wrist": (0.2, 0, 0),
            "index": (0.2, 0.1, 0), "hip": (0.1, 0, 0), "knee": (0.1, 0.4, 0), "ankle": (0.1, 0.8, 0),
            "heel": (0.1, 0.85, 0.05), "foot_index": (0.1, 0.85, -0.15)}  # fmt: skip


def standing(**moved):
    """A person facing the camera (left is +x, forwards is -z), joints moved on both sides alike."""
    world = np.full((33, 3), np.nan)
    for name, xyz in {**STANDING, **moved}.items():
        world[BLAZEPOSE_33.index(f"left_{name}")] = xyz
        world[BLAZEPOSE_33.index(f"right_{name}")] = np.multiply(xyz, (-1, 1, 1))
    return world


def any_turn(seed):
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return rotation * np.sign(np.linalg.det(rotation))


@pytest.mark.parametrize(
    ("moved", "angle", "expected"),
    [
        ({}, "shoulder_flexion", 0),
        ({}, "shoulder_abduction", 0),
        ({"elbow": (0.2, -0.5, -0.25)}, "shoulder_flexion", 90),
        ({"elbow": (0.2, -0.5, -0.25)}, "shoulder_abduction", np.nan),
        ({"elbow": (0.2, -0.25, 0.1)}, "shoulder_flexion", -np.degrees(np.arctan(0.4))),
        ({"elbow": (0.45, -0.5, 0)}, "shoulder_abduction", 90),
        ({"elbow": (0.45, -0.5, 0)}, "shoulder_flexion", np.nan),
        ({"elbow": (0.1, -0.25, 0)}, "shoulder_abduction", -np.degrees(np.arctan(0.4))),
        ({"elbow": (0.2, -0.75, 0)}, "shoulder_flexion", 180),
        ({"elbow": (0.2, -0.75, 0.1)}, "shoulder_flexion", 180 + np.degrees(np.arctan(0.4))),
        ({"knee": (0.3, 0.2 * np.sqrt(3), 0)}, "hip_abduction", 30),
        ({"knee": (0.1, 0, -0.4)}, "hip_flexion", 90),
        ({"knee": (0.1, 0.4 * np.cos(0.2), 0.4 * np.sin(0.2))}, "hip_flexion", -np.degrees(0.2)),
        ({}, "elbow_flexion", 0),
        ({"wrist": (0.2, -0.25, -0.25)}, "elbow_flexion", 90),
        ({"index": (0.3, 0, 0)}, "wrist_flexion", 90),
        ({"ankle": (0.1, 0.4, 0.4)}, "knee_flexion", 90),
        ({}, "ankle_dorsiflexion", 0),
        ({"foot_index": (0.1, 0.85 - 0.2 * np.tan(0.3), -0.15)}, "ankle_dorsiflexion", np.degrees(0.3)),
        ({"foot_index": (0.1, 0.85 + 0.2 * np.tan(0.3), -0.15)}, "ankle_dorsiflexion", -np.degrees(0.3)),
    ],
)
@pytest.mark.parametrize("turn", [None, 1, 2])
def test_clinical_angles_by_hand_whichever_way_the_person_stands(moved, angle, expected, turn):
    world = standing(**moved)
    if turn is not None:
        world = world @ any_turn(turn).T
    out = angles_deg(world, definitions=[f"left_{angle}", f"right_{angle}"])
    np.testing.assert_allclose(out, [expected] * 2, atol=1e-3)
    quality, _ = view_quality(standing(**moved), definitions=[f"left_{angle}"])
    assert (quality[0] == ViewQuality.MISSING) == np.isnan(expected)


BOWED = {"ear": (0.08, 0, -0.7), "shoulder": (0.2, 0, -0.5)}


@pytest.mark.parametrize(
    ("moved", "angle", "expected"),
    [
        ({}, "ankle", 90 + np.degrees(np.arctan(1 / 3))),  # 15 cm before and 5 cm below the ankle are the toes
        ({}, "wrist", 180),
        ({"index": (0.3, 0, 0)}, "wrist", 90),
        ({}, "elbow", 180),
        ({"elbow": (0.45, -0.5, 0)}, "shoulder", 90 + np.degrees(np.arctan(0.2))),
        ({"knee": (0.1, 0, -0.4)}, "hip", 90),
        ({"ankle": (0.1, 0.4, 0.4)}, "knee", 90),
        ({}, "arm_tilt", 0),
        ({"elbow": (0.45, -0.5, 0)}, "arm_tilt", 90),
        ({"elbow": (0.2, -0.75, 0)}, "arm_tilt", 180),
        ({"wrist": (0.2, -0.25, -0.25)}, "forearm_tilt", 90),
        ({"knee": (0.1, 0, -0.4)}, "thigh_tilt", 90),
        ({"ankle": (0.1, 0.4 + 0.2 * np.sqrt(3), 0.2)}, "shank_tilt", 30),
        (BOWED, "trunk_tilt", 90),
        (BOWED, "head_tilt", 90),
        ({"ear": (0.08, -0.7, -0.2)}, "head_tilt", 45),
        ({}, "trunk_tilt", 0),
    ],
)
def test_the_other_angles_in_space_by_hand(moved, angle, expected):
    sides = [angle] if angle in ANGLES else [f"left_{angle}", f"right_{angle}"]
    np.testing.assert_allclose(angles_deg(standing(**moved), definitions=sides), expected, atol=0.01)


@pytest.mark.parametrize("facing", [1, -1], ids=["facing right", "facing left"])
@pytest.mark.parametrize(
    ("posture", "segment", "expected"),
    [({}, "left_thigh", -90), ({"hip": 45}, "right_thigh", -45), ({"knee": 60}, "left_shank", -150),
     ({}, "left_arm", -90), ({"shoulder": 90}, "right_arm", 0), ({"elbow": 90}, "left_forearm", 0),
     ({"ankle": 20}, "right_foot", 20)],
)  # fmt: skip
def test_sports2d_segments_by_hand(facing, posture, segment, expected):
    picture = side_view(**posture) * (facing, 1) + (500, 0)
    out = angles_deg(np.zeros((33, 3)), definitions=[f"sports2d_{segment}"], keypoints_px=picture)
    np.testing.assert_allclose(out, expected, atol=0.01)


def test_sports2d_shoulders_rise_to_where_the_person_faces():
    picture = side_view()
    picture[[11, 12]] = [(210, 95), (190, 105)]
    out = angles_deg(np.zeros((33, 3)), definitions=["sports2d_shoulders"], keypoints_px=picture)
    assert out[0] == pytest.approx(np.degrees(np.arctan2(10, 20)), abs=1e-4)


def test_bowing_flexes_neck_and_trunk():
    bowed = standing(ear=(0.08, -0.5, -0.2), shoulder=(0.2, 0, -0.5))
    assert only("trunk_flexion", world_m=bowed) == pytest.approx(90)
    nod = standing(ear=(0.08, -0.5, -0.2))
    assert only("neck_flexion", world_m=nod) == pytest.approx(90)
    assert only("neck_flexion", world_m=standing()) == only("trunk_flexion", world_m=standing()) == 0


def test_every_angle_of_the_left_is_that_of_the_right_of_the_mirrored_person():
    rng = np.random.default_rng(4)
    world, picture = rng.normal(size=(33, 3)), rng.uniform(0, 480, (33, 2))
    straight = dict(zip(ANGLES, angles_deg(world, definitions=["all"], keypoints_px=picture), strict=True))
    other = dict(zip(ANGLES, angles_deg(unmirrored(world), definitions=["all"], keypoints_px=unmirrored(picture, 480)),
                     strict=True))  # fmt: skip
    assert np.isfinite(list(straight.values())).all()
    for name, value in straight.items():
        twin = name.replace("left_", "RIGHT_").replace("right_", "left_").replace("RIGHT_", "right_")
        assert other[twin] == pytest.approx(value, abs=1e-3), name


def test_each_angle_says_what_it_means_and_keeps_its_range():
    world = np.random.default_rng(5).normal(size=(400, 33, 3))
    out = angles_deg(world, definitions=["all"], keypoints_px=200 * world)
    for column, definition in enumerate(ANGLES.values()):
        low, high = definition.range_deg
        values = out[:, column][np.isfinite(out[:, column])]
        assert len(values) > 300
        assert low - 1e-3 <= values.min() < values.max() <= high + 1e-3, definition.id
        assert definition.zero
        assert definition.sign


# mirrored cameras


def test_a_flipped_picture_gives_left_and_right_right():
    """What a model says of a mirrored person: x flipped, names exchanged. With `mirrored`, all is as before."""
    rng = np.random.default_rng(0)
    world, picture, visibility = rng.normal(size=(33, 3)), rng.uniform(0, 480, (33, 2)), rng.uniform(0.3, 1, 33)
    ids = list(ANGLES)
    straight = angles_deg(world, visibility, ids, keypoints_px=picture)

    swap = {"left": "right", "right": "left"}
    other = [BLAZEPOSE_33.index("_".join(swap.get(w, w) for w in n.split("_"))) for n in BLAZEPOSE_33.landmarks]
    flipped_world, flipped_picture = world[other] * (-1, 1, 1), (480, 0) + picture[other] * (-1, 1)
    flipped = angles_deg(flipped_world, visibility[other], ids, keypoints_px=flipped_picture, mirrored=True)

    np.testing.assert_allclose(flipped, straight, atol=1e-3)
    np.testing.assert_allclose(unmirrored(flipped_picture, 480), picture, atol=1e-9)
    assert not np.allclose(angles_deg(flipped_world)[0], angles_deg(world)[0])


# how far to trust them


def test_a_segment_towards_the_camera_is_foreshortened():
    """Forearm 60.5 degrees out of the picture's plane: seen at 0.49 of its length."""
    tip = 0.2 * np.array([np.cos(np.radians(60.5)), 0, np.sin(np.radians(60.5))])
    world = place(left_shoulder=(0, -0.3, 0), left_elbow=(0, 0, 0), left_wrist=tip)
    quality, in_plane = view_quality(world, definitions=["left_elbow", "right_elbow"])
    assert list(quality) == [ViewQuality.FORESHORTENED, ViewQuality.MISSING]
    assert in_plane[0] == pytest.approx(np.cos(np.radians(60.5)), abs=1e-4)
    assert np.isnan(in_plane[1])
    visibility = np.full(33, 0.3)
    assert view_quality(world, visibility, ["left_elbow"])[0][0] == ViewQuality.HIDDEN
    flat = place(left_shoulder=(0, -0.3, 0), left_elbow=(0, 0, 0), left_wrist=(0.2, 0, 0.01))
    assert view_quality(flat, definitions=["left_elbow"])[0][0] == ViewQuality.GOOD


def test_angular_velocity_goes_on_across_the_jump_of_signed_angles():
    t = np.cumsum(np.random.default_rng(0).uniform(0.015, 0.018, 200))
    signed = 180 - np.mod(180 - (150 + 60 * t), 360)
    out = angular_velocity_deg_s(np.stack((signed, 90 + 20 * t), axis=1), t, ["sports2d_left_arm", "left_elbow"])
    assert np.abs(np.diff(signed)).max() > 300
    np.testing.assert_allclose(out, [[60, 20]] * 200, atol=0.5)
    with pytest.raises(ShapeError, match=r"\(T, 8\), got \(200, 2\)"):
        angular_velocity_deg_s(np.zeros((200, 2)), t)
