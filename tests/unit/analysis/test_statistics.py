"""Percentiles of what is finite, and a window that forgets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from livedance_lab.analysis.statistics import Window, percentiles
from livedance_lab.system import resources


def test_percentiles_leave_out_what_is_not_known():
    values = [*range(101), math.nan, math.inf]

    assert percentiles(values) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}


@pytest.mark.parametrize("values", [[], [math.nan], np.array([], np.float32)], ids=["none", "nan", "empty array"])
def test_percentiles_of_nothing_are_nan(values):
    assert all(math.isnan(v) for v in percentiles(values).values())


def test_a_window_forgets_what_is_older():
    window = Window(2.0)
    for n in range(40):  # ten a second, 0.0 to 3.9 s
        window.add(n / 10, n)

    assert window.rate_hz(3.9) == pytest.approx(10.0, abs=0.6)
    assert window.percentiles(3.9)["p50"] == pytest.approx(29, abs=1)
    assert window.rate_hz(10.0) == 0.0
    assert math.isnan(window.percentiles(10.0)["p50"])


def test_a_window_holds_no_more_than_its_length():
    window = Window(1.0)
    for n in range(10_000):
        window.add(n / 100)

    assert len(window._items) <= 101


def test_usage_is_that_of_this_process():
    assert resources.resident_bytes() > 10 * 2**20
    assert resources.cpu_s() > 0
