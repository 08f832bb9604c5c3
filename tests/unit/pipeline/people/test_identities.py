"""Results of several people: estimates by id, one smoother each, and nothing left of who has gone."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from livedance_lab.errors import SettingsError, WireError
from livedance_lab.estimators.base import Estimate, MeasuredPerson, Region, region_factory
from livedance_lab.pipeline.people.appearance import Appearance
from livedance_lab.pipeline.people.identities import Identities
from livedance_lab.pipeline.people.measurement import Observation, PeopleFound, PeopleMeasurer
from livedance_lab.pipeline.received_frame import ReceivedFrame
from livedance_lab.pipeline.result_builder import ResultBuilder
from livedance_lab.pipeline.scheduler import Job
from livedance_lab.pose import Frame, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.settings import Settings
from tests.support.people import clothes, figure

RED, BLUE = clothes(0), clothes(100)
STEP_S = 1 / 30
FOLLOWED = "followed person changed"


@dataclass
class Duo:
    """A session's part for several people, stepped by hand."""

    settings: Settings = field(default_factory=lambda: Settings(max_people=2))
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seq: int = 0

    def __post_init__(self) -> None:
        self.builder = ResultBuilder(self.settings, lambda: 0.0)
        self.identities = Identities(self.builder, lambda *_: None, lambda _: None, threading.RLock(),
                                     lambda _kind, name, data, _t_s: self.events.append((name, data)))  # fmt: skip

    def step(self, *people: tuple[float, Appearance]) -> PoseResult:
        """One frame with people at these places in these clothes."""
        t_s = self.seq * STEP_S
        frame = Frame(self.seq, b"", (640, 480), FrameTimes(t_capture_s=t_s))
        trails = self.identities._to_find(t_s).regions
        observations = []
        for x, worn in people:
            near = [trail for trail, region in trails.items() if abs(region.x_px - x) < 60]
            observations.append(Observation(figure(x), worn, near[0] if near else None))
        job = Job(
            ReceivedFrame(frame, 0, 384, lambda: 0.0),
            ("pose",),
            0.0,
            people=PeopleFound(observations, True, frozenset(trails)),
        )
        found = self.identities.of(job, Estimate())
        self.seq += 1
        return self.builder.build(frame, found, FrameRecord(frame.seq, FrameState.FAILED, frame.times), 1)


def test_everybody_has_an_id_and_values_of_their_own():
    duo = Duo()
    for n in range(10):
        result = duo.step((150 + 3 * n, RED), (450 - 2 * n, BLUE))

    assert [person.id for person in result.people] == [1, 2]
    assert [person.score for person in result.people] == [0.9, 0.9]
    assert result.person is result.people[0]
    at = {p.raw.keypoints_px[[23, 24], 0].mean(): p.smooth.keypoints_px[[23, 24], 0].mean() for p in result.people}
    assert sorted(at) == pytest.approx([177, 432], abs=1)
    for measured, smooth in at.items():
        assert smooth == pytest.approx(measured, abs=15)  # nothing of the other, who is 250 px away
    assert [name for name, _ in duo.events] == ["person appeared"] * 2


def test_who_leaves_and_returns_has_their_id_back_and_the_other_is_still_measured():
    duo = Duo()
    for _ in range(10):
        duo.step((150, RED), (450, BLUE))
    alone = [duo.step((450, BLUE)) for _ in range(30)]
    back = [duo.step((150, RED), (450, BLUE)) for _ in range(10)][-1]

    assert {tuple(p.id for p in result.people) for result in alone[1:]} in ({(1,)}, {(2,)})
    assert [person.id for person in back.people] == [1, 2]
    assert [name for name, _ in duo.events] == ["person appeared"] * 2 + ["person left", "person returned"]
    lost, returned = duo.events[2][1], duo.events[3][1]
    assert lost == returned


def test_who_has_gone_for_good_leaves_nothing_and_another_is_followed():
    duo = Duo()
    for _ in range(10):
        duo.step((150, RED), (450, BLUE))
    first = duo.builder.followed_id
    stays = {1: (450, BLUE), 2: (150, RED)}[first] if duo.step((150, RED)).person is not None else (450, BLUE)
    for _ in range(400):  # longer than a return is waited for
        result = duo.step((450, BLUE)) if first == 1 else duo.step(stays)

    assert len(duo.builder._people) == 1
    assert result.followed_id == result.people[0].id


def test_another_person_can_be_followed_and_the_change_is_an_event():
    duo = Duo()
    for _ in range(10):
        before = duo.step((150, RED), (450, BLUE))
    duo.builder.follow(2)
    assert duo.events[-1] == (FOLLOWED, {"person": 2, "before": 1})
    after = duo.step((150, RED), (450, BLUE))

    assert (before.followed_id, after.followed_id) == (1, 2)
    assert after.person is after.people[1]
    duo.builder.follow(2)  # no change, no event
    assert [name for name, _ in duo.events].count(FOLLOWED) == 1


def test_who_is_not_known_cannot_be_followed():
    duo = Duo()
    with pytest.raises(WireError, match="no person 1 to follow; the known ids are: none so far"):
        duo.builder.follow(1)
    for _ in range(10):
        duo.step((150, RED), (450, BLUE))
    with pytest.raises(WireError, match="no person 7 to follow; the known ids are: 1, 2"):
        duo.builder.follow(7)
    assert duo.step((150, RED), (450, BLUE)).followed_id == 1
    assert FOLLOWED not in [name for name, _ in duo.events]


@pytest.mark.parametrize("stays", [1, 2])
def test_when_the_followed_person_has_gone_for_good_another_is_followed_and_that_is_an_event(stays):
    duo = Duo()
    for _ in range(10):
        first = duo.step((150, RED), (450, BLUE))
    places = {person.id: (150, RED) if person.raw.keypoints_px[23, 0] < 300 else (450, BLUE) for person in first.people}
    followed = {duo.step(places[stays]).followed_id for _ in range(400)}  # longer than a return is waited for

    assert followed == {1, stays}
    changes = [data for name, data in duo.events if name == FOLLOWED]
    assert changes == ([] if stays == 1 else [{"person": 2, "before": 1}])


def test_who_has_gone_for_good_stays_followed_until_somebody_else_is_seen():
    duo = Duo()
    for _ in range(10):
        duo.step((150, RED))
    assert {duo.step().followed_id for _ in range(400)} == {1}
    assert FOLLOWED not in [name for name, _ in duo.events]
    for _ in range(10):
        last = duo.step((450, BLUE))
    assert last.followed_id == last.people[0].id == 2
    assert [data for name, data in duo.events if name == FOLLOWED] == [{"person": 2, "before": 1}]


def test_a_frame_without_anybody_keeps_its_row():
    duo = Duo()
    duo.step((150, RED))
    result = duo.step()
    assert result.people == ()
    assert not result.found
    assert np.isnan(result.keypoints_px).all()


def test_a_measurer_answers_in_pixels_of_the_original_frame():
    class Small:
        def detect(self, image_rgb):
            return [Region(80, 60, 100, 0.0, 0.9)]

        def landmarks(self, image_rgb, region) -> MeasuredPerson:
            assert image_rgb.shape == (120, 160, 3)
            return figure(80, 60, size_px=100)

        def close(self) -> None: ...

    duo = Duo()
    measurer = PeopleMeasurer(Small(), duo.identities._to_find)
    found = measurer.measure(np.full((120, 160, 3), 90, np.uint8), 0.0, (640, 480))

    (seen,) = found.observations
    assert seen.person.next_region.x_px == pytest.approx(320)
    assert seen.person.keypoints_px[[23, 24], 0].mean() == pytest.approx(320)
    assert found.detected


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"max_people": 2, "design": "join"}, "the design join follows one person"),
        ({"max_people": 7}, "max_people must be less than or equal to 6"),
    ],
)
def test_what_cannot_follow_several_is_refused(changes, text):
    with pytest.raises(SettingsError, match=text):
        Settings().changed(changes)


def test_the_number_of_people_is_fixed_when_a_session_begins():
    with pytest.raises(SettingsError, match="max_people is fixed when a session begins"):
        Duo().builder.reconfigure(Settings(max_people=3))


def test_an_estimator_of_one_person_says_what_to_do():
    with pytest.raises(SettingsError, match="choose the estimator blazepose"):
        region_factory("mediapipe")
