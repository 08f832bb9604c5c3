"""Results to JSON text and back, without loss beyond the documented rounding."""

from __future__ import annotations

import json
import math

import numpy as np

from livedance_lab.pose import Body, Flag, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.wire.results import ResultMessage, WireResult, decode_result, encode_result
from tests.support.results import result_of_one


def a_body(seed: int) -> Body:
    rng = np.random.default_rng(seed)
    body = Body(**{n: rng.uniform(-900, 900, getattr(Body(), n).shape).astype(np.float32) for n in (
        "keypoints_px", "world_m", "visibility", "presence", "hands_px", "hands_world_m", "hands_score")})  # fmt: skip
    body.keypoints_px[3] = np.nan
    body.hands_px[1] = np.nan
    return body


def a_result(*, found: bool = True, hands_seq: int = 3) -> PoseResult:
    times = FrameTimes(t_capture_s=1.0, t_receive_s=1.01)
    record = FrameRecord(5, FrameState.PROCESSED, times, stage_ms={"pose": 27.12345})
    return result_of_one(
        seq=5, source_size_px=(640, 480), raw=a_body(1), smooth=a_body(2),
        angles_deg=np.array([90.123, np.nan], np.float32), angles_smooth_deg=np.array([91.987, np.nan], np.float32),
        flags=np.full(33, Flag.LOW_VISIBILITY, np.uint8), found=found, hands_seq=hands_seq, settings_version=2,
        record=record,
    )  # fmt: skip


def sent(result: PoseResult) -> WireResult:
    return decode_result(json.loads(encode_result(ResultMessage(result, [(4, "superseded")], {"captured": 6}))), 7.5)


def test_a_result_arrives_within_the_rounding_it_documents():
    result = a_result()
    got = sent(result)

    for name in ("keypoints_px", "hands_px", "angles_deg"):
        np.testing.assert_allclose(getattr(got, name), getattr(result, name), atol=0.0051, err_msg=name)
    for name in ("keypoints_px_smooth", "hands_px_smooth", "angles_smooth_deg"):
        np.testing.assert_allclose(getattr(got, name), getattr(result, name), atol=0.0051, err_msg=name)
    np.testing.assert_allclose(got.world_m, result.world_m, atol=0.000_1)
    np.testing.assert_allclose(got.world_m_smooth, result.world_m_smooth, atol=0.000_1)
    assert np.isnan(got.keypoints_px[3]).all()
    assert (got.flags == Flag.LOW_VISIBILITY).all()
    assert (got.seq, got.source_size_px, got.hands_seq, got.settings_version) == (5, (640, 480), 3, 2)
    assert (got.closed, got.ledger, got.t_result_s) == ([(4, "superseded")], {"captured": 6}, 7.5)
    assert got.stage_ms == {"pose": 27.123}


def test_a_time_that_never_came_arrives_as_nan():
    got = sent(a_result())

    assert got.times.t_capture_s == 1.0
    assert math.isnan(got.times.t_paint_s)
    assert "NaN" not in encode_result(ResultMessage(a_result(), [], {}))


def test_nobody_seen_arrives_as_nan_with_every_flag_missing():
    got = sent(a_result(found=False, hands_seq=-1))

    assert not got.found
    assert got.hands_seq == -1
    assert np.isnan(got.keypoints_px).all()
    assert got.keypoints_px.shape == (33, 3)
    assert np.isnan(got.hands_px).all()
    assert (got.flags == Flag.MISSING).all()
