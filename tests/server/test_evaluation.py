"""The evaluation on the real path: server, models, clip and truth; two seconds of it."""

import json
import math

import pytest

from livedance_lab.errors import LiveDanceError
from livedance_lab.runs.evaluation import evaluate, keypoint_truth
from livedance_lab.runs.evaluation_report import write_evaluation
from livedance_lab.runs.samples import sample_path


@pytest.fixture(scope="module")
def found():
    return evaluate(sample_path(), seconds=3.0, designs=("auto-pose",))


def test_live_and_simulated_streams_are_judged_by_every_recipe(found):
    streams = {row["stream"] for row in found.painted}
    assert "live: auto-pose" in streams
    assert len(streams) == 4
    assert len(found.painted) == 4 * 5
    for row in found.painted:
        assert row["shown"] > 60
        assert row["rms_px"] > 0, row
        assert row["second_difference_px"] > 0


def test_our_default_is_nearer_to_the_truth_than_the_originals_recipe(found):
    """The same landmarks at the same ages: only the recipe differs."""
    rows = {(row["stream"], row["recipe"]): row for row in found.painted}
    for stream in ("simulated: 30/s", "simulated: 60/s"):
        assert rows[stream, "default"]["rms_px"] < rows[stream, "original"]["rms_px"]
        assert rows[stream, "best"]["rms_px"] < rows[stream, "latest"]["rms_px"]


def test_filters_are_tried_on_a_real_still_and_compared(found):
    default = next(row for row in found.smoothers if row["filter"] == "kalman_adaptive")
    ema = next(row for row in found.smoothers if row["filter"] == "ema")
    assert 0 < default["jitter"] < ema["jitter"]
    assert ema["lag_ratio"] == pytest.approx(1, abs=0.05)
    assert len(found.trials) > 100
    assert set(found.angles) >= {"left_elbow", "right_hip"}


def test_the_report_holds_the_numbers_and_the_pictures(found, tmp_path):
    page, text, numbers, *pictures = write_evaluation(found, tmp_path)
    stored = json.loads(numbers.read_text())
    assert len(stored["painted"]) == 20
    assert stored["about"]["clip"] == "dancer.mp4"
    assert page.read_text().count("data:image/png;base64,") == 2
    assert "live: auto-pose" in text.read_text()
    assert all(p.stat().st_size > 5_000 for p in pictures)


def test_a_clip_without_truth_says_so(tmp_path):
    with pytest.raises(LiveDanceError, match=r"an evaluation needs the truth of mine\.mp4"):
        evaluate(tmp_path / "mine.mp4")


def test_the_truth_is_in_the_models_order():
    truth = keypoint_truth(sample_path())
    assert truth.px.shape[1:] == (33, 2)
    assert truth.px[0, 0, 1] < truth.px[0, 27, 1]  # the nose is above the ankle
    assert 80 < truth.body_size_px < 200
    assert math.isclose(truth.times_s[60], 1.0, abs_tol=0.02)
    assert 0 <= truth.stillest < len(truth.times_s)
