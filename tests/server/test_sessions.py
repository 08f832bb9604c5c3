"""Session slots, producers, viewers, the end of sessions, settings. Real sockets."""

from __future__ import annotations

import asyncio
import gc
import socket as sockets
import threading
import weakref
from contextlib import AsyncExitStack

import pytest

from livedance_lab.estimators.base import Estimate, Estimator, ImageArray, register
from livedance_lab.server.app import serving
from livedance_lab.server.config import ServerConfig
from livedance_lab.session_data.session_log import from_ipc
from livedance_lab.settings import Settings
from livedance_lab.wire.messages import CLOSE_CODES
from tests.support.pipeline import JPEG, WAIT_S, a_pose
from tests.support.servers import TOKEN, Served, serve

HELLO = {"type": "hello", "version": 2, "token": TOKEN}


def lane_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("livedance-")]


class Gated:
    """An estimator whose calls wait until the test opens the gate."""

    open = threading.Event()
    at_work = threading.Event()
    alive = 0

    def __init__(self, kind: str, settings: Settings) -> None:
        Gated.alive += 1

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:
        Gated.at_work.set()
        assert Gated.open.wait(WAIT_S)
        return a_pose()

    def close(self) -> None:
        Gated.alive -= 1


def make_gated(kind: str, settings: Settings) -> Estimator:
    return Gated(kind, settings)


register("gated", make_gated)


@pytest.fixture(autouse=True)
def gates():
    Gated.open.clear()
    Gated.at_work.clear()
    yield
    Gated.open.set()
    assert Gated.alive == 0


# --- session slots


def test_one_too_many_is_told_busy_and_a_place_that_is_freed_can_be_taken():
    async def work(served: Served) -> None:
        async with served.producer() as first, served.producer() as second:
            async with served.socket() as third:
                await third.say(HELLO)
                answer = await third.hear("error")
                assert (answer["code"], answer["fatal"]) == ("busy", True)
                assert "all 2 session slots" in answer["message"]
                assert await third.close_code() == CLOSE_CODES["busy"]
            await first.result()
            await first.end()
            async with served.producer() as third:
                await third.result()
            await second.result()

    serve(work, max_sessions=2)


def test_hellos_that_come_together_do_not_get_more_places_than_there_are():
    async def work(served: Served) -> None:
        async def try_one() -> str:
            async with served.socket() as raw:
                await raw.say(HELLO)
                while True:
                    message = await asyncio.wait_for(raw.connection.recv(), WAIT_S)
                    if '"welcome"' in str(message):
                        welcomed.append(raw)
                        await all_answered.wait()
                        return "welcome"
                    if '"busy"' in str(message):
                        return "busy"

        welcomed: list[object] = []
        all_answered = asyncio.Event()
        tasks = [asyncio.create_task(try_one()) for _ in range(8)]
        await served.until(lambda: sum(t.done() for t in tasks) == 6)
        all_answered.set()
        assert sorted(await asyncio.gather(*tasks)) == ["busy"] * 6 + ["welcome"] * 2

    serve(work, max_sessions=2)


def test_a_session_without_its_producer_gives_way_to_the_first_newcomer_only():
    """Also while it is being ended: here one of its lanes is working on a frame."""

    async def work(served: Served) -> None:
        async with served.producer(session="waits") as raw:
            await raw.frame(JPEG)
            await served.until(Gated.at_work.is_set)
        waits = served.manager.get("waits")
        await served.until(lambda: waits.producer is None)
        async with served.producer(session="new"):
            async with served.socket() as third:
                await third.say(HELLO)
                assert (await third.hear("error"))["code"] == "busy"
            async with served.socket() as back:
                await back.say({**HELLO, "session": "waits"})
                assert (await back.hear("error"))["code"] == "ended"
            assert not waits.session.ended
            Gated.open.set()
            await served.until(lambda: waits.session.ended)
            assert waits.session.ledger.summary()["conserved"]

    serve(work, max_sessions=1, resume_s=600.0, estimator="gated")


def test_a_wrong_hello_costs_nobody_a_session():
    async def work(served: Served) -> None:
        async with served.producer(session="waits"):
            pass
        await served.until(lambda: served.manager.get("waits").producer is None)
        async with served.socket() as raw:
            await raw.say({**HELLO, "settings": {"smoothing": {"filter": "magic"}}})
            assert (await raw.hear("error"))["code"] == "settings"
        async with served.producer(session="waits") as raw:
            assert raw.welcome["resumed"]
            await raw.result()

    serve(work, max_sessions=1, resume_s=600.0)


# --- producers that disconnect and reconnect


def test_a_producer_that_stays_away_frees_threads_estimators_and_place():
    before = len(lane_threads())

    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            for _ in range(3):
                await raw.result()
            assert len(lane_threads()) > before
            raw.connection.transport.abort()  # as after the kill of a process
        session = served.manager.get("s").session
        await served.until(lambda: session.ended and not session.running)
        await served.until(lambda: len(lane_threads()) == before)
        assert session.ledger.summary()["conserved"]
        assert session._slot.newest is None
        async with served.producer() as raw:  # the server admits the next one
            await raw.result()

    serve(work, resume_s=0.0, max_sessions=1)


def test_frames_in_work_when_the_connection_ends_are_counted():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            await raw.frame(JPEG)
            await served.until(Gated.at_work.is_set)
            await raw.frame(JPEG)
            await served.until(lambda: served.manager.get("s").session.ledger.captured == 2)
            raw.connection.transport.abort()
        session = served.manager.get("s").session
        Gated.open.set()
        await served.until(lambda: session.ended)
        summary = session.ledger.summary()
        assert summary["conserved"]
        assert summary["captured"] == 2 == sum(summary["states"].values())

    serve(work, estimator="gated", resume_s=0.0, workers=1)


def test_a_producer_that_comes_back_learns_what_became_of_its_frames():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            await raw.result()
            await raw.result()
        async with served.socket() as raw:
            welcome = await raw.hello(session="s", unanswered=[1, 2, 3])
            assert welcome["resumed"]
            assert welcome["closed"] == [[1, "closed"], [2, "lost"], [3, "lost"]]
            assert welcome["next_seq"] == 4
            await raw.result()
            ledger = await raw.end()
        assert ledger["conserved"]
        assert (ledger["states"]["processed"], ledger["states"]["lost"]) == (3, 2)

    serve(work)


def test_a_session_whose_producer_came_back_does_not_expire():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            await raw.result()
        hosted = served.manager.get("s")
        await served.until(lambda: hosted.expiry is not None)
        timer = hosted.expiry
        async with served.producer(session="s") as raw:
            assert timer.cancelled()
            assert hosted.expiry is None
            await raw.result()

    serve(work, resume_s=600.0)


def test_a_newer_producer_replaces_the_older_whose_last_words_are_not_heard():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as old:
            await old.result()
            async with served.producer(session="s") as new:
                await old.frame(seq=1)  # still on its way when the other one connects
                assert (await old.hear("bye"))["code"] == "replaced"
                assert await old.close_code() == CLOSE_CODES["replaced"]
                assert not [m for m in old.heard if m["type"] == "error"]
                assert new.next_seq == 1
                await new.result()
                assert (await new.end())["states"]["processed"] == 2

    serve(work)


def test_the_end_waits_for_frames_in_work_and_is_told_to_all():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw, served.viewer("s") as viewer:
            await raw.frame(JPEG)
            await served.until(Gated.at_work.is_set)
            await raw.say({"type": "end", "captured": 1})
            await raw.say({"type": "ping", "t_s": 1.0})
            await raw.hear("pong")
            assert not served.manager.get("s").session.ended
            Gated.open.set()
            ledger = (await raw.hear("ended"))["ledger"]
            assert ledger["conserved"]
            assert ledger["states"]["processed"] == 1
            assert (await viewer.hear("ended"))["ledger"] == ledger
            await raw.frame(JPEG)
            assert (await raw.hear("error"))["code"] == "ended"

    serve(work, estimator="gated", workers=1)


def test_an_end_over_http_beside_a_running_producer_keeps_the_books_closed():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            await raw.result()
            await served.http("POST", "/sessions/s/end", {})
            ledger = (await raw.hear("ended"))["ledger"]
            await raw.say({"type": "skipped", "frames": [[1, 1.0]]})
            assert (await raw.hear("error"))["code"] == "ended"
            _, now, _ = await served.http("GET", "/sessions/s")
            assert now["ledger"] == ledger

    serve(work)


def test_a_stopping_server_ends_every_session_and_says_goodbye():
    async def main() -> None:
        async with AsyncExitStack() as clients:
            async with serving(ServerConfig(port=0, token=TOKEN, estimator="replay")) as (manager, port):
                raw = await clients.enter_async_context(Served(manager, port).producer(session="s"))
                await raw.result()
                session = manager.get("s").session
            assert await raw.close_code() == CLOSE_CODES["shutdown"]
            assert {"ended", "bye"} <= {m["type"] for m in raw.heard}
            assert session.ledger.summary()["conserved"]

    asyncio.run(main())
    assert lane_threads() == []


def test_a_pose_model_that_the_server_chose_is_logged_with_the_reason():
    async def work(served: Served) -> None:
        served.manager.config.complexity_reason = "lite, because a full pose takes 90 ms on this machine"
        for session_id, settings in (("chosen", {}), ("own", {"complexity": 2})):
            served.manager.create(session_id, settings)
        events = {name: served.manager.get(name).session.log.read("events")[0] for name in ("chosen", "own")}
        names = {name: table["name"].to_pylist() for name, table in events.items()}
        assert names == {"chosen": ["created", "complexity chosen"], "own": ["created"]}
        assert "takes 90 ms" in events["chosen"]["data"].to_pylist()[1]

    serve(work)


def test_ended_sessions_make_room_and_running_ones_do_not():
    async def work(served: Served) -> None:
        for n in range(64):
            served.manager.create(f"s{n}", {})
        status, answer, _ = await served.http("POST", "/sessions", {"session": "one-more"})
        assert (status, answer["code"]) == (503, "busy")
        for name in ("s3", "s5"):
            await served.http("POST", f"/sessions/{name}/end", {})
        await served.until(lambda: served.manager.get("s3").released and served.manager.get("s5").released)
        assert (await served.http("POST", "/sessions", {"session": "one-more"}))[0] == 200
        assert (await served.http("GET", "/sessions/s3"))[0] == 404  # the oldest that has ended
        assert (await served.http("GET", "/sessions/s5"))[0] == 200

    serve(work)


# --- viewers


def test_readings_reach_viewers_but_only_the_newest_waits_for_one():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw, served.viewer("s") as viewer:
            await raw.result()
            (connection,) = served.manager.get("s").viewers
            control: list[str] = []
            connection.send = control.append
            await raw.say({"type": "stats", "values": {"painted_fps": 60.0}})

            assert (await viewer.hear("stats"))["values"] == {"painted_fps": 60.0}
            assert not any('"stats"' in text for text in control)

    serve(work)


def test_a_viewer_that_stops_reading_costs_nothing_and_sees_the_newest_afterwards():
    """Its socket fills up; then one result waits for it, always the newest. The other viewer is not affected."""

    async def work(served: Served) -> None:
        small = sockets.socket()
        small.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        small.connect(("127.0.0.1", served.port))
        async with served.producer(session="s") as raw, served.viewer("s") as awake, \
                served.viewer("s", sock=small, max_queue=1, close_timeout=0.1) as asleep:  # fmt: skip
            viewers = served.manager.get("s").viewers
            for viewer in viewers:  # otherwise the system's buffers would hold a thousand results
                viewer.ws_connection.stream.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096)
            while max(v.outbox.n_replaced for v in viewers) < 50:
                await raw.result()
                await awake.hear("result")
                assert raw.next_seq < 5000
            assert max(v.outbox.n_control for v in viewers) < 100
            last = (await raw.result())["seq"]
            assert (await awake.hear("result", seq=last))["seq"] == last

            seen = [(await asleep.hear("result"))["seq"]]  # it reads again
            while seen[-1] != last:
                seen.append((await asleep.hear("result"))["seq"])
            assert seen == sorted(seen)
            assert len(seen) < last + 1 - 40  # older results were not kept for it
            assert (await raw.end())["states"]["processed"] == last + 1

    serve(work)


def test_viewers_come_and_go_without_the_producer_noticing():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            for _ in range(3):
                async with served.viewer("s") as viewer:
                    seq = await raw.frame()
                    assert (await viewer.hear("result"))["seq"] == seq
            await served.until(lambda: not served.manager.get("s").viewers)
            await raw.result()

    serve(work)


def test_stats_of_the_browser_reach_the_viewers():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw, served.viewer("s") as viewer:
            await raw.say({"type": "stats", "values": {"camera_hz": 29.97, "codec": "webp"}})
            assert (await viewer.hear("stats"))["values"] == {"camera_hz": 29.97, "codec": "webp"}
            assert (await served.http("GET", "/sessions/s"))[1]["stats"]["codec"] == "webp"

    serve(work)


# --- settings


def test_producers_and_viewers_may_choose_the_followed_person():
    async def work(served: Served) -> None:
        async with served.producer(session="s", settings={"hands": False}) as raw, served.viewer("s") as viewer:
            assert (await raw.result())["followed_id"] == 1
            for each in (raw, viewer):
                await each.say({"type": "follow", "person": 1})  # who is followed already: no event
                await each.say({"type": "follow", "person": 2})
                error = await each.hear("error")
                assert (error["code"], error["fatal"]) == ("person", False)
                assert error["message"] == "there is no person 2 to follow; the known ids are: 1."
            assert (await raw.result())["followed_id"] == 1
        events = from_ipc((await served.http("GET", "/sessions/s/log/events"))[1]).to_pylist()
        assert "people" not in [event["kind"] for event in events]

    serve(work)


def test_settings_changed_live_are_told_logged_and_in_every_result_after():
    async def work(served: Served) -> None:
        async with served.producer(session="s", settings={"hands": False}) as raw, served.viewer("s") as viewer:
            assert (await raw.result())["settings_version"] == 1
            await viewer.say({"type": "settings", "changes": {"visibility_threshold": 0.99}, "by": "viewer"})
            for each in (raw, viewer):
                told = await each.hear("settings")
                assert (told["version"], told["by"]) == (2, "viewer")
                assert told["settings"]["visibility_threshold"] == 0.99
            result = await raw.result()
            assert result["settings_version"] == 2
            assert set(result["people"][0]["angles_deg"]) == {None}  # no landmark is as visible as that
            await raw.end()
        rows = from_ipc((await served.http("GET", "/sessions/s/log/results"))[1]).to_pylist()
        assert [row["settings_version"] for row in rows] == [1, 2]

    serve(work)


def test_a_change_of_design_while_frames_come_loses_none():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            ready = sum(m.get("name") == "ready" for m in raw.heard)
            for design in ("join", "sequential", "decoupled", "lanes"):
                await raw.say({"type": "settings", "changes": {"design": design}})
                for _ in range(10):
                    await raw.frame()
                while sum(m.get("name") == "ready" for m in raw.heard) == ready:
                    await raw.hear("event")
                ready += 1
            await raw.result()
            ledger = await raw.end()
        assert ledger["conserved"]
        assert ledger["captured"] == 41 == sum(ledger["states"].values())

    serve(work)


def test_nothing_of_a_session_stays_in_memory_once_it_is_forgotten():
    """Connections, sessions and tasks refer to each other; a server that runs for weeks must free them."""

    async def work(served: Served) -> None:
        for _ in range(3):
            async with served.producer() as raw:
                await raw.result()
                await raw.end()
        await served.until(lambda: all(not hosted.connections for hosted in served.manager.sessions.values()))
        await served.until(lambda: all(hosted.released for hosted in served.manager.sessions.values()))
        sessions = weakref.WeakSet(hosted.session for hosted in served.manager.sessions.values())
        assert len(sessions) == 3
        served.manager.sessions.clear()

        def all_freed() -> bool:
            gc.collect()
            return not sessions

        await served.until(all_freed)

    serve(work)
