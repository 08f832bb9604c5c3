"""Frames as bytes, results as JSON: the only place that knows the layout of either.

A frame is one binary WebSocket message: a 32-byte little-endian header, then the encoded picture.

======  ====  ======================================================================
offset  type  field
======  ====  ======================================================================
0       2s    magic ``LD``
2       u8    protocol version
3       u8    kind: 1 = frame
4       u16   header size in bytes (32); the picture starts there
6       u16   flags, 0
8       u32   seq
12      u16   width of the original picture, px
14      u16   height of the original picture, px
16      f64   capture time, seconds of the client's clock
24      f64   send time, seconds of the client's clock
======  ====  ======================================================================

Magic, kind and `seq` stand where they are in every version, so that a frame of another one can be counted.
Its browser twin is ``widgets/static/frames.js``; both are held to ``data/golden/wire.json``. The binary form of
results is in `livedance_lab.wire.results_binary`.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from livedance_lab.errors import WireError
from livedance_lab.pose import Body, Flag, FloatArray, FrameTimes, PoseResult
from livedance_lab.wire.messages import PROTOCOL_VERSION, LegacyFrame

__all__ = [
    "HEADER_BYTES",
    "CountableFrameError",
    "FrameHeader",
    "WireResult",
    "decode_frame",
    "decode_legacy_frame",
    "decode_result",
    "encode_frame",
    "encode_json",
    "encode_legacy_frame",
    "encode_result",
]

_HEADER = struct.Struct("<2sBBHHIHHdd")
HEADER_BYTES = _HEADER.size
_MAGIC, _KIND_FRAME = b"LD", 1


@dataclass(frozen=True)
class FrameHeader:
    """What the client says about the picture that follows.

    Attributes
    ----------
    seq : int
    source_size_px : (int, int)
        Width, height of the camera's picture; (0, 0): the same as the encoded one's.
    t_capture_s, t_send_s : float
        Client clock, seconds.
    """

    seq: int
    source_size_px: tuple[int, int]
    t_capture_s: float
    t_send_s: float


def encode_frame(header: FrameHeader, image: bytes) -> bytes:
    """One binary message: header, then picture.

    Raises
    ------
    WireError
        If a number does not fit its field.
    """
    try:
        head = _HEADER.pack(_MAGIC, PROTOCOL_VERSION, _KIND_FRAME, HEADER_BYTES, 0, header.seq,
                            *header.source_size_px, header.t_capture_s, header.t_send_s)  # fmt: skip
    except struct.error as exc:
        raise WireError("header", f"{header} does not fit a frame header: {exc}.") from exc
    return head + image


def decode_frame(message: bytes) -> tuple[FrameHeader, bytes]:
    """Header and picture of a binary message; the picture itself is not looked at.

    Raises
    ------
    WireError
        Codes "header" (too short, wrong magic), "version", "kind", "time" (NaN or infinite).
    """
    if len(message) < HEADER_BYTES:
        raise WireError("header", f"a frame message needs {HEADER_BYTES} header bytes, got {len(message)}.")
    magic, version, kind, size, _flags, seq, width, height, t_capture_s, t_send_s = _HEADER.unpack_from(message)
    if magic != _MAGIC:
        raise WireError("header", f"a frame message starts with {_MAGIC!r}, got {magic!r}.")
    if kind != _KIND_FRAME:
        raise WireError("kind", f"binary messages are frames (kind {_KIND_FRAME}), got kind {kind}.")
    if version != PROTOCOL_VERSION:
        raise CountableFrameError(
            seq, "version", f"this server speaks protocol version {PROTOCOL_VERSION}, got {version}."
        )
    if not HEADER_BYTES <= size <= len(message):
        raise CountableFrameError(
            seq, "header", f"the header size must lie in {HEADER_BYTES}..{len(message)}, got {size}."
        )
    if not (math.isfinite(t_capture_s) and math.isfinite(t_send_s)):
        raise CountableFrameError(seq, "time", f"frame times must be finite seconds, got {t_capture_s} and {t_send_s}.")
    return FrameHeader(seq, (width, height), t_capture_s, t_send_s), message[size:]


class CountableFrameError(WireError):
    """A frame that cannot be used, but whose number could be read: it is counted, as `rejected`."""

    def __init__(self, seq: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.seq = seq


def decode_legacy_frame(message: LegacyFrame) -> tuple[FrameHeader, bytes]:
    """Header and picture of a message in the original demo's form.

    The demo's `timestamp` is in milliseconds.

    Raises
    ------
    WireError
        Code "base64" if the picture is not valid base64.
    """
    _, _, payload = message.image.rpartition(",")  # a data URL has its kind before the comma
    try:
        image = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise WireError("base64", f"`image` must be a base64 data URL: {exc}.") from exc
    t_s = message.timestamp / 1000
    return FrameHeader(message.sequence, (0, 0), t_s, t_s), image


def encode_legacy_frame(header: FrameHeader, image: bytes) -> str:
    """A frame in the original demo's form, to be compared with."""
    payload = base64.b64encode(image).decode()
    return encode_json({
        "image": f"data:image/jpeg;base64,{payload}", "timestamp": header.t_capture_s * 1000, "sequence": header.seq,
    })  # fmt: skip


def encode_json(message: dict[str, Any] | list[Any]) -> str:
    """A message as JSON text; numpy arrays are lists, NaN is null."""
    return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def encode_result(result: PoseResult, closed: list[tuple[int, str]], ledger: dict[str, int]) -> str:
    """A result as JSON text.

    Parameters
    ----------
    result : PoseResult
    closed : list of (seq, state)
        Frames that ended without a result of their own since the last result.
    ledger : dict of str to int
        Frames captured so far and by state.

    Returns
    -------
    str
        Pixel values keep 2 decimals, metres 4, degrees 2: far below the model's own noise. The log keeps all.
    """
    raw, smooth = result.raw, result.smooth
    hands = None
    if result.hands_seq >= 0:
        hands = {
            "seq": result.hands_seq,
            "px": smooth.hands_px.round(2),
            "raw_px": raw.hands_px.round(2),
            "world_m": smooth.hands_world_m.round(4),
            "score": raw.hands_score.round(3),
        }
    return encode_json(
        {
            "type": "result",
            "seq": result.seq,
            "found": result.found,
            "size_px": result.source_size_px,
            "settings_version": result.settings_version,
            "times": {name: getattr(result.record.times, name) for name in FrameTimes.names()},
            "stage_ms": {k: round(v, 3) for k, v in result.record.stage_ms.items()},
            "pose": {
                "px": smooth.keypoints_px.round(2),
                "raw_px": raw.keypoints_px.round(2),
                "world_m": smooth.world_m.round(4),
                "raw_world_m": raw.world_m.round(4),
                "visibility": raw.visibility.round(3),
                "flags": result.flags,
            }
            if result.found
            else None,
            "hands": hands,
            "angles": {"smooth_deg": result.angles_smooth_deg.round(2), "raw_deg": result.angles_deg.round(2)},
            "closed": closed,
            "ledger": ledger,
        }
    )


@dataclass(frozen=True)
class WireResult:
    """A result as a client has it.

    Attributes
    ----------
    seq : int
    found : bool
        Whether a person was seen.
    size_px : (int, int)
        Range of the image landmarks.
    keypoints_px, raw_px : ndarray of shape (33, 3), float32
        Smoothed, and as the model gave them; NaN where not seen.
    world_m : ndarray of shape (33, 3), float32
        Smoothed world landmarks, metres.
    visibility : ndarray of shape (33,), float32
    flags : ndarray of shape (33,), uint8
        `livedance_lab.pose.Flag`.
    hands_px : ndarray of shape (2, 21, 3), float32
        Smoothed; left, then right.
    hands_seq : int
        The frame the hands belong to; -1 without hands.
    angles_deg, angles_raw_deg : ndarray of shape (A,), float32
    times : FrameTimes
        Server clock; `t_result_s` and `t_paint_s` are NaN here.
    t_result_s : float
        Client clock.
    stage_ms, ledger : dict
    closed : list of (int, str)
        Frames that ended without a result since the last result.
    settings_version : int
    """

    seq: int
    found: bool
    size_px: tuple[int, int]
    keypoints_px: FloatArray
    raw_px: FloatArray
    world_m: FloatArray
    visibility: FloatArray
    flags: npt.NDArray[np.uint8]
    hands_px: FloatArray
    hands_seq: int
    angles_deg: FloatArray
    angles_raw_deg: FloatArray
    times: FrameTimes
    t_result_s: float
    stage_ms: dict[str, float]
    ledger: dict[str, int]
    closed: list[tuple[int, str]]
    settings_version: int


def decode_result(data: dict[str, Any], t_result_s: float) -> WireResult:
    """A "result" message with arrays, as `encode_result` wrote it; null becomes NaN.

    Parameters
    ----------
    data : dict
        The message's JSON object.
    t_result_s : float
        When it arrived, client clock.

    Raises
    ------
    WireError
        Code "result": a part is missing or of another type.
    """
    try:
        return _result(data, t_result_s)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise WireError("result", f"not a result of this protocol: {exc!r}."[:300]) from exc


def _result(data: dict[str, Any], t_result_s: float) -> WireResult:
    pose, hands, none = data["pose"] or {}, data["hands"] or {}, Body()

    def array(source: dict[str, Any], key: str, otherwise: FloatArray) -> FloatArray:
        return np.array(source[key], dtype=np.float32) if key in source else otherwise

    return WireResult(
        seq=data["seq"],
        found=data["found"],
        size_px=tuple(data["size_px"]),
        keypoints_px=array(pose, "px", none.keypoints_px),
        raw_px=array(pose, "raw_px", none.keypoints_px),
        world_m=array(pose, "world_m", none.world_m),
        visibility=array(pose, "visibility", none.visibility),
        flags=np.array(pose.get("flags", [Flag.MISSING] * len(none.visibility)), dtype=np.uint8),
        hands_px=array(hands, "px", none.hands_px),
        hands_seq=hands.get("seq", -1),
        angles_deg=array(data["angles"], "smooth_deg", np.empty(0, np.float32)),
        angles_raw_deg=array(data["angles"], "raw_deg", np.empty(0, np.float32)),
        times=FrameTimes(**{k: math.nan if v is None else v for k, v in data["times"].items()}),
        t_result_s=t_result_s,
        stage_ms=data["stage_ms"],
        ledger=data["ledger"],
        closed=[(seq, state) for seq, state in data["closed"]],
        settings_version=data["settings_version"],
    )
