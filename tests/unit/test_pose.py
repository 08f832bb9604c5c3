"""The pipeline's values: constructors check shapes, and what was not seen is NaN."""

from __future__ import annotations

import numpy as np
import pytest

from livedance_lab.errors import LiveDanceError, ShapeError
from livedance_lab.pose import BODY_SHAPES, Body, FrameState, FrameTimes


def test_a_body_that_was_not_seen_is_nan_everywhere():
    body = Body()

    for name, shape in BODY_SHAPES.items():
        values = getattr(body, name)
        assert values.shape == shape
        assert values.dtype == np.float32
        assert np.isnan(values).all()


@pytest.mark.parametrize("name", BODY_SHAPES)
def test_a_wrong_shape_is_named(name):
    with pytest.raises(ShapeError, match=rf"{name} must have shape .*, got \(5, 2\)"):
        Body(**{name: np.zeros((5, 2), np.float32)})


def test_a_shape_error_is_a_value_error_and_one_of_ours():
    assert issubclass(ShapeError, ValueError)
    assert issubclass(ShapeError, LiveDanceError)


def test_two_bodies_share_no_array():
    one, other = Body(), Body()
    one.keypoints_px[0] = 1

    assert np.isnan(other.keypoints_px).all()


def test_times_stand_in_the_order_things_happen():
    assert FrameTimes.names() == ("t_capture_s", "t_send_s", "t_receive_s", "t_infer_start_s", "t_infer_end_s",
                                  "t_emit_s", "t_result_s", "t_paint_s")  # fmt: skip


def test_the_states_are_those_of_the_ledger_contract():
    assert {str(s) for s in FrameState} == {
        "processed", "superseded", "client_skipped", "late", "rejected", "failed", "lost"}  # fmt: skip
