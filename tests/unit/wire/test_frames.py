"""Frames to bytes and back without loss; each defect of a message has its error code."""

from __future__ import annotations

import base64
import dataclasses
import math
import struct

import pytest

from livedance_lab.errors import WireError
from livedance_lab.wire import frames
from livedance_lab.wire.messages import LegacyFrame

HEADER = frames.FrameHeader(seq=4_000_000_000, source_size_px=(1920, 1080), t_capture_s=12.345678, t_send_s=12.35)


def changed(offset: int, form: str, value: object) -> bytes:
    message = bytearray(frames.encode_frame(HEADER, b"picture"))
    struct.pack_into(form, message, offset, value)
    return bytes(message)


def test_a_frame_comes_back_as_it_went():
    assert frames.decode_frame(frames.encode_frame(HEADER, b"picture")) == (HEADER, b"picture")


def test_an_empty_picture_is_a_frame_too():
    assert frames.decode_frame(frames.encode_frame(HEADER, b"")) == (HEADER, b"")


def test_a_longer_header_of_a_later_revision_is_skipped():
    message = bytearray(frames.encode_frame(HEADER, b"12345678picture"))
    struct.pack_into("<H", message, 4, frames.HEADER_BYTES + 8)

    assert frames.decode_frame(bytes(message)) == (HEADER, b"picture")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "header"),
        (b"LD", "header"),
        (frames.encode_frame(HEADER, b"")[:-1], "header"),
        (changed(0, "2s", b"XX"), "header"),
        (changed(2, "B", 1), "version"),
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
        frames.decode_frame(message)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "place", [(2, "<B", 9), (4, "<H", 65_000), (16, "<d", math.nan)], ids=["version", "size", "time"]
)
def test_a_frame_that_cannot_be_read_still_says_its_number(place):
    with pytest.raises(frames.CountableFrameError) as caught:
        frames.decode_frame(changed(*place))
    assert caught.value.seq == HEADER.seq


@pytest.mark.parametrize("wrong", [{"seq": -1}, {"seq": 2**32}, {"source_size_px": (70_000, 1)}])
def test_a_number_that_does_not_fit_its_field_is_refused(wrong):
    with pytest.raises(WireError) as caught:
        frames.encode_frame(dataclasses.replace(HEADER, **wrong), b"")
    assert caught.value.code == "header"


def test_the_demos_form_comes_back_with_milliseconds_as_seconds():
    text = frames.encode_legacy_frame(HEADER, b"\xff\xd8picture")

    header, image = frames.decode_legacy_frame(LegacyFrame.model_validate_json(text))

    assert image == b"\xff\xd8picture"
    assert header.seq == HEADER.seq
    assert header.t_capture_s == pytest.approx(HEADER.t_capture_s)
    assert header.source_size_px == (0, 0)


def test_base64_without_a_data_url_is_accepted_and_junk_is_not():
    plain = LegacyFrame(image=base64.b64encode(b"x").decode(), timestamp=0, sequence=0)
    assert frames.decode_legacy_frame(plain)[1] == b"x"

    for junk in ("data:image/jpeg;base64,é", "data:image/jpeg;base64,abc", "not base64!"):
        with pytest.raises(WireError) as caught:
            frames.decode_legacy_frame(LegacyFrame(image=junk, timestamp=0, sequence=0))
        assert caught.value.code == "base64"
