"""A frame's pixels: the limit that let the frame in is the one it is decoded by."""

from __future__ import annotations

import pytest

from livedance_lab.errors import ImageError
from livedance_lab.pipeline.received_frame import ReceivedFrame
from tests.support.pipeline import JPEG, FakeClock, a_frame


def test_a_frame_is_decoded_by_the_limit_it_was_given():
    assert ReceivedFrame(a_frame(0), len(JPEG), 384, FakeClock()).pixels().size > 3
    with pytest.raises(ImageError):
        ReceivedFrame(a_frame(0), len(JPEG), 384, FakeClock(), max_pixels=1).pixels()
