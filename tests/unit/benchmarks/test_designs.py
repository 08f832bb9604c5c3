"""The benchmark's arithmetic and its table; what it measures is measured by running it."""

from __future__ import annotations

import csv
import math

import pytest

from livedance_lab.benchmarks.designs import COLUMNS, DESIGNS, ratios
from livedance_lab.benchmarks.report import bench_table, write_bench
from livedance_lab.settings import Settings


def row(results_per_s: float, **more: float) -> dict[str, float]:
    return {**dict.fromkeys(COLUMNS, 1.0), "results_per_s": results_per_s, **more}


ROWS = {
    "original": [row(10, hands_per_s=0.0), row(20, hands_per_s=0.0), row(12, hands_per_s=0.0)],
    "lanes": [row(30, late_share=0.125), row(30), row(48)],
}


def test_ratios_are_taken_round_by_round_because_machines_drift():
    median, half_range, ratio = ratios(ROWS)["lanes"]["results_per_s"]

    assert median == 30
    assert half_range == 9
    assert ratio == 3.0  # of 3.0, 1.5 and 4.0; the ratio of medians would be 2.5


def test_a_ratio_to_nothing_is_unknown():
    assert math.isnan(ratios(ROWS)["lanes"]["hands_per_s"][2])


def test_the_table_has_a_row_for_each_value_and_a_column_for_each_design():
    lines = bench_table(ROWS).splitlines()

    assert lines[0] == "| | original | lanes |"
    assert len(lines) == 2 + len(COLUMNS)
    by_heading = {line.split("|")[1].strip(): line for line in lines[2:]}
    assert by_heading["results/s"] == "| results/s | 12.0 | 30.0 (×3.00) |"
    assert by_heading["hands/s"] == "| hands/s | 0.0 | 1.0 |"
    assert "100.0%" in by_heading["not processed"]


def test_every_single_measurement_is_kept(tmp_path):
    paths = write_bench(ROWS, tmp_path / "out", rounds=3, seconds=6, fps=60, source="dancer.mp4")

    assert all(path.stat().st_size for path in paths)
    with (tmp_path / "out" / "bench.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["design"], r["round"]) for r in rows] == [(d, str(n)) for d in ROWS for n in range(3)]
    assert [float(r["results_per_s"]) for r in rows] == [10, 20, 12, 30, 30, 48]
    assert "3 interleaved rounds of 6 s" in (tmp_path / "out" / "bench.md").read_text()


@pytest.mark.parametrize("design", DESIGNS.values(), ids=lambda d: d.name)
def test_every_designs_settings_exist(design):
    assert Settings().changed(design.settings)
    assert design.description
