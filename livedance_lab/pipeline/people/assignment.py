"""Pairs rows and columns of a cost matrix at least total cost.

`scipy.optimize.linear_sum_assignment` does the same, but importing it takes 50 MB of memory in every server process,
for matrices of at most about ten rows. The tests hold both to the same results.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from livedance_lab.pose import FloatArray

__all__ = ["least_cost_pairs"]

_LARGE = 1e6


def least_cost_pairs(cost: FloatArray, most: float) -> list[tuple[int, int]]:
    """The assignment with the least total cost, in which each row and each column may also stay alone.

    Parameters
    ----------
    cost : ndarray of shape (R, C)
        inf forbids a pair.
    most : float
        A pair that costs more than this is not made: staying alone costs `most`.

    Returns
    -------
    list of (int, int)
        Row and column of each pair, by row.

    Notes
    -----
    The Hungarian method with potentials and shortest augmenting paths; R. Jonker and A. Volgenant, "A shortest
    augmenting path algorithm for dense and sparse linear assignment problems", Computing 38 (1987).
    """
    rows, columns = cost.shape
    # each row has a column of its own where it stays alone
    alone = np.full((rows, rows), _LARGE)
    np.fill_diagonal(alone, most)
    padded = np.hstack([np.where(np.isfinite(cost), cost, _LARGE), alone])
    row_of = np.full(columns + rows, -1)
    u, v = np.zeros(rows), np.zeros(columns + rows)
    for row in range(rows):
        _augment(padded, row, row_of, u, v)
    pairs = [(int(row_of[c]), c) for c in range(columns) if row_of[c] >= 0]
    return sorted((r, c) for r, c in pairs if cost[r, c] <= most)


def _augment(cost: FloatArray, row: int, row_of: npt.NDArray[np.int_], u: FloatArray, v: FloatArray) -> None:
    """Give a row a column, and move other rows where that is cheaper; everything but `cost` is updated in place."""
    n = cost.shape[1]
    shortest, before, done = np.full(n, np.inf), np.full(n, -1), np.zeros(n, bool)
    column, distance = -1, 0.0
    while True:
        current = int(row_of[column]) if column >= 0 else row
        reduced = distance + cost[current] - u[current] - v
        better = ~done & (reduced < shortest)
        shortest[better], before[better] = reduced[better], column
        column = int(np.where(done, np.inf, shortest).argmin())
        distance = float(shortest[column])
        done[column] = True
        if row_of[column] < 0:
            break
    u[row] += distance
    used = done & (row_of >= 0)
    u[row_of[used]] += distance - shortest[used]
    v[used] -= distance - shortest[used]
    while column >= 0:  # shift the pairs along the path
        previous = int(before[column])
        row_of[column] = row_of[previous] if previous >= 0 else row
        column = previous
