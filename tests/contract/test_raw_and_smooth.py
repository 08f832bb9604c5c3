"""One rule for every name: unsuffixed is as measured, ``_smooth`` is smoothed.

One result, whose raw and smoothed values all differ, goes through every public form; each name must give the same
values everywhere.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from livedance_lab.client.lsl.streams import pose_sample
from livedance_lab.pose import BODY_SHAPES, Body, FrameRecord, FrameState, FrameTimes, Person, PoseResult
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import TABLES, Schemas, frames_batch, result_rows, results_batch
from livedance_lab.wire.blocks import read_table
from livedance_lab.wire.results import ResultMessage, decode_result, encode_result
from livedance_lab.wire.results_binary import decode_binary_result, encode_binary_result
from tests.support.results import result_of_one

pa = pytest.importorskip("pyarrow")

ANGLES = ("left_elbow", "right_elbow", "left_knee")
SENT = ("keypoints_px", "keypoints_px_smooth", "world_m", "world_m_smooth", "visibility", "hands_px", "hands_px_smooth",
        "hands_score", "angles_deg", "angles_smooth_deg", "flags")  # fmt: skip
"""What a result has under the same name in process, on the wire and in tables."""


def body(low: float) -> Body:
    """Values in low .. low + 1, none like another's, exact in two decimals of float32."""
    rng = np.random.default_rng(int(low))
    return Body(**{
        name: (low + rng.integers(0, 100, shape) / 100).astype(np.float32) for name, shape in BODY_SHAPES.items()
    })  # fmt: skip


def result() -> PoseResult:
    raw, smooth = body(1.0), body(5.0)
    record = FrameRecord(3, FrameState.PROCESSED, FrameTimes(t_capture_s=2.0, t_receive_s=2.01), "", 100, {"pose": 9.0})
    return result_of_one(
        seq=3, source_size_px=(640, 480), raw=raw, smooth=smooth,
        angles_deg=np.array([10.25, 20.5, 30.75], np.float32),
        angles_smooth_deg=np.array([110.25, 120.5, 130.75], np.float32),
        flags=np.arange(33, dtype=np.uint8) % 6, found=True, hands_seq=3, settings_version=1, record=record,
    )  # fmt: skip


def two_people() -> PoseResult:
    """The same person, and another one with other values."""
    first = result().people[0]
    angles = (np.array([30.25, 40.5, 50.75], np.float32) + add for add in (0, 100))
    second = Person(2, body(11.0), body(15.0), *angles, np.arange(33, dtype=np.uint8) % 5, 3)
    return replace(result(), people=(first, second))


def tables() -> SessionData:
    schemas = Schemas(ANGLES, {"session_id": "s", "wall_anchor_s": "0.0"})
    rows = {name: schemas[name].empty_table() for name in TABLES}
    rows["results"] = pa.Table.from_batches([results_batch(schemas, result_rows(result()))])
    rows["frames"] = pa.Table.from_batches([frames_batch(schemas, [result().record])])
    return SessionData(**rows, manifest={})


LEDGER = {"captured": 4, **dict.fromkeys(map(str, FrameState), 0), "processed": 4}
RECEIVED = {
    "json": decode_result(json.loads(encode_result(ResultMessage(two_people(), [], LEDGER))), 1.0),
    "binary": decode_binary_result(encode_binary_result(ResultMessage(two_people(), [], LEDGER)), 1.0),
}


@pytest.mark.parametrize("name", SENT)
@pytest.mark.parametrize("form", RECEIVED)
def test_a_received_result_has_the_values_of_the_result_in_process(form, name):
    np.testing.assert_allclose(getattr(RECEIVED[form], name), getattr(result(), name), atol=1e-3)
    for got, expected in zip(RECEIVED[form].people, two_people().people, strict=True):
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), atol=1e-3)


@pytest.mark.parametrize("form", RECEIVED)
def test_world_landmarks_of_hands_are_received_smoothed_only(form):
    for got, expected in zip(RECEIVED[form].people, two_people().people, strict=True):
        np.testing.assert_allclose(got.smooth.hands_world_m, expected.smooth.hands_world_m, atol=1e-3)
        assert np.isnan(got.raw.hands_world_m).all()


def test_the_keys_of_a_text_and_the_blocks_of_its_bytes_follow_the_rule():
    """Each key or block whose name in process is unsuffixed has the measured values, and `_smooth` the smoothed."""
    message = ResultMessage(two_people(), [], LEDGER)
    for said, person in zip(json.loads(encode_result(message))["people"], two_people().people, strict=True):
        hands = {f"hands_{key}": value for key, value in said["hands"].items()}
        for name in SENT:
            np.testing.assert_allclose({**said, **hands}[name], getattr(person, name), atol=1e-3, err_msg=name)
    binary = encode_binary_result(message)
    size, table_bytes = struct.unpack_from("<HH", binary, 4)
    for name, (dtype, shape, at) in read_table(binary[size : size + table_bytes], size).blocks.items():
        if name in SENT:
            sent = np.ndarray(shape, dtype, binary, at)
            expected = [getattr(person, name) for person in two_people().people]
            np.testing.assert_allclose(sent, expected, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("name", SENT)
def test_a_table_has_the_values_of_the_result_in_process(name):
    np.testing.assert_array_equal(tables().array(name)[0], getattr(result(), name))


@pytest.mark.parametrize("name", ANGLES)
def test_the_angles_table_names_raw_and_smoothed_angles_by_the_rule(name):
    row = tables().angles.iloc[0]
    i = ANGLES.index(name)
    assert row[name] == result().angles_deg[i]
    assert row[f"{name}_smooth"] == result().angles_smooth_deg[i]


def test_the_landmarks_table_names_raw_and_smoothed_positions_by_the_rule():
    row = tables().landmarks.set_index("keypoint").loc["left_wrist"]
    assert row["x_px"] == result().keypoints_px[15, 0]
    assert row["x_smooth_px"] == result().keypoints_px_smooth[15, 0]
    assert row["y_smooth_m"] == result().world_m_smooth[15, 1]


def test_lsl_sends_what_its_labels_say():
    """Labels end in ``_smooth``; the first channels are the nose's x, y, z."""
    np.testing.assert_allclose(pose_sample(RECEIVED["binary"])[:3], result().world_m_smooth[0], atol=1e-3)
