"""Bytes and back: nothing is lost but what rounding says, and what is broken is named."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import struct

import numpy as np
import pytest

from livedance_lab.errors import WireError
from livedance_lab.pose import Body, Flag, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.wire import results as codec
from livedance_lab.wire.messages import LegacyFrame

HEADER = codec.FrameHeader(seq=4_000_000_000, source_size_px=(1920, 1080), t_capture_s=12.345678, t_send_s=12.35)


def changed(offset: int, form: str, value: object) -> bytes:
    message = bytearray(codec.encode_frame(HEADER, b"picture"))
    struct.pack_into(form, message, offset, value)
    return bytes(message)


def test_a_frame_comes_back_as_it_went():
    assert codec.decode_frame(codec.encode_frame(HEADER, b"picture")) == (HEADER, b"picture")


def test_an_empty_picture_is_a_frame_too():
    assert codec.decode_frame(codec.encode_frame(HEADER, b"")) == (HEADER, b"")


def test_a_longer_header_of_a_later_revision_is_skipped():
    message = bytearray(codec.encode_frame(HEADER, b"12345678picture"))
    struct.pack_into("<H", message, 4, codec.HEADER_BYTES + 8)

    assert codec.decode_frame(bytes(message)) == (HEADER, b"picture")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "header"),
        (b"LD", "header"),
        (codec.encode_frame(HEADER, b"")[:-1], "header"),
        (changed(0, "2s", b"XX"), "header"),
        (changed(2, "B", 2), "version"),
        (changed(3, "B", 9), "kind"),
        (changed(4, "<H", 31), "header"),
        (changed(4, "<H", 60_000), "header"),
        (changed(16, "<d", math.nan), "time"),
        (changed(24, "<d", math.inf), "time"),
    ],
    ids=["empty", "two bytes", "one short", "magic", "version", "kind", "small header", "beyond the end", "nan", "inf"],
)
def test_a_broken_frame_message_is_named(message, code):
    with pytest.raises(WireError) as caught:
        codec.decode_frame(message)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "place", [(2, "<B", 9), (4, "<H", 65_000), (16, "<d", math.nan)], ids=["version", "size", "time"]
)
def test_a_frame_that_cannot_be_read_still_says_its_number(place):
    with pytest.raises(codec.CountableFrameError) as caught:
        codec.decode_frame(changed(*place))
    assert caught.value.seq == HEADER.seq


@pytest.mark.parametrize("wrong", [{"seq": -1}, {"seq": 2**32}, {"source_size_px": (70_000, 1)}])
def test_a_number_that_does_not_fit_its_field_is_refused(wrong):
    with pytest.raises(WireError) as caught:
        codec.encode_frame(dataclasses.replace(HEADER, **wrong), b"")
    assert caught.value.code == "header"


def test_the_demos_form_comes_back_with_milliseconds_as_seconds():
    text = codec.encode_legacy_frame(HEADER, b"\xff\xd8picture")

    header, image = codec.decode_legacy_frame(LegacyFrame.model_validate_json(text))

    assert image == b"\xff\xd8picture"
    assert header.seq == HEADER.seq
    assert header.t_capture_s == pytest.approx(HEADER.t_capture_s)
    assert header.source_size_px == (0, 0)


def test_base64_without_a_data_url_is_accepted_and_junk_is_not():
    plain = LegacyFrame(image=base64.b64encode(b"x").decode(), timestamp=0, sequence=0)
    assert codec.decode_legacy_frame(plain)[1] == b"x"

    for junk in ("data:image/jpeg;base64,é", "data:image/jpeg;base64,abc", "not base64!"):
        with pytest.raises(WireError) as caught:
            codec.decode_legacy_frame(LegacyFrame(image=junk, timestamp=0, sequence=0))
        assert caught.value.code == "base64"


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
    return PoseResult(
        seq=5, source_size_px=(640, 480), raw=a_body(1), smooth=a_body(2),
        angles_deg=np.array([90.123, np.nan], np.float32), angles_smooth_deg=np.array([91.987, np.nan], np.float32),
        flags=np.full(33, Flag.LOW_VISIBILITY, np.uint8), found=found, hands_seq=hands_seq, settings_version=2,
        record=record,
    )  # fmt: skip


def sent(result: PoseResult) -> codec.WireResult:
    return codec.decode_result(json.loads(codec.encode_result(result, [(4, "superseded")], {"captured": 6})), 7.5)


def test_a_result_arrives_within_the_rounding_it_documents():
    result = a_result()
    got = sent(result)

    np.testing.assert_allclose(got.keypoints_px, result.smooth.keypoints_px, atol=0.0051)
    np.testing.assert_allclose(got.raw_px, result.raw.keypoints_px, atol=0.0051)
    np.testing.assert_allclose(got.world_m, result.smooth.world_m, atol=0.000_1)
    np.testing.assert_allclose(got.hands_px, result.smooth.hands_px, atol=0.0051)
    np.testing.assert_allclose(got.angles_deg, result.angles_smooth_deg, atol=0.0051)
    np.testing.assert_allclose(got.angles_raw_deg, result.angles_deg, atol=0.0051)
    assert np.isnan(got.keypoints_px[3]).all()
    assert (got.flags == Flag.LOW_VISIBILITY).all()
    assert (got.seq, got.size_px, got.hands_seq, got.settings_version) == (5, (640, 480), 3, 2)
    assert (got.closed, got.ledger, got.t_result_s) == ([(4, "superseded")], {"captured": 6}, 7.5)
    assert got.stage_ms == {"pose": 27.123}


def test_a_time_that_never_came_arrives_as_nan():
    got = sent(a_result())

    assert got.times.t_capture_s == 1.0
    assert math.isnan(got.times.t_paint_s)
    assert "NaN" not in codec.encode_result(a_result(), [], {})


def test_nobody_seen_arrives_as_nan_with_every_flag_missing():
    got = sent(a_result(found=False, hands_seq=-1))

    assert not got.found
    assert got.hands_seq == -1
    assert np.isnan(got.keypoints_px).all()
    assert got.keypoints_px.shape == (33, 3)
    assert np.isnan(got.hands_px).all()
    assert (got.flags == Flag.MISSING).all()
