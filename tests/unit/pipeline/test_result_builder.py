"""Estimates to results: pixels, hands on the right wrists, angles; unknown stays NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from livedance_lab.analysis.angles import PRESETS
from livedance_lab.clock import FakeClock
from livedance_lab.errors import SettingsError
from livedance_lab.estimators.base import Estimate, HandEstimate
from livedance_lab.pipeline.result_builder import ResultBuilder, people_of
from livedance_lab.pose import Flag, FrameRecord, FrameState, PoseResult
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33
from tests.support.pipeline import SIZE, a_frame, a_hand, a_pose

LEFT, RIGHT = 0, 1
NEAR_LEFT, NEAR_RIGHT, ON_THE_FACE = (0.71, 0.51), (0.29, 0.51), (0.5, 0.05)


def a_builder(**settings) -> ResultBuilder:
    return ResultBuilder(Settings().changed(settings), FakeClock())


def result_of(builder: ResultBuilder, estimate: Estimate, seq: int = 0, t_s: float | None = None) -> PoseResult:
    frame = a_frame(seq, t_s)
    record = FrameRecord(seq, FrameState.FAILED, frame.times)
    return builder.build(frame, people_of(estimate), record, settings_version=3)


def sides(builder: ResultBuilder, *hands, seq: int = 1) -> dict[int, float]:
    """Which side was given to which hand, known by the x of its wrist."""
    builder.add_hands(a_frame(seq), Estimate(hands=hands), 15.0)
    body = result_of(builder, a_pose(), seq).raw
    return {side: round(float(body.hands_px[side, 0, 0]) / SIZE[0], 2) for side in (LEFT, RIGHT)
            if np.isfinite(body.hands_score[side])}  # fmt: skip


def test_image_landmarks_are_pixels_of_the_original_frame():
    estimate = a_pose()
    result = result_of(a_builder(), estimate)

    np.testing.assert_allclose(result.raw.keypoints_px, estimate.pose_xyz * [640, 480, 640], rtol=1e-6)
    np.testing.assert_array_equal(result.raw.world_m, estimate.pose_world_m)
    assert result.source_size_px == SIZE
    assert result.settings_version == 3
    assert result.record.state == FrameState.PROCESSED


def test_landmarks_that_are_pixels_already_stay():
    pixels = np.random.default_rng(0).uniform(0, 480, (33, 3)).astype(np.float32)
    result = result_of(a_builder(), Estimate(pose_xyz=pixels, normalised=False))

    np.testing.assert_array_equal(result.raw.keypoints_px, pixels)


def test_nobody_seen_is_nan_and_flagged_and_not_found():
    result = result_of(a_builder(), Estimate())

    assert not result.found
    assert result.hands_seq == -1
    assert np.isnan(result.raw.keypoints_px).all()
    assert np.isnan(result.smooth.keypoints_px).all()
    assert np.isnan(result.angles_deg).all()
    assert (result.flags == Flag.MISSING).all()


def test_an_angle_over_a_hidden_landmark_is_nan_never_zero():
    estimate = a_pose()
    estimate.visibility[BLAZEPOSE_33.index("left_elbow")] = 0.2
    result = result_of(a_builder(), estimate)
    by_name = dict(zip(a_builder().angle_names, result.angles_deg, strict=True))

    assert np.isnan(by_name["left_elbow"])
    assert np.isfinite(by_name["right_elbow"])
    assert 0 < by_name["right_elbow"] < 180
    assert result.flags[BLAZEPOSE_33.index("left_elbow")] == Flag.LOW_VISIBILITY


def test_the_visibility_threshold_is_a_setting():
    estimate = a_pose()  # everything at 0.9

    assert np.isnan(result_of(a_builder(visibility_threshold=0.95), estimate).angles_deg).all()
    assert np.isfinite(result_of(a_builder(visibility_threshold=0.85), estimate).angles_deg).all()


def test_hands_go_to_the_wrist_they_are_at_whatever_the_model_calls_them():
    builder = a_builder()
    result_of(builder, a_pose())
    wrongly_named = (a_hand("right", *NEAR_LEFT), a_hand("left", *NEAR_RIGHT))

    assert sides(builder, *wrongly_named) == {LEFT: 0.71, RIGHT: 0.29}


def test_a_hand_far_from_both_wrists_is_somebody_elses_or_a_face():
    builder = a_builder()
    result_of(builder, a_pose())

    assert sides(builder, a_hand("left", *ON_THE_FACE, score=0.99), a_hand("left", *NEAR_LEFT)) == {LEFT: 0.71}


def test_two_hands_at_one_wrist_the_nearer_one_is_taken():
    builder = a_builder()
    result_of(builder, a_pose())

    assert sides(builder, a_hand("left", 0.76, 0.5), a_hand("left", 0.71, 0.5)) == {LEFT: 0.71}


def test_without_a_known_pose_the_models_label_decides_the_surer_first():
    builder = a_builder()

    got = sides(builder, a_hand("left", 0.1, 0.1, score=0.6), a_hand("left", 0.9, 0.9, score=0.8))
    assert got == {LEFT: 0.9}


def test_a_camera_that_shows_hands_only_gives_hands():
    builder = a_builder()
    builder.add_hands(a_frame(1), Estimate(hands=(a_hand("left", 0.5, 0.5),)), 15.0)
    result = builder.build(a_frame(1), {}, FrameRecord(1, FrameState.FAILED, a_frame(1).times), 1)

    assert (result.hands_seq, result.found) == (1, False)
    assert np.isfinite(result.hands_px[LEFT]).all()
    assert np.isnan(result.keypoints_px).all()
    assert np.isnan(result_of(builder, Estimate(), 40, t_s=2.0).hands_px).all()  # they are too old


def test_of_several_people_hands_found_before_anybody_was_seen_go_to_the_wrists_of_the_first_pose():
    builder = a_builder(max_people=2)

    assert sides(builder, a_hand("right", *NEAR_LEFT), a_hand("left", *ON_THE_FACE, score=0.99)) == {LEFT: 0.71}


def test_while_the_person_is_not_seen_the_models_label_decides_the_surer_first():
    builder = a_builder()
    result_of(builder, a_pose())
    result_of(builder, Estimate(), 1)

    got = sides(builder, a_hand("left", 0.1, 0.1, score=0.6), a_hand("left", 0.9, 0.9, score=0.8), seq=2)
    assert got == {LEFT: 0.9}


def test_hands_ride_along_with_the_frame_they_belong_to_until_they_are_too_old():
    builder = a_builder()
    result_of(builder, a_pose(), seq=0, t_s=0.0)
    builder.add_hands(a_frame(1, 0.02), Estimate(hands=(a_hand("left", *NEAR_LEFT),)), 15.0)

    soon = result_of(builder, a_pose(), seq=5, t_s=0.5)
    assert soon.hands_seq == 1
    assert soon.record.stage_ms["hands"] == 15.0
    late = result_of(builder, a_pose(), seq=40, t_s=0.6)
    assert late.hands_seq == -1
    assert np.isnan(late.raw.hands_px).all()
    assert np.isnan(late.smooth.hands_px).all()
    assert "hands" not in late.record.stage_ms


def test_an_inference_that_finds_no_hand_removes_the_hands():
    builder = a_builder()
    result_of(builder, a_pose(), 0)
    assert builder.add_hands(a_frame(1), Estimate(hands=(a_hand("left", *NEAR_LEFT),)), 15.0) == 1
    assert builder.add_hands(a_frame(2), Estimate(), 15.0) == 0

    assert result_of(builder, a_pose(), 3).hands_seq == -1


def test_hands_of_an_older_frame_do_not_replace_newer_ones():
    builder = a_builder()
    result_of(builder, a_pose(), 0)
    builder.add_hands(a_frame(3), Estimate(hands=(a_hand("left", *NEAR_LEFT),)), 15.0)
    builder.add_hands(a_frame(2), Estimate(), 15.0)

    assert result_of(builder, a_pose(), 4).hands_seq == 3


def test_hands_switched_off_disappear():
    builder = a_builder()
    builder.add_hands(a_frame(1), Estimate(hands=(a_hand("left", *NEAR_LEFT),)), 15.0)
    builder.reconfigure(Settings(hands=False))

    assert result_of(builder, a_pose(), 2).hands_seq == -1


@pytest.mark.parametrize(
    ("dx", "visible"), [(0.0, True), (0.5, True), (0.9, False), (-0.9, False)],
    ids=["both wrists in the picture", "one", "none", "none on the other side"],
)  # fmt: skip
def test_whether_a_wrist_is_in_the_picture(dx, visible):
    builder = a_builder()
    assert builder.wrists_visible  # before the first pose it may be
    result_of(builder, a_pose(dx))

    assert builder.wrists_visible is visible


def test_a_wrist_the_model_only_guesses_is_not_visible():
    builder, estimate = a_builder(), a_pose()
    for side in ("left_wrist", "right_wrist"):
        estimate.visibility[BLAZEPOSE_33.index(side)] = 0.1
    result_of(builder, estimate)

    assert not builder.wrists_visible
    result_of(builder, Estimate(), 1)
    assert not builder.wrists_visible


def test_raw_stays_beside_smoothed():
    builder = a_builder()
    result_of(builder, a_pose(0.0), 0)
    second = result_of(builder, a_pose(0.1), 1)

    np.testing.assert_allclose(second.raw.keypoints_px, a_pose(0.1).pose_xyz * [640, 480, 640], rtol=1e-6)
    between = (result_of(a_builder(), a_pose(0.0)).raw.keypoints_px[0, 0], second.raw.keypoints_px[0, 0])
    assert between[0] < second.smooth.keypoints_px[0, 0] < between[1]


def test_the_clock_never_influences_a_value():
    class Wild(FakeClock):
        def __call__(self) -> float:
            return self.advance(np.random.default_rng(int(self.t_s)).uniform(0, 9))

    results = []
    for clock in (FakeClock(), Wild()):
        builder = ResultBuilder(Settings(), clock)
        results.append([result_of(builder, a_pose(n / 100), n).smooth.keypoints_px.tobytes() for n in range(5)])

    assert results[0] == results[1]


# angles that were chosen, mirrored cameras


def test_the_angles_of_a_session_are_those_it_asked_for():
    builder = a_builder(angles="clinical, left_elbow, sports2d_pelvis, left_elbow")
    result = result_of(builder, a_pose())
    by_name = dict(zip(builder.angle_names, result.angles_deg, strict=True))

    assert list(by_name)[-2:] == ["left_elbow", "sports2d_pelvis"]
    assert np.isfinite(by_name["sports2d_pelvis"])
    assert by_name["left_elbow"] == pytest.approx(180 - by_name["left_elbow_flexion"], abs=1e-3)
    assert result.angles_smooth_deg.shape == result.angles_deg.shape == (20,)


def test_every_preset_works_live():
    for preset, ids in PRESETS.items():
        result = result_of(a_builder(angles=preset), a_pose())
        assert np.isfinite(result.angles_deg).mean() > 0.8, preset
        assert len(result.angles_deg) == len(ids)


def test_an_unknown_angle_is_named_at_once():
    with pytest.raises(SettingsError, match="no angle 'left_tail'; the presets are included, "):
        a_builder(angles=["left_elbow", "left_tail"])


def test_angles_cannot_be_changed_on_the_way_but_named_in_another_way():
    builder = a_builder(angles="included")
    with pytest.raises(SettingsError, match=r"fixed when a session begins.*this one has included, and clinical was"):
        builder.reconfigure(builder.settings.changed({"angles": "clinical", "hands": False}))
    assert builder.settings.hands
    same = builder.settings.changed({"angles": list(builder.angle_names), "hands": False})
    builder.reconfigure(same)
    assert builder.settings is same


def flipped(estimate: Estimate) -> Estimate:
    """What a perfect model makes of the flipped picture: x the other way, left called right."""
    other = [BLAZEPOSE_33.index(_twin(name)) for name in BLAZEPOSE_33.landmarks]
    hands = tuple(HandEstimate(_twin(h.side), h.score, (1, 0, 0) + h.xyz * _FLIP, h.world_m * _FLIP) for h in
                  estimate.hands)  # fmt: skip
    if estimate.pose_xyz is None:
        return Estimate(hands=hands)
    return Estimate(
        (np.float32((1, 0, 0)) + estimate.pose_xyz * _FLIP)[other], (estimate.pose_world_m * _FLIP)[other],
        estimate.visibility[other], estimate.presence[other], hands,
    )  # fmt: skip


_FLIP = np.float32((-1, 1, 1))


def _twin(name: str) -> str:
    swap = {"left": "right", "right": "left"}
    return "_".join(swap.get(word, word) for word in name.split("_"))


@pytest.mark.parametrize("known_pose", [True, False])
def test_a_mirrored_camera_shows_the_same_person(known_pose):
    """Names, angles, world landmarks and hands are the person's own; pixels are where the flipped picture has them."""
    pose = a_pose()
    pose.visibility[BLAZEPOSE_33.index("left_wrist")] = 0.6
    shape = np.random.default_rng(2).normal(0, 0.05, (21, 3)).astype(np.float32)
    hands = (a_hand("left", *NEAR_LEFT), a_hand("right", *NEAR_RIGHT, score=0.7))
    look = Estimate(hands=tuple(replace(hand, world_m=shape) for hand in hands))
    straight, mirrored = a_builder(angles="all"), a_builder(angles="all", mirrored=True)
    results = []
    for builder, seen, at in ((straight, pose, look), (mirrored, flipped(pose), flipped(look))):
        if known_pose:
            result_of(builder, seen)
        builder.add_hands(a_frame(1), at, 15.0)
        results.append(result_of(builder, seen, 1))
    one, other = results

    np.testing.assert_allclose(other.angles_deg, one.angles_deg, atol=0.02)
    for name in ("world_m", "visibility", "presence", "hands_score", "hands_world_m"):
        np.testing.assert_allclose(getattr(other.raw, name), getattr(one.raw, name), atol=1e-6)
    for name in ("keypoints_px", "hands_px"):
        there = getattr(other.raw, name).copy()
        there[..., 0] = SIZE[0] - there[..., 0]
        np.testing.assert_allclose(there, getattr(one.raw, name), atol=1e-3)
    assert np.isfinite(one.raw.hands_score).all()


def test_told_that_the_camera_is_mirrored_nothing_is_smoothed_from_left_to_right():
    builder = a_builder(smoothing={"filter": "ema", "params": {"alpha": 0.2}})
    for n in range(5):
        result_of(builder, a_pose(), n)
    builder.reconfigure(builder.settings.changed({"mirrored": True}))
    first = result_of(builder, a_pose(), 5)

    np.testing.assert_array_equal(first.smooth.keypoints_px, first.raw.keypoints_px)
    assert first.hands_seq == -1
    left, right = (BLAZEPOSE_33.index(f"{side}_wrist") for side in ("left", "right"))
    assert first.raw.keypoints_px[left, 0] < first.raw.keypoints_px[right, 0]


def test_hands_that_came_with_the_pose_are_counted_once():
    """The design `sequential` adds them before the result is built, which sees the same estimate again."""
    builder = a_builder()
    result_of(builder, a_pose(), 0)
    both = replace(a_pose(), hands=(a_hand("left", *ON_THE_FACE),))
    builder.add_hands(a_frame(1), both, 15.0)
    result_of(builder, both, 1)

    assert (builder.tally.inferences, builder.tally.away) == (1, 1)


def test_hands_of_an_older_frame_do_not_return_after_a_search_without_hands():
    builder = a_builder()
    result_of(builder, a_pose(), 0)
    builder.add_hands(a_frame(3), Estimate(), 15.0)
    builder.add_hands(a_frame(2), Estimate(hands=(a_hand("left", *NEAR_LEFT),)), 15.0)

    assert result_of(builder, a_pose(), 4).hands_seq == -1


def test_a_result_says_how_certain_the_model_is_of_the_person():
    assert result_of(a_builder(), replace(a_pose(), score=0.75)).person.score == 0.75
    assert np.isnan(result_of(a_builder(), a_pose()).person.score)


def at_scale(factor: float, dx: float) -> Estimate:
    """A person who is larger or smaller than `a_pose`, and further to the right."""
    pose = a_pose()
    xyz = pose.pose_xyz.copy()
    xyz[:, :2] = 0.5 + factor * (xyz[:, :2] - 0.5) + (dx, 0)
    return replace(pose, pose_xyz=xyz)


def test_hands_of_somebody_who_fills_the_frame_are_searched_too():
    """Squares around the other's wrists would not hold them."""
    far, near = at_scale(0.5, 0.2), at_scale(2.4, 0.0)
    crops = []
    for people in ({1: far}, {1: near}, {1: far, 2: near}):
        builder = a_builder(max_people=2)
        frame = a_frame(0)
        builder.build(frame, people, FrameRecord(0, FrameState.FAILED, frame.times), 1)
        crops.append([round(crop.height, 2) for crop in builder.hand_crops(frame)])

    assert crops[1] == []  # the whole frame
    assert crops[2] == [*crops[0], 1.0, 1.0]
