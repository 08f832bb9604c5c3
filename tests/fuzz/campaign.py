"""A real server in its own process, many connections that send malformed messages, and one correct session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from livedance_lab.clock import now_s
from livedance_lab.errors import LiveDanceError
from livedance_lab.launcher.live_server import LiveServer
from tests.fuzz import mutations
from tests.support.servers import TOKEN, Raw, Served

__all__ = ["Report", "campaign"]

PATIENCE_S = 60.0  # much longer than a busy machine needs
WRONG_WORDS = ("Traceback", "CRITICAL", "never retrieved", "Fatal Python error", "Segmentation fault")
"""Words that a server's log contains only after an unhandled error."""


@dataclass
class Report:
    """Counts of what was sent and what was answered."""

    messages: int = 0
    frames: int = 0
    texts: int = 0
    http_requests: int = 0
    connections: int = 0
    closed_by_server: int = 0
    sessions: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    unhandled: list[str] = field(default_factory=list)
    honest: dict[str, Any] = field(default_factory=dict)
    rss_mb: list[float] = field(default_factory=list)
    logs_mb: float = 0.0
    duration_s: float = 0.0

    @property
    def held(self) -> bool:
        """Whether every invariant held."""
        honest = bool(self.honest.get("conserved")) and self.honest.get("processed") == self.honest.get("captured")
        return not self.lost and not self.unhandled and honest

    def words(self) -> str:
        """Return the report as text."""
        refused = sum(n for what, n in self.answers.items() if what.startswith(("error", "refused")))
        accepted = self.messages - refused - self.http_requests
        course = [self.rss_mb[n * (len(self.rss_mb) - 1) // 10] for n in range(11)] if self.rss_mb else []
        lines = {
            "messages": f"{self.messages} in {self.duration_s:.0f} s ({self.frames} frames, {self.texts} texts, "
                        f"{self.http_requests} HTTP requests)",
            "refused in words": f"{refused}",
            "taken or overtaken": f"{accepted}",
            "connections": f"{self.connections}, {self.closed_by_server} closed by the server",
            "sessions": f"{self.sessions}, {len(self.lost)} lost",
            "unhandled exceptions": f"{len(self.unhandled)}",
            "honest session": f"{self.honest}",
            "server memory, MB": f"{' '.join(f'{mb:.0f}' for mb in course)}; {self.logs_mb:.0f} of it logs",
            "answers": ", ".join(f"{what} {n}" for what, n in self.answers.most_common()),
            "HTTP answers": ", ".join(f"{what} {n}" for what, n in self.statuses.most_common()),
        }  # fmt: skip
        problems = [f"  ! {words}" for words in [*self.lost, *self.unhandled][:20]]
        return "\n".join([*(f"{name:<22}{text}" for name, text in lines.items()), *problems])


async def campaign(messages: int, *, seed: int = 0, connections: int = 6, folder: Path | None = None) -> Report:
    """Start a server and send it `messages` malformed messages.

    Parameters
    ----------
    messages : int
    seed : int
        Seed of the messages; their timing depends on the machine.
    connections : int
        Fuzzed sessions at once.
    folder : Path, optional
        Where the server writes its log; a temporary folder by default.
    """
    with tempfile.TemporaryDirectory() as made:
        place = folder or Path(made)
        async with _server(place, connections + 2) as (url, process):
            fuzz = _Campaign(messages, url, process)
            await fuzz.run(seed, connections)
        fuzz.report.unhandled += _surprises((place / "server.log").read_text(errors="replace"))
        if process.returncode not in (0, None):
            fuzz.report.unhandled.append(f"the server ended with {process.returncode}")
        fuzz.report.lost += [f"written outside the record root: {p}" for p in place.iterdir()
                             if p.name not in ("server.log", "server.json", "recordings")]  # fmt: skip
    return fuzz.report


@asynccontextmanager
async def _server(folder: Path, sessions: int) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    note, records = folder / "server.json", folder / "recordings"
    records.mkdir()
    command = [sys.executable, "-m", "livedance_lab", "serve", "--port", "0", "--estimator", "replay", "--token", TOKEN,
               "--max-sessions", str(sessions), "--record-root", str(records), "--note", str(note),
               "--resume-s", str(PATIENCE_S)]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not note.exists():
                    assert process.poll() is None, (folder / "server.log").read_text()
                    await asyncio.sleep(0.05)
            yield json.loads(note.read_text())["url"], process
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, PATIENCE_S)


@dataclass
class _Heard:
    """How many messages of one connection the server has processed."""

    said: Counter[type] = field(default_factory=Counter)
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)
    ping_s: float = 1e6
    ended: bool = False


class _Campaign:
    def __init__(self, messages: int, url: str, process: subprocess.Popen[bytes]) -> None:
        self.report = Report()
        self.left = messages
        self.url, self.port = url, int(url.rpartition(":")[2])
        self.server = LiveServer(url, TOKEN, process.pid)
        self.process = process

    async def run(self, seed: int, connections: int) -> None:
        began_s = now_s()
        done = asyncio.Event()
        honest, watch = asyncio.create_task(self.honest(done)), asyncio.create_task(self.watch(done))
        async with asyncio.TaskGroup() as group:
            for k in range(connections):
                group.create_task(self.fuzzed(k, random.Random(1000 * seed + k)))
            for k in range(2):
                group.create_task(self.http(k, random.Random(1000 * seed + 990 + k)))
        self.report.logs_mb = sum(session["log_bytes"] for session in await self._call("GET", "/sessions")) / 1e6
        done.set()
        await asyncio.gather(honest, watch)
        self.report.duration_s = now_s() - began_s

    # --- the correct client

    async def honest(self, done: asyncio.Event) -> None:
        """Send one frame after another, each after the answer to the last; every frame must be answered."""
        results = 0
        try:
            async with Served(None, self.port).producer(session="honest") as raw:  # type: ignore[arg-type]
                while not done.is_set():
                    await raw.result()
                    results += 1
                    raw.heard.clear()
                    await asyncio.sleep(0.03)
                ledger = await raw.end()
            states = ledger["states"]
            self.report.honest = {"captured": ledger["captured"], "processed": states["processed"], "results": results,
                                  "conserved": ledger["conserved"]}  # fmt: skip
        except (ConnectionClosed, TimeoutError) as exc:
            self.report.lost.append(f"the honest session after {results} results: {exc!r}")

    async def watch(self, done: asyncio.Event) -> None:
        """Read the server's memory every second, and notice if the server has ended."""
        while not done.is_set():
            with contextlib.suppress(psutil.Error):
                self.report.rss_mb.append(psutil.Process(self.process.pid).memory_info().rss / 1e6)
            if self.process.poll() is not None:
                self.report.unhandled.append(f"the server ended with {self.process.returncode}")
                self.left = 0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), 1.0)

    # --- the malformed messages

    async def fuzzed(self, k: int, rng: random.Random) -> None:
        """Run session after session, each over several connections."""
        number = 0
        while self.left > 0:
            name = f"fuzz-{k}-{number}"
            number += 1
            self.report.sessions += 1
            existed = ended = False
            for _ in range(rng.randrange(1, 6)):
                existed, ended = await self.connection(rng, name, existed), await self.over(name)
                if ended or self.left <= 0:
                    break
            await self.must_end(name)

    async def connection(self, rng: random.Random, name: str, existed: bool) -> bool:
        """Run one connection to a session; return whether the session now exists."""
        async with self._connect() as raw:
            if rng.random() < 0.1:  # a message before the hello: refused, closed
                await raw.connection.send(mutations.said_wrong(rng, 0, now_s()).encode(errors="replace"), text=True)
            try:
                welcome = await raw.hello(session=name)
            except (ConnectionClosed, TimeoutError, KeyError):
                self.report.closed_by_server += 1
                return existed
            if existed and not welcome["resumed"]:
                self.report.lost.append(f"{name} was not there any more")
            heard = _Heard()
            reader = asyncio.create_task(self._read(raw.connection, heard))
            try:
                await self._talk(rng, raw.connection, welcome["next_seq"], heard)
                await self._caught_up(raw.connection, heard)
            except ConnectionClosed:
                self.report.closed_by_server += 1
            except TimeoutError:
                self.report.lost.append(f"{name}: the server did not answer for {PATIENCE_S} s")
            if rng.random() < 0.3:
                raw.connection.transport.abort()  # without a close frame
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            return True

    async def _talk(self, rng: random.Random, connection: ClientConnection, seq: int, heard: _Heard) -> None:
        said: list[mutations.Said] = []
        for n in range(rng.randrange(200, 3000)):
            t_s = now_s() + 2.0 * n  # later than any time that a slightly damaged frame may have brought
            if n % 50 == 0:
                if self.left <= 0 or heard.ended:
                    return
                await self._caught_up(connection, heard)
            kind = rng.random()
            if kind < 0.5:
                said.append(mutations.frame(rng, seq, t_s))
                seq += 1
            elif kind < 0.94:
                said.append(mutations.said_wrong(rng, seq, t_s))
            elif kind < 0.98 and said:
                said.append(rng.choice(said))  # again, or out of order
            elif kind < 0.9992:
                said.append(rng.randbytes(rng.randrange(64)))
            elif kind < 0.9999:
                said.append(json.dumps({"type": "end", "captured": rng.choice([0, seq, seq + 100, 2**32])}))
            else:  # not even text: the connection is closed
                await connection.send(b'{"type": "mark\xff\xfe"}', text=True)
            await self._say(connection, said[-1] if said else b"", heard)
            del said[:-50]

    async def _say(self, connection: ClientConnection, said: mutations.Said, heard: _Heard) -> None:
        heard.said[type(said)] += 1
        await connection.send(
            said.encode(errors="replace") if isinstance(said, str) else said, text=isinstance(said, str)
        )

    async def _caught_up(self, connection: ClientConnection, heard: _Heard) -> None:
        """Wait until the server has processed everything; only then are the messages counted."""
        heard.caught_up.clear()
        heard.ping_s += 1.0
        await connection.send(json.dumps({"type": "ping", "t_s": heard.ping_s}))
        async with asyncio.timeout(PATIENCE_S):
            while not heard.caught_up.is_set():
                if connection.close_code is not None:
                    raise ConnectionClosed(None, None)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(heard.caught_up.wait(), 1.0)
        self.report.frames += heard.said[bytes]
        self.report.texts += heard.said[str]
        self.report.messages += heard.said.total()
        self.left -= heard.said.total()
        heard.said.clear()

    async def _read(self, connection: ClientConnection, heard: _Heard) -> None:
        """Count the answers, so that they do not pile up."""
        with contextlib.suppress(ConnectionClosed):
            async for answer in connection:
                told = orjson.loads(answer)
                if told["type"] == "pong" and told["t_s"] == heard.ping_s:
                    heard.caught_up.set()
                heard.ended |= told["type"] == "ended"
                code = f" {told['code']}" if "code" in told else ""
                self.report.answers[told["type"] + code] += 1
                if told.get("code") == "internal":
                    self.report.unhandled.append(f"internal error: {answer!r}"[:200])

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Raw]:
        self.report.connections += 1
        async with connect(f"ws://127.0.0.1:{self.port}/ws", compression=None, proxy=None, max_size=None,
                           close_timeout=5) as connection:  # fmt: skip
            yield Raw(connection)

    async def http(self, k: int, rng: random.Random) -> None:
        """Send request after request over bare sockets to one session; end the sessions that some requests create."""
        number = 0
        while self.left > 0:
            name = f"http-{k}-{number}"
            number += 1
            self.report.sessions += 1
            await self._call("POST", "/sessions", {"session": name})
            for _ in range(40):
                status = await self._request(mutations.http_request(rng, name, TOKEN))
                self.report.statuses[status] += 1
                self.report.messages += 1
                self.report.http_requests += 1
                self.left -= 1
            for session in await self._call("GET", "/sessions"):
                if not session["id"].startswith(("fuzz-", "honest", "http-")) and not session["ended"]:
                    await self._call("POST", f"/sessions/{session['id']}/end", {})
            await self.must_end(name)

    async def _request(self, request: bytes) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(PATIENCE_S):
                writer.write(request)
                first = asyncio.ensure_future(reader.readline())
                await asyncio.wait([first], timeout=0.2)
                writer.write_eof()  # the server may wait for more bytes than the request has
                status = (await first).split()
                while await reader.read(2**16):
                    pass
                return status[1].decode() if len(status) > 1 else "closed"
        except TimeoutError:
            self.report.unhandled.append(f"no answer to {request[:300]!r}")
            return "none"
        except OSError:
            return "closed"
        finally:
            writer.transport.abort()

    # --- the invariants

    async def over(self, name: str) -> bool:
        """Whether a session has ended, or is just ending."""
        summary = await self._call("GET", f"/sessions/{name}")
        return bool(summary is None or summary["ended"])

    async def must_end(self, name: str) -> None:
        """End a session; every frame of it must have ended in one state."""
        if await self._call("GET", f"/sessions/{name}") is None:
            return  # no hello of it was accepted
        await self._call("POST", f"/sessions/{name}/end", {})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not await self.over(name):
                    await asyncio.sleep(0.05)
        summary = await self._call("GET", f"/sessions/{name}")
        if not (summary and summary["ended"] and summary["ledger"]["conserved"]):
            self.report.lost.append(f"{name}: {summary and (summary['ended'], summary['ledger'])}")

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Make an HTTP call; return None if the server refuses it."""
        try:
            said, _ = await asyncio.to_thread(self.server.call, method, path, body, PATIENCE_S)
        except LiveDanceError as exc:
            if "no session" not in str(exc) and "seq" not in str(exc):
                self.report.answers[f"http {exc}"[:120]] += 1
            return None if path != "/sessions" else []
        return json.loads(said)


def _surprises(log: str) -> list[str]:
    lines = log.splitlines()
    return [" | ".join(lines[max(0, n - 1) : n + 12])[:1500] for n, line in enumerate(lines)
            if any(word in line for word in WRONG_WORDS)]  # fmt: skip
