"""Holding results to an age: which setting is changed when, stepped by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from livedance_lab.pipeline.target_age import Step, TargetAgeController
from livedance_lab.pose import FrameRecord, FrameState, FrameTimes
from livedance_lab.settings import Settings
from tests.support.pipeline import Stage


class Tuned:
    """A session's settings and the controller that changes them; ages are what the test says."""

    def __init__(self, *, models: tuple[int, ...] = (0, 1, 2), **settings: Any) -> None:
        self.settings = Settings().changed({"target_age_ms": 50.0, **settings})
        self.control = TargetAgeController(models.__contains__)
        self.t_s = 0.0
        self.steps: list[Step] = []

    def run(self, seconds: int, age_ms: float, transit_ms: float = 5.0, per_s: int = 10) -> list[str]:
        """Seconds of results of this age; the names of the steps in them."""
        before = len(self.steps)
        for _ in range(seconds * per_s):
            self.t_s += 1 / per_s
            self.control.add(a_record(self.t_s, age_ms, transit_ms))
            step = self.control.check(self.t_s, self.settings)
            if step is not None:
                self.steps.append(step)
                self.settings = self.settings.changed(step.changes)
        return [step.name for step in self.steps[before:]]

    @property
    def tuned(self) -> tuple[int, float, int]:
        return self.settings.short_side_px, self.settings.hands_max_hz, self.settings.complexity


def a_record(t_s: float, age_ms: float, transit_ms: float) -> FrameRecord:
    times = FrameTimes(t_capture_s=t_s - age_ms / 1000, t_receive_s=t_s - (age_ms - transit_ms) / 1000, t_emit_s=t_s)
    return FrameRecord(0, FrameState.PROCESSED, times, "", 0, {"wait": 3.0})


def test_without_a_target_nothing_is_touched():
    tuned = Tuned(target_age_ms=0)

    assert tuned.run(60, age_ms=900.0) == []
    assert tuned.settings == Settings()


@pytest.mark.parametrize("age_ms", [54.0, 50.0, 38.0])
def test_near_the_target_nothing_is_changed(age_ms):
    assert Tuned().run(60, age_ms) == []


def test_one_old_second_is_no_reason():
    tuned = Tuned()
    for _ in range(20):
        assert tuned.run(1, 200.0) == []
        assert tuned.run(2, 45.0) == []


def test_work_is_made_cheaper_by_rarer_hands_then_a_lighter_model_then_smaller_images():
    tuned = Tuned(complexity=2, hands_max_hz=12.0)
    tuned.run(60, age_ms=300.0)

    assert [step.changes for step in tuned.steps] == [
        {"hands_max_hz": 6.0}, {"hands_max_hz": 3.0}, {"hands_max_hz": 2.0}, {"complexity": 1}, {"complexity": 0},
        {"short_side_px": 288}, {"short_side_px": 224}, {"short_side_px": 192}, {}]  # fmt: skip
    assert tuned.steps[-1].name == "out of reach"  # said once
    first = tuned.steps[0].data
    assert first["target_ms"] == 50.0
    assert (first["age_ms"], first["way_ms"], first["wait_ms"], first["work_ms"]) == (300.0, 5.0, 3.0, 292.0)
    assert first["reason"] == "waiting and inference"


def test_a_long_transit_is_made_cheaper_by_smaller_images_first():
    tuned = Tuned()
    tuned.run(4, age_ms=300.0, transit_ms=200.0)

    assert tuned.steps[0].changes == {"short_side_px": 288}
    assert tuned.steps[0].data["reason"] == "transit"


def test_a_model_that_is_not_here_is_not_chosen():
    tuned = Tuned(models=(1,))
    tuned.run(60, age_ms=300.0)

    assert tuned.settings.complexity == 1


def test_hands_without_a_cap_get_one_and_hands_that_are_off_are_left_alone():
    uncapped, off = Tuned(hands_max_hz=0), Tuned(hands=False)
    uncapped.run(3, age_ms=300.0)
    off.run(60, age_ms=300.0)

    assert uncapped.settings.hands_max_hz == 15.0
    assert off.settings.hands_max_hz == Settings().hands_max_hz


def test_a_change_is_given_time_to_show():
    tuned = Tuned()
    times = [tuned.t_s for _ in range(12) if tuned.run(1, 300.0)]

    assert len(times) >= 3
    assert min(b - a for a, b in itertools.pairwise(times)) >= 2.9


def test_with_time_to_spare_every_step_is_taken_back_last_one_first():
    tuned = Tuned()
    tuned.run(60, age_ms=300.0)
    made = [step.changes for step in tuned.steps if step.name == "cheaper"]
    tuned.steps.clear()
    tuned.run(200, age_ms=20.0)

    assert tuned.tuned == (384, 15.0, 1)
    assert {step.name for step in tuned.steps} == {"better"}
    assert [list(step.changes) for step in tuned.steps] == [list(changes) for changes in reversed(made)]


def test_a_step_back_that_cannot_be_kept_is_tried_ever_more_rarely():
    tuned = Tuned()
    tuned.run(4, 300.0)  # hands at 7.5 Hz: from here on they decide the age

    def a_second() -> list[str]:
        return tuned.run(1, 30.0 if tuned.settings.hands_max_hz < 15 else 70.0)

    back_s = [tuned.t_s for _ in range(600) if "better" in a_second()]
    pauses = [b - a for a, b in itertools.pairwise(back_s)]

    assert pauses[:4] == sorted(pauses[:4])
    assert min(pauses[4:]) >= 80.0


def test_what_the_user_sets_meanwhile_is_not_taken_back():
    tuned = Tuned()
    tuned.run(60, 300.0)
    tuned.settings = tuned.settings.changed({"hands_max_hz": 4.0})
    tuned.run(200, 20.0)

    assert tuned.tuned == (384, 4.0, 1)


def test_taking_the_target_back_restores_what_was_before():
    tuned = Tuned(complexity=2)
    tuned.run(60, 300.0)
    tuned.settings = tuned.settings.changed({"target_age_ms": 0, "short_side_px": 240})

    assert tuned.run(5, 300.0) == ["off"]
    assert tuned.tuned == (240, 15.0, 2)


def test_too_few_results_and_unknown_times_are_no_ground_to_judge_on():
    tuned = Tuned()
    assert tuned.run(30, 300.0, per_s=2) == []
    assert tuned.run(30, float("nan")) == []


def test_a_session_says_and_does_what_its_target_asks_for():
    stage = Stage()
    stage.session.change_settings({"target_age_ms": 1.0, "hands_max_hz": 8.0})
    for seq in range(400):
        stage.send(seq)
        stage.done(stage.take())
        if stage.heard.named("target_age", "cheaper"):
            break

    (event,) = stage.heard.named("target_age", "cheaper")
    changed = stage.heard.named("settings", "changed")[-1]["data"]
    assert changed["by"] == "target age"
    assert changed["changes"] == event["data"]["changes"]
    assert event["data"]["age_ms"] > event["data"]["target_ms"] == 1.0
    assert stage.session.settings.changed(event["data"]["changes"]) == stage.session.settings
