"""Results of one person, for tests of what reads results."""

from __future__ import annotations

import numpy as np

from livedance_lab.pose import Body, FloatArray, FrameRecord, Person, PoseResult


def result_of_one(
    seq: int,
    source_size_px: tuple[int, int],
    raw: Body,
    smooth: Body,
    angles_deg: FloatArray,
    angles_smooth_deg: FloatArray,
    flags: np.ndarray,
    found: bool,
    hands_seq: int,
    settings_version: int,
    record: FrameRecord,
    person: int = 1,
) -> PoseResult:
    """A result that shows one person, or nobody if the person was not found."""
    shown = Person(person, raw, smooth, angles_deg, angles_smooth_deg, flags, hands_seq)
    return PoseResult(seq, source_size_px, (shown,) if found else (), person, len(angles_deg), settings_version, record)
