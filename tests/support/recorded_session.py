"""Synthetic sessions: every value is a known function of its true time, and frames end in every state."""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa

from livedance_lab.pose import Body, Flag, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import TABLES, Schemas, frames_batch, result_rows, results_batch
from tests.support.results import result_of_one

ANGLES = ("left_elbow", "right_elbow", "left_knee", "right_knee")
T0_S = 1000.0
WALL_ANCHOR_S = 1_760_000_000.25
SIZE_PX = (960, 540)


def schemas() -> Schemas:
    return Schemas(ANGLES, {"session_id": "made-up", "wall_anchor_s": str(WALL_ANCHOR_S), "version": "0"})


def true_times_s(n: int, rate_hz: float, jitter_s: float, rng: np.random.Generator) -> np.ndarray:
    """Return capture times of a camera with jitter but without drift."""
    late_s = rng.uniform(-jitter_s, jitter_s, n)
    late_s[0] = 0.0
    return T0_S + np.arange(n) / rate_hz + late_s


def keypoints_px(t_s: float) -> np.ndarray:
    k = np.arange(33)
    return np.stack([400 + 5 * k + 30 * np.sin(t_s + k), 300 + 3 * k + 20 * np.cos(t_s), k - 16.0], 1).astype(
        np.float32
    )


def world_m(t_s: float) -> np.ndarray:
    k = np.arange(33)
    return np.stack([0.01 * k + 0.2 * np.sin(t_s), 0.02 * k - 0.3 + 0 * t_s, 0.05 * np.cos(t_s + k)], 1).astype(
        np.float32
    )


def body(t_s: float, with_hands: bool) -> Body:
    visibility = np.linspace(0.5, 1, 33, dtype=np.float32)
    parts = {
        "keypoints_px": keypoints_px(t_s),
        "world_m": world_m(t_s),
        "visibility": visibility,
        "presence": visibility,
    }
    if with_hands:
        hands = np.full((2, 21, 3), np.nan, np.float32)
        hands[0] = 100 + np.arange(63, dtype=np.float32).reshape(21, 3) + np.float32(np.sin(t_s))
        parts |= {"hands_px": hands, "hands_world_m": hands / 1000, "hands_score": np.float32([0.9, np.nan])}
    return Body(**parts)


def angles_deg(t_s: float) -> np.ndarray:
    return (90 + 40 * np.sin(t_s + np.arange(len(ANGLES)))).astype(np.float32)


def record(seq: int, t_s: float, state: FrameState) -> FrameRecord:
    times = FrameTimes(t_capture_s=t_s, t_send_s=t_s + 0.001)
    stages = {}
    if state is FrameState.PROCESSED:
        times.t_receive_s, times.t_infer_start_s = t_s + 0.003, t_s + 0.004
        times.t_infer_end_s, times.t_emit_s = t_s + 0.034, t_s + 0.035
        stages = {"wait": 1.0, "pose": 30.0}
    return FrameRecord(seq, state, times, "truncated JPEG" if state is FrameState.REJECTED else "", 9000, stages)


def result(seq: int, t_s: float, with_hands: bool = False) -> PoseResult:
    raw = body(t_s, with_hands)
    smooth = Body(**{**vars(raw), "keypoints_px": raw.keypoints_px + np.float32(0.5)})
    return result_of_one(seq, SIZE_PX, raw, smooth, angles_deg(t_s), angles_deg(t_s) + np.float32(0.25),
                      np.full(33, Flag.MEASURED, np.uint8), True, seq if with_hands else -1, 0,
                      record(seq, t_s, FrameState.PROCESSED))  # fmt: skip


def events_batch(s: Schemas) -> pa.RecordBatch:
    rows = [(T0_S, "settings", "settings", orjson.dumps({"version": 0, "settings": {"complexity": 1}}).decode()),
            (T0_S + 0.1, "clock", "offset", orjson.dumps({"offset_s": 12.5, "uncertainty_s": 0.001}).decode()),
            (T0_S + 0.5, "mark", "trial 1 start", orjson.dumps({"trial": 1}).decode())]  # fmt: skip
    return pa.RecordBatch.from_pylist([dict(zip(s.events.names, r, strict=True)) for r in rows], schema=s.events)


def receipts_batch(s: Schemas, results: list[PoseResult]) -> pa.RecordBatch:
    rows = {"seq": [r.seq for r in results]}
    for name, after_s in (("t_result_s", 0.05), ("t_paint_s", 0.06)):
        rows[name] = [r.record.times.t_capture_s + after_s for r in results]
    return pa.RecordBatch.from_pydict(rows, schema=s.receipts)


def batches(seconds: float = 3.0, rate_hz: float = 30.0, lost: float = 0.15, jitter_s: float = 0.004,
            hands_every: int = 0, per_batch: int = 15, seed: int = 1):  # fmt: skip
    """Yield (table, batch) as a live session appends them; lost frames have every final state."""
    s, rng = schemas(), np.random.default_rng(seed)
    times_s = true_times_s(round(seconds * rate_hz) + 1, rate_hz, jitter_s, rng)
    is_lost = rng.random(len(times_s)) < lost
    is_lost[[0, -1]] = False
    why = [state for state in FrameState if state is not FrameState.PROCESSED]
    yield "events", events_batch(s)
    for first in range(0, len(times_s), per_batch):
        records, results = [], []
        for seq in range(first, min(first + per_batch, len(times_s))):
            state = why[int(rng.integers(len(why)))] if is_lost[seq] else FrameState.PROCESSED
            records.append(record(seq, times_s[seq], state))
            if state is FrameState.PROCESSED:
                results.append(result(seq, times_s[seq], bool(hands_every) and seq % hands_every == 0))
        records.sort(key=lambda r: r.state is FrameState.PROCESSED)  # skipped frames are logged first
        yield "frames", frames_batch(s, records)
        if results:
            yield "results", results_batch(s, [row for r in results for row in result_rows(r)])
            yield "receipts", receipts_batch(s, results)


def manifest(**more) -> dict:
    return {"session_id": "made-up", "versions": {"livedance_lab": "0.1.0"}, "models": {"pose": "e9a5c5cb"},
            "settings": {"complexity": 1}, **more}  # fmt: skip


def session(**how) -> SessionData:
    s, of = schemas(), {table: [] for table in TABLES}
    for table, batch in batches(**how):
        of[table].append(batch)
    return SessionData(**{t: pa.Table.from_batches(of[t], s[t]) for t in TABLES}, manifest=manifest())
