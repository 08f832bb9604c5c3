import numpy as np
import pytest

from livedance_lab.pose import FrameState
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import TABLES
from tests.support import recorded_session


@pytest.fixture(scope="module")
def data() -> SessionData:
    return recorded_session.session(seconds=3, hands_every=4)


def test_rows_come_in_order_of_capture_with_their_receipts(data):
    frames = data.frames

    assert frames["seq"].tolist() == list(range(91))
    assert (data.tables["frames"]["seq"].to_numpy() != frames["seq"].to_numpy()).any()  # written in another order
    painted = frames[frames["state"] == FrameState.PROCESSED]
    np.testing.assert_allclose(painted["t_paint_s"] - painted["t_capture_s"], 0.06, atol=1e-9)
    np.testing.assert_allclose(painted["age_ms"], 35, atol=1e-6)
    np.testing.assert_allclose(painted["client_age_ms"], 50, atol=1e-6)
    assert frames.loc[frames["state"] != FrameState.PROCESSED, ["age_ms", "t_paint_s"]].isna().all(axis=None)


def test_the_last_receipt_of_a_frame_counts(data):
    again = data.tables["receipts"].slice(0, 1).to_pylist()[0] | {"t_paint_s": 1234.0}
    receipts = [*data.tables["receipts"].to_pylist(), again]
    tables = data.tables | {
        "receipts": type(data.tables["receipts"]).from_pylist(receipts, recorded_session.schemas().receipts)
    }

    frames = SessionData(**tables, manifest={}).frames

    assert frames.loc[frames["seq"] == again["seq"], "t_paint_s"].item() == 1234.0
    assert len(frames) == 91


def test_arrays_keep_values_and_shapes(data):
    t_s = data.t_capture_s

    np.testing.assert_array_equal(data.array("keypoints_px"), np.stack([recorded_session.keypoints_px(t) for t in t_s]))
    np.testing.assert_array_equal(data.array("world_m"), np.stack([recorded_session.world_m(t) for t in t_s]))
    assert data.array("hands_px").shape == (len(t_s), 2, 21, 3)
    assert data.array("flags").dtype == np.uint8
    smooth = [recorded_session.keypoints_px(t) + np.float32(0.5) for t in t_s]
    np.testing.assert_array_equal(data.array("keypoints_px_smooth"), smooth)
    with pytest.raises(KeyError, match="keypoints_px"):
        data.array("keypoints")


def test_wide_and_long_say_the_same(data):
    long = data.landmarks.set_index(["seq", "keypoint"])
    row = data.results.iloc[5]

    for column in ("x_px", "y_smooth_px", "z_m", "visibility"):
        assert long.loc[(row["seq"], "left_knee"), column] == row[f"left_knee_{column}"]
    assert data.angles["left_elbow"].tolist() == data.results["left_elbow"].tolist()


def test_hands_stand_in_the_long_table_only_where_seen(data):
    rows = data.landmarks.groupby("seq").size()

    assert set(rows[rows.index % 4 == 0]) == {33 + 21}
    assert set(rows[rows.index % 4 != 0]) == {33}
    assert data.landmarks.loc[data.landmarks["keypoint"] == "left_hand_wrist", "visibility"].isna().all()


def test_ledger_counts_each_frame_once(data):
    ledger = data.ledger

    assert ledger.conserved
    assert ledger.captured == 91 == sum(ledger.states.values())
    assert set(ledger.states) == {str(s) for s in FrameState}
    assert ledger.dropped_share == pytest.approx(1 - len(data.seq) / 91)


@pytest.mark.parametrize(("keep", "missing", "repeated"), [(lambda n: n != 7, (7,), 0), (None, (), 91)],
                         ids=["a frame without an entry", "every frame twice"])  # fmt: skip
def test_ledger_that_does_not_add_up_says_so(data, keep, missing, repeated):
    rows = data.tables["frames"].to_pylist()
    rows = [r for r in rows if keep(r["seq"])] if keep else rows * 2
    tables = data.tables | {"frames": type(data.tables["frames"]).from_pylist(rows, recorded_session.schemas().frames)}

    ledger = SessionData(**tables, manifest={}).ledger

    assert not ledger.conserved
    assert (ledger.missing_seqs, ledger.repeated) == (missing, repeated)


def test_gaps_are_spans_without_a_result(data):
    gap = data.find_gaps(0.05).iloc[0]
    inside = data.frames[(data.frames["t_capture_s"] > gap["start_s"]) & (data.frames["t_capture_s"] < gap["end_s"])]

    assert gap["captured"] == len(inside) > 0
    assert (inside["state"] != FrameState.PROCESSED).all()
    assert data.gaps.empty


def test_times_are_anchored_in_the_calendar(data):
    assert data.t0_s == recorded_session.T0_S
    assert data.t0_unix_s == recorded_session.T0_S + recorded_session.WALL_ANCHOR_S
    assert data.duration_s == pytest.approx(3, abs=0.005)


def test_an_empty_session_is_a_session():
    empty = SessionData(**{t: recorded_session.schemas()[t].empty_table() for t in TABLES},
                        manifest={})  # fmt: skip

    assert empty.ledger.conserved
    assert empty.ledger.captured == 0
    assert np.isnan(empty.duration_s)
    assert empty.array("keypoints_px").shape == (0, 33, 3)
    for view in (empty.frames, empty.results, empty.angles, empty.landmarks, empty.events, empty.gaps):
        assert len(view) == 0


def test_a_session_shows_what_it_holds(data):
    processed = len(data.seq)
    rate_hz = (processed - 1) / data.duration_s

    assert repr(data) == (
        f"<SessionData made-up: 3.0 s, 91 frames captured, {processed} processed, {rate_hz:.1f} results/s, "
        "every frame accounted for>"
    )
    assert f'<td style="text-align: left">91 frames captured, {processed} processed</td>' in data._repr_html_()


def test_a_session_shows_what_is_wrong_with_it(data):
    frames = data.tables["frames"]
    cut = SessionData(**{**data.tables, "frames": frames.take([0, *range(2, len(frames))])}, manifest={})
    empty = SessionData(**{t: recorded_session.schemas()[t].empty_table() for t in TABLES}, manifest={})

    assert "1 frame(s) without a state, 0 state(s) too many" in repr(cut)
    assert repr(empty).startswith("<SessionData made-up: length unknown, 0 frames captured, 0 processed, rate unknown")
