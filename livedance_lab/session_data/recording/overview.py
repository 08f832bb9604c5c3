"""The figures of a recording that ``livedance info`` shows."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from livedance_lab.analysis.statistics import percentiles
from livedance_lab.pose import FrameState
from livedance_lab.session_data.recording.reader import Recording

__all__ = ["recording_overview"]

_GAP = ("start_s", "duration_s", "captured")


def recording_overview(recording: Recording) -> dict[str, Any]:
    """Return the main figures of a recording as plain values for JSON; unknown is NaN.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    dict
        `session_id, path, complete, missing, started_utc, duration_s, captured_per_s, results_per_s, found_share,
        age_ms` (p50, p95, p99), `ledger, gaps, settings, settings_changes, marks, errors, clock, has_video,
        versions, estimator, models`.
    """
    found = recording.by_frame("found")
    ages = recording.frames.loc[recording.frames["state"] == FrameState.PROCESSED, "age_ms"].to_numpy()
    events = recording.events
    clock = events.loc[events["kind"] == "clock", "data"]
    manifest = recording.manifest
    return {
        "session_id": recording.session_id,
        "path": str(recording.path),
        "complete": recording.complete,
        "missing": list(recording.missing),
        "started_utc": _utc(recording.t0_unix_s),
        "duration_s": recording.duration_s,
        "captured_per_s": recording.captured_per_s,
        "results_per_s": recording.results_per_s,
        "found_share": float(np.mean(found)) if len(found) else math.nan,
        "age_ms": percentiles(ages),
        "ledger": recording.ledger.plain(),
        "gaps": [
            {"at_s": start_s - recording.t0_s, "duration_s": long_s, "captured": captured}
            for start_s, long_s, captured in zip(*(recording.gaps[n].tolist() for n in _GAP), strict=True)
        ],
        "settings": manifest.get("settings", {}),
        "settings_changes": _of_kind(recording, "settings"),
        "marks": _of_kind(recording, "mark"),
        "errors": _of_kind(recording, "error"),
        "clock": clock.iloc[-1] if len(clock) else {},
        "has_video": recording.has_video,
        "versions": {"livedance_lab": manifest.get("livedance_lab"), **manifest.get("packages", {})},
        "estimator": manifest.get("estimator"),
        "models": manifest.get("models", {}),
    }


def _of_kind(recording: Recording, kind: str) -> list[dict[str, Any]]:
    """Return the events of one kind, with times in seconds after the first captured frame."""
    events = recording.events[recording.events["kind"] == kind]
    return [
        {"at_s": t_s - recording.t0_s, "name": name, "data": data}
        for t_s, name, data in zip(events["t_s"], events["name"], events["data"], strict=True)
    ]


def _utc(unix_s: float) -> str | None:
    if math.isnan(unix_s):
        return None
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")
