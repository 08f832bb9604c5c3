"""The overview of a session: what is drawn is what was measured, also when little was."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.image import imread

from livedance_lab.analysis.angles import ViewQuality
from livedance_lab.analysis.statistics import percentiles
from livedance_lab.errors import ExportError
from livedance_lab.plots.overview import overview_figure, save_overview
from livedance_lab.plots.theme import FRAME_STATES, LIGHT, person_colour
from livedance_lab.pose import FrameState
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.people_edits import name_people
from livedance_lab.session_data.schema import TABLES
from tests.support import recorded_session, two_people


@pytest.fixture(scope="module")
def data() -> SessionData:
    return recorded_session.session(hands_every=3)


def panel(figure, title: str):
    """The axes with that title."""
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def without_results(data: SessionData) -> SessionData:
    tables = {**data.tables, "results": data.tables["results"].slice(0, 0)}
    return SessionData(*(tables[name] for name in TABLES), data.manifest)


def without_ages(data: SessionData) -> SessionData:
    """As of a video file: every frame processed, nothing of it live."""
    frames = data.tables["frames"]
    at = frames.schema.get_field_index("t_emit_s")
    nothing = pa.array(np.full(len(frames), np.nan))
    tables = {**data.tables, "frames": frames.set_column(at, frames.schema.field(at), nothing)}
    return SessionData(*(tables[name] for name in TABLES), data.manifest)


def test_every_measured_joint_has_its_panel_with_both_sides(data):
    figure = overview_figure(data)
    for joint in ("Elbow", "Knee"):
        colours = {line.get_color() for line in panel(figure, joint).lines}
        assert colours == {LIGHT.left, LIGHT.right}


def test_lines_are_the_session_s_values(data):
    pale, strong = [line for line in panel(overview_figure(data), "Elbow").lines if line.get_linewidth() > 1][:2]
    smooth, drawn = data.array("angles_smooth_deg")[:, 0].astype(float), pale.get_ydata()
    np.testing.assert_array_equal(drawn[np.isfinite(drawn)], smooth)
    drawn = strong.get_ydata()
    np.testing.assert_array_equal(drawn[np.isfinite(drawn)], smooth[data.views[:, 0] == ViewQuality.GOOD])
    assert 0 < (data.views[:, 0] == ViewQuality.GOOD).mean() < 1
    assert pale.get_alpha() < 0.5 < (strong.get_alpha() or 1)


def test_the_figure_is_of_the_angles_that_were_chosen(data):
    """Another session's angles: their own panels, scales and places in the picture; nothing about elbows."""
    names = ["left_hip_flexion", "right_hip_flexion", "trunk_tilt", "sports2d_left_knee"]
    results = data.tables["results"].replace_schema_metadata(
        {**data.tables["results"].schema.metadata, b"angle_names": json.dumps(names).encode()}
    )
    figure = overview_figure(SessionData(*({**data.tables, "results": results}[t] for t in TABLES), data.manifest))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[1:4] == ["Hip flexion", "Trunk tilt", "Sports2d knee"]
    frame = next(axes for axes in figure.axes if axes.get_title(loc="left").startswith("Frame "))
    assert len(words(frame)) == 4


def test_a_pause_between_results_is_not_bridged_but_shaded(data):
    """A second without results, in the middle."""
    t_s = data.t_capture_s - data.t0_s
    kept = np.flatnonzero((t_s < 1) | (t_s > 2))
    tables = {**data.tables, "results": data.tables["results"].take(kept)}
    figure = overview_figure(SessionData(*(tables[name] for name in TABLES), data.manifest))
    axes = panel(figure, "Elbow")
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    assert [np.isnan(line.get_ydata()).sum() for line in thin] == [1, 1]
    assert all(np.isnan(line.get_ydata()).any() for line in axes.lines)
    (shade,) = axes.patches
    assert shade.get_x() == pytest.approx(1, abs=0.1)
    assert shade.get_width() == pytest.approx(1, abs=0.2)


def test_truth_repeats_with_the_clip_and_its_error_is_said(data):
    true = data.angles.set_index("seq")[list(data.angle_names)].reindex(range(len(data.frames)))
    truth = pd.DataFrame({name: true[f"{name}"] for name in data.angle_names}) - 10
    axes = panel(overview_figure(data, truth=truth), "Elbow")
    assert axes.get_title(loc="right") == "mean error 10° left, 10° right"  # smoothed is made 0.25° off the raw


def test_the_ledger_names_each_state_that_occurred_with_its_count(data):
    shown = words(panel(overview_figure(data), "Captured frames by state"))
    for state, count in data.ledger.states.items():
        assert (FRAME_STATES[state].label in shown) == (count > 0)
        assert not count or str(count) in shown


def test_a_broken_ledger_is_shouted(data):
    tables = {**data.tables, "frames": data.tables["frames"].slice(1)}
    broken = SessionData(*(tables[name] for name in TABLES), {**data.manifest, "first_seq": 0})
    title = panel(overview_figure(broken), "Captured frames by state").get_title(loc="right")
    assert title.startswith("NOT")


def test_ages_carry_their_percentiles(data):
    done = data.frames[data.frames["state"] == FrameState.PROCESSED]
    expected = percentiles(done["age_ms"].to_numpy())
    legend = panel(overview_figure(data), "Result age, capture to send").get_legend()
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == [f"{name} {expected[name]:.0f} ms" for name in ("p50", "p95")]


def test_the_picture_chooses_the_result(data):
    seq = int(data.seq[7])
    figure = overview_figure(data, picture=(seq, np.zeros((54, 96, 3), np.uint8)))
    axes = panel(figure, f"Frame {seq}")
    assert axes.images[0].get_extent() == [
        0,
        recorded_session.SIZE_PX[0],
        recorded_session.SIZE_PX[1],
        0,
    ]  # pixels of the original frame


def as_if_far(data: SessionData, scale: float) -> SessionData:
    """The same person, smaller, in the picture's middle."""
    results = data.tables["results"]
    name = "keypoints_px_smooth"
    middle = np.float32([*recorded_session.SIZE_PX, 0]) / 2
    points = (data.array(name) - middle) * np.float32(scale) + middle
    column = pa.FixedSizeListArray.from_arrays(pa.array(points.ravel()), int(points[0].size))
    results = results.set_column(results.schema.get_field_index(name), results.schema.field(name), column)
    return SessionData(*({**data.tables, "results": results}[table] for table in TABLES), data.manifest)


@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_no_label_leaves_the_picture_or_covers_another(data, scale):
    figure = overview_figure(as_if_far(data, scale))
    axes = next(a for a in figure.axes if a.get_title(loc="left").startswith("Frame "))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == len(data.angle_names)
    assert all(axes.bbox.contains(*corner) for box in boxes for corner in box.corners())
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_session_without_results_is_drawn_too(data, tmp_path):
    path = save_overview(without_results(data), tmp_path / "new" / "overview.png")
    assert imread(path).shape[:2] == (1720, 2640)
    figure = overview_figure(without_results(data))
    assert any("no person was detected" in words(axes) for axes in figure.axes)


def test_a_session_without_frames_is_drawn_too(data):
    empty = SessionData(*(data.tables[name].slice(0, 0) for name in TABLES), {})
    assert panel(overview_figure(empty), "Captured frames by state").get_title(loc="right") == "no frames captured"


@pytest.mark.parametrize("live", [True, False])
def test_nothing_is_clipped(data, live):
    """Every title, tick and note lies on the page and beside, not over, its neighbour."""
    manifest = {**data.manifest, "client": {"source": "a clip with a long name, second take.mp4"}}
    shown = SessionData(*((data if live else without_ages(data)).tables[name] for name in TABLES), manifest)
    figure = overview_figure(shown, truth=pd.DataFrame({"left_elbow": np.zeros(9)}))
    figure.canvas.draw()
    (legend,) = figure.legends
    assert not any(legend.get_window_extent().overlaps(text.get_window_extent()) for text in figure.texts)
    page = figure.bbox
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= page.x0
        assert box.x1 <= page.x1
        assert box.y0 >= page.y0
        assert box.y1 <= page.y1
        left, right = (axes._left_title.get_window_extent(), axes._right_title.get_window_extent())
        assert not axes.get_title(loc="right") or left.x1 < right.x0, axes.get_title(loc="left")


def test_a_figure_that_cannot_be_written_says_so(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        save_overview(data, tmp_path / "file" / "overview.png")


@pytest.fixture(scope="module")
def duet() -> SessionData:
    return name_people(two_people.session(), {1: "Ana"})


def test_two_people_have_their_colours_and_names(duet):
    figure = overview_figure(duet)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:4] == ["Ana", "person_2", "left", "right"]
    for person, rows in zip(duet.people, duet.rows_of_people(), strict=True):
        mine = [line for line in panel(figure, "Knee").lines if line.get_color() == person_colour(person)]
        assert [line.get_linestyle() for line in mine] == ["-", "--"]
        drawn = mine[0].get_ydata()
        column = duet.angle_names.index("left_knee")
        np.testing.assert_array_equal(drawn[np.isfinite(drawn)], duet.array("angles_smooth_deg")[rows, column])
        assert np.isnan(drawn).any() == (person == 2)  # away for longer than a gap


def test_two_people_in_a_frame_have_a_contour_and_a_name_each(duet):
    axes = next(a for a in overview_figure(duet).axes if a.get_title(loc="left").startswith("Frame "))
    assert words(axes) == ["Ana", "person_2"]
    colours = {line.get_color() for line in axes.lines}
    assert {person_colour(1), person_colour(2), LIGHT.left, LIGHT.right} < colours
    alone = overview_figure(duet, picture=(two_people.AWAY[2], np.zeros((48, 64, 3), np.uint8)))
    assert words(panel(alone, f"Frame {two_people.AWAY[2]}")) == ["Ana"]
    nobody = overview_figure(duet, picture=(two_people.NOBODY[0], np.zeros((48, 64, 3), np.uint8)))
    assert words(panel(nobody, f"Frame {two_people.NOBODY[0]}")) == []


def test_results_of_two_people_are_counted_once(duet):
    figure = overview_figure(duet)
    processed = two_people.N_FRAMES - len(two_people.LOST)
    assert any(f"{processed} results" in text.get_text() for text in figure.texts)
    legend = panel(figure, "Results per second").get_legend()
    assert legend.get_texts()[0].get_text() == f"results {processed / duet.duration_s:.1f}/s"


def test_nothing_of_two_people_is_clipped(duet):
    figure = overview_figure(duet)
    figure.canvas.draw()
    axes = next(a for a in figure.axes if a.get_title(loc="left").startswith("Frame "))
    for text in axes.texts:
        assert all(axes.bbox.contains(*corner) for corner in text.get_window_extent().corners())
