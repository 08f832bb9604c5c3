"""Measures several cameras on one server, and compares throughput with the models alone."""

from __future__ import annotations

import threading
from pathlib import Path
from statistics import fmean, median
from typing import Any

from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.session import LiveSession
from livedance_lab.clock import now_s
from livedance_lab.estimators.base import factory
from livedance_lab.launcher import LiveServer
from livedance_lab.media.images import ImageArray, decode_rgb
from livedance_lab.session_data.summary import conserved, summarise
from livedance_lab.settings import Settings
from livedance_lab.system.resources import core_count, resident_bytes

__all__ = ["clients_table", "many_clients", "one_and_many", "raw_bound"]


def raw_bound(source: Path, landmarkers: int | None = None, seconds: float = 4.0) -> float:
    """Poses per second of landmarkers alone, one thread each, on decoded images: an upper bound for any server.

    Parameters
    ----------
    source : Path
        Video file.
    landmarkers : int, optional
        One per core if not given.
    seconds : float
        Duration of the measurement, after a second of warm-up.
    """
    clip = EncodedClip.read(source, Settings(), 3.0)
    images = [decode_rgb(image) for image in clip.images]
    counts: list[int] = []
    threads = [threading.Thread(target=_count_poses, args=(images, seconds, counts))
               for _ in range(landmarkers or core_count())]  # fmt: skip
    _run_all(threads)
    return sum(counts) / seconds


def _run_all(threads: list[threading.Thread]) -> None:
    """Start all threads, and wait until they have ended."""
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _count_poses(images: list[ImageArray], seconds: float, counts: list[int]) -> None:
    """Add the number of poses in `seconds` to `counts`."""
    estimator = factory("mediapipe")("pose", Settings())
    n, begun_s, warm_n = 0, now_s(), 0
    while now_s() < begun_s + 1.0 + seconds:
        estimator.estimate(images[n % len(images)], n * 17)
        n += 1
        if now_s() < begun_s + 1.0:
            warm_n = n
    counts.append(n - warm_n)
    estimator.close()


def many_clients(source: Path, clients: int, *, seconds: float = 6.0, fps: float = 60.0) -> dict[str, Any]:
    """Measure several producers on one server, each with its own session.

    Returns
    -------
    dict
        ``results_per_s`` of each session and ``total_per_s``, ``fairness`` (slowest over mean), ``hands_per_s``,
        ``age_p50_ms`` and ``newest_age_ms`` of each, ``rss_mb`` of the server.

    Raises
    ------
    LiveDanceError
        If a ledger does not add up.
    """
    clip = EncodedClip.read(source, Settings(), seconds)
    with LiveServer.start(reuse=False, port=0, max_sessions=clients) as server:
        sessions = [LiveSession.open(server) for _ in range(clients)]
        resident: list[int] = []  # while it works, because the landmarkers are freed at the end
        how = {"seconds": seconds, "fps": fps, "end": True,
               "tick": lambda _client: resident.append(resident_bytes(server.pid))}  # fmt: skip
        threads = [threading.Thread(target=session.stream, args=(clip,), kwargs=how) for session in sessions]
        _run_all(threads)
        numbers = [summarise(conserved(session.data(), session.id)) for session in sessions]
        for session in sessions:
            session.close()
    rates = [n["results_per_s"] for n in numbers]
    return {
        "clients": clients,
        "results_per_s": rates,
        "total_per_s": sum(rates),
        "fairness": min(rates) / (sum(rates) / clients),
        "age_p50_ms": [n["age_ms"]["p50"] for n in numbers],
        "newest_age_ms": [n["newest_age_ms"] for n in numbers],
        "hands_per_s": [n["hands_per_s"] for n in numbers],
        "rss_mb": max(resident) / 2**20,
    }


def one_and_many(source: Path, clients: int, *, rounds: int, seconds: float, fps: float) -> list[dict[str, Any]]:
    """`many_clients` for one camera and for several, alternately; the results in this order."""
    return [many_clients(source, n, seconds=seconds, fps=fps) for _ in range(rounds) for n in (1, clients)]


def clients_table(measured: list[dict[str, Any]]) -> str:
    """Markdown table: one row per number of cameras, medians over the rounds; ratios are formed round by round."""
    lines = ["| cameras | results/s in all | to one camera | slowest/mean | hands/s in all | age p50 ms "
             "| newest's age ms | server MB |", "|" + "---:|" * 8]  # fmt: skip
    for runs in (measured[::2], measured[1::2]):
        shares = [run["total_per_s"] / one["total_per_s"] for run, one in zip(runs, measured[::2], strict=True)]
        hands, age, newest = (median(fmean(run[name]) for run in runs)
                              for name in ("hands_per_s", "age_p50_ms", "newest_age_ms"))  # fmt: skip
        lines.append(
            f"| {runs[0]['clients']} | {median(run['total_per_s'] for run in runs):.1f} | ×{median(shares):.2f} "
            f"| {median(run['fairness'] for run in runs):.2f} | {hands * runs[0]['clients']:.1f} | {age:.1f} "
            f"| {newest:.1f} | {median(run['rss_mb'] for run in runs):.0f} |"
        )
    return "\n".join(lines)
