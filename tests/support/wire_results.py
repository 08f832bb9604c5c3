"""Results to send, and binary results with other blocks than the server writes."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from livedance_lab.pose import BODY_SHAPES, Body, Flag, FrameRecord, FrameState, FrameTimes, Person, PoseResult
from livedance_lab.wire.blocks import block_table, read_table

LEDGER = {"captured": 6, **dict.fromkeys(map(str, FrameState), 0)}

Blocks = list[tuple[str, str, tuple[int, ...], bytes]]
"""Name, type, shape and data of each block."""


def a_body(seed: int) -> Body:
    """A body of numbers; one landmark and the right hand are not seen."""
    rng = np.random.default_rng(seed)
    body = Body(**{name: rng.uniform(-900, 900, shape).astype(np.float32) for name, shape in BODY_SHAPES.items()})
    body.keypoints_px[3] = np.nan
    body.hands_px[1] = np.nan
    return body


def a_result(*ids: int, hands_seq: int = 3) -> PoseResult:
    """A result of people with these ids, the first of whom is followed."""
    times = FrameTimes(t_capture_s=1.0, t_receive_s=1.01)
    record = FrameRecord(5, FrameState.PROCESSED, times, stage_ms={"pose": 27.12345})
    people = tuple(
        Person(
            n, a_body(2 * n), a_body(2 * n + 1), np.array([90.123 + n, np.nan], np.float32),
            np.array([91.987 + n, np.nan], np.float32), np.full(33, Flag.LOW_VISIBILITY, np.uint8), hands_seq, 0.91239,
        )
        for n in ids
    )  # fmt: skip
    return PoseResult(
        seq=5, source_size_px=(640, 480), people=people, followed_id=ids[0] if ids else 1, n_angles=2,
        settings_version=2, record=record,
    )  # fmt: skip


def with_blocks(message: bytes, change: Callable[[Blocks], Blocks]) -> bytes:
    """Return a binary result whose blocks were changed."""
    size, table_bytes = struct.unpack_from("<HH", message, 4)
    blocks = read_table(message[size : size + table_bytes], size).blocks
    found = [
        (name, dtype[1:], shape, np.ndarray(shape, dtype, message, at).tobytes())
        for name, (dtype, shape, at) in blocks.items()
    ]
    changed = change(found)
    table = block_table((name, kind, shape) for name, kind, shape, _ in changed)
    layout = read_table(table, size)
    made = bytearray(layout.n_bytes)
    made[:size] = message[:size]
    made[size : size + len(table)] = table
    for name, _, _, data in changed:
        made[layout.blocks[name].offset : layout.blocks[name].offset + len(data)] = data
    struct.pack_into("<H", made, 6, len(table))
    struct.pack_into("<I", made, 32, len(made))
    return bytes(made)
