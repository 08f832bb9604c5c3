"""Settings of the property-based tests: the same examples on every machine and in every run, without time limits."""

from __future__ import annotations

import math
import random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.fuzz import mutations

__all__ = ["damaged", "jsons", "repeatable"]

repeatable = settings(
    derandomize=True, deadline=None, database=None, max_examples=150, suppress_health_check=list(HealthCheck)
)
"""Decorates a test: a new failure comes from a change of the code, not from other examples or a busy machine."""

NUMBERS = st.one_of(
    st.integers(), st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 1e308])
)
jsons: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)
"""JSON values, and NaN and the infinities, which are not JSON."""


def damaged(good: list[bytes]) -> st.SearchStrategy[bytes]:
    """Arbitrary bytes, and good ones with a few bytes changed."""
    seeds = st.integers(0, 2**32)
    spoiled = st.builds(lambda n, data: mutations.damaged(random.Random(n), data), seeds, st.sampled_from(good))
    return st.binary(max_size=200) | spoiled | spoiled | spoiled
