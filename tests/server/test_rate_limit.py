"""The rate limits of a connection admit every camera and refuse what could bring the server down."""

from __future__ import annotations

import contextlib

import pytest
from websockets.exceptions import ConnectionClosed

from livedance_lab.server.config import ServerConfig
from livedance_lab.server.rate_limit import TokenBucket
from livedance_lab.wire.messages import CLOSE_CODES
from tests.support.pipeline import JPEG
from tests.support.servers import Served, serve

DEFAULTS = ServerConfig()


@pytest.mark.parametrize("kb", [20, 500], ids=["384 px", "full HD, best quality"])
def test_a_camera_of_240_pictures_per_second_passes_with_all_its_reports(kb):
    messages, size = TokenBucket(DEFAULTS.max_messages_per_s), TokenBucket(DEFAULTS.max_bytes_per_s)
    for frame in range(240 * 60):
        t_s = frame / 240
        assert messages.take(1, t_s)
        assert size.take(kb * 1000, t_s)
        if frame % 60 == 0:  # receipts, skipped, stats, ping
            assert all(messages.take(1, t_s) and size.take(5000, t_s) for _ in range(4))


def test_what_a_stalled_network_held_back_may_come_at_once():
    messages = TokenBucket(DEFAULTS.max_messages_per_s)
    assert messages.take(1, 0.0)
    assert all(messages.take(1, 30.0) for _ in range(30 * 240))


def test_more_than_is_refilled_is_too_much_and_time_mends_it():
    bucket = TokenBucket(10.0, burst_s=2.0)
    assert [bucket.take(1, 0.0) for _ in range(21)] == [True] * 20 + [False]
    assert not bucket.take(1, 0.1)
    assert bucket.take(1, 2.0)
    assert not TokenBucket(10.0, burst_s=2.0).take(21, 0.0)


def test_no_limit_is_no_limit():
    bucket = TokenBucket(0.0)
    assert all(bucket.take(1e12, 0.0) for _ in range(1000))


@pytest.mark.parametrize(
    ("config", "said", "words"),
    [
        ({"max_messages_per_s": 5.0}, {"type": "ping", "t_s": 0.0}, "5 messages per second"),
        (
            {"max_bytes_per_s": 2000.0},
            {"type": "mark", "name": "m", "data": {"x": "y" * 1000}},
            "2000 bytes per second",
        ),
    ],
    ids=["messages", "bytes"],
)
def test_a_flood_is_told_why_and_closed_and_the_session_goes_on(config, said, words):
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            await raw.result()
            with contextlib.suppress(ConnectionClosed):  # the server closes at the limit
                for _ in range(40):
                    await raw.say(said)
            assert await raw.close_code() == CLOSE_CODES["rate"]
            error = next(m for m in raw.heard if m["type"] == "error")
            assert (error["code"], error["fatal"]) == ("rate", True)
            assert words in error["message"]
        async with served.producer(session="s") as again:
            assert again.welcome["resumed"]
            await again.result()
            assert (await again.end())["conserved"]

    serve(work, **config)


def test_a_message_too_large_to_be_refused_closes_with_the_standards_code():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            await raw.frame(JPEG + b"\0" * 4000)
            assert (await raw.hear("refused"))["code"] == "size"
            await raw.say(b"\0" * 40_000)
            assert await raw.close_code() == 1009
        async with served.producer(session="s") as again:
            assert (await again.end())["conserved"]

    serve(work, max_message_bytes=4000)
