"""The assignment against scipy's, on many random matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from livedance_lab.pipeline.people.assignment import least_cost_pairs


@pytest.mark.parametrize("seed", range(40))
def test_it_is_as_cheap_as_scipys(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(0, 8, 2)
    cost, most = rng.random((rows, columns)), float(rng.random())
    cost[rng.random(cost.shape) < 0.2] = np.inf
    pairs = least_cost_pairs(cost, most)
    assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)
    alone = np.full((rows, rows), 1e6)
    np.fill_diagonal(alone, most)
    padded = np.hstack([np.minimum(cost, 1e6), alone])
    best = padded[linear_sum_assignment(padded)].sum()
    assert sum(cost[pair] for pair in pairs) + most * (rows - len(pairs)) == pytest.approx(best)


def test_a_pair_that_costs_too_much_is_not_made():
    assert least_cost_pairs(np.array([[0.4, 0.9], [0.3, 0.9]]), 0.5) == [(1, 0)]
