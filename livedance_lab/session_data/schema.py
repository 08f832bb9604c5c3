"""The four tables of a session as Arrow schemas, and the conversion of rows to record batches.

One definition serves the server's memory, the HTTP log, recordings, pandas and exports:

``frames``
    The ledger, one row per captured frame: its final state, all its times, the duration of each step.
``results``
    One row per processed frame and person: raw and smoothed landmarks, angles, provenance flags. A processed frame
    without anybody has one row, whose `person` is null.
``events``
    Settings changes, clock estimates, markers, reconnections; `data` is JSON.
``receipts``
    When results reached the producer and were painted. Readers join them to ``frames`` by `seq`: tables are
    append-only, and these times are known only later.

All `t_*` are seconds of the server's monotonic clock (float64); ``wall_anchor_s`` in the schema metadata of
each table is the wall time (Unix seconds) of the clock's zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from livedance_lab.pose import BODY_SHAPES, STAGES, FrameRecord, FrameTimes, Person, PoseResult, nobody
from livedance_lab.session_data.arrow_columns import batch, lists, numbers_or_null

__all__ = ["PERSON", "SCORE", "TABLES", "ResultRow", "Schemas", "frames_batch", "result_rows", "results_batch"]

ResultRow = tuple[PoseResult, Person | None]
"""A row of the results: a frame's result and one of its people; None if it shows nobody."""

TABLES = ("frames", "results", "events", "receipts")

PERSON, SCORE = pa.field("person", pa.int32()), pa.field("score", pa.float32())
"""Columns of the results that recordings made before several people were followed do not have."""

_RAW = tuple(BODY_SHAPES)
_SMOOTH = ("keypoints_px", "world_m", "hands_px", "hands_world_m")


def _list_of(shape: tuple[int, ...], value: pa.DataType | None = None) -> pa.DataType:
    return pa.list_(value or pa.float32(), int(np.prod(shape)))


class Schemas:
    """The schemas of one session.

    Parameters
    ----------
    angle_names : sequence of str
        The session's joint angles, in order.
    metadata : dict of str to str
        Stored in every schema: session id, wall anchor, package version.
    """

    def __init__(self, angle_names: Sequence[str], metadata: dict[str, str] | None = None) -> None:
        self.angle_names = tuple(angle_names)
        meta = {**(metadata or {}), "angle_names": orjson.dumps(list(angle_names)).decode()}
        times = [(name, pa.float64()) for name in FrameTimes.names()]
        stages = [(f"{stage}_ms", pa.float32()) for stage in STAGES]
        angles = pa.list_(pa.float32(), len(angle_names))
        self.frames = pa.schema(
            [("seq", pa.int64()), ("state", pa.string()), ("reason", pa.string()),
             ("bytes_up", pa.int32()), *times, *stages], metadata=meta)  # fmt: skip
        self.results = pa.schema(
            [("seq", pa.int64()), PERSON, ("t_capture_s", pa.float64()),
             ("width_px", pa.int32()), ("height_px", pa.int32()),
             ("found", pa.bool_()), SCORE, ("hands_seq", pa.int64()), ("settings_version", pa.int32()),
             *((name, _list_of(BODY_SHAPES[name])) for name in _RAW),
             *((f"{name}_smooth", _list_of(BODY_SHAPES[name])) for name in _SMOOTH),
             ("flags", _list_of((33,), pa.uint8())), ("angles_deg", angles), ("angles_smooth_deg", angles)],
            metadata=meta)  # fmt: skip
        self.events = pa.schema(
            [("t_s", pa.float64()), ("kind", pa.string()), ("name", pa.string()), ("data", pa.string())],
            metadata=meta)  # fmt: skip
        self.receipts = pa.schema(
            [("seq", pa.int64()), ("t_result_s", pa.float64()), ("t_paint_s", pa.float64())], metadata=meta
        )

    def __getitem__(self, table: str) -> pa.Schema:
        """Return the schema of a table by its name."""
        schema: pa.Schema = getattr(self, table)
        return schema


def frames_batch(schemas: Schemas, records: Sequence[FrameRecord]) -> pa.RecordBatch:
    """Return ledger entries as a record batch."""
    columns: dict[str, Any] = {
        "seq": [r.seq for r in records],
        "state": [str(r.state) for r in records],
        "reason": [r.reason for r in records],
        "bytes_up": [r.bytes_up for r in records],
        **{name: [getattr(r.times, name) for r in records] for name in FrameTimes.names()},
        **{f"{stage}_ms": [r.stage_ms.get(stage, np.nan) for r in records] for stage in STAGES},
    }
    return batch(schemas.frames, columns)


def result_rows(result: PoseResult) -> list[ResultRow]:
    """Return the rows of a result: one for each person, or one without."""
    return [(result, person) for person in result.people] or [(result, None)]


def results_batch(schemas: Schemas, rows: Sequence[ResultRow]) -> pa.RecordBatch:
    """Return rows of results as a record batch; array columns are flattened in C order."""
    results = [result for result, _ in rows]
    people = [person or nobody(result.n_angles) for result, person in rows]
    columns: dict[str, Any] = {
        "seq": [r.seq for r in results],
        "person": numbers_or_null([None if person is None else person.id for _, person in rows], PERSON.type),
        "t_capture_s": [r.record.times.t_capture_s for r in results],
        "width_px": [r.source_size_px[0] for r in results],
        "height_px": [r.source_size_px[1] for r in results],
        "found": [person is not None and person.has_body for _, person in rows],
        "score": [p.score for p in people],
        "hands_seq": [p.hands_seq for p in people],
        "settings_version": [r.settings_version for r in results],
        **{name: lists((getattr(p.raw, name) for p in people), pa.float32()) for name in _RAW},
        **{f"{name}_smooth": lists((getattr(p.smooth, name) for p in people), pa.float32()) for name in _SMOOTH},
        "flags": lists((p.flags for p in people), pa.uint8()),
        "angles_deg": lists((p.angles_deg for p in people), pa.float32()),
        "angles_smooth_deg": lists((p.angles_smooth_deg for p in people), pa.float32()),
    }
    return batch(schemas.results, columns)
