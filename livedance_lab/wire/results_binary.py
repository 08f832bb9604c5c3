"""A result as bytes: the values of its JSON text (`livedance_lab.wire.results.encode_result`) in half the size.

A client may request it with ``results: "binary"`` in its hello. A message is a header, a table of blocks, and their
data (`livedance_lab.wire.blocks`); all numbers are little-endian.

======  =====  =======================================================================
offset  type   field
======  =====  =======================================================================
0       2s     magic ``LD``
2       u8     protocol version
3       u8     kind: 2 = result
4       u16    header size in bytes (36); the table of blocks starts there
6       u16    bytes of the table
8       u32    seq
12, 16  u32    width, height of the camera image, px
20      u32    settings version
24      u32    id of the followed person, 0 before anybody was seen
28      u16    P, number of people in the frame
30      u16    A, number of joint angles
32      u32    bytes of the message
======  =====  =======================================================================

Blocks of every result; an unsuffixed name is as measured, ``_smooth`` is smoothed, unknown values are NaN:

- ``times_s`` f8 (8,): the times of `FrameTimes`
- ``stage_ms`` f8 (8,): milliseconds of the `STAGES`, NaN for a stage that did not run
- ``ledger`` u4 (8,): number of frames captured, then by `FrameState`
- ``closed_seq`` u4 (C,), ``closed_state`` u1 (C,): frames that ended without a result, and their states as indices into
  `FrameState`

Blocks of a frame that shows people, who are the first axis, in order of their ids:

- ``id`` u4 (P,), ``score`` f8 (P,): those of `livedance_lab.pose.Person`
- ``keypoints_px``, ``keypoints_px_smooth``, ``world_m``, ``world_m_smooth`` f4 (P, 33, 3): landmarks, px and m
- ``visibility`` f4 (P, 33), ``flags`` u1 (P, 33): visibility, and `Flag`, of each landmark
- ``angles_deg``, ``angles_smooth_deg`` f4 (P, A)

Blocks of a frame in which at least one person has hands:

- ``hands_seq`` f8 (P,): seq of the frame the hands belong to, NaN for a person without hands
- ``hands_px``, ``hands_px_smooth``, ``hands_world_m_smooth`` f4 (P, 2, 21, 3), ``hands_score`` f4 (P, 2)

The browser twin is ``widgets/static/results_binary.js``; both are tested against ``data/golden/wire.json``.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import WireError
from livedance_lab.pose import BODY_SHAPES, STAGES, Body, FrameState, FrameTimes, Person
from livedance_lab.wire.blocks import Block, Layout, block_table, read_table
from livedance_lab.wire.frames import MAGIC
from livedance_lab.wire.messages import PROTOCOL_VERSION, version_refusal
from livedance_lab.wire.results import ResultMessage, WireResult

__all__ = ["decode_binary_result", "encode_binary_result"]

_HEADER = struct.Struct("<2sBBHHIIIIIHHI")
_KIND_RESULT = 2
_STATES = tuple(str(state) for state in FrameState)
_N_TIMES, _N_STAGES, _N_COUNTS = len(FrameTimes.names()), len(STAGES), 1 + len(_STATES)
_TIMES = attrgetter(*FrameTimes.names())

_ARRAYS = {  # name: where a person has it, and the decimals that are kept; equal decimals stand together
    "keypoints_px": ("raw.keypoints_px", 2),
    "keypoints_px_smooth": ("smooth.keypoints_px", 2),
    "angles_deg": ("angles_deg", 2),
    "angles_smooth_deg": ("angles_smooth_deg", 2),
    "hands_px": ("raw.hands_px", 2),
    "hands_px_smooth": ("smooth.hands_px", 2),
    "world_m": ("raw.world_m", 4),
    "world_m_smooth": ("smooth.world_m", 4),
    "hands_world_m_smooth": ("smooth.hands_world_m", 4),
    "visibility": ("raw.visibility", 3),
    "hands_score": ("raw.hands_score", 3),
}


def _shapes(n_people: int, n_angles: int, with_hands: bool) -> dict[str, tuple[int, ...]]:
    """Return the shape of each of the `_ARRAYS` in a message."""
    if not n_people:
        return {}
    fields = {name: where.rpartition(".")[2] for name, (where, _) in _ARRAYS.items()}
    return {
        name: (n_people, *BODY_SHAPES.get(field, (n_angles,)))
        for name, field in fields.items()
        if with_hands or not name.startswith("hands")
    }


class _Writing(NamedTuple):
    """How results with the same numbers of people, angles, hands and closed frames are written."""

    template: bytearray
    table_bytes: int
    numbers: struct.Struct
    numbers_at: int
    arrays: attrgetter[Any]
    floats_at: int
    n_floats: int
    rounding: tuple[tuple[slice, int], ...]
    bytes_at: int


@lru_cache(maxsize=256)
def _writing(n_people: int, n_angles: int, with_hands: bool, n_closed: int) -> _Writing:
    shapes = _shapes(n_people, n_angles, with_hands)
    scores = {"score": n_people, "hands_seq": n_people} if with_hands else {"score": n_people} if n_people else {}
    doubles = {"times_s": _N_TIMES, "stage_ms": _N_STAGES, **scores}
    integers = {"ledger": _N_COUNTS, "closed_seq": n_closed, **({"id": n_people} if n_people else {})}
    table = block_table([
        *((name, "f8", (n,)) for name, n in doubles.items()),
        *((name, "u4", (n,)) for name, n in integers.items()),
        *((name, "f4", shape) for name, shape in shapes.items()),
        *([("flags", "u1", (n_people, *BODY_SHAPES["visibility"]))] if n_people else []),
        ("closed_state", "u1", (n_closed,)),
    ])  # fmt: skip
    layout = read_table(table, _HEADER.size)
    numbers = struct.Struct(f"<{sum(doubles.values())}d{sum(integers.values())}I")
    numbers_at, floats_at = layout.blocks["times_s"].offset, layout.blocks["times_s"].offset + numbers.size
    ends: dict[int, int] = {}
    rounding, n_floats = [], 0
    for name, shape in shapes.items():
        n_floats += math.prod(shape)
        ends[_ARRAYS[name][1]] = n_floats
    for (decimals, end), start in zip(ends.items(), (0, *ends.values()), strict=False):
        rounding.append((slice(start, end), decimals))
    template = bytearray(layout.n_bytes)
    template[_HEADER.size : _HEADER.size + len(table)] = table
    places = [_ARRAYS[name][0] for name in shapes] or ["id"]
    return _Writing(template, len(table), numbers, numbers_at, attrgetter(*places), floats_at, n_floats,
                    tuple(rounding), floats_at + 4 * n_floats)  # fmt: skip


def encode_binary_result(message: ResultMessage) -> bytes:
    """Return a "result" message as bytes, rounded as in its JSON text."""
    result, closed, ledger = message.result, message.closed, message.ledger
    people, stage_ms = result.people, result.record.stage_ms
    hands_seqs = [person.hands_seq if person.hands_seq >= 0 else math.nan for person in people]
    with_hands = any(seq == seq for seq in hands_seqs)  # NaN differs from itself
    writing = _writing(len(people), result.n_angles, with_hands, len(closed))
    data = writing.template.copy()
    _HEADER.pack_into(
        data, 0, MAGIC, PROTOCOL_VERSION, _KIND_RESULT, _HEADER.size, writing.table_bytes, result.seq,
        *result.source_size_px, result.settings_version, result.followed_id, len(people), result.n_angles, len(data),
    )  # fmt: skip
    writing.numbers.pack_into(
        data, writing.numbers_at,
        *_TIMES(result.record.times), *(round(stage_ms.get(stage, math.nan), 3) for stage in STAGES),
        *(round(person.score, 3) for person in people), *(hands_seqs if with_hands else ()),
        ledger["captured"], *(ledger.get(state, 0) for state in _STATES), *(seq for seq, _ in closed),
        *(person.id for person in people),
    )  # fmt: skip
    if people:
        floats = np.ndarray(writing.n_floats, "<f4", data, writing.floats_at)
        by_person = map(writing.arrays, people)
        np.concatenate([array for block in zip(*by_person, strict=True) for array in block], axis=None, out=floats)
        for part, decimals in writing.rounding:
            floats[part].round(decimals, out=floats[part])
    states = bytes(_STATES.index(state) for _, state in closed)
    data[writing.bytes_at :] = b"".join(person.flags.tobytes() for person in people) + states
    return bytes(data)


def decode_binary_result(message: bytes, t_result_s: float) -> WireResult:
    """Decode a "result" message that `encode_binary_result` wrote; unknown blocks are skipped.

    Parameters
    ----------
    message : bytes
    t_result_s : float
        When the message arrived, client clock.

    Raises
    ------
    WireError
        Codes "header" (too short, wrong magic), "version", "kind", "result" (a block is missing or has another shape).
    """
    if len(message) < _HEADER.size:
        raise WireError("header", f"a result needs {_HEADER.size} header bytes, got {len(message)}.")
    (magic, version, kind, size, table_bytes, seq, width, height, settings_version, followed_id, n_people, n_angles,
     n_bytes) = _HEADER.unpack_from(message)  # fmt: skip
    if magic != MAGIC:
        raise WireError("header", f"a binary message starts with {MAGIC!r}, got {magic!r}.")
    if version != PROTOCOL_VERSION:
        raise WireError("version", version_refusal(version))
    if kind != _KIND_RESULT:
        raise WireError("kind", f"binary messages of a server are results (kind {_KIND_RESULT}), got kind {kind}.")
    if n_bytes != len(message) or size + table_bytes > n_bytes:
        raise WireError("header", f"a result of {len(message)} bytes says that it has {n_bytes}.")
    try:
        layout = _reading(message[size : size + table_bytes], size, n_people, n_angles)
        if layout.n_bytes != n_bytes:
            raise ValueError(f"the blocks end at {layout.n_bytes} bytes, the message at {n_bytes}")
        data = bytearray(message)  # the arrays are views of this copy
        values = {name: np.ndarray(shape, dtype, data, at) for name, (dtype, shape, at) in layout.blocks.items()}
        return _result(values, n_people, {
            "seq": seq, "source_size_px": (width, height), "settings_version": settings_version,
            "followed_id": followed_id, "n_angles": n_angles, "t_result_s": t_result_s,
        })  # fmt: skip
    except (ValueError, IndexError, OverflowError) as exc:
        raise WireError("result", f"not a result of this protocol: {exc}."[:300]) from exc


@lru_cache(maxsize=256)
def _reading(table: bytes, offset: int, n_people: int, n_angles: int) -> Layout:
    """Return the known blocks of a table, after a check of their types and shapes.

    Raises
    ------
    ValueError
        If a block is missing, or has another type or shape.
    """
    layout = read_table(table, offset)
    blocks = layout.blocks
    n_closed = blocks["closed_seq"].shape if "closed_seq" in blocks else (0,)
    with_hands = n_people > 0 and "hands_seq" in blocks
    expected = {
        "times_s": ("<f8", (_N_TIMES,)), "stage_ms": ("<f8", (_N_STAGES,)), "ledger": ("<u4", (_N_COUNTS,)),
        "closed_seq": ("<u4", n_closed[:1]), "closed_state": ("<u1", n_closed[:1]),
        **({"id": ("<u4", (n_people,)), "score": ("<f8", (n_people,)),
            "flags": ("<u1", (n_people, *BODY_SHAPES["visibility"]))} if n_people else {}),
        **({"hands_seq": ("<f8", (n_people,))} if with_hands else {}),
        **{name: ("<f4", shape) for name, shape in _shapes(n_people, n_angles, with_hands).items()},
    }  # fmt: skip
    for name, (dtype, shape) in expected.items():
        found = blocks.get(name)
        if found is None or found[:2] != (dtype, shape):
            raise ValueError(f"the block {name} must be {dtype[1:]} {shape}, got {found and found[:2]}")
    return Layout({name: Block(*blocks[name]) for name in expected}, layout.n_bytes)


def _result(values: dict[str, npt.NDArray[Any]], n_people: int, known: dict[str, Any]) -> WireResult:
    """Return the result with these blocks; `known` are the fields that the header gave."""
    stages = zip(STAGES, values["stage_ms"].tolist(), strict=True)
    closed = zip(values["closed_seq"].tolist(), values["closed_state"].tolist(), strict=True)
    return WireResult(
        people=tuple(_person(values, i) for i in range(n_people)),
        times=FrameTimes(*values["times_s"].tolist()),
        stage_ms={stage: value for stage, value in stages if not math.isnan(value)},
        ledger=dict(zip(("captured", *_STATES), values["ledger"].tolist(), strict=True)),
        closed=[(seq, _STATES[state]) for seq, state in closed],
        **known,
    )


def _person(values: dict[str, npt.NDArray[Any]], i: int) -> Person:
    visibility = values["visibility"][i]
    raw = {"keypoints_px": values["keypoints_px"][i], "world_m": values["world_m"][i]}
    smooth = {"keypoints_px": values["keypoints_px_smooth"][i], "world_m": values["world_m_smooth"][i]}
    hands_seq = float(values["hands_seq"][i]) if "hands_seq" in values else math.nan
    if hands_seq == hands_seq:  # not NaN
        raw["hands_px"], smooth["hands_px"] = values["hands_px"][i], values["hands_px_smooth"][i]
        smooth["hands_world_m"] = values["hands_world_m_smooth"][i]
        raw["hands_score"] = smooth["hands_score"] = values["hands_score"][i]
    return Person(
        id=int(values["id"][i]),
        raw=Body(**raw, visibility=visibility),
        smooth=Body(**smooth, visibility=visibility),
        angles_deg=values["angles_deg"][i],
        angles_smooth_deg=values["angles_smooth_deg"][i],
        flags=values["flags"][i],
        hands_seq=-1 if math.isnan(hands_seq) else int(hands_seq),
        score=float(values["score"][i]),
    )
