"""How well people are found and kept apart, against the truth: HOTA, IDF1 and identity switches.

Sources: J. Luiten et al., "HOTA: a higher order metric for evaluating multi-object tracking", IJCV 129 (2021); E.
Ristani et al., "Performance measures and a data set for multi-target, multi-camera tracking", ECCV workshops 2016
(IDF1); K. Bernardin and R. Stiefelhagen, "Evaluating multiple object tracking performance: the CLEAR MOT metrics", 2008
(switches). Object keypoint similarity is COCO's. The tests compare all figures with those of `trackeval` 1.3.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["FramePairs", "TrackingScores", "keypoint_similarity", "tracking_scores"]

Array = npt.NDArray[np.float64]

FOUND: Final = 0.5
"""A person counts as found from this similarity on."""

_ALPHAS: Final = np.arange(0.05, 0.99, 0.05)  # HOTA's mean is taken over these thresholds
_KEEP: Final = 1000.0  # CLEAR MOT: a pair of the frame before goes first
_EPS: Final = np.finfo(float).eps


@dataclass(frozen=True)
class FramePairs:
    """Who was there in one frame, who was found, and how alike they are.

    Attributes
    ----------
    truth, found : tuple of int
        Ids.
    similarity : ndarray of shape (len(truth), len(found))
        0 to 1.
    """

    truth: tuple[int, ...]
    found: tuple[int, ...]
    similarity: Array


@dataclass(frozen=True)
class TrackingScores:
    """Figures of one clip.

    Attributes
    ----------
    hota, detection, association : float
        HOTA and its two factors, 0 to 1, means over all thresholds.
    idf1 : float
        0 to 1, at similarity 0.5.
    switches : int
        How often a person's id differs from the one they were last found with.
    """

    hota: float
    detection: float
    association: float
    idf1: float
    switches: int


def keypoint_similarity(truth_px: Array, found_px: Array, sigmas: Array, area_px: float) -> float:
    """Object keypoint similarity of two bodies, 0 to 1.

    Parameters
    ----------
    truth_px, found_px : ndarray of shape (K, 2)
        Joints that are NaN in either do not count.
    sigmas : ndarray of shape (K,)
        COCO's constant of each joint: how exactly people mark it, in units of the square root of the area.
    area_px : float
        Area of the person in the picture.
    """
    squares = np.sum((truth_px - found_px) ** 2, axis=1) / (2 * area_px * (2 * sigmas) ** 2)
    return float(np.nanmean(np.exp(-squares))) if np.isfinite(squares).any() else 0.0


def tracking_scores(frames: Sequence[FramePairs]) -> TrackingScores:
    """Compute the figures of one clip.

    Parameters
    ----------
    frames : sequence of FramePairs
        Every frame in order, also those without anybody.
    """
    truth_ids = sorted({i for f in frames for i in f.truth})
    found_ids = sorted({i for f in frames for i in f.found})
    if not truth_ids or not found_ids:
        return TrackingScores(0.0, 0.0, 0.0, 0.0, 0)
    indexed = [(_positions(f.truth, truth_ids), _positions(f.found, found_ids), f.similarity) for f in frames]
    truth_n = np.bincount(np.concatenate([t for t, _, _ in indexed]), minlength=len(truth_ids)).astype(float)
    found_n = np.bincount(np.concatenate([f for _, f, _ in indexed]), minlength=len(found_ids)).astype(float)
    detection, association = _hota(indexed, truth_n, found_n)
    return TrackingScores(
        float(np.mean(np.sqrt(detection * association))), float(np.mean(detection)), float(np.mean(association)),
        _idf1(indexed, truth_n, found_n), _switches(indexed),
    )  # fmt: skip


_Indexed = Sequence[tuple[npt.NDArray[np.int_], npt.NDArray[np.int_], Array]]


def _positions(ids: Sequence[int], order: list[int]) -> npt.NDArray[np.int_]:
    return np.array([order.index(i) for i in ids], dtype=np.int_)


def _hota(frames: _Indexed, truth_n: Array, found_n: Array) -> tuple[Array, Array]:
    """Detection and association accuracy at each threshold."""
    together = np.zeros((len(truth_n), len(found_n)))
    for truth, found, alike in frames:
        union = alike.sum(axis=0) + alike.sum(axis=1, keepdims=True) - alike
        together[np.ix_(truth, found)] += np.where(union > _EPS, alike / np.maximum(union, _EPS), 0)
    aligned = together / (truth_n[:, None] + found_n - together)
    pairs = np.zeros((len(_ALPHAS), *together.shape))
    for truth, found, alike in frames:
        rows, columns = _best(aligned[np.ix_(truth, found)] * alike)
        for number, alpha in enumerate(_ALPHAS):
            good = alike[rows, columns] >= alpha - _EPS
            pairs[number, truth[rows[good]], found[columns[good]]] += 1
    true = pairs.sum(axis=(1, 2))
    detection = true / (truth_n.sum() + found_n.sum() - true)
    each = pairs / np.maximum(truth_n[:, None] + found_n - pairs, 1)
    return detection, (pairs * each).sum(axis=(1, 2)) / np.maximum(true, 1)


def _idf1(frames: _Indexed, truth_n: Array, found_n: Array) -> float:
    together = np.zeros((len(truth_n), len(found_n)))
    for truth, found, alike in frames:
        together[np.ix_(truth, found)] += alike >= FOUND
    rows, columns = _best(together)
    return float(2 * together[rows, columns].sum() / (truth_n.sum() + found_n.sum()))


def _switches(frames: _Indexed) -> int:
    switches = 0
    last: dict[int, int] = {}  # who each person was last found as
    before: dict[int, int] = {}  # the same, in the frame before only
    for truth, found, alike in frames:
        if not alike.size:
            continue  # nobody was there, or nobody was found: the pairs of the frame before stay
        kept = np.zeros(alike.shape)
        for row, column in np.ndindex(alike.shape):
            kept[row, column] = _KEEP * (before.get(int(truth[row])) == int(found[column]))
        score = np.where(alike >= FOUND - _EPS, alike + kept, 0)
        before = {}
        for row, column in zip(*_best(score), strict=True):
            if score[row, column] > 0:
                person, name = int(truth[row]), int(found[column])
                switches += last.get(person, name) != name
                last[person] = before[person] = name
    return switches


def _best(score: Array) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(score, maximize=True)
    return rows, columns
