"""Failures of estimators, networks, viewers and clocks: the session goes on and its ledger stays conserved."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from livedance_lab import LiveServer, Recording, clock
from livedance_lab.client import connection, handshake, live_client
from livedance_lab.client.live_client import LiveClient
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionRefused, EstimatorError
from livedance_lab.estimators.base import Estimate, Estimator, ImageArray, register
from livedance_lab.pipeline.session import Session
from livedance_lab.pipeline.watchdog import MAX_GIVEN_UP
from livedance_lab.server import app
from livedance_lab.settings import Settings
from livedance_lab.system import resources
from tests.support.pipeline import JPEG, LANDMARKS, SIZE, a_pose
from tests.support.servers import TOKEN, Served, serve

STALL_S = float(os.environ.get("LIVEDANCE_STALL_S", "1"))
WAIT_S = 60.0 + STALL_S


async def until(true) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.005)


async def stream_until(client: LiveClient, true) -> None:
    """Send frames until a condition holds."""
    async with asyncio.timeout(WAIT_S):
        while not true():
            await client.send(LANDMARKS, SIZE)
            await asyncio.sleep(0.005)


# --- the estimator


class Moody:
    """An estimator that hangs or raises at the calls that the test names."""

    gate = threading.Event()
    hangs: ClassVar[set[int]] = set()
    raises: ClassVar[set[int]] = set()
    calls = 0

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:
        Moody.calls += 1
        if Moody.calls in Moody.hangs:
            Moody.gate.wait(5 * WAIT_S)
        if Moody.calls in Moody.raises:
            raise EstimatorError("it failed as planned.")
        return a_pose()

    def close(self) -> None:
        """Nothing to free."""


def make_moody(kind: str, settings: Settings) -> Estimator:
    return Moody()


register("moody", make_moody)


@pytest.fixture
def moody(monkeypatch):
    monkeypatch.setattr(app, "_CHECK_LANES_EVERY_S", 0.05)
    Moody.gate.clear()
    Moody.hangs, Moody.raises, Moody.calls = set(), set(), 0
    yield Moody
    Moody.gate.set()  # every abandoned thread ends


def events_of(served: Served, session: str) -> list[dict[str, Any]]:
    return served.manager.get(session).session.log.read("events")[0].to_pylist()


def test_an_estimator_that_hangs_costs_one_frame_and_is_replaced(moody):
    moody.hangs = {3}

    async def work(served: Served) -> None:
        async with served.producer(session="s", settings={"hands": False}) as raw:
            for _ in range(2):
                await raw.result(JPEG)
            lost = await raw.frame(JPEG)
            refused = await raw.hear("refused", seq=lost)
            assert refused["state"] == "failed"
            assert "did not answer for" in refused["message"]
            for _ in range(5):
                await raw.result(JPEG)
            ledger = await raw.end()
        assert ledger["conserved"]
        assert (ledger["states"]["failed"], ledger["states"]["processed"], ledger["captured"]) == (1, 7, 8)
        (event,) = (e for e in events_of(served, "s") if e["name"] == "lane given up")
        assert json.loads(event["data"])["seq"] == lost
        assert (await served.http("GET", "/sessions/s"))[1]["lanes_given_up"] == 1

    serve(work, estimator="moody", hang_s=1.0)


def test_looking_after_lanes_goes_on_when_it_failed_once(moody, monkeypatch, caplog):
    moody.hangs = {1}
    look, failed = Session.look_after_lanes, []

    def fail_once(session: Session) -> bool:
        if not failed:
            failed.append(session)
            raise ZeroDivisionError
        return look(session)

    monkeypatch.setattr(Session, "look_after_lanes", fail_once)

    async def work(served: Served) -> None:
        async with served.producer(settings={"hands": False}) as raw:
            await served.until(lambda: failed)
            await raw.hear("refused", seq=await raw.frame(JPEG), state="failed")
            assert (await raw.end())["conserved"]

    serve(work, estimator="moody", hang_s=1.0)
    assert "check_lanes failed; it is tried again" in caplog.text


def test_an_estimator_that_always_hangs_ends_its_session_and_no_other(moody):
    moody.hangs = set(range(1, 100))

    async def work(served: Served) -> None:
        async with served.producer(session="s", settings={"hands": False, "pose_lanes": 1}) as raw:
            for _ in range(MAX_GIVEN_UP + 1):
                await raw.hear("refused", seq=await raw.frame(JPEG), state="failed")
            words = await raw.hear("event", name="session given up")
            assert "the session is ended" in words["data"]["reason"]
            ledger = (await raw.hear("ended"))["ledger"]
        assert ledger["conserved"]
        assert ledger["states"]["failed"] == MAX_GIVEN_UP + 1
        moody.hangs = set()
        async with served.producer() as raw:  # every core is free for the next session
            await raw.result(JPEG)
            assert (await raw.end())["conserved"]

    serve(work, estimator="moody", hang_s=1.0, workers=1)


def test_an_estimator_that_raises_again_and_again_fails_frames_and_is_made_anew(moody):
    moody.raises = set(range(3, 15))

    async def work(served: Served) -> None:
        async with served.producer(session="s", settings={"hands": False, "pose_lanes": 1}) as raw:
            for _ in range(2):
                await raw.result(JPEG)
            for _ in range(12):
                await raw.hear("refused", seq=await raw.frame(JPEG), state="failed")
            await raw.result(JPEG)
            ledger = await raw.end()
        assert ledger["conserved"]
        assert (ledger["states"]["failed"], ledger["states"]["processed"]) == (12, 3)
        names = [e["name"] for e in events_of(served, "s") if e["kind"] == "error"]
        assert names.count("estimator renewed") == 2
        assert 1 <= names.count("estimator failed") < 12

    serve(work, estimator="moody")


# --- the network


class Line:
    """A TCP relay that can be cut: nothing arrives any more and no side is notified, as with a pulled plug."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._cut = [asyncio.Event()]
        self._pumps: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0

    def cut(self) -> None:
        """Silence the present connections; new ones work."""
        self._cut[-1].set()
        self._cut.append(asyncio.Event())

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends += [writer, there_writer]
        cut = self._cut[-1]
        for source, target in ((reader, there_writer), (there_reader, writer)):
            pump = asyncio.create_task(self._pump(source, target, cut))
            self._pumps.add(pump)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        try:
            while data := await source.read(65536):
                if cut.is_set():
                    await asyncio.Event().wait()  # neither forwarded nor closed
                target.write(data)
                await target.drain()
            if not cut.is_set():
                target.close()
        except OSError:
            target.close()

    async def stop(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for end in self._ends:
            end.transport.abort()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    line = Line(port)
    server = await asyncio.start_server(line.take, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.stop()


def test_a_client_on_a_dead_line_comes_back_and_every_frame_is_counted(monkeypatch):
    monkeypatch.setattr(handshake, "_PING_S", (1.0, 3.0))
    monkeypatch.setattr(handshake, "_BACK_OFF_S", (0.05, 0.2))

    async def work(served: Served) -> None:
        async with line_to(served.port) as line:
            url = f"http://127.0.0.1:{line.port}"
            async with LiveClient(url, TOKEN, session="s", pacing="free") as client:
                await client.wait_ready()
                await stream_until(client, lambda: client.results_received >= 20)
                line.cut()
                await stream_until(client, lambda: client.reconnections)
                before = client.results_received
                await stream_until(client, lambda: client.results_received >= before + 20)
                await client.settle(WAIT_S)
                ledger = await client.end(WAIT_S)
            assert ledger["conserved"]
            assert ledger["captured"] == client.credit.captured
            assert len(served.manager.sessions) == 1

    serve(work)


def test_a_client_that_vanished_without_a_word_is_noticed_and_its_session_ended(monkeypatch):
    """Only the server can notice: the other machine has lost its power."""
    monkeypatch.setattr(app, "_PING_S", (3.0, 3.0))

    async def work(served: Served) -> None:
        async with line_to(served.port) as line:
            there = Served(served.manager, line.port)
            async with there.producer(session="s") as raw, served.viewer("s") as viewer:
                await raw.result()
                line.cut()
                await raw.frame()
                assert (await viewer.hear("event", kind="producer", name="left"))["data"] == {}
                ledger = (await viewer.hear("ended"))["ledger"]
                assert ledger["conserved"]
                assert ledger["captured"] == 1  # a frame that never arrived cannot be counted
                raw.connection.transport.abort()
            async with served.producer() as raw:  # its slot is free
                await raw.result()

    serve(work, resume_s=0.1, max_sessions=1)


# --- a viewer that stalls


def test_a_stalled_viewer_costs_no_memory_and_nobody_else_and_sees_the_newest_afterwards(tmp_path, monkeypatch):
    """``LIVEDANCE_STALL_S=60`` stalls for a minute; after 18 seconds the server closes the viewer's connection."""
    monkeypatch.setenv("LIVEDANCE_RUNTIME", str(tmp_path))

    def memory(server: LiveServer) -> int:
        return resources.resident_bytes(server.pid) - server.get("/sessions/s")["log_bytes"]

    async def main(server: LiveServer) -> None:
        async with LiveClient(server.url, server.token, session="s") as client:
            await client.wait_ready()
            async with (
                LiveClient(server.url, server.token, session="s", role="viewer") as awake,
                raw_viewer(server) as asleep,
            ):
                await stream_until(client, lambda: awake.results_received >= 300)
                asleep.transport.pause_reading()
                before, seen, over_s = memory(server), awake.results_received, now_s() + STALL_S
                await stream_until(client, lambda: awake.results_received >= seen + 300 and now_s() >= over_s)
                grown = memory(server) - before
                assert grown < 24 * 2**20, f"{grown / 2**20:.0f} MiB"
                asleep.transport.resume_reading()
                await sees(asleep, awake.latest.seq, server, client)
            await client.settle(WAIT_S)
            assert (await client.end(WAIT_S))["conserved"]

    with LiveServer.start(reuse=False, port=0, estimator="replay") as server:
        asyncio.run(main(server))


@asynccontextmanager
async def raw_viewer(server: LiveServer) -> AsyncIterator[ClientConnection]:
    """A viewer with a small receive buffer that answers no ping while it does not read."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))
    url = server.url.replace("http", "ws") + "/ws"
    async with connect(url, sock=narrow, max_queue=1, ping_interval=None, compression=None, close_timeout=1) as viewer:
        hello = {"type": "hello", "version": 2, "token": server.token, "role": "viewer", "session": "s"}
        await viewer.send(json.dumps(hello))
        try:
            yield viewer
        finally:
            viewer.transport.abort()


async def sees(viewer: ClientConnection, wanted: int, server: LiveServer, client: LiveClient) -> None:
    """Wait until a viewer has received result `wanted` or a later one, on a new connection if the old was closed."""
    try:
        async with asyncio.timeout(WAIT_S):
            while True:
                message = json.loads(await viewer.recv())
                if message["type"] == "result" and message["seq"] >= wanted:
                    return
    except ConnectionClosed:
        async with LiveClient(server.url, server.token, session="s", role="viewer") as again:
            await stream_until(client, lambda: again.latest is not None and again.latest.seq >= wanted)


# --- clocks that jump


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0], ids=["an hour ahead", "an hour back"])
def test_a_clients_clock_that_jumps_costs_a_few_frames_and_no_session(monkeypatch, jump_s):
    shift = [0.0]

    def shifted() -> float:
        return clock.now_s() + shift[0]

    monkeypatch.setattr(live_client, "now_s", shifted)
    monkeypatch.setattr(connection, "now_s", shifted)

    async def work(served: Served) -> None:
        async with LiveClient(served.url, TOKEN, session="s", pacing="free") as client:
            await client.wait_ready()
            await stream_until(client, lambda: client.results_received >= 30)
            shift[0] = jump_s
            before = client.results_received
            await stream_until(client, lambda: client.results_received >= before + 30)
            await client.settle(WAIT_S)
            ledger = await client.end(WAIT_S)
        assert ledger["conserved"]
        assert ledger["captured"] == client.credit.captured
        assert ledger["states"]["rejected"] < 20
        rows = served.manager.get("s").session.log.read("frames")[0].to_pylist()
        captured_s = [r["t_capture_s"] for r in rows if r["state"] == "processed"]
        assert captured_s == sorted(captured_s)  # time never runs backwards in the log
        late_s = [r["t_receive_s"] - r["t_capture_s"] for r in rows if r["state"] == "processed"]
        assert all(-60 < t < 60 for t in late_s)  # nor an hour ahead of the server

    serve(work)


def test_a_session_that_ended_meanwhile_is_said_to_who_wakes_up():
    async def work(served: Served) -> None:
        async with LiveClient(served.url, TOKEN, session="s") as client:
            await client.wait_ready()
            await stream_until(client, lambda: client.results_received >= 5)
            client.connection.socket.transport.abort()
            await served.until(lambda: served.manager.get("s").producer is None)
            await until(lambda: client.reconnections or client.failure)
            if client.failure is not None:
                assert isinstance(client.failure, ConnectionRefused)
                assert "has ended" in str(client.failure)

    serve(work, resume_s=0.0)


# --- a recording that is started too late


def test_a_recording_begun_when_the_session_has_ended_is_whole_and_closed(tmp_path):
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            for _ in range(5):
                await raw.result()
            await raw.end()
            status, state, _ = await served.http("POST", "/sessions/s/recording", {"path": "late"})
        assert status == 200
        assert state["rows"]["results"] == 5
        assert served.manager.get("s").recorder is None
        assert not [t.name for t in threading.enumerate() if t.name.startswith("recording")]
        recording = Recording.open(tmp_path / "late")
        assert recording.complete
        assert recording.ledger.conserved

    serve(work, record_root=tmp_path)
