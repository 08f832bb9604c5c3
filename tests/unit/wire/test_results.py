"""Results to JSON text or bytes and back, without loss beyond the documented rounding."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from livedance_lab.errors import WireError
from livedance_lab.pose import Flag, PoseResult
from livedance_lab.wire.results import ResultMessage, WireResult, decode_result, encode_result
from livedance_lab.wire.results_binary import decode_binary_result, encode_binary_result
from tests.support.wire_results import LEDGER, a_result


def sent(result: PoseResult) -> WireResult:
    return decode_result(json.loads(encode_result(ResultMessage(result, [(4, "superseded")], LEDGER))), 7.5)


def sent_binary(result: PoseResult) -> WireResult:
    return decode_binary_result(encode_binary_result(ResultMessage(result, [(4, "superseded")], LEDGER)), 7.5)


@pytest.mark.parametrize("send", [sent, sent_binary])
@pytest.mark.parametrize("ids", [(1,), (2, 5), (3, 4, 9)], ids=["one person", "two", "three"])
def test_every_person_arrives_within_the_rounding_it_documents(send, ids):
    result = a_result(*ids)
    got = send(result)

    assert [person.id for person in got.people] == list(ids)
    for person, expected in zip(got.people, result.people, strict=True):
        for name in ("keypoints_px", "hands_px", "angles_deg", "keypoints_px_smooth", "hands_px_smooth",
                     "angles_smooth_deg"):  # fmt: skip
            np.testing.assert_allclose(getattr(person, name), getattr(expected, name), atol=0.0051, err_msg=name)
        np.testing.assert_allclose(person.world_m, expected.world_m, atol=0.000_1)
        np.testing.assert_allclose(person.world_m_smooth, expected.world_m_smooth, atol=0.000_1)
        np.testing.assert_allclose(person.smooth.hands_world_m, expected.smooth.hands_world_m, atol=0.000_1)
        assert np.isnan(person.keypoints_px[3]).all()
        assert (person.flags == Flag.LOW_VISIBILITY).all()
        assert (person.hands_seq, person.score) == (3, 0.912)


@pytest.mark.parametrize("send", [sent, sent_binary])
def test_a_result_arrives_with_its_own_values(send):
    got = send(a_result(1, 2))

    assert (got.seq, got.source_size_px, got.settings_version, got.n_angles) == (5, (640, 480), 2, 2)
    assert (got.closed, got.ledger, got.t_result_s) == ([(4, "superseded")], LEDGER, 7.5)
    assert got.stage_ms == {"pose": 27.123}
    assert (got.followed_id, got.person) == (1, got.people[0])
    np.testing.assert_array_equal(got.keypoints_px_smooth, got.people[0].keypoints_px_smooth)


@pytest.mark.parametrize("send", [sent, sent_binary])
def test_hands_of_one_person_are_not_those_of_another(send):
    first, second = a_result(1, 2).people
    got = send(replace(a_result(), people=(first, replace(second, hands_seq=-1))))

    assert [person.hands_seq for person in got.people] == [3, -1]
    assert not np.isnan(got.people[0].hands_px[0]).any()
    assert np.isnan(got.people[1].hands_px).all()
    assert np.isnan(got.people[1].smooth.hands_world_m).all()


def test_a_time_that_never_came_arrives_as_nan():
    got = sent(a_result(1))

    assert got.times.t_capture_s == 1.0
    assert math.isnan(got.times.t_paint_s)
    assert "NaN" not in encode_result(ResultMessage(a_result(1), [], {}))


@pytest.mark.parametrize("send", [sent, sent_binary])
def test_nobody_seen_arrives_as_nan_with_every_flag_missing(send):
    got = send(a_result())

    assert (got.people, got.found, got.hands_seq) == ((), False, -1)
    assert np.isnan(got.keypoints_px).all()
    assert got.keypoints_px.shape == (33, 3)
    assert got.angles_deg.shape == (2,)
    assert np.isnan(got.hands_px).all()
    assert (got.flags == Flag.MISSING).all()


@pytest.mark.parametrize("send", [sent, sent_binary])
def test_a_score_that_the_model_does_not_give_is_nan(send):
    (person,) = a_result(1).people
    assert math.isnan(send(replace(a_result(), people=(replace(person, score=math.nan),))).people[0].score)


def test_a_text_result_of_another_version_is_refused_with_both_versions():
    said = json.loads(encode_result(ResultMessage(a_result(1), [], {})))
    del said["version"]  # as version 1 wrote it
    with pytest.raises(WireError, match="expected protocol version 2, got 1") as caught:
        decode_result(said, 0.0)
    assert caught.value.code == "version"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"n_angles": 3}, "3"), ({"people": None}, "iterable"), ({"people": [{"id": 1}]}, "hands"),
     ({"closed": [1]}, "unpack")],
    ids=["angles", "people", "person", "closed"],
)  # fmt: skip
def test_a_text_that_is_no_result_is_refused(change, reason):
    said = {**json.loads(encode_result(ResultMessage(a_result(1), [], {}))), **change}
    with pytest.raises(WireError, match=reason) as caught:
        decode_result(said, 0.0)
    assert caught.value.code == "result"
