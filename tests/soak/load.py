"""Simulated clients: they pace differently, disconnect, return, stall, change settings, record, send garbage."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from livedance_lab import LiveServer, Recording
from livedance_lab.client.live_client import LiveClient
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionLost, LiveDanceError, ServerError
from livedance_lab.wire.messages import encode_json

SIZE = (640, 480)
WAIT_S = 60.0  # much longer than a busy machine needs

_CHANGES: tuple[dict[str, Any], ...] = (
    {"smoothing": {"filter": "ema", "params": {"alpha": 0.5}}},
    {"smoothing": {"filter": "one_euro"}},
    {"hands": False},
    {"hands": True},
    {"design": "sequential"},
    {"design": "join"},
    {"design": "decoupled"},
    {"design": "auto"},
    {"priority": "pose_first"},
)


@dataclass
class Load:
    """The state that all clients share.

    Attributes
    ----------
    server : LiveServer
    images : list of bytes
        Sent in turn.
    rate_hz : float
        Frames offered per second and client.
    folder : Path
        For recordings; below the server's record root.
    chance : random.Random
    done : Counter
        Counts what happened.
    wrong : list of str
        Lists what happened and must not.
    """

    server: LiveServer
    images: list[bytes]
    rate_hz: float
    folder: Path
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None) -> bytes:
        """Make an HTTP call without blocking the other clients."""
        return (await asyncio.to_thread(self.server.call, method, path, body, WAIT_S))[0]


async def client_for(load: Load, name: str, until_s: float) -> None:
    """Run one session after another until the time is over."""
    number = 0
    while now_s() < until_s:
        try:
            async with asyncio.timeout(4 * WAIT_S + (until_s - now_s())):
                await _take(load, f"{name}-{number}", until_s)
        except (LiveDanceError, TimeoutError, AssertionError) as exc:
            load.wrong.append(f"{name}-{number}: {type(exc).__name__}: {exc}")
        number += 1


async def _take(load: Load, name: str, until_s: float) -> None:
    """Run one session; it ends by a message, or because its client stays away."""
    chance = load.chance
    pacing = chance.choice(["auto", "paced", "free"])
    over_s = min(until_s, now_s() + chance.uniform(2.0, 12.0))
    async with LiveClient(load.server.url, load.server.token, session=name, pacing=pacing) as client:
        await client.wait_ready(WAIT_S)
        beside = [asyncio.create_task(_watch(load, name)), asyncio.create_task(_disturb(load, client, name))]
        if chance.random() < 0.5:
            beside.append(asyncio.create_task(_stall(load, name)))
        try:
            await _send_until(load, client, over_s)
        finally:
            for task in beside:
                task.cancel()
            for outcome in await asyncio.gather(*beside, return_exceptions=True):
                if isinstance(outcome, Exception):
                    load.wrong.append(f"{name}: {type(outcome).__name__}: {outcome}")
        load.done["sessions"] += 1
        load.done["frames"] += client.credit.captured
        load.done["results"] += client.results_received
        if chance.random() < 0.25:
            load.done["left without an end"] += 1
            return
        ledger = await client.end(WAIT_S)
        if not ledger["conserved"] or ledger["captured"] != client.credit.captured:
            load.wrong.append(f"{name}: {client.credit.captured} frames captured, but {ledger}")


async def _send_until(load: Load, client: LiveClient, over_s: float) -> None:
    """Send frames at the load's rate with uneven intervals; one in a hundred is no picture."""
    number = 0
    while now_s() < over_s:
        broken = load.chance.random() < 0.01
        load.done["broken pictures"] += broken
        await client.send(b"no picture" if broken else load.images[number % len(load.images)], SIZE)
        number += 1
        await asyncio.sleep(load.chance.uniform(0.5, 1.5) / load.rate_hz)


async def _disturb(load: Load, client: LiveClient, name: str) -> None:
    """Do at random what may happen to a running session."""
    acts: tuple[tuple[str, Callable[[Load, LiveClient, str], Awaitable[None]]], ...] = (
        ("disconnects", _disconnect), ("settings", _tune), ("recordings", _record))  # fmt: skip
    while True:
        await asyncio.sleep(load.chance.uniform(0.5, 4.0))
        what, act = load.chance.choice(acts)
        await act(load, client, name)
        load.done[what] += 1


async def _disconnect(load: Load, client: LiveClient, name: str) -> None:
    """Break the connection; the client reconnects by itself."""
    if client.connection.socket is not None:
        client.connection.socket.transport.abort()


async def _tune(load: Load, client: LiveClient, name: str) -> None:
    await client.change_settings(**load.chance.choice(_CHANGES))


async def _record(load: Load, client: LiveClient, name: str) -> None:
    """Start and stop a recording during the session, and check that it can be read."""
    folder = load.folder / f"{name}-{load.done['recordings']}"
    await load.call("POST", f"/sessions/{name}/recording", {"path": str(folder)})
    try:
        await asyncio.sleep(load.chance.uniform(0.2, 2.0))
    finally:
        await asyncio.shield(_stop_recording(load, name))
    recording = await asyncio.to_thread(Recording.open, folder)
    if not recording.complete:
        load.wrong.append(f"{name}: recording {folder.name} is not complete: {recording.missing}")
    shutil.rmtree(folder)


async def _stop_recording(load: Load, name: str) -> None:
    with contextlib.suppress(ServerError):  # closed already, because its session has ended meanwhile
        await load.call("DELETE", f"/sessions/{name}/recording")


async def _watch(load: Load, name: str) -> None:
    """View the session, and check that results come in order."""
    last = -1
    async with LiveClient(load.server.url, load.server.token, session=name, role="viewer") as viewer:
        async for result in viewer.results():
            if result.seq <= last:
                load.wrong.append(f"{name}: result {result.seq} came after {last}")
            last = result.seq


async def _stall(load: Load, name: str) -> None:
    """View the session with a small receive buffer and stop reading for some seconds; then continue or leave."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    host, port = load.server.url.removeprefix("http://").split(":")
    await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
    async with connect(f"ws://{host}:{port}/ws", sock=narrow, compression=None, proxy=None, max_queue=1) as viewer:
        try:
            hello = {"type": "hello", "version": 2, "token": load.server.token, "role": "viewer", "session": name}
            await viewer.send(encode_json(hello))
            viewer.transport.pause_reading()
            load.done["stalled viewers"] += 1
            await asyncio.sleep(load.chance.uniform(1.0, 8.0))
            viewer.transport.resume_reading()
            await viewer.recv()
        finally:
            viewer.transport.abort()  # a regular close would wait for the unread data


async def until_at_rest(load: Load) -> list[dict[str, Any]]:
    """Wait until every session has ended and freed its estimators; return their summaries."""
    give_up_s = now_s() + WAIT_S
    while True:
        sessions: list[dict[str, Any]] = await asyncio.to_thread(load.server.get, "/sessions")
        restless = [s for s in sessions if not s["ended"] or s["running"] or s["viewers"]]
        if not restless:
            return sessions
        if now_s() > give_up_s:
            raise ConnectionLost(f"these sessions do not end: {restless}")
        await asyncio.sleep(0.1)
