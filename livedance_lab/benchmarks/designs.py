"""The benchmark: compares designs, and the original demo's way, in interleaved rounds of one run.

Every measurement starts its own server process and streams the same images through a real socket. A machine's speed
drifts, so only measurements of the same run are compared: rounds are interleaved, the table shows medians, and speed is
given as a ratio to the first design.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from livedance_lab.benchmarks.fresh_session import fresh_session
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.estimators.base import Estimate
from livedance_lab.estimators.replay import encode_estimate
from livedance_lab.session_data.summary import conserved, summarise
from livedance_lab.settings import Settings
from livedance_lab.system.resources import cpu_s, resident_bytes

__all__ = ["COLUMNS", "DESIGNS", "Benchmark", "bench", "ratios"]


@dataclass(frozen=True)
class Benchmark:
    """One configuration to compare: settings, pacing and server.

    Attributes
    ----------
    name : str
    description : str
    settings : dict
        Changes to the default settings.
    pacing : str
    legacy : bool
        Send base64 in JSON, images in the camera's size, as the original demo does.
    server : dict
        Options of ``livedance serve``.
    offered : float
        Frame rate, as a multiple of the benchmark's rate.
    """

    name: str
    description: str
    settings: dict[str, Any] = field(default_factory=dict)
    pacing: str = "free"
    legacy: bool = False
    server: dict[str, Any] = field(default_factory=dict)
    offered: float = 1.0


_FULL_SIZE: dict[str, Any] = {"short_side_px": 2160, "jpeg_quality": 0.8}  # as in the original demo: the camera's size

DESIGNS = {
    design.name: design
    for design in (
        Benchmark("original", "the original demo: full-size images as base64 in JSON, pose, then hands",
               {"design": "sequential", **_FULL_SIZE, "hand_confidence": 0.5, "hands_crop": "none"},
               legacy=True, server={"estimator": "mediapipe_published"}),
        Benchmark("sequential", "small binary images; pose, then hands of each frame", {"design": "sequential"}),
        Benchmark("join", "pose and hands of the same frame in parallel", {"design": "join"}),
        Benchmark("live_stream", "MediaPipe's own LIVE_STREAM mode", {"design": "live_stream"}),
        Benchmark("decoupled", "one model for pose; hands at their own rate", {"design": "decoupled"}),
        Benchmark("decoupled-paced", "decoupled, with at most one unanswered frame", {"design": "decoupled"}, "paced"),
        Benchmark("lanes", "several pose models take frames in turn; hands at their own rate", {"design": "lanes"}),
        Benchmark("lanes-paced", "lanes, with at most one unanswered frame per model", {"design": "lanes"}, "paced"),
        Benchmark("auto", "the default: as lanes; pacing by measured round trip and load", {}, "auto"),
        Benchmark("blazepose", "auto, with the estimator blazepose", {}, "auto", server={"estimator": "blazepose"}),
        Benchmark("whole-picture", "auto; hands are searched in the whole frame", {"hands_crop": "none"}, "auto"),
        Benchmark("original-pose", "original, without hands",
               {"design": "sequential", **_FULL_SIZE, "hands": False}, legacy=True,
               server={"estimator": "mediapipe_published"}),
        Benchmark("auto-pose", "auto, without hands", {"hands": False}, "auto"),
        Benchmark("blazepose-pose", "blazepose, without hands", {"hands": False}, "auto",
               server={"estimator": "blazepose"}),
        Benchmark("saturated-pose", "auto-pose, with three times the frames offered", {"hands": False}, offered=3.0),
        Benchmark("fifo", "decoupled, with a queue of 5 frames", {"design": "decoupled"}, server={"queue": "fifo"}),
        Benchmark("keep-oldest", "decoupled, with a queue of 1 frame that refuses newer ones", {"design": "decoupled"},
               server={"queue": "keep-oldest"}),
        Benchmark("no-inference", "landmarks are sent instead of images: what the server itself costs",
               {"design": "sequential"}, server={"estimator": "replay"}),
    )
}  # fmt: skip

COLUMNS = {
    "results_per_s": "results/s",
    "hands_per_s": "hands/s",
    "hands_per_look": "hands at wrists/inference",
    "hands_look_ms": "ms/hands inference",
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
"""Columns and their headings. Age: capture to emission. Newest's age: that of the newest result, averaged over time."""


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
        Keys of `DESIGNS`; ratios refer to the first.
    source : Path
        Video file.
    rounds : int
    seconds : float
        Duration of each measurement.
    fps : float
        Frames offered per second.
    progress : callable, optional
        Called with the measurements done, the number of all, and the name of the next.

    Returns
    -------
    dict of str to list of dict
        For each design, one row of `COLUMNS` per round.
    """
    clips = {kind: _clip(kind, source, seconds) for kind in {_kind(DESIGNS[name]) for name in names}}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    done = 0
    for number in range(rounds):
        # the order rotates, so that no design always runs first, on a machine that has cooled down
        for name in names[number % len(names) :] + names[: number % len(names)]:
            progress(done, rounds * len(names), name)
            design = DESIGNS[name]
            rows[name].append(measure(design, clips[_kind(design)], seconds, fps))
            done += 1
    progress(done, rounds * len(names), "")
    return rows


def _kind(design: Benchmark) -> str:
    """Which clip a design sends, see `_clip`."""
    if design.server.get("estimator") == "replay":
        return "landmarks"
    return "full" if design.legacy else "small"


def _clip(kind: str, source: Path, seconds: float) -> EncodedClip:
    """The clip of a kind: full-size images, small ones, or the landmarks of one body in every frame."""
    if kind == "landmarks":
        still = np.full((33, 3), 0.5, np.float32)
        certain = np.ones(33, np.float32)
        image = encode_estimate(Estimate(pose_xyz=still, pose_world_m=still, visibility=certain, presence=certain))
        return EncodedClip([image], (480, 640), 60.0, "landmarks")
    return EncodedClip.read(source, Settings(**_FULL_SIZE) if kind == "full" else Settings(), seconds)


def measure(design: Benchmark, clip: EncodedClip, seconds: float, fps: float) -> dict[str, float]:
    """Stream once through a new server; return a value for each of `COLUMNS`.

    Raises
    ------
    LiveDanceError
        If the run's ledger does not add up.
    """
    with fresh_session(design.server, **design.settings) as (server, session):
        how: dict[str, Any] = {"fps": fps * design.offered, "pacing": design.pacing, "legacy": design.legacy}
        session.stream(clip, seconds=1.0, **how)
        warm_frames, before_s = session.summary["ledger"]["captured"], cpu_s(server.pid)
        resident: list[int] = []  # while it works, because the landmarkers are freed at the end
        how["tick"] = lambda _client: resident.append(resident_bytes(server.pid))
        session.stream(clip, seconds=seconds, end=True, **how)
        used_s = cpu_s(server.pid) - before_s
        numbers = summarise(conserved(session.data(), design.name), warm_frames)
    captured = max(numbers["captured"], 1)
    same = ("results_per_s", "hands_per_s", "newest_age_ms", "dropped_share", "bytes_up_per_frame")
    return {
        **{name: numbers[name] for name in same},
        "hands_per_look": _known(numbers["hands"].get("at_wrists_per_inference")),
        "hands_look_ms": _known(numbers["hands"].get("ms_per_inference")),
        **{f"age_{p}_ms": v for p, v in numbers["age_ms"].items()},
        "late_share": numbers["states"]["late"] / captured,
        "cpu_cores": used_s / numbers["duration_s"],
        "rss_mb": max(resident) / 2**20,
    }


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def ratios(rows: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Median, half range and ratio to the first design, of every value of every design.

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
