"""Processes that die, full disks, taken ports, damaged models: what is promised then, with conserved ledgers."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from livedance_lab import LiveServer, LiveSession, Recording
from livedance_lab.client import handshake
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.live_client import LiveClient
from livedance_lab.errors import ServerError
from livedance_lab.estimators import model_store
from livedance_lab.launcher.live_server import find_servers
from livedance_lab.server.app import _MAX_PORTS_TRIED
from livedance_lab.settings import Settings
from tests.support.pipeline import LANDMARKS, SIZE

resource = pytest.importorskip("resource")  # and the signals: not on Windows

WAIT_S = 60.0
CLIP = Path(__file__).resolve().parents[2] / "data" / "samples" / "dancer.mp4"


@pytest.fixture(autouse=True)
def own_notes(tmp_path, monkeypatch):
    """These tests and others do not find each other's servers."""
    monkeypatch.setenv("LIVEDANCE_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr(handshake, "_BACK_OFF_S", (0.05, 0.2))


@pytest.fixture
def server(tmp_path) -> Iterator[LiveServer]:
    with LiveServer.start(reuse=False, port=0, estimator="replay", record_root=tmp_path) as started:
        yield started


async def until(true) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.02)


async def stream_until(client: LiveClient, true) -> None:
    """Send frames until a condition holds."""
    async with asyncio.timeout(WAIT_S):
        while not true():
            await client.send(LANDMARKS, SIZE)
            await asyncio.sleep(0.005)


# --- native code crashes


def crash_and_go_on(server: LiveServer, folder: Path) -> dict[str, object]:
    """A client streams, is recorded and has changed a setting; then the server's native code crashes."""

    async def main() -> dict[str, object]:
        settings = {"hands": False}
        async with LiveClient(
            server.url, server.token, session="take", settings=settings, retry_for_s=WAIT_S
        ) as client:
            await client.wait_ready()
            await client.change_settings(visibility_threshold=0.25)
            await stream_until(client, lambda: client.results_received >= 100)
            before, pid = client.results_received, server.pid
            os.kill(pid, signal.SIGSEGV)  # as the kernel does after an invalid memory access
            await stream_until(client, lambda: client.results_received >= before + 20 and client.reconnections)
            assert server.pid != pid
            assert client.settings["hands"] is False
            assert client.settings["visibility_threshold"] == 0.25
            await client.settle(WAIT_S)
            return await client.end(WAIT_S)

    with LiveSession.open(server, "take") as session:
        session.record(folder)
        return asyncio.run(main())


def test_a_server_whose_native_code_crashes_is_started_again_and_its_client_goes_on(server, tmp_path, caplog):
    url, token = server.url, server.token
    ledger = crash_and_go_on(server, tmp_path / "take")

    assert ledger["conserved"]
    assert (server.url, server.token) == (url, token)
    (said,) = server.crashes
    assert "crashed (SIGSEGV). It is restarted." in said
    assert said in caplog.text
    with LiveSession.attach(server, "take") as session:
        events = session.events
        assert said in events.loc[events["name"] == "server restarted", "data"].iloc[0]["reason"]
    assert "Segmentation fault" in server.log_path.read_text()  # with the place where it happened
    recording = Recording.open(tmp_path / "take")
    assert min(recording.ledger.missing_seqs, default=recording.ledger.captured) > 1
    assert not recording.complete
    pid = server.pid
    server.stop()
    assert not psutil.pid_exists(pid)
    assert len(server.crashes) == 1  # stopping is no crash


def test_a_server_that_crashes_again_and_again_is_not_started_for_ever(server):
    for n in range(1, 5):
        os.kill(server.pid, signal.SIGSEGV)
        asyncio.run(until(lambda n=n: len(server.crashes) == n))
        if n < 4:
            asyncio.run(until(server.alive))
    assert "crashed too often" in server.crashes[-1]
    assert not server.alive()
    with pytest.raises(ServerError, match="no server answers"):
        server.get("/sessions")


def test_a_session_recorded_by_the_server_is_recorded_beside_the_first_after_a_crash(tmp_path):
    """The session's name occurs twice, and nothing is overwritten."""

    async def stream(server: LiveServer) -> None:
        async with LiveClient(server.url, server.token, session="take", retry_for_s=WAIT_S) as client:
            await client.wait_ready()
            await stream_until(client, lambda: client.results_received >= 30)
            os.kill(server.pid, signal.SIGSEGV)
            await stream_until(client, lambda: client.reconnections and client.results_received >= 60)
            await client.settle(WAIT_S)
            assert (await client.end(WAIT_S))["conserved"]

    with LiveServer.start(reuse=False, port=0, estimator="replay", record=tmp_path / "all") as server:
        assert server.record_dir == tmp_path / "all"
        assert f"records to {server.record_dir}" in repr(server)
        asyncio.run(stream(server))
    assert not Recording.open(tmp_path / "all" / "take").complete
    assert Recording.open(tmp_path / "all" / "take-2").ledger.conserved


# --- the kernel dies

KERNEL = """
import sys, time
from livedance_lab import LiveServer, LiveSession
from livedance_lab.client.clip_source import EncodedClip

server = LiveServer.start(reuse=False, port=0, estimator="replay", resume_s=600)
session = LiveSession.open(server, "take", hands=False)
session.mark("begin")
with open(sys.argv[1], "rb") as file:
    clip = EncodedClip([file.read()], (640, 480), 100.0, "landmarks")
told = []
def tick(client):
    if client.results_received >= 20 and not told:
        told.append(print("streaming", flush=True))
session.stream(clip, seconds=1e6, tick=tick)
"""


def test_a_killed_kernel_leaves_server_and_session_to_be_taken_up_again(tmp_path):
    image = tmp_path / "frame.png"
    image.write_bytes(LANDMARKS)
    with subprocess.Popen([sys.executable, "-c", KERNEL, image], stdout=subprocess.PIPE, text=True) as kernel:
        assert kernel.stdout.readline() == "streaming\n"
        kernel.kill()
    (server,) = find_servers()
    try:
        with LiveSession.attach(server) as session:
            assert session.id == "take"
            assert session.settings.hands is False
            assert "begin" in set(session.events["name"])
            assert len(session.angles) >= 20
            before = session.latest
            clip = EncodedClip([LANDMARKS], SIZE, 100.0, "landmarks")
            session.stream(clip, seconds=0.3, end=True)  # the slot of the killed producer is free
            asyncio.run(until(lambda: session.latest is not before))
            assert session.ledger.conserved
            assert session.frames["seq"].is_unique
    finally:
        os.kill(server.pid, signal.SIGTERM)
        asyncio.run(until(lambda: not find_servers()))


# --- the disk is full


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process can be set on Linux only")
def test_a_full_disk_ends_the_recording_and_nothing_else(server, tmp_path):
    async def main() -> None:
        async with LiveClient(server.url, server.token, session="take") as client:
            await client.wait_ready()
            with LiveSession.attach(server, "take") as session:
                await asyncio.to_thread(session.record, tmp_path / "take")
                await stream_until(client, lambda: client.results_received >= 30)
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
                await stream_until(client, lambda: "recording stopped" in set(session.events["name"]))
                before = client.results_received
                await stream_until(client, lambda: client.results_received >= before + 30)
                await client.settle(WAIT_S)
                assert (await client.end(WAIT_S))["conserved"]
                events = session.events
                said = events.loc[events["name"] == "recording stopped", "data"].iloc[0]["reason"]
                assert "file too large" in said
                assert "What was written so far stays readable" in said

    asyncio.run(asyncio.wait_for(main(), 3 * WAIT_S))
    recording = Recording.open(tmp_path / "take")
    assert len(recording.seq) > 0
    assert min(recording.ledger.missing_seqs, default=recording.ledger.captured) > 1


# --- ports


def hold_ports(stack: ExitStack, how_many: int) -> int:
    """Take a number of consecutive ports; return the first."""
    for first in range(20_000, 60_000, how_many):
        with ExitStack() as these:
            try:
                for port in range(first, first + how_many):
                    taken = these.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", port))
                    taken.listen()
            except OSError:  # another process has it and may free it at any moment
                continue
            stack.push(these.pop_all())
            return first
    raise AssertionError("no ports are free")


def test_twenty_taken_ports_are_said_in_words():
    with ExitStack() as stack:
        first = hold_ports(stack, _MAX_PORTS_TRIED)
        with pytest.raises(ServerError, match=rf"ports {first} to {first + _MAX_PORTS_TRIED - 1} are taken.*--port"):
            LiveServer.start(reuse=False, port=first, estimator="replay")


# --- a model is damaged on disk


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """A copy of the models, to be damaged."""
    model_store.ensure("pose")
    model_store.ensure("hands")
    copy = tmp_path / "models"
    shutil.copytree(model_store.folder(), copy)
    monkeypatch.setenv("LIVEDANCE_MODELS", str(copy))
    return copy


def damage(path: Path) -> None:
    """Flip one bit in the middle, as a failing disk does."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_model_is_made_again_before_anybody_connects(models):
    for bundle in models.glob("*.task"):
        damage(bundle)
    assert {s.state for s in model_store.verify() if s.model.from_wheel} == {"broken"}
    with LiveServer.start(reuse=False, port=0) as server, LiveSession.open(server, hands=False) as session:
        session.stream(EncodedClip.read(CLIP, Settings(), 0.5), end=True)
        assert session.ledger.conserved
        assert session.angles.notna().to_numpy().any()
    assert {s.state for s in model_store.verify() if s.model.from_wheel} == {"ok"}


def test_a_model_damaged_beyond_repair_without_a_network_is_said_in_words(models, monkeypatch):
    for file in (*models.glob("*.task"), *models.glob("parts/*.tflite")):
        damage(file)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ServerError, match=r"(?s)cannot be fetched.*livedance models fetch"):
        LiveServer.start(reuse=False, port=0)
