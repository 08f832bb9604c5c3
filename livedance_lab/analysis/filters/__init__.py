"""Streaming filters by name: `make_filter("ema", {"alpha": 0.7})` creates one, `FILTERS` lists all."""

from __future__ import annotations

from livedance_lab.analysis.filters import butterworth, ema, holt, kalman, one_euro  # register their filters
from livedance_lab.analysis.filters.base import FILTERS, Filter, Parameter, checked, describe, make_filter, register

__all__ = [
    "FILTERS", "Filter", "Parameter", "butterworth", "checked", "describe", "ema", "holt", "kalman", "make_filter",
    "one_euro", "register",
]  # fmt: skip
