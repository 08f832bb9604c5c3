"""The evaluation with real server, models, clip and ground truth; three seconds of the clip."""

import json
import math

import pytest

from livedance_lab.errors import LiveDanceError
from livedance_lab.evaluation.keypoint_truth import keypoint_truth
from livedance_lab.evaluation.report import write_evaluation
from livedance_lab.evaluation.run import evaluate
from livedance_lab.samples import sample_path


@pytest.fixture(scope="module")
def found():
    return evaluate(sample_path(), seconds=3.0, designs=("auto-pose",), rounds=2)


def test_live_and_simulated_streams_are_judged_by_every_recipe(found):
    streams = {row["stream"] for row in found.painted}
    assert "live: auto-pose" in streams
    assert len(streams) == 6
    assert len(found.painted) == 5 * 5 + 1
    for row in found.painted:
        assert row["shown"] > 60
        assert row["rms_px"] > 0, row
        assert row["roughness_px"] > 0
    assert {len(row["rounds_rms_px"]) for row in found.painted if row["stream"].startswith("live")} == {2}


def test_our_default_is_nearer_to_the_truth_than_the_originals_recipe(found):
    """The same landmarks at the same ages: only the recipe differs."""
    rows = {(row["stream"], row["recipe"]): row for row in found.painted}
    for stream in ("simulated: one landmarker", "simulated: two in turn"):
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
    assert len(stored["painted"]) == 26
    assert stored["about"]["clip"] == "dancer.mp4"
    assert page.read_text().count("data:image/png;base64,") == 2
    assert "live: auto-pose" in text.read_text()
    assert all(p.stat().st_size > 5_000 for p in pictures)


def test_without_latency_what_is_left_is_the_models_own_error(found):
    """No recipe paints better than that, and the best one is close to it."""
    (floor,) = [row for row in found.painted if row["recipe"] == "floor"]
    assert floor["age_ms"] == 0
    assert floor["rms_px"] < min(row["rms_px"] for row in found.painted if row is not floor)


def test_two_landmarkers_in_turn_are_no_worse_than_one_behind_the_same_smoothing(found):
    """Compared by 3 s of landmarks with fixed rate and age, so that the load of this machine does not matter."""
    rows = {row["stream"]: row for row in found.painted if row["recipe"] == "default"}
    one, two = rows["simulated: one, every frame"], rows["simulated: two in turn"]
    assert two["rms_px"] < 1.05 * one["rms_px"]
    assert two["roughness_px"] < 1.05 * one["roughness_px"]
    assert [row["landmarkers"] for row in found.lanes] == ["one landmarker", "two in turn"]
    assert found.lanes[1]["jitter"] < 1.1 * found.lanes[0]["jitter"]


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


def test_who_turns_round_is_known_from_the_truth():
    """The first dancer turns the torso, and never the back."""
    first, second = keypoint_truth(sample_path()), keypoint_truth(sample_path("dancer2.mp4"))
    assert (first.turns_round, second.turns_round) == (False, True)
    assert second.facing[0, 0] > 0.95
    assert second.facing[:, 0].min() < -0.9
