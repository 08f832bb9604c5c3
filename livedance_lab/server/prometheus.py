"""Numbers for Prometheus (text exposition format 0.0.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from livedance_lab.metrics.usage import resident_bytes
from livedance_lab.server.hub import Hub

__all__ = ["metrics_text"]


def metrics_text(hub: Hub) -> str:
    """All metrics of all sessions, one line each."""
    return "\n".join(_lines(hub)) + "\n"


def _lines(hub: Hub) -> Iterator[str]:
    yield from _metric("livedance_up_seconds", "gauge", "Time since start", [("", hub.clock() - hub.started_s)])
    yield from _metric("livedance_resident_memory_bytes", "gauge", "Memory of the server", [("", resident_bytes())])
    for name, value in hub.totals.items():
        yield from _metric(f"livedance_{name}_total", "counter", name.replace("_", " "), [("", value)])
    summaries = [(f'session="{room.session.id}"', room.session.summary()) for room in hub.rooms.values()]
    yield from _metric(
        "livedance_frames_total",
        "counter",
        "Frames by how they ended",
        [(f'{label},state="{s}"', n) for label, x in summaries for s, n in x["ledger"]["states"].items()],
    )
    yield from _metric(
        "livedance_frames_captured_total", "counter", "Frames captured",
        [(label, x["ledger"]["captured"]) for label, x in summaries])  # fmt: skip
    for key in ("results_per_s", "hands_per_s"):
        yield from _metric(f"livedance_{key}", "gauge", "Rate of the last 2 s", [(lb, x[key]) for lb, x in summaries])
    ages = [(f'{label},quantile="{int(q[1:]) / 100}"', v) for label, x in summaries for q, v in x["age_ms"].items()]
    yield from _metric("livedance_frame_age_ms", "gauge", "Capture to emission, last 5 s", ages)


def _metric(name: str, kind: str, words: str, samples: list[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        text = "NaN" if isinstance(value, float) and math.isnan(value) else str(value)
        yield f"{name}{{{labels}}} {text}" if labels else f"{name} {text}"
