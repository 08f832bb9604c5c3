"""Figures of a finished session: rates, ages, stage times, states of frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from livedance_lab.analysis.statistics import percentiles
from livedance_lab.errors import LiveDanceError
from livedance_lab.pose import STAGES, FrameState
from livedance_lab.session_data.data import SessionData

__all__ = ["conserved", "summarise"]

_OLD_HANDS_KEYS = {
    "looks": "inferences",
    "at_wrists_per_look": "at_wrists_per_inference",
    "ms_per_look": "ms_per_inference",
}
"""Names that the hands' counts had in the manifests of earlier versions."""


def conserved(data: SessionData, name: str) -> SessionData:
    """Return `data` if each of its captured frames ended in exactly one state.

    Raises
    ------
    LiveDanceError
        If not, because its figures would mean nothing; `name` says which session it is.
    """
    ledger = data.ledger
    if not ledger.conserved:
        states = ", ".join(f"{n} {state}" for state, n in ledger.states.items() if n)
        raise LiveDanceError(
            f"{name}: {ledger.captured} frames were captured, but {sum(ledger.states.values())} have ended ({states}); "
            f"{len(ledger.missing_seqs)} have no state, {ledger.repeated} states are too many."
        )
    return data


def summarise(data: SessionData, from_seq: int = 0) -> dict[str, Any]:
    """Summarise one session.

    Parameters
    ----------
    data : SessionData
    from_seq : int, default 0
        Leave out the frames before this one (warm-up); ``conserved`` still refers to the whole session.

    Returns
    -------
    dict
        ``conserved``, ``captured``, ``states``, ``dropped_share``; ``results_per_s`` (over the time from the first
        captured frame to the last result); ``age_ms`` (capture to emission) and ``age_at_client_ms`` (capture to
        arrival), each p50/p95/p99; ``newest_age_ms``: the age of the newest result averaged over time, which is what a
        viewer sees; ``stage_ms``, each step's p50/p95/p99; ``pose_found_share`` and ``hands_share`` of the processed
        frames; ``hands_per_s``: results with hands of a new frame, per second; ``hands``: cost and yield of the hands
        inferences of the whole session (the manifest's ``hands``), empty if unknown.
    """
    frames = data.frames
    frames = frames[frames["seq"] >= from_seq]
    done = frames[frames["state"] == "processed"].sort_values("t_emit_s")
    captured = len(frames)
    duration_s = float(done["t_emit_s"].max() - frames["t_capture_s"].min()) if len(done) else float("nan")
    kept = data.seq[data.first_rows] >= from_seq
    found, hands = data.by_frame("found")[kept], data.by_frame("hands_seq")[kept]
    fresh_hands = len(set(data.column("hands_seq")[data.seq >= from_seq].tolist()) - {-1})
    emit_s, capture_s = done["t_emit_s"].to_numpy(), done["t_capture_s"].to_numpy()
    return {
        "conserved": data.ledger.conserved,
        "captured": captured,
        "states": {str(state): int((frames["state"] == str(state)).sum()) for state in FrameState},
        "dropped_share": 1 - len(done) / captured if captured else float("nan"),
        "duration_s": duration_s,
        "results": len(done),
        "results_per_s": len(done) / duration_s if duration_s else float("nan"),
        "hands_per_s": fresh_hands / duration_s if duration_s else float("nan"),
        "pose_found_share": float(found.mean()) if len(found) else float("nan"),
        "hands_share": float((hands >= 0).mean()) if len(hands) else float("nan"),
        "hands": {_OLD_HANDS_KEYS.get(k, k): v for k, v in (data.manifest.get("hands") or {}).items()},
        "age_ms": percentiles((emit_s - capture_s) * 1000),
        "age_at_client_ms": percentiles((done["t_result_s"].to_numpy() - capture_s) * 1000),
        "newest_age_ms": time_averaged_age_ms(emit_s, capture_s),
        "stage_ms": {stage: percentiles(done[f"{stage}_ms"].to_numpy()) for stage in STAGES},
        "bytes_up_per_frame": float(frames.loc[frames["bytes_up"] > 0, "bytes_up"].mean()),
    }


def time_averaged_age_ms(emit_s: np.ndarray[Any, Any], capture_s: np.ndarray[Any, Any]) -> float:
    """Age of the newest result, averaged over the time from the first result to the last; NaN for fewer than two.

    Between two results the age grows by one second per second: over an interval of length d after a result of
    age a its mean is a + d / 2 (the "age of information" of Kaul, Yates and Gruteser, INFOCOM 2012).
    """
    if len(emit_s) < 2:
        return float("nan")
    interval_s = np.diff(emit_s)
    age_s = (emit_s - capture_s)[:-1]
    return float(np.sum((age_s + interval_s / 2) * interval_s) / interval_s.sum() * 1000)
