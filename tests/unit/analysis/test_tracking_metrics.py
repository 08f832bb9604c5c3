"""Measures of tracking, against the numbers that `trackeval` 1.3.0 gives for the same frames."""

from __future__ import annotations

import numpy as np
import pytest

from livedance_lab.analysis.tracking_metrics import FramePairs, keypoint_similarity, tracking_scores

BY_TRACKEVAL = {  # seed: HOTA, DetA, AssA, IDF1, IDSW
    0: (0.149773, 0.232169, 0.106079, 0.22619, 25),
    1: (0.170187, 0.276689, 0.111651, 0.243243, 16),
    2: (0.18002, 0.240429, 0.139565, 0.238095, 13),
    3: (0.182679, 0.267102, 0.130892, 0.271186, 10),
}


def frames(seed: int) -> list[FramePairs]:
    """Up to four people and six ids, at random; after 25 frames everybody has another id."""
    rng, out = np.random.default_rng(seed), []
    for n in range(40):
        truth = sorted(rng.choice(4, rng.integers(0, 5), replace=False).tolist())
        found = sorted(rng.choice(6, rng.integers(0, 5), replace=False).tolist())
        alike = rng.random((len(truth), len(found))) * 0.6
        for a, i in enumerate(truth):
            for b, j in enumerate(found):
                if j == i + (n >= 25):
                    alike[a, b] = 0.5 + 0.5 * rng.random()
        out.append(FramePairs(tuple(truth), tuple(found), alike))
    return out


@pytest.mark.parametrize("seed", BY_TRACKEVAL)
def test_the_figures_are_those_of_trackeval(seed):
    scores = tracking_scores(frames(seed))
    *shares, switches = BY_TRACKEVAL[seed]
    assert (scores.hota, scores.detection, scores.association, scores.idf1) == pytest.approx(shares, abs=1e-6)
    assert scores.switches == switches


def test_everybody_found_and_kept_is_perfect():
    whole = [FramePairs((1, 2), (7, 9), np.eye(2))] * 10
    scores = tracking_scores(whole)
    assert (scores.hota, scores.idf1, scores.switches) == (1.0, 1.0, 0)


def test_one_exchange_of_ids_is_two_switches():
    scores = tracking_scores([FramePairs((1, 2), (1, 2), np.eye(2))] * 5 + [FramePairs((1, 2), (2, 1), np.eye(2))] * 5)
    assert (scores.switches, scores.idf1) == (2, 0.5)


def test_nobody_found_is_nothing_gained():
    assert tracking_scores([FramePairs((1,), (), np.zeros((1, 0)))]).hota == 0


def test_keypoint_similarity_falls_with_distance_and_ignores_what_is_unknown():
    truth = np.array([[0.0, 0.0], [10.0, 0.0]])
    sigmas = np.array([0.1, 0.1])
    assert keypoint_similarity(truth, truth, sigmas, 100.0) == 1.0
    moved = truth + np.array([[2.0, 0.0], [0.0, 0.0]])
    assert keypoint_similarity(truth, moved, sigmas, 100.0) == pytest.approx((1 + np.exp(-4 / 8)) / 2)
    moved[0] = np.nan
    assert keypoint_similarity(truth, moved, sigmas, 100.0) == 1.0
