"""The summary of sessions whose figures are known in advance."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from livedance_lab.errors import LiveDanceError
from livedance_lab.estimators.base import Estimate
from livedance_lab.evaluation.angle_errors import angle_errors
from livedance_lab.pose import FrameState
from livedance_lab.samples import angle_truth, sample_path
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import TABLES
from livedance_lab.session_data.summary import conserved, summarise, time_averaged_age_ms
from tests.support.pipeline import Stage, a_hand, a_pose


def data_of(stage: Stage) -> SessionData:
    return SessionData(**{table: stage.session.log.read(table)[0] for table in TABLES}, manifest={})


@pytest.fixture
def stage() -> Stage:
    """Ten frames: six results (one without a person), one superseded, one skipped, one rejected, one late."""
    stage = Stage()
    for seq in range(4):
        stage.send(seq)
        stage.done(stage.take(), Estimate() if seq == 3 else a_pose())
    stage.send(4)
    stage.send(5)  # 4 is superseded
    older = stage.take()
    stage.send(6)
    newer = stage.take()
    stage.done(newer)
    stage.done(older)  # 5 is late
    stage.send(7, image=b"")
    stage.session.skipped([(8, 8 / 50)])
    stage.send(9)
    hands = stage.job(stage.session._slot.newest, "hands")
    stage.done(hands, Estimate(hands=(a_hand("left", 0.7, 0.5),)))
    stage.done(stage.take())
    stage.session.receipts([(9, 9 / 50 + 0.5, None)])
    stage.session.end(10)
    return stage


def test_a_session_whose_frames_do_not_add_up_is_refused_with_its_figures(stage):
    data = data_of(stage)
    assert conserved(data, "auto") is data
    frames = data.tables["frames"]
    cut = SessionData(**{**data.tables, "frames": frames.take([0, *range(2, len(frames))])}, manifest={})

    with pytest.raises(LiveDanceError, match=r"auto: 10 frames were captured, but 9 have ended \(5 pro.*1 have no s"):
        conserved(cut, "auto")


def test_states_shares_and_rates(stage):
    numbers = summarise(data_of(stage))

    assert numbers["conserved"]
    assert numbers["captured"] == 10
    assert {s: n for s, n in numbers["states"].items() if n} == {
        "processed": 6, "superseded": 1, "late": 1, "rejected": 1, "client_skipped": 1}  # fmt: skip
    assert set(numbers["states"]) == {str(s) for s in FrameState}
    assert numbers["dropped_share"] == pytest.approx(0.4)
    assert numbers["results"] == 6
    assert numbers["results_per_s"] == pytest.approx(6 / numbers["duration_s"])
    assert numbers["pose_found_share"] == pytest.approx(5 / 6)
    assert numbers["hands_share"] == pytest.approx(1 / 6)
    assert numbers["hands_per_s"] == pytest.approx(1 / numbers["duration_s"])
    assert numbers["stage_ms"]["pose"]["p50"] == 20.0
    assert math.isnan(numbers["stage_ms"]["decode"]["p50"])  # these lanes decode nothing
    assert numbers["bytes_up_per_frame"] > 32


def test_ages_are_from_capture_to_emission_and_to_the_client(stage):
    data = data_of(stage)
    numbers = summarise(data)
    done = data.frames[data.frames["state"] == "processed"]

    ages_ms = (done["t_emit_s"] - done["t_capture_s"]) * 1000
    assert numbers["age_ms"]["p50"] == pytest.approx(np.percentile(ages_ms, 50))
    assert numbers["age_ms"]["p99"] == pytest.approx(np.percentile(ages_ms, 99))
    assert numbers["age_at_client_ms"]["p50"] == pytest.approx(500.0)  # the one that was received


def test_warming_up_can_be_left_out(stage):
    numbers = summarise(data_of(stage), from_seq=6)

    assert numbers["captured"] == 4
    assert numbers["results"] == 2
    assert numbers["pose_found_share"] == 1.0
    assert numbers["conserved"]


def test_a_session_without_frames_is_unknown_not_zero():
    stage = Stage()
    stage.session.end(0)
    numbers = summarise(data_of(stage))

    assert numbers["captured"] == 0
    assert numbers["conserved"]
    for key in ("results_per_s", "dropped_share", "duration_s", "newest_age_ms", "pose_found_share"):
        assert math.isnan(numbers[key]), key


def test_a_frame_without_its_row_is_not_conserved(stage):
    data = data_of(stage)
    torn = {**data.tables, "frames": data.tables["frames"].slice(0, 5).filter([True, True, False, True, True])}

    assert not summarise(SessionData(**torn, manifest={}))["conserved"]


def test_the_newest_results_age_averaged_over_time():
    # results at 0 s and 1 s, both 100 ms old when emitted: in between the age grows from 0.1 to 1.1 s
    assert time_averaged_age_ms(np.array([0.0, 1.0]), np.array([-0.1, 0.9])) == pytest.approx(600.0)
    # a long wait counts for as long as it lasts: 1 s of 0.6 s on average, 3 s of 1.6 s
    uneven = time_averaged_age_ms(np.array([0.0, 1.0, 4.0]), np.array([-0.1, 0.9, 3.9]))
    assert uneven == pytest.approx((0.6 * 1 + 1.6 * 3) / 4 * 1000)
    assert math.isnan(time_averaged_age_ms(np.array([0.0]), np.array([0.0])))


def test_angle_errors_are_those_that_were_put_in():
    stage = Stage()
    for seq in range(5):
        stage.send(seq)
        stage.done(stage.take())
    data = data_of(stage)
    measured = data.array("angles_deg")[:, data.angle_names.index("left_elbow")]
    off = np.array([2.0, 4.0, 2.0])  # a clip of three frames, played almost twice
    truth = pd.DataFrame({"left_elbow": measured[:3] - off, "segment": ["a"] * 3})

    errors = angle_errors(data, truth)

    assert set(errors) == {"left_elbow"}  # the only angle of the truth
    error = errors["left_elbow"]
    assert error["n"] == 5
    assert error["bias"] == pytest.approx(np.mean([2, 4, 2, 2, 4]), abs=1e-4)
    assert error["mae"] == pytest.approx(error["bias"], abs=1e-4)
    assert error["mae_without_bias"] == pytest.approx(np.mean(np.abs(np.array([2, 4, 2, 2, 4]) - 2.8)), abs=1e-4)


def test_angles_that_were_never_seen_have_no_error():
    stage = Stage()
    stage.send(0)
    stage.done(stage.take(), Estimate())
    error = angle_errors(data_of(stage), pd.DataFrame({"left_elbow": [90.0]}))["left_elbow"]

    assert error["n"] == 0
    assert math.isnan(error["mae"])
    assert math.isnan(error["bias"])


def test_the_sample_clip_has_its_truth_beside_it(tmp_path):
    truth = angle_truth(sample_path())

    assert truth is not None
    assert len(truth) > 600
    assert angle_truth(tmp_path / "mine.mp4") is None


def test_the_hands_of_an_older_recording_have_todays_names(stage):
    """Manifests of earlier versions call an inference a look."""
    old = {"looks": 4, "at_wrists": 3, "away": 1, "at_wrists_per_look": 0.75, "ms_per_look": 20.0, "ms_per_hand": None}
    data = SessionData(**data_of(stage).tables, manifest={"hands": old})

    assert summarise(data)["hands"] == {"inferences": 4, "at_wrists": 3, "away": 1, "at_wrists_per_inference": 0.75,
                                        "ms_per_inference": 20.0, "ms_per_hand": None}  # fmt: skip
    assert summarise(data_of(stage))["hands"] == {}
