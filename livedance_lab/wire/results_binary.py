"""A result as bytes: the values of its JSON text (`livedance_lab.wire.results.encode_result`) in half the size.

A client may request it with ``results: "binary"`` in its hello. All numbers are little-endian; the arrays follow each
other without gaps, so only the fields of the header have fixed offsets.

======  =====  =======================================================================
offset  type   field
======  =====  =======================================================================
0       2s     magic ``LD``
2       u8     protocol version
3       u8     kind: 2 = result
4       u16    header size in bytes (32); the arrays start there
6       u16    flags: 1 a person was detected, 2 with hands
8       u32    seq
12, 16  u32    width, height of the camera image, px
20      u32    settings version
24      u32    seq of the frame the hands belong to, 0 without hands
28      u16    A, number of joint angles
30      u16    C, number of frames that ended without a result
======  =====  =======================================================================

The arrays, in this order; unknown values are NaN:

- 8 f64: the times of `FrameTimes`
- 8 f64: milliseconds of the `STAGES`, NaN for a stage that did not run
- 8 u32: the ledger: number of frames captured, then by `FrameState`
- C u32: `seq` of the frames that ended without a result
- 2 A f32: angles, smoothed and raw
- if a person was detected, f32: image landmarks smoothed and raw, world landmarks smoothed and raw, each of shape
  (33, 3); visibility, shape (33,)
- with hands, f32: image landmarks smoothed and raw, world landmarks smoothed, each of shape (2, 21, 3); score,
  shape (2,)
- C u8: the states of the frames that ended, as indices into `FrameState`
- if a person was detected, 33 u8: `Flag`

The browser twin is ``widgets/static/results_binary.js``; both are tested against ``data/golden/wire.json``.
"""

from __future__ import annotations

import math
import struct
from itertools import accumulate

import numpy as np

from livedance_lab.errors import WireError
from livedance_lab.pose import STAGES, Body, Flag, FloatArray, FrameState, FrameTimes
from livedance_lab.wire.frames import MAGIC
from livedance_lab.wire.messages import PROTOCOL_VERSION
from livedance_lab.wire.results import ResultMessage, WireResult

__all__ = ["decode_binary_result", "encode_binary_result"]

_HEADER = struct.Struct("<2sBBHHIIIIIHH")
_KIND_RESULT = 2
_FOUND, _HANDS = 1, 2
_STATES = tuple(str(state) for state in FrameState)
_NUMBERS = struct.Struct(f"<{len(FrameTimes.names()) + len(STAGES)}d{1 + len(_STATES)}I")


def encode_binary_result(message: ResultMessage) -> bytes:
    """Return a "result" message as bytes, rounded as in its JSON text."""
    result, closed, ledger = message.result, message.closed, message.ledger
    raw, smooth, times, stage_ms = result.raw, result.smooth, result.record.times, result.record.stage_ms
    with_hands = result.hands_seq >= 0
    parts = [
        _HEADER.pack(
            MAGIC, PROTOCOL_VERSION, _KIND_RESULT, _HEADER.size, _FOUND * result.found | _HANDS * with_hands,
            result.seq, *result.source_size_px, result.settings_version, max(result.hands_seq, 0),
            len(result.angles_deg), len(closed),
        ),
        _NUMBERS.pack(
            *(getattr(times, name) for name in FrameTimes.names()),
            *(round(stage_ms.get(stage, math.nan), 3) for stage in STAGES),
            ledger["captured"], *(ledger.get(state, 0) for state in _STATES),
        ),
        np.array([seq for seq, _ in closed], "<u4").tobytes(),
        _floats(2, result.angles_smooth_deg, result.angles_deg),
    ]  # fmt: skip
    if result.found:
        parts += [_floats(2, smooth.keypoints_px, raw.keypoints_px), _floats(4, smooth.world_m, raw.world_m),
                  _floats(3, raw.visibility)]  # fmt: skip
    if with_hands:
        parts += [_floats(2, smooth.hands_px, raw.hands_px), _floats(4, smooth.hands_world_m),
                  _floats(3, raw.hands_score)]  # fmt: skip
    parts.append(bytes(_STATES.index(state) for _, state in closed))
    if result.found:
        parts.append(result.flags.tobytes())
    return b"".join(parts)


def _floats(decimals: int, *arrays: FloatArray) -> bytes:
    return np.concatenate(arrays, axis=None).astype("<f4", copy=False).round(decimals).tobytes()


def decode_binary_result(message: bytes, t_result_s: float) -> WireResult:
    """Decode a "result" message that `encode_binary_result` wrote.

    Parameters
    ----------
    message : bytes
    t_result_s : float
        When the message arrived, client clock.

    Raises
    ------
    WireError
        Codes "header" (too short, wrong magic), "version", "kind".
    """
    if len(message) < _HEADER.size:
        raise WireError("header", f"a result needs {_HEADER.size} header bytes, got {len(message)}.")
    magic, version, kind, size, flags, seq, width, height, settings_version, hands_seq, n_angles, n_closed = (
        _HEADER.unpack_from(message)
    )
    if magic != MAGIC:
        raise WireError("header", f"a binary message starts with {MAGIC!r}, got {magic!r}.")
    if version != PROTOCOL_VERSION:
        raise WireError("version", f"expected protocol version {PROTOCOL_VERSION}, got {version}.")
    if kind != _KIND_RESULT:
        raise WireError("kind", f"binary messages of a server are results (kind {_KIND_RESULT}), got kind {kind}.")
    try:
        return _decode_arrays(message, size, flags, n_angles, n_closed,
                              {"seq": seq, "source_size_px": (width, height), "settings_version": settings_version,
                               "hands_seq": hands_seq if flags & _HANDS else -1, "t_result_s": t_result_s})  # fmt: skip
    except (struct.error, ValueError, IndexError) as exc:
        raise WireError("header", f"a result of {len(message)} bytes is shorter than its header says: {exc}.") from exc


def _decode_arrays(
    message: bytes, size: int, flags: int, n_angles: int, n_closed: int, known: dict[str, object]
) -> WireResult:
    """Decode what follows the header of `size` bytes; `known` are the fields of the result that the header gave."""
    found, with_hands = bool(flags & _FOUND), bool(flags & _HANDS)
    n_times, n_stages = len(FrameTimes.names()), len(STAGES)
    numbers = _NUMBERS.unpack_from(message, size)
    stages = zip(STAGES, numbers[n_times : n_times + n_stages], strict=True)
    closed = np.frombuffer(message, "<u4", n_closed, offset := size + _NUMBERS.size)
    shapes = [(n_angles,)] * 2 + [(33, 3)] * 4 * found + [(33,)] * found + [(2, 21, 3)] * 3 * with_hands
    n_floats = sum(math.prod(shape) for shape in shapes) + 2 * with_hands
    floats = np.frombuffer(message, "<f4", n_floats, offset := offset + closed.nbytes).astype(np.float32)
    states_and_flags = np.frombuffer(message, "u1", n_closed + 33 * found, offset + floats.nbytes)
    ends = accumulate(math.prod(shape) for shape in shapes)
    arrays = [floats[end - math.prod(shape) : end].reshape(shape) for shape, end in zip(shapes, ends, strict=True)]
    raw: dict[str, FloatArray] = {}
    smooth: dict[str, FloatArray] = {}
    if found:
        smooth["keypoints_px"], raw["keypoints_px"], smooth["world_m"], raw["world_m"], raw["visibility"] = arrays[2:7]
        smooth["visibility"] = raw["visibility"]
    if with_hands:
        smooth["hands_px"], raw["hands_px"], smooth["hands_world_m"] = arrays[-3:]
        smooth["hands_score"] = raw["hands_score"] = floats[-2:]
    return WireResult(
        raw=Body(**raw),
        smooth=Body(**smooth),
        angles_deg=arrays[1],
        angles_smooth_deg=arrays[0],
        flags=states_and_flags[n_closed:].copy() if found else np.full(33, Flag.MISSING, np.uint8),
        found=found,
        times=FrameTimes(*numbers[:n_times]),
        stage_ms={stage: value for stage, value in stages if not math.isnan(value)},
        ledger=dict(zip(("captured", *_STATES), numbers[n_times + n_stages :], strict=True)),
        closed=[(int(seq), _STATES[state]) for seq, state in zip(closed, states_and_flags[:n_closed], strict=True)],
        **known,  # type: ignore[arg-type]
    )
