"""The server's own scheduler on a clock that is stepped: what priorities, cores and cameras do to each other.

Every figure comes out the same on every machine: only the clock's steps pass.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from livedance_lab.benchmarks.simulation import SIMULATED, Simulation, simulate, simulation_table
from livedance_lab.benchmarks.stage_times import StageTimes
from livedance_lab.errors import LiveDanceError, SettingsError
from livedance_lab.pose import FrameState
from livedance_lab.settings import Settings

STAGES = StageTimes.parse("pose=18,hands=30")
SECONDS = 3.0


def run(cores: int, clients: int = 1, stages: StageTimes = STAGES, fps: float = 60.0, **settings) -> list[dict]:
    return Simulation(cores, clients, stages, Settings().changed(settings), fps=fps, pacing="free").run(SECONDS)


def test_a_single_lane_at_a_fixed_pace_is_what_arithmetic_says():
    """Frames every 40 ms, 20 ms of pose, 2 ms of travel, decoding 1 ms, the result 1 ms: nothing ever waits."""
    stages = StageTimes(np.array([20.0]), np.array([5.0]), decode_ms=1.0, result_ms=1.0, travel_ms=2.0)
    (numbers,) = run(1, stages=stages, fps=25.0, hands=False)

    assert numbers["results"] == numbers["captured"] == 75
    assert numbers["age_ms"] == pytest.approx({"p50": 24.0, "p95": 24.0, "p99": 24.0})
    assert numbers["newest_age_ms"] == pytest.approx(24.0 + 40.0 / 2)
    assert numbers["stage_ms"]["pose"]["p50"] == pytest.approx(20.0)
    assert numbers["stage_ms"]["wait"]["p99"] == pytest.approx(0.0, abs=1e-3)


def test_an_overloaded_core_is_always_busy_and_no_frame_is_older_than_it_must_be():
    """100 ms of pose, a frame every 10 ms: each result is of the frame that came last before its pose began."""
    stages = StageTimes(np.array([98.0]), np.array([5.0]), decode_ms=1.0, result_ms=1.0, travel_ms=2.0)
    (numbers,) = run(1, stages=stages, fps=100.0, hands=False)

    assert numbers["results_per_s"] == pytest.approx(10.0, rel=0.05)
    assert 102.0 <= numbers["age_ms"]["p50"] <= 112.0
    assert numbers["states"][FrameState.LATE] == 0


def test_the_priority_decides_what_a_scarce_core_does():
    pose, hands = [], []
    for priority in ("pose_first", "balanced", "hands_first"):
        (numbers,) = run(1, priority=priority, hands_max_hz=0)
        pose.append(numbers["results_per_s"])
        hands.append(numbers["hands_per_s"])

    assert pose == sorted(pose, reverse=True)
    assert hands[0] >= 2.0  # put last, not given up
    assert hands[1] > 2 * hands[0]
    assert hands[2] > 1.5 * hands[1]
    assert pose[2] >= 5.0


def test_with_cores_to_spare_the_priority_changes_nothing():
    figures = [run(8, priority=priority)[0] for priority in ("pose_first", "balanced", "hands_first")]

    for numbers in figures:
        assert numbers["results_per_s"] == pytest.approx(60.0, rel=0.02)
        assert numbers["hands_per_s"] == pytest.approx(figures[0]["hands_per_s"], rel=0.02)


@pytest.mark.parametrize("cap_hz", [5.0, 10.0])
def test_hands_keep_to_their_cap_however_many_cores_there_are(cap_hz):
    (numbers,) = run(8, hands_max_hz=cap_hz, priority="hands_first")

    assert 0.7 * cap_hz <= numbers["hands_per_s"] <= 1.1 * cap_hz


@pytest.mark.parametrize("cores", [1, 2, 4, 8])
def test_four_cameras_share_a_machine_fairly_and_waste_nothing_of_it(cores):
    (alone,), together = run(cores), run(cores, clients=4)
    rates = [numbers["results_per_s"] for numbers in together]

    assert min(rates) >= 0.7 * np.mean(rates)
    assert sum(rates) >= 0.9 * alone["results_per_s"]
    assert all(numbers["conserved"] for numbers in together)


@pytest.mark.parametrize("cores", [2, 4, 8, 16])
def test_more_cores_never_make_the_view_older(cores):
    (fewer,), (more,) = run(cores // 2), run(cores)

    assert more["newest_age_ms"] <= 1.02 * fewer["newest_age_ms"]


def test_the_same_seed_gives_the_same_figures():
    assert run(2, clients=2) == run(2, clients=2)


def test_the_table_has_a_row_for_each_machine_and_each_number_of_cameras():
    rows = simulate([2, 4], [1, 2], STAGES, seconds=1.0)
    lines = simulation_table(rows).splitlines()

    assert [(row["cores"], row["clients"]) for row in rows] == [(2, 1), (2, 2), (4, 1), (4, 2)]
    assert all(row.keys() == SIMULATED.keys() for row in rows)
    assert lines[0].split(" | ")[1:4] == ["cameras", "pose lanes", "results/s"]
    assert len(lines) == 2 + 4
    assert all(re.fullmatch(r"\| \d+ \| \d+ \| \d(?: \| [\d.]+)+%? \| [\d.]+ \|", line) for line in lines[2:])


@pytest.mark.parametrize(
    ("words", "reason"),
    [("pose=20", "name pose, hands"), ("pose=20,hands=x", "hands=x"), ("pose=20,hands=30,feet=3", "feet"),
     ("pose=20,hands=0", "> 0 ms"), ("", "''")],
)  # fmt: skip
def test_stage_times_that_cannot_be_meant_are_refused(words, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        StageTimes.parse(words)
    assert isinstance(caught.value, LiveDanceError)


def test_given_stage_times_are_medians_and_are_told():
    stages = StageTimes.parse("pose=20, hands=30, travel=3")

    assert np.median(stages.pose_ms) == pytest.approx(20)
    assert str(stages) == "pose 20.0 ms, hands 30.0 ms, decoding 1.0 ms, result 0.6 ms, travel 3.0 ms"
