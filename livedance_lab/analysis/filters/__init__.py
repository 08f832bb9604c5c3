"""Streaming filters, by name. `make_filter("ema", {"alpha": 0.7})` makes one; `FILTERS` lists all."""

from __future__ import annotations

from livedance_lab.analysis.filters import ema
from livedance_lab.analysis.filters.base import FILTERS, Filter, Parameter, checked, describe, make_filter, register

__all__ = ["FILTERS", "Filter", "Parameter", "checked", "describe", "ema", "make_filter", "register"]
