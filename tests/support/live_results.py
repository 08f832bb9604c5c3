"""Results of a live session, made of numbers."""

from __future__ import annotations

import numpy as np

from livedance_lab.pose import Body, FrameTimes, Person
from livedance_lab.wire.results import WireResult

RATE_HZ = 20.0


LATE_S = 0.05


def result(n: int, t_s: float | None = None, *, found: bool = True, person_id: int = 1, **changes) -> WireResult:
    """The n-th result of a person who sways: every value differs from the last. `changes` are its values."""
    t_s = 100 + n / RATE_HZ if t_s is None else t_s
    points = np.random.default_rng(7).uniform(50, 400, (33, 3)).astype(np.float32) + np.float32(n)
    angles = np.array([90 + n, 120 - n, 60 + n, 170], np.float32)
    arrays = {"keypoints_px": points, "world_m": (points / 400 - 0.5) * np.float32((1, 1, 0)),
              "visibility": np.ones(33, np.float32)}  # fmt: skip
    body = Body(**{**arrays, **{name: changes.pop(name) for name in arrays if name in changes}})  # raw and smooth
    values = {
        "raw": body, "smooth": body, "flags": np.zeros(33, np.uint8), "hands_seq": -1, "angles_deg": angles + 3,
        "angles_smooth_deg": angles,
    }  # fmt: skip
    person = Person(person_id, **{**values, **{name: changes.pop(name) for name in values if name in changes}})
    frame = {
        "seq": n, "source_size_px": (640, 480), "people": (person,) if found else (), "followed_id": person_id,
        "n_angles": len(person.angles_deg), "times": FrameTimes(t_capture_s=t_s), "t_result_s": t_s + LATE_S,
        "stage_ms": {}, "ledger": {"captured": 2 * n + 2, "processed": n + 1, "superseded": n}, "closed": [],
        "settings_version": 1,
    }  # fmt: skip
    return WireResult(**{**frame, **changes})
