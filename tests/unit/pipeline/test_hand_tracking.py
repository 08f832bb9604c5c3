"""Where hands will be, whose they are, what looking for them brings: stepped by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from livedance_lab.clock import FakeClock
from livedance_lab.estimators.base import Estimate
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.pipeline.hand_tracking import HandsTally, WristTracker, torso_px
from livedance_lab.pipeline.result_builder import ResultBuilder, people_of
from livedance_lab.pose import Body, FrameRecord, FrameState
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33
from tests.support.pipeline import SIZE, Stage, a_frame, a_hand, a_pose

LEFT, RIGHT = 0, 1


def a_body(dx_px: float = 0.0, **visibility: float) -> Body:
    """Someone whose fingers point down: palms 28 px below the wrists at (448, 240) and (192, 240)."""
    body = Body()
    body.keypoints_px[:] = (320, 200, 0)
    body.visibility[:] = 0.9
    places = {"left_shoulder": (384, 144), "right_shoulder": (256, 144), "left_hip": (352, 288),
              "right_hip": (288, 288), "left_elbow": (448, 190), "right_elbow": (192, 190),
              "left_wrist": (448, 240), "right_wrist": (192, 240)}  # fmt: skip
    for side, x in (("left", 448), ("right", 192)):
        places |= {f"{side}_{finger}": (x, 280) for finger in ("pinky", "index", "thumb")}
    for name, (x, y) in places.items():
        body.keypoints_px[BLAZEPOSE_33.index(name), :2] = x + dx_px, y
    for name, value in visibility.items():
        body.visibility[BLAZEPOSE_33.index(name)] = value
    return body


def middles_px(crops: tuple[Crop, ...]) -> list[tuple[float, float]]:
    return [(round((c.left + c.width / 2) * SIZE[0], 3), round((c.top + c.height / 2) * SIZE[1], 3)) for c in crops]


def test_before_the_first_pose_hands_are_looked_for_everywhere():
    assert WristTracker().crops(0.0, SIZE) == ()


def test_a_square_lies_around_each_hand():
    tracker = WristTracker()
    tracker.update(0.0, a_body())
    crops = tracker.crops(0.0, SIZE)

    assert middles_px(crops) == [(448, 268), (192, 268)]  # 0.7 of the way to the fingers
    side_px = 0.9 * torso_px(a_body())
    assert side_px == pytest.approx(0.9 * 144)
    for crop in crops:
        assert (crop.width * SIZE[0], crop.height * SIZE[1]) == pytest.approx((side_px, side_px))


def test_a_square_moves_on_with_its_wrist_for_a_while():
    tracker = WristTracker()
    tracker.update(0.00, a_body(0))
    tracker.update(0.02, a_body(10))

    assert middles_px(tracker.crops(0.04, SIZE))[LEFT] == (468, 268)
    assert middles_px(tracker.crops(0.02, SIZE))[LEFT] == (458, 268)
    assert middles_px(tracker.crops(9.00, SIZE))[LEFT] == (508, 268)  # no farther than in 0.1 s


def test_a_forearm_that_points_sideways_makes_it_larger():
    long = a_body()
    long.keypoints_px[BLAZEPOSE_33.index("left_elbow"), :2] = 448, 120
    tracker = WristTracker()
    tracker.update(0.0, long)

    assert tracker.crops(0.0, SIZE)[0].width * SIZE[0] == pytest.approx(1.6 * 120)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (a_body(left_wrist=0.1), [(192, 268)]),
        (a_body(left_wrist=0.1, right_wrist=0.1), []),
        (a_body(dx_px=300), [(492, 268)]),
        (Body(), []),
    ],
    ids=["one is guessed", "both are guessed", "one is outside", "nobody"],
)
def test_only_hands_that_may_be_seen_get_a_square(body, expected):
    tracker = WristTracker()
    tracker.update(0.0, body)

    assert middles_px(tracker.crops(0.0, SIZE)) == expected


def test_a_person_as_large_as_the_picture_is_seen_as_well_in_all_of_it():
    near = a_body()
    near.keypoints_px[:, :2] *= 4
    tracker = WristTracker()
    tracker.update(0.0, near)

    assert tracker.crops(0.0, SIZE) == ()


def test_who_was_lost_is_forgotten():
    tracker = WristTracker()
    tracker.update(0.00, a_body(0))
    tracker.update(0.02, Body())
    assert tracker.crops(0.03, SIZE) == ()
    tracker.update(0.04, a_body(10))
    assert middles_px(tracker.crops(0.06, SIZE))[LEFT] == (458, 268)  # no velocity over the gap


def test_inferences_are_tallied():
    tally = HandsTally()
    assert tally.plain()["ms_per_hand"] is tally.plain()["at_wrists_per_inference"] is None
    tally.add(found=2, at_wrists=1, inference_ms=30.0)
    tally.add(found=0, at_wrists=0, inference_ms=20.0)
    tally.add(found=1, at_wrists=1, inference_ms=np.nan)

    assert tally.plain() == {"inferences": 3, "at_wrists": 2, "away": 1, "at_wrists_per_inference": 2 / 3,
                             "ms_per_inference": 50 / 3, "ms_per_hand": 25.0}  # fmt: skip


def a_builder(**settings: object) -> ResultBuilder:
    """One that has seen a pose at 0 s."""
    builder, frame = ResultBuilder(Settings().changed(settings), FakeClock()), a_frame(0)
    builder.build(frame, people_of(a_pose()), FrameRecord(0, FrameState.FAILED, frame.times), 1)
    return builder


def test_the_setting_says_where_to_look():
    assert len(a_builder(hands_crop="wrists").hand_crops(a_frame(1))) == 2
    assert a_builder(hands_crop="none").hand_crops(a_frame(1)) == ()
    builder = a_builder(hands_crop="none")
    builder.reconfigure(builder.settings.changed({"hands_crop": "wrists"}))
    assert len(builder.hand_crops(a_frame(1))) == 2


def test_a_frame_of_unknown_size_is_looked_at_as_a_whole():
    assert a_builder().hand_crops(replace(a_frame(1), source_size_px=(0, 0))) == ()


def test_hands_away_from_the_wrists_are_counted_and_not_used():
    builder = a_builder()
    on_the_wrist, on_the_face = a_hand("left", 0.71, 0.51), a_hand("right", 0.5, 0.05)
    found = builder.add_hands(a_frame(1), Estimate(hands=(on_the_wrist, on_the_face)), 25.0)

    assert found == 1
    assert (builder.tally.inferences, builder.tally.at_wrists, builder.tally.away) == (1, 1, 1)


def test_a_session_tells_what_hands_cost():
    stage = Stage()
    stage.send(0)
    stage.done(stage.take())
    stage.send(1)
    stage.done(stage.take_newest(), Estimate(hands=(a_hand("left", 0.71, 0.51),)))

    hands = stage.session.status()["hands"]
    assert (hands["inferences"], hands["at_wrists"], hands["away"]) == (1, 1, 0)
    assert (hands["at_wrists_per_inference"], hands["ms_per_inference"], hands["ms_per_hand"]) == (1.0, 20.0, 20.0)
