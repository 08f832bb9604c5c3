"""How many cameras one machine serves, and how near the raw speed of the models it comes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from livedance_lab.client.feed import EncodedClip
from livedance_lab.client.session import LiveSession
from livedance_lab.clock import now_s
from livedance_lab.estimators.base import factory
from livedance_lab.imaging import ImageArray, decode_rgb
from livedance_lab.metrics.usage import resident_bytes
from livedance_lab.pipeline.scheduler import core_count
from livedance_lab.runs.summary import summarise
from livedance_lab.server import LiveServer
from livedance_lab.settings import Settings

__all__ = ["many_clients", "raw_bound"]


def raw_bound(source: Path, landmarkers: int | None = None, seconds: float = 4.0) -> float:
    """Poses per second of bare landmarkers, one thread each, on decoded pictures: no server can do better.

    Parameters
    ----------
    source : Path
        Video file.
    landmarkers : int, optional
        As many as cores if not given.
    seconds : float
        How long is measured, after a second of warming up.
    """
    clip = EncodedClip.read(source, Settings(), 3.0)
    pictures = [decode_rgb(image) for image in clip.images]
    counts: list[int] = []
    threads = [threading.Thread(target=_run_bare, args=(pictures, seconds, counts))
               for _ in range(landmarkers or core_count())]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _run_bare(pictures: list[ImageArray], seconds: float, counts: list[int]) -> None:
    estimator = factory("mediapipe")("pose", Settings())
    n, begun_s, warm_n = 0, now_s(), 0
    while now_s() < begun_s + 1.0 + seconds:
        estimator.estimate(pictures[n % len(pictures)], n * 17)
        n += 1
        if now_s() < begun_s + 1.0:
            warm_n = n
    counts.append(n - warm_n)
    estimator.close()


def many_clients(source: Path, clients: int, *, seconds: float = 6.0, fps: float = 60.0) -> dict[str, Any]:
    """Several producers on one server, each with its own session.

    Returns
    -------
    dict
        ``results_per_s`` of each session and in all, ``fairness`` (slowest over mean), ``age_p50_ms`` of each,
        ``conserved`` (every ledger), ``rss_mb`` of the server.
    """
    clip = EncodedClip.read(source, Settings(), seconds)
    with LiveServer.start(reuse=False, port=0, max_sessions=clients) as server:
        sessions = [LiveSession.open(server) for _ in range(clients)]
        how = {"seconds": seconds, "fps": fps, "end": True}
        threads = [threading.Thread(target=session.stream, args=(clip,), kwargs=how) for session in sessions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rss = resident_bytes(server.pid)
        numbers = [summarise(session.data()) for session in sessions]
        for session in sessions:
            session.close()
    rates = [n["results_per_s"] for n in numbers]
    return {
        "clients": clients,
        "results_per_s": rates,
        "total_per_s": sum(rates),
        "fairness": min(rates) / (sum(rates) / clients),
        "age_p50_ms": [n["age_ms"]["p50"] for n in numbers],
        "conserved": all(n["conserved"] for n in numbers),
        "rss_mb": rss / 2**20,
    }
