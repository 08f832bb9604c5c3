"""The benchmark: designs side by side, interleaved round by round, against the original's recipe in one run.

Every measurement starts a server process of its own and streams the same pictures through a real socket.
Machines drift, so that only what was measured in the same run is compared: rounds are interleaved, the table
shows medians, and speed is a ratio to the first design.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.session import LiveSession
from livedance_lab.estimators.base import Estimate
from livedance_lab.estimators.replay import encode_estimate
from livedance_lab.launcher import LiveServer
from livedance_lab.session_data.summary import conserved, summarise
from livedance_lab.settings import Settings
from livedance_lab.system.resources import cpu_s, resident_bytes

__all__ = ["COLUMNS", "DESIGNS", "Design", "bench", "ratios"]


@dataclass(frozen=True)
class Design:
    """One way to run, to be compared.

    Attributes
    ----------
    name : str
    words : str
        What it is, for the table's notes.
    settings : dict
        Changes to the default settings.
    pacing : str
    legacy : bool
        Base64 in JSON, pictures at the camera's size, as the original demo sends them.
    server : dict
        Options of ``livedance serve``.
    offered : float
        Frames offered, times the benchmark's rate.
    """

    name: str
    words: str
    settings: dict[str, Any] = field(default_factory=dict)
    pacing: str = "free"
    legacy: bool = False
    server: dict[str, Any] = field(default_factory=dict)
    offered: float = 1.0


_FULL_SIZE: dict[str, Any] = {"short_side_px": 2160, "jpeg_quality": 0.8}  # the demo's: as the camera gave it

DESIGNS = {
    design.name: design
    for design in (
        Design("original", "base64 JSON, full-size pictures, MediaPipe's own networks, pose then hands",
               {"design": "sequential", **_FULL_SIZE, "hand_confidence": 0.5, "hands_crop": "none"},
               legacy=True, server={"estimator": "mediapipe_published"}),
        Design("sequential", "binary, 384 px, pose then hands", {"design": "sequential"}),
        Design("join", "pose and hands of one frame side by side", {"design": "join"}),
        Design("live_stream", "MediaPipe's own LIVE_STREAM mode", {"design": "live_stream"}),
        Design("decoupled", "one pose lane, hands at their own rate", {"design": "decoupled"}),
        Design("decoupled-paced", "the same, one unanswered frame at most", {"design": "decoupled"}, "paced"),
        Design("lanes", "pose lanes alternate frames", {"design": "lanes"}),
        Design("lanes-paced", "the same, as many unanswered frames as lanes", {"design": "lanes"}, "paced"),
        Design("auto", "the default", {}, "auto"),
        Design("whole-picture", "the default, hands looked for in all of the picture", {"hands_crop": "none"}, "auto"),
        Design("original-pose", "the original's recipe without hands",
               {"design": "sequential", **_FULL_SIZE, "hands": False}, legacy=True,
               server={"estimator": "mediapipe_published"}),
        Design("auto-pose", "the default without hands", {"hands": False}, "auto"),
        Design("saturated-pose", "pose lanes only, three times the frames offered", {"hands": False}, offered=3.0),
        Design("fifo", "decoupled behind a queue of 5", {"design": "decoupled"}, server={"queue": "fifo"}),
        Design("keep-oldest", "decoupled behind a queue of 1 that refuses when full", {"design": "decoupled"},
               server={"queue": "keep-oldest"}),
        Design("no-inference", "landmarks sent instead of pictures: the server's own cost",
               {"design": "sequential"}, server={"estimator": "replay"}),
    )
}  # fmt: skip

COLUMNS = {
    "results_per_s": "results/s",
    "hands_per_s": "hands/s",
    "hands_per_look": "hands at wrists/look",
    "hands_look_ms": "ms/look",
    "age_p50_ms": "age p50 ms",
    "age_p95_ms": "age p95 ms",
    "age_p99_ms": "age p99 ms",
    "newest_age_ms": "newest's age ms",
    "dropped_share": "not processed",
    "late_share": "late",
    "cpu_cores": "server cores",
    "rss_mb": "server MB",
    "bytes_up_per_frame": "bytes up/frame",
}
"""Measured values and their headings. Age is capture to emission; "newest's age" its average over time."""


def bench(
    names: list[str],
    source: Path,
    *,
    rounds: int = 3,
    seconds: float = 6.0,
    fps: float = 60.0,
    progress: Callable[[int, int, str], None] = lambda _done, _all, _name: None,
) -> dict[str, list[dict[str, float]]]:
    """Measure designs in interleaved rounds.

    Parameters
    ----------
    names : list of str
        Of `DESIGNS`; ratios refer to the first.
    source : Path
        Video file.
    rounds : int
    seconds : float
        Per measurement.
    fps : float
        Frames offered per second.
    progress : callable, optional
        Told measurements done, all, and the name of the next.

    Returns
    -------
    dict of str to list of dict
        Per design, one row of `COLUMNS` per round.
    """
    clips = {kind: _clip(kind, source, seconds) for kind in {_kind(DESIGNS[name]) for name in names}}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    done = 0
    for number in range(rounds):
        # the order turns round by round, so that no design always runs first on a rested machine
        for name in names[number % len(names) :] + names[: number % len(names)]:
            progress(done, rounds * len(names), name)
            design = DESIGNS[name]
            rows[name].append(measure(design, clips[_kind(design)], seconds, fps))
            done += 1
    progress(done, rounds * len(names), "")
    return rows


def _kind(design: Design) -> str:
    if design.server.get("estimator") == "replay":
        return "landmarks"
    return "full" if design.legacy else "small"


def _clip(kind: str, source: Path, seconds: float) -> EncodedClip:
    """What a design sends: full-size pictures, small ones, or one body's landmarks over and over."""
    if kind == "landmarks":
        still = np.full((33, 3), 0.5, np.float32)
        sure = np.ones(33, np.float32)
        image = encode_estimate(Estimate(pose_xyz=still, pose_world_m=still, visibility=sure, presence=sure))
        return EncodedClip([image], (480, 640), 60.0, "landmarks")
    return EncodedClip.read(source, Settings(**_FULL_SIZE) if kind == "full" else Settings(), seconds)


def measure(design: Design, clip: EncodedClip, seconds: float, fps: float) -> dict[str, float]:
    """One stream through a fresh server: a value for each of `COLUMNS`.

    Raises
    ------
    LiveDanceError
        If the run's ledger does not add up.
    """
    with (
        LiveServer.start(reuse=False, port=0, **design.server) as server,
        LiveSession.open(server, **design.settings) as session,
    ):
        how: dict[str, Any] = {"fps": fps * design.offered, "pacing": design.pacing, "legacy": design.legacy}
        session.stream(clip, seconds=1.0, **how)
        warm_frames, before_s = session.summary["ledger"]["captured"], cpu_s(server.pid)
        resident: list[int] = []  # while it works: after the end its landmarkers are freed
        how["tick"] = lambda _client: resident.append(resident_bytes(server.pid))
        session.stream(clip, seconds=seconds, end=True, **how)
        used_s = cpu_s(server.pid) - before_s
        numbers = summarise(conserved(session.data(), design.name), warm_frames)
    captured = max(numbers["captured"], 1)
    return {
        "results_per_s": numbers["results_per_s"],
        "hands_per_s": numbers["hands_per_s"],
        "hands_per_look": _known(numbers["hands"].get("at_wrists_per_inference")),
        "hands_look_ms": _known(numbers["hands"].get("ms_per_inference")),
        **{f"age_{p}_ms": v for p, v in numbers["age_ms"].items()},
        "newest_age_ms": numbers["newest_age_ms"],
        "dropped_share": numbers["dropped_share"],
        "late_share": numbers["states"]["late"] / captured,
        "cpu_cores": used_s / numbers["duration_s"],
        "rss_mb": max(resident) / 2**20,
        "bytes_up_per_frame": numbers["bytes_up_per_frame"],
    }


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def ratios(rows: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Median, half spread and ratio to the first design, of every value of every design.

    Returns
    -------
    dict
        design to column to (median, half of max - min, median of the ratios round by round).
    """
    first = next(iter(rows.values()))
    table: dict[str, dict[str, tuple[float, float, float]]] = {}
    for name, measured in rows.items():
        table[name] = {}
        for column in COLUMNS:
            values = [row[column] for row in measured]
            shares = [v / base[column] if base[column] else math.nan
                      for v, base in zip(values, first, strict=True)]  # fmt: skip
            table[name][column] = (
                statistics.median(values),
                (max(values) - min(values)) / 2,
                statistics.median(shares),
            )
    return table
