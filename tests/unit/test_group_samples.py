"""The clips of two and three people are what data/README.md says, and what they are there to test happens in them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from livedance_lab.errors import LiveDanceError
from livedance_lab.evaluation.keypoint_truth import keypoint_truth
from livedance_lab.samples import GROUPS, joint_truth, people_truth, sample_path

DATA = Path(__file__).resolve().parents[2] / "data"
FPS = 30
WIDTH_PX, HEIGHT_PX = 640, 480
HIDDEN = 1 / 3  # at most so much of the silhouette is visible
BOX = ["box_left_px", "box_top_px", "box_right_px", "box_bottom_px"]
ANGLES = [f"{side}_{joint}" for joint in ("elbow", "knee", "shoulder", "hip") for side in ("left", "right")]


@dataclass(frozen=True)
class Group:
    """A clip as its README describes it: who hides behind whom, who leaves."""

    name: str
    people: int
    frames: int
    hidden: int
    before: int
    leaves: int
    swaps_sides: bool

    @property
    def clip(self) -> Path:
        return sample_path(self.name)

    @cache  # noqa: B019 - a handful of constants
    def table(self, column: str) -> pd.DataFrame:
        """A column of the people's table, one column per person."""
        truth = people_truth(self.clip)
        assert truth is not None
        return truth.pivot(index="frame", columns="person", values=column)

    @cache  # noqa: B019 - a handful of constants
    def joints(self) -> pd.DataFrame:
        truth = joint_truth(self.clip)
        assert truth is not None
        return truth

    def joint_u_px(self, joint: str) -> pd.DataFrame:
        """Where a joint is across the picture, one column per person."""
        truth = self.joints()
        return truth[truth["joint"] == joint].pivot(index="frame", columns="person", values="u_px")

    def in_picture(self, person: int) -> pd.Series:
        u_px = self.joint_u_px("left_hip")[person]
        return u_px.between(0, WIDTH_PX)

    def is_left_of(self, person: int, other: int) -> pd.Series:
        u_px = self.joint_u_px("left_hip") + self.joint_u_px("right_hip")
        return u_px[person] < u_px[other]


ALL = (
    Group("duet", people=2, frames=330, hidden=1, before=2, leaves=2, swaps_sides=True),
    Group("duet_costume", people=2, frames=330, hidden=2, before=1, leaves=2, swaps_sides=True),
    Group("trio", people=3, frames=315, hidden=3, before=2, leaves=1, swaps_sides=False),
)


@pytest.fixture(params=ALL, ids=lambda g: g.name)
def group(request) -> Group:
    return request.param


def longest_run(condition: pd.Series) -> slice:
    """First and last + 1 of the longest run of frames where something holds."""
    runs = (condition != condition.shift()).cumsum()[condition]
    assert len(runs), "never"
    frames = runs.index[runs == runs.value_counts().idxmax()]
    return slice(int(frames[0]), int(frames[-1]) + 1)


def seconds(run: slice) -> float:
    return (run.stop - run.start) / FPS


def test_the_groups_are_the_ones_named():
    assert [f"{g.name}.mp4" for g in ALL] == list(GROUPS)


def test_video_and_truth_have_the_same_frames(group):
    capture = cv2.VideoCapture(str(group.clip))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == group.frames
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(FPS)
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == WIDTH_PX
    assert capture.get(cv2.CAP_PROP_FRAME_HEIGHT) == HEIGHT_PX
    capture.release()
    people = people_truth(group.clip)
    n = group.people

    assert len(people) == group.frames * n
    np.testing.assert_array_equal(people["frame"], np.repeat(np.arange(group.frames), n))
    np.testing.assert_array_equal(people["person"], np.tile(np.arange(1, n + 1), group.frames))
    np.testing.assert_allclose(people["time_s"], people["frame"] / FPS, atol=5.1e-5)  # rounded to 0.1 ms
    assert list(people.columns) == ["frame", "time_s", "person", "visible_share", *BOX, *ANGLES, "segment"]


def test_every_person_has_every_joint_in_every_frame(group):
    joints = group.joints()
    single = joint_truth(sample_path("dancer2"))

    assert list(joints.columns) == list(single.columns)
    assert set(joints["joint"]) == set(single["joint"])
    np.testing.assert_array_equal(joints["frame"], np.repeat(np.arange(group.frames), 75 * group.people))
    assert (joints.groupby(["frame", "person"])["joint"].nunique() == 75).all()
    assert not joints.isna().any().any()
    assert set(single["person"]) == {1}


def test_shares_and_boxes_fit_the_picture(group):
    people = people_truth(group.clip)
    share = people["visible_share"]

    assert share.between(0, 1).all()
    nothing = people[BOX].isna().all(axis=1)
    np.testing.assert_array_equal(nothing, people[BOX].isna().any(axis=1))
    assert (share[nothing] == 0).all()
    seen = people[~nothing]
    assert (seen["box_left_px"] < seen["box_right_px"]).all()
    assert (seen["box_top_px"] < seen["box_bottom_px"]).all()
    assert seen[BOX].min().min() >= 0
    assert seen["box_right_px"].max() <= WIDTH_PX
    assert seen["box_bottom_px"].max() <= HEIGHT_PX


def test_visible_joints_lie_in_the_visible_box(group):
    joints = group.joints().merge(people_truth(group.clip), on=["frame", "person"])
    seen = joints[joints["visible"]]

    inside = seen["u_px"].between(seen["box_left_px"] - 3, seen["box_right_px"] + 3)
    inside &= seen["v_px"].between(seen["box_top_px"] - 3, seen["box_bottom_px"] + 3)
    assert inside.mean() > 0.99
    visible_joints = joints.groupby(["frame", "person"])["visible"].sum()
    share = people_truth(group.clip).set_index(["frame", "person"])["visible_share"]
    assert visible_joints[share == 0].max() == 0
    assert visible_joints[share < 0.1].mean() < visible_joints[share == 1].mean() / 2


def test_angles_are_those_of_the_joints(group):
    joints = group.joints()
    xyz = joints[joints["joint"].isin([f"left_{j}" for j in ("shoulder", "elbow", "wrist")])]
    at = {j: xyz.loc[xyz["joint"] == f"left_{j}", ["x_m", "y_m", "z_m"]].to_numpy(float)
          for j in ("shoulder", "elbow", "wrist")}  # fmt: skip
    u, v = at["shoulder"] - at["elbow"], at["wrist"] - at["elbow"]
    expected_deg = np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), (u * v).sum(1)))

    # metres are rounded to 0.1 mm
    np.testing.assert_allclose(people_truth(group.clip)["left_elbow"], expected_deg, atol=0.08)


def test_two_cross_in_sight(group):
    """In the first crossing somebody is covered for a moment only, and comes out on the other side."""
    start, end = (int(t_s * FPS) for t_s in (0.4, 2.6))
    share = group.table("visible_share").loc[start:end]
    passes_by, person = (1, 3) if group.people == 3 else (1, 2)
    left = group.is_left_of(passes_by, person)
    assert left[start] != left[end]
    covered = share.min().idxmin()
    assert share[covered].min() < 0.5
    assert seconds(longest_run(share[covered] < 0.5)) < 0.6
    assert (share.iloc[[0, -1]] > 0.99).all().all()


def test_one_hides_behind_another_for_a_second(group):
    share = group.table("visible_share")
    hiding = group.table("segment")[group.hidden].str.startswith(("hide", "leave"))
    run = longest_run((share[group.hidden] <= HIDDEN) & hiding & group.in_picture(group.hidden))

    assert 0.8 <= seconds(run) <= 2.0
    assert share[group.hidden][run.start - 20] > 0.9
    assert share[group.hidden][run.stop + 20] > 0.9
    assert share[group.before][run].min() > 0.95
    assert share[group.hidden][run].min() < 0.12  # next to nothing is left
    left = group.is_left_of(group.hidden, group.before)
    assert (left[run.start - 20] != left[run.stop + 20]) == group.swaps_sides


def test_one_leaves_the_picture_and_returns(group):
    share = group.table("visible_share")
    gone = longest_run(share[group.leaves] == 0)

    assert seconds(gone) >= 0.8
    assert share[group.leaves][: gone.start].max() == 1
    assert share[group.leaves][gone.stop + 30 :].min() > 0.95
    others = [p for p in range(1, group.people + 1) if p != group.leaves]
    assert share.loc[gone, others].min().min() > 0.5


def test_people_turn_their_backs(group):
    """Seen from behind, the left shoulder is on the left of the picture."""
    across_px = group.joint_u_px("left_shoulder") - group.joint_u_px("right_shoulder")
    turned = [p for p in across_px if across_px[p].min() < -15 and across_px[p].max() > 15]
    assert len(turned) >= 2


def test_clothes_differ_except_in_costume(group):
    """The picture's colour at the middle of the trunk, which a tracker may go by."""
    joints = group.joints()
    corners = [f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "hip")]
    middle = joints[joints["joint"].isin(corners)].groupby(["frame", "person"])[["u_px", "v_px"]].mean()
    share = group.table("visible_share")
    colours: dict[int, list[np.ndarray]] = {p: [] for p in share.columns}
    capture = cv2.VideoCapture(str(group.clip))
    for frame in range(group.frames):
        _, bgr = capture.read()
        hsv = cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)
        for person in share.columns:
            if share.loc[frame, person] > 0.98:
                u, v = middle.loc[(frame, person)].astype(int)
                colours[person].append(hsv[v - 2 : v + 3, u - 2 : u + 3, 0].mean())
    capture.release()
    hue_deg = {p: 2 * float(np.median(c)) for p, c in colours.items()}

    differences = [abs((hue_deg[a] - hue_deg[b] + 180) % 360 - 180) for a, b in combinations(hue_deg, 2)]
    assert all(d < 8 for d in differences) if group.name == "duet_costume" else all(d > 30 for d in differences)


def test_pictures_show_the_joints_at_their_frames(group):
    """Bare wrists that are visible must be skin in the picture; a clip some frames late would miss them."""
    joints = group.joints()
    wrists = joints[joints["joint"].isin(["left_hand_wrist", "right_hand_wrist"]) & joints["visible"]]
    capture = cv2.VideoCapture(str(group.clip))
    is_skin = []
    for frame in range(group.frames):
        _, bgr = capture.read()
        at = wrists.loc[wrists["frame"] == frame, ["v_px", "u_px"]].to_numpy(int)
        blue, green, red = bgr[at[:, 0], at[:, 1]].astype(int).T
        is_skin += list((red - blue > 30) & (red > green) & (green - blue > -5))
    capture.release()

    assert len(is_skin) > group.frames
    assert np.mean(is_skin) > 0.95


@pytest.fixture
def dances(monkeypatch):
    """The generator's choreographies by clip."""
    monkeypatch.syspath_prepend(DATA / "samples" / "make")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from dancer import group_dances

    return {"duet": group_dances.DUET, "duet_costume": group_dances.DUET_COSTUME, "trio": group_dances.TRIO}


def test_generator_knows_the_dances_of_the_files(group, dances):
    segments = group.table("segment")
    for dance, person in zip(dances[group.name], segments.columns, strict=True):
        assert dance.duration_s * FPS == pytest.approx(group.frames)
        assert [dance.segment_at(i / FPS) for i in range(group.frames)] == list(segments[person])


def in_room(x_m: float, z_m: float, turn_deg: float) -> np.ndarray:
    """A place on the floor that is given in axes turned about the floor's middle."""
    a = np.radians(turn_deg)
    return np.array([x_m * np.cos(a) + z_m * np.sin(a), -x_m * np.sin(a) + z_m * np.cos(a)])


def test_bodies_keep_apart(group, dances):
    for t_s in np.arange(0, group.frames / FPS, 0.05):
        trunks = [dance.controls_at(t_s)[0] for dance in dances[group.name]]
        places = [in_room(c.x_m, c.z_m, c.heading_deg) for c in trunks]
        for a, b in combinations(places, 2):
            assert np.linalg.norm(a - b) > 0.6, t_s


def test_feet_that_stand_do_not_slide(group, dances):
    for dance in dances[group.name]:
        for side, out in (("L", 1), ("R", -1)):
            feet = [dance.controls_at(t_s)[2][side] for t_s in np.arange(0, group.frames / FPS, 0.02)]
            places = [in_room(out * f.x_m, f.z_m, f.yaw_deg) for f in feet]
            moved_m = np.linalg.norm(np.diff(places, axis=0), axis=1)
            stands = np.array([a.height_m == b.height_m == 0 for a, b in pairwise(feet)])
            assert 0.3 < stands.mean() < 1
            assert moved_m[stands].max() < 1e-9
            assert moved_m.max() > 0.01 or group.name == "trio"


def test_licence_and_columns_are_written_down(group):
    readme = (DATA / "README.md").read_text()
    licence = (DATA / "samples" / "LICENSE.txt").read_text()

    assert f"{group.name.split('_')[0]}" in licence
    for published in (DATA / "samples").glob(f"{group.name}[._][mtp]*"):
        assert published.name in readme
    for column in ("person", "visible_share", *BOX):
        assert f"`{column}`" in readme


def test_an_evaluation_of_one_person_refuses_several():
    with pytest.raises(LiveDanceError, match="holds several people"):
        keypoint_truth(sample_path("duet"))


def test_clips_without_truth_have_none(tmp_path):
    assert people_truth(tmp_path / "mine.mp4") is None
    assert joint_truth(tmp_path / "mine.mp4") is None
    assert people_truth(sample_path()) is None
