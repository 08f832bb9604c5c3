"""The latency target, over a real socket: the server changes what the client sends, and restores its settings."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from livedance_lab.clock import now_s
from livedance_lab.session_data.session_log import from_ipc
from tests.support.servers import Raw, Served, serve

LATE_S = 0.3  # how long each frame travels, according to its header


@asynccontextmanager
async def feeding(raw: Raw):
    """Send old frames, one after the other, during the block."""

    async def feed() -> None:
        while True:
            await raw.frame(t_s=now_s() - LATE_S)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(feed())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_pictures_that_are_long_on_their_way_are_to_be_smaller_until_the_target_is_taken_back():
    async def work(served: Served) -> None:
        async with served.producer(session="s", settings={"target_age_ms": 50.0}) as raw:
            await raw.say({"type": "clock", "offset_s": 0.0, "uncertainty_s": 0.001})
            async with feeding(raw):
                told = await raw.hear("settings", by="target age")
            assert told["settings"]["short_side_px"] == 288
            await raw.say({"type": "settings", "changes": {"target_age_ms": 0}, "by": "the user"})
            assert (await raw.hear("settings", by="the user"))["settings"]["target_age_ms"] == 0
            async with feeding(raw):
                back = await raw.hear("settings", by="target age")
            assert back["settings"]["short_side_px"] == 384
            assert (await raw.end())["conserved"]
        events = from_ipc((await served.http("GET", "/sessions/s/log/events"))[1]).to_pylist()
        ((_, why), (_, end)) = [(e["name"], e["data"]) for e in events if e["kind"] == "target_age"]
        assert '"reason":"transit"' in why
        assert '"changes":{"short_side_px":384}' in end

    serve(work)
