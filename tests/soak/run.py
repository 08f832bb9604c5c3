"""Rounds of load on one server, and checks of ledgers, order, memory, threads and open files after each."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from livedance_lab import LiveServer
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.remote_log import RemoteLog
from livedance_lab.clock import now_s
from livedance_lab.estimators.replay import encode_estimate
from livedance_lab.settings import Settings
from tests.soak.load import Load, client_for, until_at_rest
from tests.support.pipeline import a_hand, a_pose

CLIP = Path(__file__).resolve().parents[2] / "data" / "samples" / "dancer.mp4"

MOST_GROWTH = 0.05
ENOUGH_S = 600.0  # growth of memory is judged in runs at least this long
# the event loop's own thread pool grows up to this size when more calls come at once than ever before
SPARE = {"threads": min(32, (os.cpu_count() or 1) + 4), "files": 3}


@dataclass
class Reading:
    """Measurements of a server without sessions, after a round."""

    clients: int
    t_s: float
    rss_mb: float
    log_mb: float
    """Memory of the logs of ended sessions, which the server keeps up to a limit: not counted as growth."""
    threads: int
    files: int
    cpu_s: float


@dataclass
class Report:
    """Results of a run."""

    readings: list[Reading] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    captured: int = 0
    conserved: int = 0
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return all results as numbers."""
        early, late = self._ends()
        return {
            "seconds": self.readings[-1].t_s if self.readings else 0.0,
            "rounds": len(self.readings),
            **self.done,
            "captured": self.captured,
            "sessions_conserved": self.conserved,
            "rss_mb": [_median(early, lambda r: r.rss_mb), _median(late, lambda r: r.rss_mb)],
            "rss_without_logs_growth": self.growth,
            "threads": [max(r.threads for r in early), max(r.threads for r in late)],
            "files": [max(r.files for r in early), max(r.files for r in late)],
            "cpu_share": self.readings[-1].cpu_s / self.readings[-1].t_s,
            "wrong": self.wrong,
        }

    @property
    def growth(self) -> float:
        """Growth of resident memory without the kept logs: the last third against the first third after warm-up."""
        early, late = (_median(part, lambda r: r.rss_mb - r.log_mb) for part in self._ends())
        return late / early - 1

    def judge(self) -> None:
        """Add what is wrong with the readings."""
        early, late = self._ends()
        for what, spare in SPARE.items():
            first, last = (max(getattr(r, what) for r in part) for part in (early, late))
            if last > first + spare:
                self.wrong.append(f"{what} grew from {first} to {last}")
        if self.readings[-1].t_s >= ENOUGH_S and self.growth > MOST_GROWTH:
            self.wrong.append(f"memory grew by {self.growth:.1%}")

    def _ends(self) -> tuple[list[Reading], list[Reading]]:
        """The first third of the readings after a quarter of warm-up, and the last third."""
        warm = self.readings[len(self.readings) // 4 :]
        third = max(1, len(warm) // 3)
        return warm[:third], warm[-third:]


def _median(readings: list[Reading], of: Callable[[Reading], float]) -> float:
    return statistics.median(of(r) for r in readings)


def soak(
    seconds: float,
    clients: tuple[int, ...] = (1, 4, 8),
    *,
    estimator: str = "replay",
    rate_hz: float = 30.0,
    round_s: float = 30.0,
    seed: int = 0,
    tell: Callable[[Reading], None] = lambda _: None,
) -> Report:
    """Start a server and put it under load.

    Parameters
    ----------
    seconds : float
        Least duration; at least one round runs with each number of clients.
    clients : tuple of int
        Clients at once, round by round.
    estimator : {"replay", "mediapipe"}
        Replay: frames are landmarks, so that hours of frames pass in minutes. MediaPipe: the models.
    rate_hz : float
        Frames offered per second and client.
    round_s : float
    seed : int
    tell : callable
        Called with each reading.
    """
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        options = {"estimator": estimator, "max_sessions": 3 * max(clients), "resume_s": 1, "record_root": folder}
        with LiveServer.start(reuse=False, port=0, **options) as server:
            load = Load(server, _images(estimator), rate_hz, Path(folder), random.Random(seed), wrong=report.wrong)
            asyncio.run(_rounds(load, report, seconds, clients, round_s, tell))
        report.done = dict(sorted(load.done.items()))
    report.judge()
    return report


def _images(estimator: str) -> list[bytes]:
    if estimator == "mediapipe":
        return EncodedClip.read(CLIP, Settings(), 10.0).images
    hands = (a_hand("left", 0.7, 0.5), a_hand("right", 0.3, 0.5))
    poses = [a_pose(0.002 * n, hands=hands[: n % 3]) for n in range(20)]
    return [encode_estimate(pose) for pose in poses]


async def _rounds(
    load: Load,
    report: Report,
    seconds: float,
    clients: tuple[int, ...],
    round_s: float,
    tell: Callable[[Reading], None],
) -> None:
    began_s = now_s()
    seen: set[str] = set()
    for number, n in enumerate(itertools.cycle(clients)):
        if number >= len(clients) and now_s() - began_s >= seconds:
            return
        until_s = now_s() + round_s
        await asyncio.gather(*(client_for(load, f"r{number}-c{i}", until_s) for i in range(n)))
        sessions = await until_at_rest(load)
        for session in sessions:
            if session["id"] not in seen:
                await asyncio.to_thread(_check_books, load, report, session)
        seen = {session["id"] for session in sessions}
        reading = _read(load.server, n, now_s() - began_s, sum(s["log_bytes"] for s in sessions))
        report.readings.append(reading)
        tell(reading)


def _check_books(load: Load, report: Report, session: dict[str, Any]) -> None:
    """Check an ended session: each frame once, results in order."""
    name, ledger = session["id"], session["ledger"]
    data = RemoteLog(load.server, name).data()
    frames, results = data.frames["seq"], data.seq
    report.captured += ledger["captured"]
    report.conserved += ledger["conserved"]
    if not ledger["conserved"]:
        report.wrong.append(f"{name}: not conserved: {ledger}")
    if sorted(frames) != list(range(ledger["captured"])):
        report.wrong.append(
            f"{name}: {ledger['captured']} frames captured, {len(frames)} rows, {frames.nunique()} different"
        )
    if any(b <= a for a, b in itertools.pairwise(results)):
        report.wrong.append(f"{name}: results are out of order")
    if len(results) != ledger["states"]["processed"]:
        report.wrong.append(f"{name}: {ledger['states']['processed']} processed, {len(results)} results")


def _read(server: LiveServer, clients: int, t_s: float, log_bytes: int) -> Reading:
    process = psutil.Process(server.pid)
    times = process.cpu_times()
    return Reading(clients, t_s, process.memory_info().rss / 2**20, log_bytes / 2**20, process.num_threads(),
                   process.num_fds(), times.user + times.system)  # fmt: skip


def line(reading: Reading) -> str:
    """A reading as one line."""
    return "  ".join(f"{name} {value:.6g}" for name, value in asdict(reading).items())
