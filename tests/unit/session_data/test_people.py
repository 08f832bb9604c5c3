"""Sessions of several people: every table, names, other ids, and smoothing that is bit for bit the live one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from livedance_lab.analysis.angles import angular_velocity_deg_s
from livedance_lab.errors import ExportError, LiveDanceError, RecordingError
from livedance_lab.pose import Flag
from livedance_lab.session_data import SessionData, name_people, relabel_people, resmooth, summarise
from livedance_lab.session_data.people_names import label_of, most_people
from livedance_lab.session_data.time_grid import nominal_grid, true_times
from livedance_lab.settings import Settings
from tests.support import two_people

SMOOTHED = ("keypoints_px", "world_m", "hands_px", "hands_world_m")
BODY = ("keypoints_px", "keypoints_px_smooth", "world_m", "world_m_smooth", "flags", "angles_deg", "angles_smooth_deg")
N_PROCESSED = two_people.N_FRAMES - len(two_people.LOST)
SWAPPED = range(60, 68)


@pytest.fixture(scope="module")
def data() -> SessionData:
    return two_people.session()


def rows_of(data: SessionData, id: int) -> np.ndarray:
    return data.rows_of_people()[data.people.index(id)]


def seqs_of_second() -> list[int]:
    away = {*two_people.AWAY, *two_people.LATE, *two_people.NOBODY, *two_people.LOST}
    return [seq for seq in range(two_people.N_FRAMES) if seq not in away]


def assert_same(one: SessionData, other: SessionData, names=BODY) -> None:
    np.testing.assert_array_equal(one.seq, other.seq)
    assert one.person.equals(other.person)
    for name in names:
        np.testing.assert_array_equal(one.array(name), other.array(name), err_msg=name)


def test_rows_interleave_and_a_frame_without_anybody_keeps_its_row(data):
    assert data.people == (1, 2)
    assert not data.follows_one
    assert data.seq[rows_of(data, 2)].tolist() == seqs_of_second()
    assert data.person[np.isin(data.seq, two_people.NOBODY)].isna().all()
    assert np.isin(two_people.NOBODY, data.seq).all()
    assert (np.diff(data.person.to_numpy(dtype=int, na_value=0)) != 0).sum() > 80


def test_every_table_says_whose_a_row_is(data):
    for table in (data.angles, data.results, data.angular_velocity):
        assert len(table) == len(data.seq)
        assert table["person"].array.equals(data.person)
    rows = data.landmarks[data.landmarks["keypoint"] == "left_knee"]
    assert rows["seq"].tolist() == data.seq.tolist()
    assert rows["person"].array.equals(data.person)
    np.testing.assert_array_equal(rows["x_px"], data.array("keypoints_px")[:, 25, 0])
    knee = data.results.set_index(["seq", "person"])["left_knee_x_px"]
    assert knee[10, 1] != knee[10, 2]


def test_angular_velocity_is_of_one_person_at_a_time(data):
    name = f"{data.angle_names[0]}_deg_s"
    one = data.individual(2)
    alone = angular_velocity_deg_s(one.array("angles_deg"), one.t_capture_s, data.angle_names)[:, 0]
    together = data.angular_velocity.set_index(["person", "seq"])[name][2]
    np.testing.assert_array_equal(together, alone[np.isin(one.seq, seqs_of_second())])
    assert together.notna().sum() > 30
    assert data.individual(2).angular_velocity[name].equals(pd.Series(alone))


def test_rates_gaps_and_shares_count_frames(data):
    assert len(data.first_rows) == N_PROCESSED < len(data.seq)
    assert data.results_per_s == pytest.approx((N_PROCESSED - 1) / data.duration_s)
    assert f"{N_PROCESSED} processed" in repr(data)
    summary = summarise(data)
    assert summary["results"] == N_PROCESSED
    assert summary["pose_found_share"] == pytest.approx(1 - len(two_people.NOBODY) / N_PROCESSED)
    with_hands = {seq for seq, hands in zip(data.seq, data.column("hands_seq"), strict=True) if hands >= 0}
    assert 0 < len(with_hands) < N_PROCESSED
    assert summary["hands_share"] == pytest.approx(len(with_hands) / N_PROCESSED)
    assert data.find_gaps(2.5 / two_people.RATE_HZ)["captured"].tolist() == [2]
    assert summarise(data, from_seq=80)["pose_found_share"] == 1


def test_everybody_is_on_the_same_grid(data):
    grid, true = nominal_grid(data), true_times(data)
    assert grid.fps == two_people.RATE_HZ
    assert grid.unplaced == 0
    assert grid.measured.sum() == N_PROCESSED
    for id, one in zip(data.people, data.individuals().values(), strict=True):
        for rows, t_s in ((grid, grid.t_s), (true, true.t_s)):
            values = rows(one.array("keypoints_px"))
            seen = np.isfinite(values[:, 0, 0])
            seqs = np.round(t_s[seen] * two_people.RATE_HZ).astype(int)
            mine = rows_of(data, id)
            np.testing.assert_array_equal(seqs, data.seq[mine])
            np.testing.assert_array_equal(values[seen], data.array("keypoints_px")[mine])
    sidecar = grid.sidecar(data)
    assert sidecar["seq"].tolist() == list(range(two_people.N_FRAMES))
    processed = sidecar[~sidecar["seq"].isin(two_people.LOST)]
    assert processed["row"].tolist() == processed["seq"].tolist()
    assert sidecar["row"].notna().sum() == N_PROCESSED


def test_values_of_all_rows_do_not_fit_a_grid(data):
    for rows in (nominal_grid(data), true_times(data)):
        with pytest.raises(ExportError, match="individuals"):
            rows(data.array("keypoints_px"))


def test_an_individual_has_every_processed_frame(data):
    one = data.individual(2)
    assert one.seq.tolist() == data.seq[data.first_rows].tolist()
    away = np.isin(one.seq, [*two_people.AWAY, *two_people.LATE, *two_people.NOBODY])
    assert np.isnan(one.array("world_m")[away]).all()
    assert (one.array("flags")[away] == Flag.MISSING).all()
    assert one.person.isna()[away].all()
    assert (one.person[~away] == 2).all()
    with pytest.raises(KeyError, match="it has 1, 2"):
        data.individual(3)


ANOTHER_FILTER = {"smoothing": {"filter": "ema", "params": {"alpha": 0.3}}}
THE_FIRST_FILTER = {"smoothing": Settings().plain()["smoothing"]}


@pytest.mark.parametrize(
    "changes",
    [(ANOTHER_FILTER,), (ANOTHER_FILTER, THE_FIRST_FILTER), ({"mirrored": True},), ({"hands": False},)],
    ids=["another filter", "another filter and back between two frames", "mirrored", "no hands"],
)
def test_smoothing_again_repeats_changes_of_settings_while_somebody_is_away(changes):
    data = two_people.session(changes=changes)
    again = resmooth(data)
    for name in SMOOTHED:
        np.testing.assert_array_equal(getattr(again, name), data.array(f"{name}_smooth"), err_msg=name)
    np.testing.assert_array_equal(again.angles_deg, data.array("angles_smooth_deg"))
    np.testing.assert_array_equal(again.flags, data.array("flags"))


def test_smoothing_again_gives_everybody_the_live_values_bit_for_bit(data):
    again = resmooth(data)
    for name in SMOOTHED:
        np.testing.assert_array_equal(getattr(again, name), data.array(f"{name}_smooth"), err_msg=name)
    np.testing.assert_array_equal(again.angles_deg, data.array("angles_smooth_deg"))
    np.testing.assert_array_equal(again.flags, data.array("flags"))
    assert np.isfinite(again.hands_px).any()
    assert not np.array_equal(data.array("world_m"), data.array("world_m_smooth"), equal_nan=True)


def test_a_swap_makes_what_a_live_session_without_it_would_have_been(data):
    wrong = two_people.session(lambda seq: (2, 1) if seq in SWAPPED else (1, 2))
    start_s, end_s = (seq / two_people.RATE_HZ - 0.001 for seq in (SWAPPED.start, SWAPPED.stop))
    assert not np.array_equal(wrong.array("world_m"), data.array("world_m"), equal_nan=True)

    mended = relabel_people(wrong, {1: 2, 2: 1}, start_s=start_s, end_s=end_s)

    assert_same(mended, data)
    (change,) = two_people.event_data(mended, "relabelled")
    assert change == {"edit": 1, "ids": {"1": 2, "2": 1}, "start_s": start_s, "end_s": end_s, "rows": 16}
    assert two_people.event_data(wrong, "relabelled") == []
    (at_s,) = mended.events.loc[mended.events["kind"] == "people", "t_s"]
    assert at_s == two_people.T0_S + start_s


def test_a_merge_gives_somebody_who_returned_the_first_id_back(data):
    split = two_people.session(lambda seq: (1, 3 if seq >= two_people.AWAY.start else 2))
    assert split.people == (1, 2, 3)

    merged = relabel_people(split, {3: 2})

    assert_same(merged, data)
    assert list(merged.individuals()) == ["person_1", "person_2"]


def test_a_new_id_keeps_rows_in_order_and_measured_values(data):
    new = relabel_people(data, {1: 7}, end_s=1.0)
    assert new.people == (1, 2, 7)
    order = new.results[["seq", "person"]].fillna(0)
    assert order.equals(order.sort_values(["seq", "person"], ignore_index=True))
    early = new.seq[rows_of(new, 7)]
    assert early.tolist() == [s for s in range(30) if s not in two_people.LOST]
    old = data.results.set_index(["person", "seq"])["nose_x_px"]
    np.testing.assert_array_equal(new.results.set_index(["person", "seq"])["nose_x_px"][7], old[1][early])
    first = rows_of(new, 1)[0]  # a new filter starts at the new person's first frame
    np.testing.assert_array_equal(new.array("keypoints_px")[first], new.array("keypoints_px_smooth")[first])


def test_edits_are_numbered_in_order():
    edited = name_people(relabel_people(two_people.session(), {2: 5}), {5: "Ben"})
    assert [event["edit"] for event in edited.events.loc[edited.events["kind"] == "people", "data"]] == [1, 2]
    assert edited.names == {5: "Ben"}
    assert list(edited.individuals()) == ["person_1", "Ben"]


@pytest.mark.parametrize(
    ("ids", "span", "words"),
    [
        ({3: 1}, {}, "no person 3; it has 1, 2"),
        ({}, {}, "no person"),
        ({1: 0}, {}, "numbers from 1"),
        ({1: 2.5}, {}, "numbers from 1"),
        ({1: 2**31}, {}, "numbers from 1"),
        ({2: 1}, {}, r"55 frames between 0\.167 s and 2\.967 s would show person 1 twice"),
        ({2: 4}, {"start_s": 1.0, "end_s": 1.5}, "nobody of 2 is seen from 1 s to 1.5 s"),
        ({1: 1}, {}, "nobody of 1"),
    ],
)
def test_what_cannot_be_relabelled_is_refused(data, ids, span, words):
    with pytest.raises(LiveDanceError, match=words):
        relabel_people(data, ids, **span)


def test_relabelling_needs_the_settings(data):
    tables = {**data.tables, "events": data.tables["events"].slice(0, 0)}
    with pytest.raises(RecordingError, match="first settings"):
        relabel_people(SessionData(**tables, manifest={}), {2: 3})


def test_names_are_events_and_names_of_individuals(data):
    named = name_people(data, {1: "Ana"})
    again = name_people(named, {2: "Ben", 1: "Anaïs"})
    assert (data.names, named.names, again.names) == ({}, {1: "Ana"}, {1: "Anaïs", 2: "Ben"})
    assert list(named.individuals()) == ["Ana", "person_2"]
    assert again.individuals()["Ben"].people == (2,)
    assert_same(named, data)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({4: "Ana"}, "no person 4"),
        ({1: " "}, "printable text"),
        ({1: "a\nb"}, "printable text"),
        ({1: "Ana", 2: "ANÄ"}, "'Ana' and 'ANÄ': their files"),
        ({1: "Person 2"}, "would be 'Person 2' and 'person_2'"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(data, names, words):
    with pytest.raises(LiveDanceError, match=words):
        name_people(data, names)


@pytest.mark.parametrize(
    ("name", "label"), [("Ana-María 2", "AnaMaria2"), ("美咲", "person7"), ("person_1", "person1")]
)
def test_labels_are_letters_and_digits(name, label):
    assert label_of(name, 7) == label


@pytest.mark.parametrize(("max_people", "names"), [(1, ["person"]), (2, ["person_1", "person_2"])])
def test_two_who_never_meet_are_one_individual_only_if_one_was_followed(max_people, names):
    """With `max_people` 1 the followed person's id may change; with 2 they are two people."""
    data = two_people.session(max_people=max_people)
    id = data.person.to_numpy(dtype=int, na_value=0)
    apart = np.flatnonzero(id == np.where(data.seq < 30, 2, 1))
    apart = SessionData(**{**data.tables, "results": data.sorted_results.take(apart)}, manifest={})
    assert apart.people == (1, 2)
    assert list(apart.individuals()) == names
    assert apart.follows_one == (max_people == 1)


@pytest.mark.parametrize(("kind", "content", "most"), [
    ("session", {"settings": {"max_people": 2}}, 2),
    ("settings", {"version": 2, "changes": {"max_people": 3}}, 3),
    ("mark", {"settings": {"max_people": 2}}, 1),
    ("session", {"settings": {"complexity": 1}}, 1),
])  # fmt: skip
def test_how_many_were_wanted_is_in_the_events(kind, content, most):
    assert most_people(pd.DataFrame({"kind": [kind, "mark"], "data": [content, {}]})) == most


def test_one_person_who_is_named(data):
    one = SessionData(**data.individual(1).tables, manifest={})
    assert list(one.individuals()) == ["person"]
    assert list(name_people(one, {1: "Ana"}).individuals()) == ["Ana"]
