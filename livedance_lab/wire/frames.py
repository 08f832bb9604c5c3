"""A frame as bytes: one binary WebSocket message, a 32-byte little-endian header followed by the encoded image.

======  ====  ======================================================================
offset  type  field
======  ====  ======================================================================
0       2s    magic ``LD``
2       u8    protocol version
3       u8    kind: 1 = frame
4       u16   header size in bytes (32); the image starts there
6       u16   flags, 0
8       u32   seq
12      u16   width of the camera image, px
14      u16   height of the camera image, px
16      f64   capture time, seconds of the client's clock
24      f64   send time, seconds of the client's clock
======  ====  ======================================================================

The offsets of magic, kind and `seq` are the same in all protocol versions, so that a frame of an unknown version can
still be counted. The browser twin is ``widgets/static/frames.js``; both are tested against ``data/golden/wire.json``.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from dataclasses import dataclass

from livedance_lab.errors import WireError
from livedance_lab.wire.messages import PROTOCOL_VERSION, LegacyFrame, encode_json, version_refusal

__all__ = ["HEADER_BYTES", "MAGIC", "CountableFrameError", "FrameHeader", "decode_frame", "decode_legacy_frame",
           "encode_frame", "encode_legacy_frame"]  # fmt: skip

_HEADER = struct.Struct("<2sBBHHIHHdd")
HEADER_BYTES = _HEADER.size
MAGIC, _KIND_FRAME = b"LD", 1


@dataclass(frozen=True)
class FrameHeader:
    """The header of a frame message.

    Attributes
    ----------
    seq : int
        Number of the frame; a client counts its frames from 0.
    source_size_px : (int, int)
        Width and height of the camera image; (0, 0): the same as those of the encoded image.
    t_capture_s, t_send_s : float
        Client clock, seconds.
    """

    seq: int
    source_size_px: tuple[int, int]
    t_capture_s: float
    t_send_s: float


def encode_frame(header: FrameHeader, image: bytes) -> bytes:
    """Return a frame as one binary message.

    Raises
    ------
    WireError
        Code "header": a number does not fit its field.
    """
    try:
        head = _HEADER.pack(MAGIC, PROTOCOL_VERSION, _KIND_FRAME, HEADER_BYTES, 0, header.seq,
                            *header.source_size_px, header.t_capture_s, header.t_send_s)  # fmt: skip
    except struct.error as exc:
        raise WireError("header", f"{header} does not fit a frame header: {exc}.") from exc
    return head + image


def decode_frame(message: bytes) -> tuple[FrameHeader, bytes]:
    """Return header and image of a binary message; the image itself is not checked.

    Raises
    ------
    CountableFrameError
        Codes "version", "header" (wrong header size), "time" (NaN or infinite).
    WireError
        Codes "header" (too short, wrong magic), "kind": not even `seq` can be read.
    """
    if len(message) < HEADER_BYTES:
        raise WireError("header", f"a frame message needs {HEADER_BYTES} header bytes, got {len(message)}.")
    magic, version, kind, size, _flags, seq, width, height, t_capture_s, t_send_s = _HEADER.unpack_from(message)
    if magic != MAGIC:
        raise WireError("header", f"a frame message starts with {MAGIC!r}, got {magic!r}.")
    if kind != _KIND_FRAME:
        raise WireError("kind", f"binary messages are frames (kind {_KIND_FRAME}), got kind {kind}.")
    if version != PROTOCOL_VERSION:
        raise CountableFrameError(seq, "version", version_refusal(version))
    if not HEADER_BYTES <= size <= len(message):
        raise CountableFrameError(seq, "header", f"header size must be {HEADER_BYTES} to {len(message)}, got {size}.")
    if not (math.isfinite(t_capture_s) and math.isfinite(t_send_s)):
        raise CountableFrameError(seq, "time", f"frame times must be finite seconds, got {t_capture_s} and {t_send_s}.")
    return FrameHeader(seq, (width, height), t_capture_s, t_send_s), message[size:]


class CountableFrameError(WireError):
    """A frame cannot be used, but its `seq` could be read: it is counted as `rejected`.

    Parameters
    ----------
    seq : int
    code, message : str
        See `CodedError`.
    """

    def __init__(self, seq: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.seq = seq


def decode_legacy_frame(message: LegacyFrame) -> tuple[FrameHeader, bytes]:
    """Return header and image of a message in the original demo's form, whose `timestamp` is in milliseconds.

    Raises
    ------
    CountableFrameError
        Code "base64": the image is not valid base64.
    """
    _, _, payload = message.image.rpartition(",")  # a data URL has its media type before the comma
    try:
        image = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise CountableFrameError(message.sequence, "base64", f"`image` must be a base64 data URL: {exc}.") from exc
    t_s = message.timestamp / 1000
    return FrameHeader(message.sequence, (0, 0), t_s, t_s), image


def encode_legacy_frame(header: FrameHeader, image: bytes) -> str:
    """Return a frame in the original demo's form, for comparisons with it."""
    payload = base64.b64encode(image).decode()
    return encode_json({
        "image": f"data:image/jpeg;base64,{payload}", "timestamp": header.t_capture_s * 1000, "sequence": header.seq,
    })  # fmt: skip
