"""The measures of several people, on people whose places are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from livedance_lab.errors import LiveDanceError
from livedance_lab.evaluation.people import judge_people
from livedance_lab.evaluation.people_truth import PeopleTruth, people_truth
from livedance_lab.skeletons import BLAZEPOSE_33
from tests.support.people import figure

FRAMES = 20


def body(x: float) -> np.ndarray:
    return figure(x).keypoints_px[:, :2].astype(float)


@pytest.fixture
def truth() -> PeopleTruth:
    """Two people who stand still; less than half of the second is visible in the last five frames."""
    px = np.tile(np.stack([body(200), body(600)]), (FRAMES, 1, 1, 1))
    share = np.ones((FRAMES, 2))
    share[15:, 1] = 0.3
    return PeopleTruth(np.arange(FRAMES) / 30, px, np.ones(px.shape[:3], bool), share)


def judged(truth: PeopleTruth, found) -> dict:
    return judge_people(truth, list(range(FRAMES)), [found(n) for n in range(FRAMES)])


def test_everything_found_is_perfect(truth):
    figures = judged(truth, lambda n: {1: body(200), 2: body(600)})
    assert figures == {"found": 1, "false": 0, "rms_px": pytest.approx(0, abs=1e-9), "switches": 0, "ids": 2,
                       "idf1": 1, "hota": pytest.approx(1), "expected": 35}  # fmt: skip


def test_who_is_half_hidden_need_not_be_found(truth):
    figures = judged(truth, lambda n: {1: body(200), **({2: body(600)} if n < 15 else {})})
    assert (figures["found"], figures["idf1"]) == (1, 1)


def test_who_is_missing_counts(truth):
    figures = judged(truth, lambda n: {1: body(200)})
    assert figures["found"] == pytest.approx(20 / 35)


def test_nobody_where_nobody_is_counts_as_false(truth):
    figures = judged(truth, lambda n: {1: body(200), 2: body(600), 3: body(1200)})
    assert figures["false"] == pytest.approx(1 / 3)


def test_exchanged_ids_are_switches(truth):
    figures = judged(truth, lambda n: {1: body(200), 2: body(600)} if n < 10 else {2: body(200), 1: body(600)})
    assert figures["switches"] == 2
    assert figures["idf1"] < 0.8


def test_the_error_is_without_its_constant_part(truth):
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 2, (FRAMES, 2, 33, 2))
    figures = judged(truth, lambda n: {1: body(207) + noise[n, 0], 2: body(607) + noise[n, 1]})
    assert figures["rms_px"] == pytest.approx(2 * np.sqrt(2), rel=0.1)


def test_the_truth_is_read_from_the_files_beside_the_clip(tmp_path):
    rows = [(f, f / 30, person, name, 10.0 * person + k, 5.0, k % 2 == 0)
            for f in range(3) for person in (1, 2) for k, name in enumerate(BLAZEPOSE_33.landmarks)]  # fmt: skip
    columns = ["frame", "time_s", "person", "joint", "u_px", "v_px", "visible"]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "a_truth.parquet")
    shares = pd.DataFrame({"frame": [0, 0, 1, 1, 2, 2], "person": [1, 2] * 3, "visible_share": [1, 0.5, 1, 0.2, 1, 0]})
    shares.to_csv(tmp_path / "a_people.csv", index=False)
    truth = people_truth(tmp_path / "a.mp4")
    assert truth.people == 2
    assert truth.px[2, 1, 4].tolist() == [24.0, 5.0]
    assert truth.visible[0, 0, :3].tolist() == [True, False, True]
    assert truth.share[1].tolist() == [1, 0.2]
    with pytest.raises(LiveDanceError, match="needs the truth of several people"):
        people_truth(tmp_path / "b.mp4")
