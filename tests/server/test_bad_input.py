"""Every invalid WebSocket message is answered by a specific error and counted, and the session goes on."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from livedance_lab.clock import now_s
from livedance_lab.wire.frames import FrameHeader, encode_frame, encode_legacy_frame
from livedance_lab.wire.messages import CLOSE_CODES
from tests.support.pipeline import JPEG, LANDMARKS
from tests.support.servers import TOKEN, Raw, Served, serve

PNG_20000 = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (20000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0" + b"\0" * 4


def a_frame(seq: int, image: bytes = LANDMARKS, t_capture_s: float | None = None, t_send_s: float | None = None):
    t_s = now_s()
    return encode_frame(FrameHeader(seq, (64, 48), t_s if t_capture_s is None else t_capture_s,
                                    t_s if t_send_s is None else t_send_s), image)  # fmt: skip


def in_the_demos_form(seq: int, image: bytes) -> str:
    return encode_legacy_frame(FrameHeader(seq, (0, 0), 1.0, 1.0), image)


def with_byte(message: bytes, offset: int, value: int) -> bytes:
    changed = bytearray(message)
    changed[offset] = value
    return bytes(changed)


@dataclass
class Bad:
    """An invalid message, made from the next `seq`, and the expected answer."""

    name: str
    say: Callable[[int], bytes | str]
    code: str
    words: str
    counted: bool  # whether its `seq` can be read, so that the frame ends as `rejected`


LEGACY = {"image": "data:image/jpeg;base64,%%%", "timestamp": 1.0}
BAD = [
    Bad("empty frame", lambda n: a_frame(n, b""), "empty", "0 bytes", True),
    Bad("truncated JPEG", lambda n: a_frame(n, JPEG[:-200]), "broken", "cut off", True),
    Bad("JPEG cut in its header", lambda n: a_frame(n, JPEG[:50]), "broken", "header", True),
    Bad("image bomb", lambda n: a_frame(n, PNG_20000), "size", "20000 x 20000", True),
    Bad("no picture", lambda n: a_frame(n, b"GIF89a" * 9), "kind", "JPEG, PNG or WebP", True),
    Bad("50 MB frame", lambda n: a_frame(n, JPEG + b"\0" * 50_000_000), "size", "bytes", True),
    Bad("9 MB in the demo's form", lambda n: in_the_demos_form(n, bytes(9_000_000)), "size", "8388608 bytes", True),
    Bad("time going backwards", lambda n: a_frame(n, t_capture_s=1.0), "time", "must increase", True),
    Bad("NaN time", lambda n: a_frame(n, t_capture_s=math.nan), "time", "finite", True),
    Bad("infinite time", lambda n: a_frame(n, t_send_s=math.inf), "time", "finite", True),
    Bad("captured after it was sent", lambda n: a_frame(n, t_capture_s=now_s() + 1e6), "time", "before it is", True),
    Bad("broken base64", lambda n: json.dumps({**LEGACY, "sequence": n}), "base64", "base64", True),
    Bad("empty message", lambda n: b"", "header", "got 0", False),
    Bad("half a header", lambda n: a_frame(n)[:20], "header", "got 20", False),
    Bad("wrong magic", lambda n: with_byte(a_frame(n), 0, 0), "header", "LD", False),
    Bad("wrong version", lambda n: with_byte(a_frame(n), 2, 9), "version", "version 2, got 9", True),
    Bad("unknown kind", lambda n: with_byte(a_frame(n), 3, 9), "kind", "kind 9", False),
    Bad("number used again", lambda n: a_frame(0), "seq", "got 0 again", False),
    Bad("absurd number", lambda n: a_frame(4_000_000_000), "seq", "run ahead", False),
    Bad("text where a frame is due", lambda n: "picture", "json", "JSON object", False),
    Bad("a list", lambda n: "[1, 2]", "json", "got list", False),
    Bad("unknown type", lambda n: '{"type": "wave"}', "message", "wave", False),
    Bad("unknown field", lambda n: '{"type": "ping", "t_s": 1, "x": 1}', "message", "ping.x", False),
    Bad("NaN in a message", lambda n: '{"type": "ping", "t_s": NaN}', "json", "JSON object", False),
    Bad("a second hello", lambda n: json.dumps({"type": "hello", "version": 2}), "protocol", "already", False),
    Bad("wrong setting", lambda n: '{"type": "settings", "changes": {"complexity": 9}}', "settings", "1 or 2", False),
    Bad("wrong filter", lambda n: '{"type": "settings", "changes": {"smoothing": {"filter": "magic"}}}', "settings",
        "magic", False),
    Bad("absurd skip", lambda n: '{"type": "skipped", "frames": [[4000000000, 1.0]]}', "seq", "run ahead", False),
    Bad("an end below what came", lambda n: '{"type": "end", "captured": 0}', "seq", "captured cannot be 0", False),
    Bad("deep nesting", lambda n: '{"type": "mark", "name": "x", "data": {"a": ' + "[" * 900 + "]" * 900 + "}}",
        "message", "nested deeper", False),
    Bad("50 MB of text", lambda n: '{"type": "mark", "name": "' + "x" * 50_000_000 + '"}', "size", "bytes", False),
]  # fmt: skip


def test_each_gets_its_own_error_and_the_session_goes_on(caplog):
    """All in one session; a valid frame after each must give a result."""

    async def work(served: Served) -> None:
        async with served.producer() as raw:
            await raw.result()
            for bad in BAD:
                await raw.say(bad.say(raw.next_seq))
                if bad.counted:
                    answer = await raw.hear("refused", seq=raw.next_seq)
                    assert answer["state"] == "rejected", bad.name
                    raw.next_seq += 1
                else:
                    answer = await raw.hear("error")
                    assert not answer["fatal"], bad.name
                assert answer["code"] == bad.code, (bad.name, answer)
                assert bad.words in answer["message"], (bad.name, answer)
                assert (await raw.result())["people"], bad.name
            ledger = await raw.end()

        assert ledger["conserved"]
        assert ledger["states"]["rejected"] == sum(bad.counted for bad in BAD)
        assert ledger["states"]["processed"] == len(BAD) + 1
        assert ledger["captured"] == ledger["states"]["rejected"] + ledger["states"]["processed"]

    serve(work)
    assert caplog.records == []  # the server logged no error


def test_an_ordinary_picture_fails_on_an_estimator_that_cannot_read_it_and_is_counted():
    async def work(served: Served) -> None:
        async with served.producer() as raw:
            seq = await raw.frame(JPEG)
            answer = await raw.hear("refused", seq=seq)
            assert (answer["state"], answer["code"]) == ("failed", "estimator")
            assert "ordinary picture" in answer["message"]
            await raw.result()
            assert (await raw.end())["states"] | {"failed": 1, "processed": 1} == (raw.heard[-1]["ledger"]["states"])

    serve(work)


def test_how_many_pixels_a_picture_may_have_is_the_servers_to_say():
    async def work(served: Served) -> None:
        async with served.producer() as raw:
            seq = await raw.frame(JPEG)  # 64 x 48
            answer = await raw.hear("refused", seq=seq)
            assert (answer["state"], answer["code"]) == ("rejected", "size")
            assert "1 to 1000 pixels" in answer["message"]
            assert "64 x 48" in answer["message"]

    serve(work, max_pixels=1000)


HELLO = {"type": "hello", "version": 2, "token": TOKEN}


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (json.dumps({**HELLO, "token": "guess"}), "token", "not this server's"),
        (json.dumps({"type": "hello", "version": 2}), "token", "not this server's"),
        (json.dumps({**HELLO, "version": 1}), "version", "version 2, got 1"),
        (b"LD picture", "protocol", "must be a hello"),
        ('{"type": "ping", "t_s": 1}', "protocol", "must be a hello"),
        ("hello", "json", "JSON object"),
        (json.dumps({**HELLO, "extra": 1}), "message", "hello.extra"),
        (json.dumps({**HELLO, "settings": {"complexity": 9}}), "settings", "complexity"),
        (json.dumps({**HELLO, "settings": {"smoothing": {"filter": "magic"}}}), "settings", "magic"),
        (json.dumps({**HELLO, "role": "viewer"}), "session", "must name the session"),
        (json.dumps({**HELLO, "role": "viewer", "session": "none"}), "session", "no session 'none'"),
        (json.dumps({**HELLO, "session": "../../etc"}), "message", "hello.session"),
        ('{"type": "hello", "client": [' + "[]," * 5_000_000 + "[]]}", "size", "1048576 bytes"),
    ],
    ids=["wrong token", "no token", "version", "binary", "no hello", "no JSON", "unknown field", "setting", "filter",
         "viewer of nothing", "viewer of an unknown session", "path", "15 MB"],
)  # fmt: skip
def test_a_hello_that_cannot_be_accepted_is_told_why_and_closed(said, code, words):
    async def work(served: Served) -> None:
        async with served.socket() as raw:
            await raw.say(said)
            await raw.say(json.dumps(HELLO))  # too late: the server ignores further messages
            answer = await raw.hear("error")
            assert answer["fatal"]
            assert answer["code"] == code
            assert words in answer["message"]
            assert await raw.close_code() == CLOSE_CODES.get(code, CLOSE_CODES["protocol"])
            assert [m["type"] for m in raw.heard] == ["error"]
        assert not any(hosted.holds_slot for hosted in served.manager.sessions.values())
        async with served.producer() as raw:
            await raw.result()

    serve(work, max_sessions=1)


def test_a_hello_with_absurd_numbers_does_not_keep_the_place():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            await raw.result()
        async with served.socket() as raw:
            await raw.say({**HELLO, "session": "s", "unanswered": [4_000_000_000]})
            answer = await raw.hear("error")
            assert (answer["code"], answer["fatal"]) == ("seq", True)
            await raw.close_code()
        hosted = served.manager.get("s")
        await served.until(lambda: hosted.producer is None)
        async with served.producer(session="s") as raw:  # the session itself is unchanged
            assert raw.welcome["resumed"]
            await raw.result()

    serve(work)


def test_viewers_are_told_what_they_may_not_say_and_go_on_seeing():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw, served.viewer("s") as viewer:
            for said in (a_frame(0), json.dumps({**LEGACY, "sequence": 0}), '{"type": "end", "captured": 0}',
                         '{"type": "skipped", "frames": [[0, 1.0]]}', '{"type": "stats", "values": {}}'):  # fmt: skip
                await viewer.say(said)
                answer = await viewer.hear("error")
                assert (answer["code"], answer["fatal"]) == ("role", False), said
            await viewer.say({"type": "ping", "t_s": 4.5})
            assert (await viewer.hear("pong"))["t_s"] == 4.5
            seq = await raw.frame()
            assert (await viewer.hear("result"))["seq"] == seq == 0
            assert (await raw.end())["captured"] == 1

    serve(work)


def test_whoever_says_nothing_is_sent_away(monkeypatch):
    monkeypatch.setattr("livedance_lab.server.websocket._HELLO_WITHIN_S", 0.05)

    async def work(served: Served) -> None:
        async with served.socket() as raw:
            assert (await raw.hear("bye"))["message"].startswith("no hello came")
            assert await raw.close_code() == CLOSE_CODES["protocol"]

    serve(work)


def test_the_demos_json_frames_are_accepted():
    async def work(served: Served) -> None:
        async with served.producer() as raw:
            await legacy(raw, 0, 1000.0)
            first = await raw.hear("result", seq=0)
            await legacy(raw, 1, 1250.0)
            second = await raw.hear("result", seq=1)
            assert second["times"]["t_capture_s"] - first["times"]["t_capture_s"] == pytest.approx(0.25)
            raw.next_seq = 2
            assert (await raw.end())["states"]["processed"] == 2

    async def legacy(raw: Raw, seq: int, t_ms: float) -> None:
        import base64

        image = base64.b64encode(LANDMARKS).decode()
        await raw.say({"image": f"data:image/jpeg;base64,{image}", "timestamp": t_ms, "sequence": seq})

    serve(work)


def test_a_header_may_not_lie_about_where_the_picture_begins():
    async def work(served: Served) -> None:
        async with served.producer() as raw:
            message = bytearray(a_frame(0))
            struct.pack_into("<H", message, 4, 65_535)
            await raw.say(bytes(message))
            assert (await raw.hear("refused", seq=0))["code"] == "header"

    serve(work)
