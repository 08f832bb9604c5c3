"""`auto` pacing compared with both alternatives, on the server's own scheduler."""

from __future__ import annotations

import numpy as np
import pytest

from livedance_lab.benchmarks.simulation import simulate
from livedance_lab.benchmarks.stage_times import StageTimes
from livedance_lab.settings import Settings

POSE_MS = np.random.default_rng(1).normal(27, 3, 400).clip(20, 60)
HANDS_MS = POSE_MS + 15


def newest_age_ms(pacing: str, design: str, slower: float, round_trip_ms: float) -> float:
    """Age of the newest result, averaged over time, on two cores at 60 frames/s; always the same draws."""
    stages = StageTimes(POSE_MS * slower, HANDS_MS * slower, travel_ms=round_trip_ms / 2)
    settings = Settings(design=design, hands=False)
    return simulate([2], [1], stages, settings, seconds=12.0, fps=60.0, pacing=pacing)[0]["newest_age_ms"]


@pytest.mark.parametrize(
    ("design", "slower", "round_trip_ms", "better"),
    [
        ("decoupled", 1.0, 1.0, "paced"),
        ("decoupled", 1.0, 24.0, "free"),
        ("lanes", 1.0, 1.0, "free"),
        ("lanes", 2.0, 1.0, "paced"),
    ],
    ids=["near and behind", "far and behind", "near and keeping up", "two lanes, near and behind"],
)
def test_auto_comes_near_the_better_of_both(design, slower, round_trip_ms, better):
    ages_ms = {pacing: newest_age_ms(pacing, design, slower, round_trip_ms) for pacing in ("paced", "free", "auto")}
    worse = "free" if better == "paced" else "paced"

    assert ages_ms[better] < ages_ms[worse]
    # the two seconds before it switches are included
    assert abs(ages_ms["auto"] - ages_ms[better]) < 0.5 * (ages_ms[worse] - ages_ms[better])
