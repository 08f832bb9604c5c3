"""Valid messages, and damaged ones. All randomness comes from the given generator."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from livedance_lab.wire.frames import FrameHeader, encode_frame
from tests.support import pictures
from tests.support.pipeline import LANDMARKS

__all__ = ["Said", "damaged", "frame", "http_request", "message", "said_wrong"]

Said = bytes | str

PICTURES = [LANDMARKS, *(case.image for case in pictures.usual()),
            *(case.image for case in pictures.hostile() if len(case.image) < 100_000)]  # fmt: skip
PICTURES = [image for image in PICTURES if len(image) < 100_000]

NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 255, 2**16, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64, 10**30, -(10**30), 0.5,
    -0.0, 1e308, -1e308, 5e-324, "", "x", "0", "\0", "nan", "../../etc/passwd", "x" * 5000, "\u202e\U0001f600", [], {},
    [[]], {"": {}}, [None], [0] * 2000, "@NaN", "@Infinity", "@-Infinity", "@1e999", "@-1e999", "@" + "9" * 400,
    "@" + "[" * 30 + "]" * 30, "@" + "[" * 2000 + "]" * 2000, '@{"a":' * 40 + "1" + "}" * 40, '@"\\ud800"', "@",
]  # fmt: skip
"""Values that replace good ones; text after an @ is written into the JSON without quotes."""

TIMES = [0.0, -0.0, -1.0, 5e-324, 1e11, 1.7e12, 1e300, -1e308, float("nan"), float("inf"), float("-inf")]
SETTINGS: list[dict[str, Any]] = [
    {"complexity": 0}, {"hands": False}, {"hands": True, "num_hands": 1}, {"design": "join"}, {"design": "lanes"},
    {"design": "sequential"}, {"pose_lanes": 2}, {"short_side_px": 96}, {"gap_reset_s": 0.1}, {"hands_max_hz": 240},
    {"smoothing": {"filter": "ema", "params": {"alpha": 0.2}}}, {"smoothing": {"filter": "one_euro"}},
    {"smoothing": {"filter": "none", "groups": {"hands": {"filter": "ema"}}}}, {"smoothing": {}}, {"design": "auto"},
]  # fmt: skip


def message(rng: random.Random, seq: int, t_s: float) -> dict[str, Any]:
    """Return a message that a client may send after its hello."""
    kind = rng.randrange(10)
    if kind == 0:
        return {"type": "ping", "t_s": t_s}
    if kind == 1:
        return {"type": "clock", "offset_s": rng.uniform(-1, 1), "uncertainty_s": 0.001}
    if kind == 2:
        return {"type": "receipts", "frames": [[max(seq - n, 0), t_s, t_s + 0.01] for n in range(rng.randrange(4))]}
    if kind == 3:
        return {"type": "skipped", "frames": [[seq + n, t_s] for n in range(rng.randrange(3))]}
    if kind == 4:
        return {"type": "settings", "changes": deepcopy(rng.choice(SETTINGS)), "by": "fuzz"}
    if kind == 5:
        return {"type": "mark", "name": "m", "data": {"a": [1, {"b": None}], "c": "d"}, "t_s": t_s}
    if kind == 6:
        return {"type": "stats", "values": {"fps": 60.0, "state": "live"}}
    if kind == 7:
        return {
            "type": "hello",
            "version": 2,
            "role": "producer",
            "session": "s",
            "unanswered": [seq],
            "client": {"a": 1},
        }
    if kind == 8:
        return {"type": "follow", "person": rng.randrange(1, 3)}
    return {"image": "data:image/jpeg;base64,/9j/4AAQ", "timestamp": t_s * 1000, "sequence": seq}


def frame(rng: random.Random, seq: int, t_s: float) -> bytes:
    """Return a frame with, usually, one thing wrong; every fourth is correct."""
    size, header = (640, 480), None
    image = LANDMARKS
    kind = rng.randrange(8)
    if kind == 2:
        seq = rng.choice([0, max(seq - 1, 0), seq + 5, seq + 9_999, 2**31, 2**32 - 1])
    elif kind == 3:
        image = rng.choice(PICTURES)
    elif kind == 4:
        image = damaged(rng, rng.choice(PICTURES))
    elif kind == 5:
        size = rng.choice([(0, 0), (0, 480), (65_535, 1), (65_535, 65_535)])
    elif kind == 6:
        header = (rng.choice([t_s, *TIMES]), rng.choice([t_s, *TIMES]))
    t_capture_s, t_send_s = header or (t_s, t_s)
    said = encode_frame(FrameHeader(seq, size, t_capture_s, t_send_s), image)
    return damaged(rng, said, within=32 if rng.random() < 0.5 else None) if kind == 7 else said


def said_wrong(rng: random.Random, seq: int, t_s: float) -> Said:
    """Return a text message with one or two things wrong; every eighth is correct."""
    said = message(rng, seq, t_s)
    kind = rng.randrange(8)
    if kind == 0:
        return json.dumps(said)
    for _ in range(1 + (kind == 1)):
        _spoil(rng, said)
    text = _plain(json.dumps(said))
    if kind == 2:  # as valid UTF-8, so that only JSON and its meaning are wrong
        return damaged(rng, text.encode()).decode(errors="replace")
    return text


def _spoil(rng: random.Random, said: Any) -> None:
    """Replace, remove or add one value at a random place."""
    while isinstance(said, dict | list) and said:
        keys = list(said) if isinstance(said, dict) else range(len(said))
        key = rng.choice(keys)
        if isinstance(said[key], dict | list) and said[key] and rng.random() < 0.7:
            said = said[key]
            continue
        kind = rng.randrange(8)
        if kind == 0:
            del said[key]
        elif kind == 1 and isinstance(said, dict):
            said[rng.choice(["", "type", "x", "captured", "image", "\0"])] = deepcopy(rng.choice(NASTY))
        else:
            said[key] = deepcopy(rng.choice(NASTY))
        return


def _plain(text: str) -> str:
    """Return JSON text in which strings that begin with @ have no quotes."""
    for value in NASTY:
        if isinstance(value, str) and value.startswith("@"):
            text = text.replace(json.dumps(value), value[1:])
    return text


def _flip(rng: random.Random, data: bytearray, at: int) -> None:
    data[at] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, data: bytearray, at: int) -> None:
    data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _cut(rng: random.Random, data: bytearray, at: int) -> None:
    del data[at:]


def _drop(rng: random.Random, data: bytearray, at: int) -> None:
    del data[at : at + rng.randrange(1, 17)]


def _repeat(rng: random.Random, data: bytearray, at: int) -> None:
    data[at:at] = data[at : at + rng.randrange(1, 65)] * rng.randrange(1, 9)


def _insert(rng: random.Random, data: bytearray, at: int) -> None:
    data[at:at] = rng.randbytes(rng.randrange(1, 17))


def _number(rng: random.Random, data: bytearray, at: int) -> None:
    width = rng.choice((2, 4, 8))
    value = rng.choice((0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1)))
    data[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))


def _float(rng: random.Random, data: bytearray, at: int) -> None:
    data[at : at + 8] = struct.pack("<d", rng.choice(TIMES))


DAMAGES: list[Callable[[random.Random, bytearray, int], None]] = [
    _flip, _flip, _set, _cut, _drop, _repeat, _insert, _number, _float,
]  # fmt: skip


def damaged(rng: random.Random, data: bytes, within: int | None = None) -> bytes:
    """Change bytes in one to four places, only among the first `within` bytes if given."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not changed:
            break
        rng.choice(DAMAGES)(rng, changed, rng.randrange(min(len(changed), within or len(changed))))
    return bytes(changed)


CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/health", None), ("GET", "/metrics", None), ("GET", "/sessions", None),
    ("POST", "/sessions", {"session": "http-made", "settings": {"hands": False}}), ("GET", "/sessions/ID", None),
    ("GET", "/sessions/ID/manifest", None), ("GET", "/sessions/ID/log/frames?after=0", None),
    ("PATCH", "/sessions/ID/settings", {"changes": {"smoothing": {"filter": "ema"}}, "by": "fuzz"}),
    ("POST", "/sessions/ID/follow", {"person": 1}),
    ("POST", "/sessions/ID/marks", {"name": "m", "data": {"a": 1}, "t_s": 1.0}),
    ("POST", "/sessions/ID/recording", {"path": "take", "keep_video": True, "blur_faces": True}),
    ("GET", "/sessions/ID/recording", None), ("DELETE", "/sessions/ID/recording", None),
    ("POST", "/sessions/ID/end", {"captured": 5}),
]  # fmt: skip
METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "CONNECT", "TRACE", "get", "G\0T", "X" * 300]
PATHS = [
    "/health", "/metrics", "/sessions", "/sessions/ID", "/sessions/ID/manifest", "/sessions/ID/settings",
    "/sessions/ID/marks", "/sessions/ID/log/frames?after=0", "/sessions/ID/log/results?after=18446744073709551616",
    "/sessions/ID/log/events?after=%00", "/sessions/ID/log/receipts?after=%ff", "/sessions/ID/recording",
    "/sessions/none/end", "/ws", "/", "//", "/../../etc/passwd", "/sessions/..%2f..%2fetc%2fpasswd",
    "/sessions/%2e%2e/manifest", "/sessions/ID%00/manifest", "/sessions/" + "a" * 5000, "http://evil.org/sessions",
    "/sessions/ID/follow",
    "/sessions?" + "a=b&" * 500, "*", "/sessions/ID/log/../../../x", "/%c0%ae%c0%ae/", "\\..\\..",
]  # fmt: skip
BODIES: list[dict[str, Any]] = [
    {}, {"session": "http-made"}, {"session": "../x"}, {"session": "http-made", "settings": {"hands": False}},
    {"changes": {"hands": False}, "by": "fuzz"}, {"changes": {"smoothing": {"filter": "ema"}}},
    {"name": "m", "data": {"a": 1}, "t_s": 1.0}, {"path": "take", "keep_video": True, "blur_faces": True},
    {"path": "../../x"}, {"path": "/etc/x"}, {"path": "a\0b"}, {"path": "~root/x"}, {"path": "x" * 5000},
    {"path": "a/b/c", "keep_video": 1}, {"captured": 5}, {"person": 2},
]  # fmt: skip


WRONG_HEADERS: list[list[str]] = [
    ["Transfer-Encoding: chunked"], ["X: y"] * 2000, ["X: " + "y" * 100_000], ["Expect: 100-continue"], ["\0: \0"],
    ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"], ["Origin: http://evil.org"], [" : "],
    ["Content-Type: multipart/form-data; boundary=x"], ["Cookie: " + "a=b;" * 3000],
]  # fmt: skip


def http_request(rng: random.Random, session: str, token: str) -> bytes:
    """Return an HTTP request, correct or wrong in anything from its method to its lengths."""
    method, path, said = rng.choice(CALLS)
    if rng.random() < 0.4:
        method, path = rng.choice(METHODS), rng.choice(PATHS)
    path, body = path.replace("ID", session), b""
    if said is not None or rng.random() < 0.2:
        said = deepcopy(rng.choice([said, said, said, rng.choice(BODIES)]))
        if rng.random() < 0.4:
            _spoil(rng, said)
        body = _plain(json.dumps(said)).encode()
        if rng.random() < 0.2:
            body = damaged(rng, body)
    headers = [f"Host: {rng.choice(['127.0.0.1'] * 20 + ['evil.org', '', '[::1', 'x' * 300])}"]
    if rng.random() < 0.9:
        headers.append(f"Authorization: Bearer {token}")
    if body and rng.random() < 0.95:
        headers.append(f"Content-Length: {rng.choice([len(body)] * 20 + [0, -1, 2**31, 2**64, 'x'])}")
    headers += rng.choice([[]] * 20 + WRONG_HEADERS)
    request = "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""]).encode() + body
    return damaged(rng, request) if rng.random() < 0.1 else request
