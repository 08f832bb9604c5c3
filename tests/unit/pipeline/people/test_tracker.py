"""Identities of several people, stepped by hand: no picture, no model."""

from __future__ import annotations

import math

import pytest

from livedance_lab.pipeline.people.measurement import Observation
from livedance_lab.pipeline.people.tracker import PeopleTracker
from tests.support.people import SIZE_PX, STEP_S, Stage, clothes, figure

RED, BLUE, GREEN = clothes(1), clothes(50), clothes(100)


def cross(stage: Stage, red, blue, *, hidden_within_px: float = 60.0, back: bool = False) -> list[dict[str, int]]:
    """Two people change places within two seconds; the red one passes in front and hides the other."""
    out = []
    for k in range(61):
        x = 200 + 400 * (k / 60)
        far = abs(2 * x - 800) >= hidden_within_px
        a, b = (800 - x, x) if back else (x, 800 - x)
        out.append(stage.step({"a": (a, SIZE_PX, red), "b": (b, SIZE_PX, blue)}, hidden=() if far else ("b",)))
    return out


def stand(stage: Stage, n: int = 15, **people) -> dict[str, int]:
    """Nobody moves for a while; return the ids of the last picture."""
    return [stage.step({name: (x, SIZE_PX, worn) for name, (x, worn) in people.items()}) for _ in range(n)][-1]


def test_a_new_person_is_tentative_in_one_picture_and_then_appears():
    stage = Stage(1)
    found = [stage.step({"a": (300, SIZE_PX, RED)}) for _ in range(4)]
    assert found == [{}, {"a": 1}, {"a": 1}, {"a": 1}]
    assert [(e.name, e.ids, round(e.t_s / STEP_S)) for e in stage.events] == [("person appeared", (1,), 2)]


def test_somebody_seen_in_one_picture_only_is_nobody():
    stage = Stage(1)
    stage.step({"ghost": (300, SIZE_PX, RED)})
    for _ in range(30):
        assert stage.step({}) == {}
    assert stage.events == []


@pytest.mark.parametrize("worn", [(RED, BLUE), (RED, RED)], ids=["different clothes", "equal clothes"])
def test_ids_stay_through_crossings_with_one_hidden(worn):
    stage = Stage()
    before = stand(stage, a=(200, worn[0]), b=(600, worn[1]))
    for back in (False, True, False):
        path = cross(stage, *worn, back=back)
        assert path[-1] == before
        wrong = [found for found in path if any(before[name] != i for name, i in found.items())]
        assert wrong == []
    assert stage.named("person appeared") == [(1,), (2,)]


def test_who_was_hidden_by_another_one_for_long_left_and_returns():
    stage = Stage()
    ids = stand(stage, a=(300, RED), b=(600, BLUE))
    for k in range(40):
        stage.step({"a": (300, SIZE_PX, RED), "b": (max(600 - 20 * k, 310), SIZE_PX, BLUE)},
                   hidden=("b",) if k > 12 else ())  # fmt: skip
    assert stage.named("person left") == [(ids["b"],)]
    assert stand(stage, a=(300, RED), b=(480, BLUE)) == ids
    assert stage.named("person returned") == [(ids["b"],)]


def test_who_leaves_and_returns_in_time_gets_the_id_back_and_later_a_new_one():
    stage = Stage(2, return_within_s=2.0)
    ids = stand(stage, a=(200, RED), b=(600, BLUE))
    assert stand(stage, 45, a=(200, RED)) == {"a": ids["a"]}
    assert stand(stage, a=(200, RED), b=(900, BLUE)) == ids
    stand(stage, 70, a=(200, RED))
    assert stand(stage, a=(200, RED), b=(600, BLUE)) == {"a": ids["a"], "b": 3}


def test_somebody_else_who_comes_in_is_new():
    stage = Stage()
    ids = stand(stage, a=(200, RED), b=(600, BLUE))
    stand(stage, 30, a=(200, RED))
    assert stand(stage, a=(200, RED), c=(600, GREEN)) == {"a": ids["a"], "c": 3}


def test_of_two_who_left_the_clothes_tell_who_returns():
    stage = Stage()
    ids = stand(stage, a=(200, RED), b=(600, BLUE))
    stand(stage, 30)
    assert stand(stage, b=(200, BLUE)) == {"b": ids["b"]}
    assert stage.named("identity uncertain") == []


def test_where_nobody_could_know_an_event_names_both():
    stage = Stage()
    stand(stage, a=(200, RED), b=(600, RED))
    stand(stage, 30)
    found = stand(stage, b=(400, RED))
    chosen = found["b"]
    assert stage.named("identity uncertain") == [(chosen, 3 - chosen)]


def test_everybody_stays_when_the_light_changes():
    stage = Stage()
    ids = stand(stage, a=(200, RED), b=(600, BLUE))
    assert stand(stage, 30, a=(200, GREEN), b=(600, GREEN)) == ids
    assert stage.named("person appeared") == [(1,), (2,)]


def test_an_exchange_that_the_colours_reveal_is_put_right_and_announced():
    """Two regions exchange their people between two pictures, as when both were hidden by somebody for a moment."""
    stage = Stage()
    ids = stand(stage, a=(200, RED), b=(320, BLUE))
    found = stand(stage, a=(320, RED), b=(200, BLUE))
    assert found == ids
    assert {frozenset(pair) for pair in stage.named("identity uncertain")} == {frozenset(ids.values())}


def test_three_people_pass_each_other():
    stage = Stage(3)
    worn = {"a": RED, "b": BLUE, "c": GREEN}
    ids = stand(stage, a=(200, RED), b=(500, BLUE), c=(800, GREEN))
    for k in range(121):
        swing = math.sin(k / 120 * 2 * math.pi)
        x = {"a": 200 + 600 * abs(swing), "b": 500.0, "c": 800 - 600 * abs(swing)}
        order = sorted(x, key=lambda name: "acb".index(name))  # a is in front, then c
        hidden = tuple(name for n, name in enumerate(order) if any(abs(x[name] - x[o]) < 70 for o in order[:n]))
        found = stage.step({name: (x[name], SIZE_PX, worn[name]) for name in x}, hidden=hidden)
        assert all(ids[name] == i for name, i in found.items())
    assert stand(stage, a=(200, RED), b=(500, BLUE), c=(800, GREEN)) == ids


def test_no_more_people_are_followed_than_allowed():
    stage = Stage(2)
    found = stand(stage, a=(200, RED), b=(500, BLUE), c=(800, GREEN))
    assert len(found) == 2
    assert stage.detections < 5  # nobody else is searched for


def test_the_detector_runs_at_a_low_rate_while_one_of_two_is_there():
    stage = Stage(2)
    stand(stage, 60, a=(200, RED))
    assert 6 <= stage.detections <= 12


def test_two_measurements_of_one_body_are_one_person():
    stage = Stage(2)
    for _ in range(10):
        stage.t_s += STEP_S
        body = figure(300)
        seen = [Observation(body, RED, trail) for trail in stage.tracker.regions(stage.t_s)]
        people = stage.tracker.update(stage.t_s, seen or [Observation(body, RED), Observation(figure(303), RED)])
    assert [p.id for p in people] == [1]


def test_pictures_come_in_capture_order():
    stage = Stage()
    stage.step({})
    with pytest.raises(ValueError, match="capture order"):
        stage.tracker.update(stage.t_s, [])


def test_the_same_measurements_give_the_same_ids_again():
    """Whoever replays a session feeds the same values."""
    runs = []
    for _ in range(2):
        stage = Stage()
        stand(stage, a=(200, RED), b=(600, BLUE))
        runs.append((cross(stage, RED, BLUE), stage.events))
    assert runs[0] == runs[1]


def test_a_person_found_while_another_lane_was_at_work_is_kept():
    """The other lane's picture was not searched for them: they are neither lost nor begun a second time."""
    tracker = PeopleTracker(2)
    tracker.update(0.0, [Observation(figure(150), RED)], detected=True)
    (trail,) = tracker.regions(0.1)
    assert tracker.update(0.1, [], searched=()) == []
    assert list(tracker.regions(0.2)) == [trail]

    tracker.update(0.2, [Observation(figure(152), RED)], detected=True, searched=())
    assert list(tracker.regions(0.3)) == [trail]
    people = tracker.update(0.3, [Observation(figure(154), RED, trail)], searched=[trail])
    assert [person.id for person in people] == [1]
    assert tracker.update(0.4, [], searched=[trail]) == []
    assert tracker.regions(0.5) == {}


def test_an_identity_is_not_forgotten_while_its_trail_was_only_not_searched():
    tracker = PeopleTracker(1)
    for k in range(3):
        tracker.update(k * STEP_S, [Observation(figure(300), RED, 1 if k else None)], detected=not k)
    assert tracker.update(20.0, [], searched=()) == []

    back = tracker.update(20.1, [Observation(figure(300), RED, 1)])
    assert [person.id for person in back] == [1]
    assert tracker.known_ids == {1}
