import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from livedance_lab.errors import ExportError
from livedance_lab.pose import FrameState
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import TABLES, frames_batch, result_rows, results_batch
from livedance_lab.session_data.time_grid import camera_fps, nominal_grid, true_times
from tests.support import recorded_session


def session(captured_s, processed=None) -> SessionData:
    """A session of frames captured at given times; those at `processed` positions gave a result."""
    s = recorded_session.schemas()
    processed = set(range(len(captured_s)) if processed is None else processed)
    states = [FrameState.PROCESSED if i in processed else FrameState.LOST for i in range(len(captured_s))]
    records = [
        recorded_session.record(i, recorded_session.T0_S + t, state)
        for i, (t, state) in enumerate(zip(captured_s, states, strict=True))
    ]
    results = [recorded_session.result(i, recorded_session.T0_S + captured_s[i]) for i in sorted(processed)]
    tables = {t: s[t].empty_table() for t in ("events", "receipts", "results", "frames")}
    tables["frames"] = pa.Table.from_batches([frames_batch(s, records)])
    if results:
        tables["results"] = pa.Table.from_batches([results_batch(s, [row for r in results for row in result_rows(r)])])
    return SessionData(**tables, manifest={})


@pytest.mark.parametrize(
    ("times_s", "fps"),
    [
        (np.arange(100) / 30, 30.0),
        (np.arange(100) / 29.97, 29.97),
        (np.delete(np.arange(100) / 30, [3, 4, 50, 51, 52]), 30.0),
        (np.arange(100) / 30 + np.tile([0, 0.004], 50), 30.0),
        (np.r_[np.arange(60) / 30, 2 + np.arange(30) / 15], 30.0),
        (np.r_[np.arange(60) / 30, 7 + np.arange(60) / 30], 30.0),
        ([0.0, np.nan, 0.05, 0.1], 20.0),
        ([1.0, np.nan], np.nan),
    ],
    ids=["even", "NTSC", "frames left out", "jitter", "slower in dim light", "a pause", "unknown time", "one frame"],
)
def test_rate_of_the_camera(times_s, fps):
    assert camera_fps(times_s) == pytest.approx(fps, rel=2e-3, nan_ok=True)


def test_lost_frames_keep_their_rows():
    grid = nominal_grid(session(np.arange(10) / 10, processed=[0, 1, 4, 7]))

    assert grid.fps == 10
    assert grid.n_rows == 10  # the last two captured frames were lost, but their time counts
    assert grid.row_of.tolist() == [0, 1, 4, 7]
    np.testing.assert_array_equal(
        grid(np.float32([[1], [2], [3], [4]]))[:, 0], [1, 2, np.nan, np.nan, 3, np.nan, np.nan, 4, np.nan, np.nan]
    )
    assert grid.measured.tolist() == [True, True, False, False, True, False, False, True, False, False]


def test_two_results_that_jitter_into_one_row_both_stay():
    captured_s = np.array([0.0, 0.1, 0.251, 0.349, 0.4, 0.5])  # the third and fourth are both nearest to row 3

    grid = nominal_grid(session(captured_s), fps=10)

    assert grid.row_of.tolist() == [0, 1, 2, 3, 4, 5]
    assert grid.unplaced == 0


def test_more_results_than_rows_are_counted_not_hidden():
    grid = nominal_grid(session(np.arange(31) / 30), fps=10)

    assert grid.n_rows == 11
    assert grid.measured.all()
    assert grid.unplaced == 31 - 11
    assert grid.row_of[::3].tolist() == list(range(11))  # of three, the one at the row's own time


def test_interpolation_is_between_known_values_only():
    values = np.float64([[0, 10], [2, np.nan], [3, 13], [9, 19]])  # at 0.0, 0.2, 0.3 and 0.9 s
    data = session(np.array([0.0, 0.2, 0.3, 0.9]))

    near = nominal_grid(data, fps=10, fill="linear", max_gap_s=0.35)(values)
    far = nominal_grid(data, fps=10, fill="linear", max_gap_s=1)(values)

    np.testing.assert_allclose(near[:, 0], [0, 1, 2, 3, np.nan, np.nan, np.nan, np.nan, np.nan, 9], atol=1e-6)
    np.testing.assert_allclose(near[:, 1], [10, 11, 12, 13, np.nan, np.nan, np.nan, np.nan, np.nan, 19], atol=1e-6)
    np.testing.assert_allclose(far, np.stack([np.arange(10), 10 + np.arange(10)], 1), atol=1e-6)


def test_interpolation_stands_at_exact_times():
    captured_s = np.array([0.0, 0.11, 0.19, 0.33, 0.4])
    data = session(captured_s)

    rows = nominal_grid(data, fps=10, fill="linear")(captured_s[:, None].copy())  # each value is its own time

    np.testing.assert_allclose(rows[:, 0], np.arange(5) / 10, atol=1e-6)


def test_sidecar_names_every_captured_frame():
    data = session(np.arange(10) / 10, processed=[0, 1, 4, 7])

    sidecar = nominal_grid(data).sidecar(data)

    assert sidecar["seq"].tolist() == list(range(10))
    assert sidecar["state"].tolist()[:3] == ["processed", "processed", "lost"]
    np.testing.assert_allclose(sidecar["t_capture_s"], np.arange(10) / 10, atol=1e-9)
    assert sidecar["row"].dropna().tolist() == [0, 1, 4, 7]
    assert sidecar.loc[sidecar["row"].isna(), "t_row_s"].isna().all()


def test_true_times_have_a_row_per_captured_frame():
    data = session(np.array([0.0, 0.11, 0.19, 0.33]), processed=[0, 2, 3])

    rows = true_times(data)

    np.testing.assert_allclose(rows.t_s, [0.0, 0.11, 0.19, 0.33], atol=1e-9)
    np.testing.assert_array_equal(rows(np.float32([1, 2, 3])), [1, np.nan, 2, 3])


def test_frames_of_unknown_time_have_no_row():
    data = session(np.array([0.0, np.nan, 0.2, 0.3]))

    grid = nominal_grid(data, fps=10)

    assert grid.row_of.tolist() == [0, -1, 2, 3]
    assert grid.unplaced == 1
    assert len(true_times(data).t_s) == 3
    assert pd.isna(grid.sidecar(data).loc[1, "row"])


@pytest.mark.parametrize(("captured_s", "words"), [([], "nothing to export"), ([0.0], "give fps")])
def test_nothing_to_make_a_grid_of(captured_s, words):
    with pytest.raises(ExportError, match=words):
        nominal_grid(session(np.array(captured_s)) if captured_s else SessionData(
            **{t: recorded_session.schemas()[t].empty_table() for t in TABLES},
            manifest={},
        ))  # fmt: skip
