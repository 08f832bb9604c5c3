"""Tables of blocks, and binary results with other blocks than the server writes."""

from __future__ import annotations

import math
import struct
from dataclasses import asdict

import numpy as np
import pytest

from livedance_lab.errors import WireError
from livedance_lab.wire.blocks import Block, block_table, read_table
from livedance_lab.wire.results import ResultMessage
from livedance_lab.wire.results_binary import decode_binary_result, encode_binary_result
from tests.support.wire_results import LEDGER, Blocks, a_result, with_blocks

TWO_PEOPLE = encode_binary_result(ResultMessage(a_result(1, 2), [(4, "superseded")], LEDGER))


def test_a_table_says_where_each_block_is():
    table = block_table([("a", "u1", (3,)), ("b", "f4", (2, 2)), ("c", "f8", ())])
    assert table == b"a u1 3\nb f4 2 2\nc f8\n"

    layout = read_table(table, 3)

    assert layout.blocks == {"a": Block("<u1", (3,), 24), "b": Block("<f4", (2, 2), 28), "c": Block("<f8", (), 48)}
    assert layout.n_bytes == 56


@pytest.mark.parametrize(
    "table",
    [b"a f4", b"a f4 -1\n", b"a f3 1\n", b"A f4 1\n", b"a f4 1  2\n", b"a f4 9999999999\n", b"\n", b"\xff f4 1\n",
     b"a f4 1\na f4 1\n"],
)  # fmt: skip
def test_what_is_no_table_is_refused(table):
    with pytest.raises(ValueError, match=r"no line|twice"):
        read_table(table, 0)


def test_every_block_is_aligned_to_the_size_of_its_values():
    size, table_bytes = struct.unpack_from("<HH", TWO_PEOPLE, 4)
    for name, (dtype, _, offset) in read_table(TWO_PEOPLE[size : size + table_bytes], size).blocks.items():
        assert offset % np.dtype(dtype).itemsize == 0, name


@pytest.mark.parametrize("place", [0, 3, -1])
def test_a_block_that_a_reader_does_not_know_is_skipped(place):
    def with_depth(blocks: Blocks) -> Blocks:
        added = [
            ("lifted_m", "f4", (2, 33, 3), bytes(792)),
            ("odd", "u1", (3,), b"abc"),
            ("n", "i8", (), bytes(8)),
        ]
        at = place % (len(blocks) + 1)
        return [*blocks[:at], *added, *blocks[at:]]

    got = decode_binary_result(with_blocks(TWO_PEOPLE, with_depth), 1.0)

    np.testing.assert_equal(asdict(got), asdict(decode_binary_result(TWO_PEOPLE, 1.0)))


@pytest.mark.parametrize("name", ["times_s", "id", "score", "keypoints_px", "flags", "closed_state", "hands_px"])
def test_a_result_without_a_block_that_it_must_have_is_refused_by_name(name):
    with pytest.raises(WireError, match=f"the block {name} must be") as caught:
        decode_binary_result(with_blocks(TWO_PEOPLE, lambda blocks: [b for b in blocks if b[0] != name]), 1.0)
    assert caught.value.code == "result"


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [("keypoints_px", "f4", (3, 33, 3)), ("angles_deg", "f4", (2, 3)), ("flags", "u4", (2, 33)),
     ("closed_seq", "u4", (2, 1))],
)  # fmt: skip
def test_a_block_of_another_shape_or_type_is_refused_by_name(name, kind, shape):
    other = (name, kind, shape, bytes(int(kind[1]) * math.prod(shape)))
    with pytest.raises(WireError, match=f"the block {name} must be|the block closed_state must be"):
        decode_binary_result(with_blocks(TWO_PEOPLE, lambda old: [other if b[0] == name else b for b in old]), 1.0)


def test_a_result_that_was_received_can_be_changed_without_changing_the_next_one():
    first = decode_binary_result(TWO_PEOPLE, 1.0)
    first.people[0].keypoints_px[:] = 0
    assert decode_binary_result(TWO_PEOPLE, 1.0).people[0].keypoints_px.any()
