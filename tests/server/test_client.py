"""The client library with a real server: accounting of frames, clocks, reconnection."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
from dataclasses import asdict

import numpy as np
import pytest
from websockets.asyncio.client import connect

from livedance_lab.client import connection, live_client
from livedance_lab.client.live_client import LiveClient
from livedance_lab.client.pacing import PacingGauge
from livedance_lab.clock import now_s
from livedance_lab.errors import BusyError, ConnectionLost, ConnectionRefused
from livedance_lab.estimators.base import register
from livedance_lab.estimators.replay import ReplayEstimator
from livedance_lab.server.app import serving
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.session_manager import SessionManager
from livedance_lab.session_data.session_log import from_ipc
from tests.support.pipeline import LANDMARKS, SIZE, WAIT_S
from tests.support.servers import TOKEN, Served, serve

register("unhurried", lambda kind, settings: ReplayEstimator(kind, delay_ms=8.0))  # so that pacing has to skip


def client_of(served: Served, **options) -> LiveClient:
    return LiveClient(served.url, TOKEN, **options)


async def until(true) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.002)


def crash(manager: SessionManager) -> None:
    """Break every connection without a message, as a crash of the process does."""
    for hosted in manager.sessions.values():
        for socket in hosted.connections:
            socket.ws_connection.stream.close()  # type: ignore[attr-defined]


async def stream(client: LiveClient, frames: int, rate_hz: float = 500.0) -> None:
    """Offer frames at a rate; the client decides which of them are sent."""
    for _ in range(frames):
        await client.send(LANDMARKS, SIZE)
        await asyncio.sleep(1 / rate_hz)


@pytest.mark.parametrize("pacing", ["free", "paced", "auto"])
def test_every_captured_frame_is_accounted_for(pacing):
    async def work(served: Served) -> None:
        async with client_of(served, pacing=pacing, session="s") as client:
            await client.wait_ready()
            await stream(client, 200)
            assert await client.settle(WAIT_S)
            ledger = await client.end(WAIT_S)
            credit = client.credit
        states = ledger["states"]
        assert ledger["conserved"]
        assert ledger["captured"] == credit.captured == 200 == sum(states.values())
        assert states["client_skipped"] == credit.skipped
        assert credit.sent + credit.skipped == 200
        assert credit.answered == credit.sent
        assert states["processed"] + states["superseded"] + states["late"] == credit.sent
        assert 0 < client.results_received <= states["processed"]
        if pacing == "free":
            assert states["client_skipped"] == 0

    serve(work)


def test_the_log_has_a_row_for_each_frame_with_the_clients_own_times():
    async def work(served: Served) -> None:
        async with client_of(served, session="s", pacing="paced") as client:
            await client.wait_ready()
            await stream(client, 60)
            await client.settle(WAIT_S)
            await client.end(WAIT_S)
        tables = {}
        for table in ("frames", "results", "receipts"):
            tables[table] = from_ipc((await served.http("GET", f"/sessions/s/log/{table}"))[1]).to_pandas()
        frames = tables["frames"].set_index("seq").sort_index()
        assert list(frames.index) == list(range(60))
        assert frames["t_capture_s"].is_monotonic_increasing
        assert frames["t_capture_s"].notna().all()  # also of skipped frames
        done = frames[frames["state"] == "processed"]
        events = from_ipc((await served.http("GET", "/sessions/s/log/events"))[1]).to_pylist()
        known_to_s = max(json.loads(e["data"])["uncertainty_s"] for e in events if e["name"] == "offset")
        assert (done["t_capture_s"] <= done["t_receive_s"] + known_to_s + 1e-5).all()
        assert (done["t_receive_s"] <= done["t_infer_start_s"]).all()
        assert (done["t_infer_start_s"] <= done["t_infer_end_s"]).all()
        assert (done["t_infer_end_s"] <= done["t_emit_s"]).all()
        receipts = tables["receipts"].set_index("seq")
        assert set(receipts.index) <= set(done.index)
        assert len(receipts) > 0
        assert (receipts["t_result_s"] >= done["t_emit_s"].reindex(receipts.index) - known_to_s - 1e-5).all()
        assert receipts["t_paint_s"].isna().all()  # nobody painted them
        assert set(tables["results"]["seq"]) == set(done.index)

    serve(work)


def test_the_demos_form_of_frames_gives_the_same_counts():
    async def work(served: Served) -> None:
        async with client_of(served, legacy=True, pacing="free") as client:
            await client.wait_ready()
            await stream(client, 40)
            await client.settle(WAIT_S)
            ledger = await client.end(WAIT_S)
        assert ledger["conserved"]
        assert ledger["captured"] == 40

    serve(work)


@pytest.mark.parametrize("form", ["binary", "json"])
def test_results_arrive_as_arrays(form):
    async def work(served: Served) -> None:
        async with client_of(served, results=form) as client:
            await client.wait_ready()
            await client.send(LANDMARKS, SIZE)
            await until(lambda: client.latest)
            result = client.latest
            assert result.found
            assert result.source_size_px == SIZE
            assert result.keypoints_px.shape == (33, 3)
            assert np.isfinite(result.angles_smooth_deg).all()
            assert result.t_result_s >= result.times.t_capture_s

    serve(work)


def test_a_producer_and_a_viewer_may_choose_different_forms_and_see_the_same():
    async def work(served: Served) -> None:
        async with client_of(served, session="s", results="binary") as client:
            await client.wait_ready()
            async with client_of(served, session="s", role="viewer", results="json") as viewer:
                await client.send(LANDMARKS, SIZE)
                await until(lambda: client.latest and viewer.latest)
                binary, text = asdict(client.latest), asdict(viewer.latest)
                for name in binary.keys() - {"t_result_s"}:
                    np.testing.assert_equal(binary[name], text[name], err_msg=name)

    serve(work)


def test_auto_pacing_paces_where_the_server_is_near_and_behind_and_the_log_says_why():
    """The measurements are made up, so that the speed of this machine does not matter."""

    async def work(served: Served) -> None:
        async with client_of(served, session="s") as client:
            await client.wait_ready()
            client.credit.gauge = PacingGauge()
            client.credit.reconsider(0.0, 0.001)
            for second in (1.0, 2.0):
                for _ in range(60):
                    client.credit.gauge.offered()
                for _ in range(30):
                    client.credit.gauge.result(0.03)
                if switch := client.credit.reconsider(second, 0.001):
                    await client.connection.send(switch)
            assert client.credit.is_paced
            await client.end(WAIT_S)
        events = from_ipc((await served.http("GET", "/sessions/s/log/events"))[1]).to_pylist()
        (event,) = [e for e in events if e["kind"] == "pacing"]
        assert event["name"] == "paced"
        assert json.loads(event["data"]) == {
            "reason": "frames are overtaken, the round trip is short", "round_trip_s": 0.001, "offered_hz": 60.0,
            "results_hz": 30.0, "server_s": 0.03, "window": client.credit.window, "load": 2.0,
        }  # fmt: skip

    serve(work)


def test_a_client_that_names_no_pacing_follows_the_setting():
    async def work(served: Served) -> None:
        async with client_of(served, settings={"pacing": "paced"}) as follows, \
                client_of(served, settings={"pacing": "paced"}, pacing="free") as insists:  # fmt: skip
            assert (follows.credit.is_paced, insists.credit.is_paced) == (True, False)
            await follows.change_settings(pacing="free")
            await until(lambda: not follows.credit.is_paced)

    serve(work)


def test_nothing_is_compressed_on_the_way():
    """Images are compressed already, and results would wait for it: the server declines what browsers offer."""

    async def work(served: Served) -> None:
        async with connect(f"ws{served.url.removeprefix('http')}/ws", compression="deflate") as offering:
            assert "permessage-deflate" in offering.request.headers["Sec-WebSocket-Extensions"]
            assert "Sec-WebSocket-Extensions" not in offering.response.headers
        async with client_of(served) as client:
            assert "Sec-WebSocket-Extensions" not in client.connection.socket.request.headers

    serve(work)


@pytest.mark.parametrize("shift_s", [86_400.0, -5_000.0])
def test_another_machines_clock_is_mapped_within_the_uncertainty(monkeypatch, shift_s):
    """The client reads a clock that is off by a day; the test knows both."""
    for part in (connection, live_client):
        monkeypatch.setattr(part, "now_s", lambda: now_s() + shift_s)
    truth: dict[int, float] = {}

    async def work(served: Served) -> None:
        async with client_of(served, session="s", pacing="free") as client:
            await client.wait_ready()
            session = served.manager.get("s").session
            await until(lambda: client.clock.best.uncertainty_s < 0.05)
            await until(lambda: session.client_clock.offset.uncertainty_s == client.clock.best.uncertainty_s)
            known_to_s = session.client_clock.offset.uncertainty_s  # it can only become better
            for seq in range(20):
                truth[seq] = now_s()
                await client.send(LANDMARKS, SIZE, truth[seq] + shift_s)
                await asyncio.sleep(0.002)
            await client.settle(WAIT_S)
            await client.end(WAIT_S)
            offset = session.client_clock.offset
        assert offset.offset_s == pytest.approx(-shift_s, abs=offset.uncertainty_s + 1e-5)
        assert 0 < offset.uncertainty_s < 0.05
        frames = from_ipc((await served.http("GET", "/sessions/s/log/frames"))[1]).to_pandas()
        for seq, t_capture_s in zip(frames["seq"], frames["t_capture_s"], strict=True):
            assert t_capture_s == pytest.approx(truth[seq], abs=known_to_s + 1e-5)

    serve(work)


# --- what is refused


def test_a_server_that_says_no_is_told_apart_from_none():
    async def work(served: Served) -> None:
        with pytest.raises(ConnectionRefused, match="not this server's") as refused:
            await LiveClient(served.url, "guess").__aenter__()
        assert refused.value.code == "token"
        with pytest.raises(ConnectionRefused, match="no session 'none'"):
            await client_of(served, role="viewer", session="none").__aenter__()
        async with client_of(served):
            with pytest.raises(BusyError, match="1 session slots are in use"):
                await client_of(served).__aenter__()

    serve(work, max_sessions=1)

    async def nobody() -> None:
        with pytest.raises(ConnectionRefused, match=r"no server answers at ws://127\.0\.0\.1:9/ws") as refused:
            await LiveClient("http://127.0.0.1:9", TOKEN).__aenter__()
        assert refused.value.code == "unreachable"

    asyncio.run(nobody())


def test_a_replaced_client_is_told_and_does_not_come_back():
    async def work(served: Served) -> None:
        async with client_of(served, session="s") as first, client_of(served, session="s") as second:
            await until(lambda: first.failure)
            with pytest.raises(ConnectionRefused, match="another client became the producer"):
                await first.send(LANDMARKS, SIZE)
            await second.wait_ready()
            assert await second.send(LANDMARKS, SIZE)
            assert first.reconnections == 0

    serve(work)


def test_a_session_ended_by_somebody_else_is_no_silence():
    async def work(served: Served) -> None:
        async with client_of(served, session="s") as client:
            await client.wait_ready()
            await client.send(LANDMARKS, SIZE)
            await client.settle(WAIT_S)
            await served.http("POST", "/sessions/s/end", {})
            await until(lambda: client.ended)
            with pytest.raises(ConnectionRefused, match="session s has ended"):
                await client.send(LANDMARKS, SIZE)
            assert (await client.end(WAIT_S))["conserved"]

    serve(work)


def test_a_setting_the_server_refuses_is_heard_of():
    async def work(served: Served) -> None:
        async with client_of(served) as client:
            await client.change_settings(complexity=9)
            await until(lambda: client.errors)
            assert "complexity must be 0, 1 or 2, got 9" in client.errors[0]["message"]
            await client.change_settings(complexity=0)
            await until(lambda: client.settings["complexity"] == 0)

    serve(work)


def test_an_end_the_server_cannot_agree_with_says_why():
    async def work(served: Served) -> None:
        async with client_of(served) as client:
            await client.wait_ready()
            await client.send(LANDMARKS, SIZE)
            await client.settle(WAIT_S)
            client.credit.captured = 0
            with pytest.raises(ConnectionLost, match="captured cannot be 0"):
                await client.end(within_s=0.2)

    serve(work)


# --- connections that break


def test_a_broken_connection_is_resumed_and_no_frame_is_lost_count_of():
    async def work(served: Served) -> None:
        async with client_of(served, session="s", pacing="paced") as client:
            await client.wait_ready()
            for n in range(1, 4):
                await stream(client, 30)
                client.connection.socket.transport.abort()  # mid-stream, with reports and answers on their way
                await stream(client, 30)
                await until(lambda n=n: client.reconnections == n and client.connection.socket)
            await stream(client, 30)
            await client.settle(WAIT_S)
            ledger = await client.end(WAIT_S)
        assert ledger["conserved"]
        assert ledger["captured"] == client.credit.captured == 210
        assert ledger["states"]["client_skipped"] == client.credit.skipped  # lost reports were sent again
        assert ledger["states"]["client_skipped"] > 0
        assert not client.credit.unanswered
        assert len(served.manager.sessions) == 1
        kinds = [e["name"] for e in from_ipc((await served.http("GET", "/sessions/s/log/events"))[1]).to_pylist()
                 if e["kind"] == "producer"]  # fmt: skip
        assert kinds.count("joined") == 4

    serve(work, estimator="unhurried")


def test_an_end_said_on_a_breaking_connection_is_said_again():
    async def work(served: Served) -> None:
        async with client_of(served) as client:
            await client.wait_ready()
            await stream(client, 5)
            client.connection.socket.transport.abort()
            assert (await client.end(WAIT_S))["conserved"]

    serve(work)


def test_a_client_that_is_told_no_when_it_comes_back_does_not_go_on_trying():
    async def work(served: Served) -> None:
        async with client_of(served, session="s") as client:
            await client.wait_ready()
            client.connection.socket.transport.abort()
            served.manager.get("s").session.end(0)
            await until(lambda: client.failure)
            with pytest.raises(ConnectionRefused, match="'s' has ended"):
                await client.send(LANDMARKS, SIZE)

    serve(work)


def test_a_viewer_comes_back_too():
    async def work(served: Served) -> None:
        async with client_of(served, session="s") as client, client_of(served, session="s", role="viewer") as viewer:
            await client.wait_ready()
            viewer.connection.socket.transport.abort()
            await until(lambda: viewer.reconnections == 1 and viewer.connection.socket)
            await until(lambda: served.manager.get("s").viewers)
            await client.send(LANDMARKS, SIZE)
            async for result in viewer.results():
                assert result.found
                break

    serve(work)


def test_a_viewer_keeps_nothing_of_the_results_it_has_seen():
    """A notebook may watch a session for hours."""

    async def work(served: Served) -> None:
        async with client_of(served, session="s") as client, client_of(served, session="s", role="viewer") as viewer:
            await client.wait_ready()
            before = pickle.dumps(viewer.credit)
            for _ in range(5):
                await client.send(LANDMARKS, SIZE)
                await client.settle()
            await until(lambda: viewer.results_received == 5)
            assert pickle.dumps(viewer.credit) == before

    serve(work)


def test_a_server_that_was_started_again_is_streamed_to_from_frame_zero():
    async def main() -> None:
        config = {"token": TOKEN, "estimator": "replay"}
        async with serving(ServerConfig(port=0, **config)) as (manager, port):
            client = LiveClient(f"http://127.0.0.1:{port}", TOKEN, session="s", retry_for_s=WAIT_S)
            await client.__aenter__()
            await client.wait_ready()
            client.credit.captured = 50_000  # a quarter of an hour
            crash(manager)
        try:
            async with serving(ServerConfig(port=port, **config)) as (manager, again):
                assert again == port
                await until(lambda: client.reconnections and client.connection.socket)
                await until(lambda: manager.sessions["s"].session.ready)
                before = client.results_received
                assert await client.send(LANDMARKS, SIZE)
                await until(lambda: client.results_received > before)
                assert client.latest.seq == 0
                assert (await client.end(WAIT_S))["captured"] == 1
        finally:
            await client.close()

    asyncio.run(main())


def test_a_server_that_does_not_come_back_is_given_up_in_words():
    async def main() -> None:
        async with serving(ServerConfig(port=0, token=TOKEN, estimator="replay")) as (manager, port):
            client = LiveClient(f"http://127.0.0.1:{port}", TOKEN, session="s", retry_for_s=0.2)
            await client.__aenter__()
            await client.wait_ready()
            assert await client.send(LANDMARKS, SIZE)
            crash(manager)
        await until(lambda: client.failure)
        for call in (client.send(LANDMARKS, SIZE), client.wait_ready(), client.end(), anext(client.results())):
            with pytest.raises(ConnectionLost, match="the server was gone for 0 s: no server answers at"):
                await call
        await client.close()

    asyncio.run(main())


def test_a_message_that_cannot_be_handled_is_not_swallowed(caplog):
    """An exception in a callback must not leave callers waiting for results that are no longer read."""

    def fails(message: dict) -> None:
        raise ZeroDivisionError("a display's mistake")

    async def work(served: Served) -> None:
        async with client_of(served, on_message=fails) as client:
            await until(lambda: client.failure)
            with pytest.raises(ConnectionLost, match="display's mistake"):
                await client.send(LANDMARKS, SIZE)
            with pytest.raises(ConnectionLost, match="display's mistake"):
                await client.wait_ready(WAIT_S)

    serve(work)
    assert "a message could not be handled" in caplog.text


def test_a_slow_reader_of_results_gets_the_newest_and_the_end():
    async def work(served: Served) -> None:
        async with client_of(served, session="s", pacing="paced") as client:
            await client.wait_ready()
            seen: list[int] = []

            async def read() -> None:
                async for result in client.results():
                    seen.append(result.seq)
                    await asyncio.sleep(0.05)

            reader = asyncio.create_task(read())
            await stream(client, 100)
            await client.settle(WAIT_S)
            newest = client.latest.seq
            await client.end(WAIT_S)
            await asyncio.wait_for(reader, WAIT_S)
            assert seen == sorted(set(seen))
            assert len(seen) < client.results_received
            assert seen[-1] == newest
            assert not math.isnan(client.clock.round_trip_s)

    serve(work)
