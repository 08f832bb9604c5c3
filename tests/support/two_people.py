"""A session of two people, built as a live session builds it: rows interleave, and one of them is away for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import orjson

from livedance_lab.clock import FakeClock
from livedance_lab.estimators.base import Estimate
from livedance_lab.pipeline.result_builder import ResultBuilder
from livedance_lab.pose import FrameRecord, FrameState, FrameTimes
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import Schemas
from livedance_lab.session_data.session_log import SessionLog
from livedance_lab.settings import Settings
from tests.support.pipeline import a_frame, a_hand, a_pose

RATE_HZ, N_FRAMES = 30.0, 90
AWAY = range(30, 55)
"""Frames in which person 2 is not seen."""
LATE = range(0, 5)
"""Frames before person 2 is seen for the first time."""
NOBODY = (70, 71)
LOST = (3, 20, 21, 40, 77)
T0_S = 50.0

Ids = Callable[[int], tuple[int, int]]


def keep_ids(_seq: int) -> tuple[int, int]:
    return 1, 2


def pose_of(person: int, seq: int) -> Estimate:
    """A person's pose in a frame; it moves, and the two move differently. Person 1 has hands in every fourth frame."""
    noise = np.random.default_rng(1000 * person + seq).normal(0, 0.004, (33, 3)).astype(np.float32)
    pose = a_pose(0.2 * (person - 1.5) + 0.05 * np.sin(seq / 7 + person))
    away = 0.02 * np.sin(seq / 5 + 2 * person + np.arange(33, dtype=np.float32))[:, None]
    hands = (a_hand("left", float(pose.pose_xyz[15, 0]), 0.5),) if person == 1 and seq % 4 == 0 else ()
    return replace(pose, pose_xyz=pose.pose_xyz + noise, pose_world_m=pose.pose_world_m + noise + away, hands=hands)


def session(
    ids: Ids = keep_ids, max_people: int = 2, changes: tuple[dict, ...] = ({"visibility_threshold": 0.4},)
) -> SessionData:
    """Return the session.

    Parameters
    ----------
    ids : callable
        The ids of the two in a frame, as the tracker would give them.
    max_people : int
        As in the session's settings.
    changes : tuple of dict
        Of the settings, one after the other before frame 45, while person 2 is away.
    """
    settings = Settings().changed({"max_people": max_people})
    builder = ResultBuilder(settings, FakeClock())
    metadata = {"session_id": "duet", "wall_anchor_s": "1760000000.25", "version": "0"}
    log = SessionLog(Schemas(builder.angle_names, metadata))
    log.add_event(T0_S, "session", "created", {"settings": settings.plain()})
    for seq in range(N_FRAMES):
        t_s = T0_S + seq / RATE_HZ
        for version, change in enumerate(changes if seq == 45 else (), start=2):
            settings = settings.changed(change)
            builder.reconfigure(settings)
            log.add_event(t_s, "settings", "changed", {"version": version, "changes": change})
        record = FrameRecord(seq, FrameState.LOST, FrameTimes(t_capture_s=t_s, t_emit_s=t_s + 0.04))
        if seq not in LOST:
            people = {} if seq in NOBODY else {1: pose_of(1, seq)}
            if seq not in NOBODY and seq not in AWAY and seq not in LATE:
                people[2] = pose_of(2, seq)
            people = {ids(seq)[person - 1]: estimate for person, estimate in people.items()}
            log.add_result(builder.build(a_frame(seq, t_s), people, record, 1 + len(changes) * (seq >= 45)))
        log.add_frame(record)
    return SessionData(**{table: log.read(table)[0] for table in ("frames", "results", "events", "receipts")},
                       manifest={"session_id": "duet"})  # fmt: skip


def event_data(data: SessionData, name: str) -> list[dict]:
    rows = data.tables["events"].to_pylist()
    return [orjson.loads(row["data"]) for row in rows if (row["kind"], row["name"]) == ("people", name)]
