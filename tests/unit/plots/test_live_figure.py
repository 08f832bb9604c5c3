"""The live figure: what is drawn is what was measured, artists stay the same, memory stays bounded."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from livedance_lab.analysis.angle_definitions import by_joint
from livedance_lab.errors import SettingsError
from livedance_lab.plots.fast_text import FastText
from livedance_lab.plots.live_figure import LiveFigure
from livedance_lab.plots.live_history import LiveHistory, Ring
from livedance_lab.plots.theme import FRAME_STATES
from livedance_lab.pose import FrameState
from livedance_lab.skeletons import BLAZEPOSE_33
from tests.support.live_results import LATE_S, RATE_HZ, result

NAMES = ("left_elbow", "right_elbow", "left_knee", "right_knee")


def history(count: int, **options) -> LiveHistory:
    made = LiveHistory(NAMES, **options)
    for n in range(count):
        made.add_result(result(n), 100 + n / RATE_HZ + LATE_S)
    return made


def now_of(count: int) -> float:
    return 100 + (count - 1) / RATE_HZ + LATE_S


def panel(figure: LiveFigure, title: str):
    """The axes whose title, or whose newest label, begins like this."""
    return next(
        ax
        for ax in figure.figure.axes
        if any(text.startswith(title) for text in (ax.get_title(loc="left"), *(t.get_text() for t in ax.texts)) if text)
    )


def line(axes, label: str) -> np.ndarray:
    """The values of a line."""
    return np.asarray(next(line for line in axes.lines if line.get_label() == label).get_ydata())


def numbers(axes) -> list[str]:
    """The texts that change with every drawing."""
    return [artist.text for artist in axes.artists if isinstance(artist, FastText) and artist.text]


def bones(axes, side: str):
    return next(lines for lines in axes.collections if lines.get_label() == side)


def count_backgrounds(figure: LiveFigure) -> list[int]:
    """Grows whenever the whole figure is drawn, not only what moves."""
    drawn: list[int] = []
    figure.figure.canvas.mpl_connect("draw_event", lambda event: drawn.append(1))
    return drawn


def two(n: int, followed_id: int):
    """The n-th result of two people; the second one's angles are 50 degrees smaller."""
    first, second = result(n), result(n, person_id=2, **dict.fromkeys(
        ("angles_deg", "angles_smooth_deg"), result(n).angles_smooth_deg - 50))  # fmt: skip
    return replace(first, people=first.people + second.people, followed_id=followed_id)


# --- what is remembered


def test_a_ring_keeps_the_last_rows_in_order():
    ring = Ring(3, 2)
    for n in range(5):
        ring.add([n, 10 * n])
        assert len(ring) == min(n + 1, 3)
        np.testing.assert_array_equal(ring.rows()[:, 0], np.arange(max(0, n - 2), n + 1))


def test_memory_does_not_grow_with_the_session():
    kept = LiveHistory(NAMES, window_s=100.0, stats_window_s=3.0, max_hz=0.5)
    for n in range(500):
        kept.add_result(result(n), 100 + n / RATE_HZ)
        kept.plot_data(100 + n / RATE_HZ)
    data = kept.plot_data(100 + 499 / RATE_HZ)
    assert len(data.t_s) == 50
    assert len(data.stats_t_s) == 12


def test_only_the_window_is_seen():
    data = history(100, window_s=2.0).plot_data(now_of(100))
    assert data.t_s[0] >= now_of(100) - 2.0
    assert data.t_s[-1] == pytest.approx(now_of(100) - LATE_S)
    np.testing.assert_allclose(data.raw_deg - data.smooth_deg, 3)


@pytest.mark.parametrize("t_s", [100.0, 100.02, math.nan], ids=["the same", "older", "unknown"])
def test_a_result_that_is_not_newer_is_ignored(t_s):
    kept = history(2)
    kept.add_result(result(9, t_s), 101)
    assert len(kept.plot_data(101).t_s) == 2


def test_a_clock_that_begins_again_begins_a_new_history():
    kept = history(40)
    kept.add_result(result(0, 3.0), 3.05)
    np.testing.assert_array_equal(kept.plot_data(3.1).t_s, [3.0])


def test_rates_and_ages_are_those_of_the_results():
    kept = history(60)
    kept.add_stats({"painted_fps": 58.0})
    data = kept.plot_data(now_of(60))
    assert data.stats["results_hz"][-1] == pytest.approx(RATE_HZ, abs=1)
    assert data.stats["age_p50_ms"][-1] == pytest.approx(1000 * LATE_S)
    assert data.stats["painted_hz"][-1] == 58
    kept.add_stats({"painted_fps": None})
    assert math.isnan(kept.plot_data(now_of(60) + 1).stats["painted_hz"][-1])


def test_the_skeleton_moves_between_results():
    """Half an interval later it is half way on, not at a result."""
    kept = history(40)
    now_s = now_of(40) + 0.5 / RATE_HZ
    first, then = kept.plot_data(now_s).pose_px, kept.plot_data(now_s + 0.25 / RATE_HZ).pose_px
    np.testing.assert_allclose(then - first, 0.25, atol=0.05)
    kept.paint_with("latest")
    assert kept.plot_data(now_s).pose_px is None


# --- what is drawn


def test_the_skeleton_of_another_person_does_not_move_over_from_the_last_one():
    made = history(10)
    other = result(10, keypoints_px=np.full((33, 3), 900, np.float32), person_id=2)
    made.add_result(other, now_of(11))
    for late_s in (0.0, 0.01, 0.1):
        np.testing.assert_array_equal(made.plot_data(now_of(11) + late_s).pose_px, 900)


def test_angles_of_one_joint_share_a_panel():
    assert by_joint((*NAMES, "trunk")) == {
        "elbow": {"left": 0, "right": 1}, "knee": {"left": 2, "right": 3}, "trunk": {"middle": 4}}  # fmt: skip
    knee = panel(LiveFigure(history(5), show=["knee"]), "knee")
    assert {line.get_label().split()[0] for line in knee.lines} == {"left", "right"}


def test_sides_are_told_apart_wherever_the_name_has_them():
    assert by_joint(("sports2d_left_knee", "sports2d_right_knee", "left_hip_flexion", "trunk_tilt")) == {
        "sports2d_knee": {"left": 0, "right": 1}, "hip_flexion": {"left": 2}, "trunk_tilt": {"middle": 3}}  # fmt: skip


def test_an_angle_that_is_seen_badly_is_pale():
    """The left forearm points at the camera in results 20 to 29."""
    kept = LiveHistory(NAMES)
    flat = np.random.default_rng(7).uniform(-0.5, 0.5, (33, 3)).astype(np.float32) * (1, 1, 0)
    for n in range(40):
        world = flat.astype(np.float32)
        if 20 <= n < 30:
            world[BLAZEPOSE_33.index("left_wrist")] = world[BLAZEPOSE_33.index("left_elbow")] + np.float32((0, 0, -0.3))
        kept.add_result(result(n, world_m=world), 100 + n / RATE_HZ + LATE_S)
    figure = LiveFigure(kept, show=["elbow"])
    figure.draw(now_of(40))
    elbow = panel(figure, "elbow")
    assert np.flatnonzero(np.isnan(line(elbow, "left smooth"))).tolist() == list(range(20, 30))
    assert np.flatnonzero(np.isfinite(line(elbow, "left foreshortened"))).tolist() == list(range(19, 31))  # they meet
    assert all(one.get_alpha() < 0.5 for one in elbow.lines if one.get_label() == "left foreshortened")
    assert not np.isnan(line(elbow, "right smooth")).any()
    assert numbers(elbow)[0] == "left 129°"
    kept.add_result(
        result(40, world_m=np.where(np.arange(33)[:, None] == 15, world[13] - (0, 0, 1), world)), now_of(41)
    )
    figure.draw(now_of(41))
    assert numbers(elbow)[0] == "left \u2248130°"


def test_how_fast_a_joint_turns_is_drawn_too():
    """One degree per result: 20 degrees per second on the left elbow, minus that on the right."""
    figure = LiveFigure(history(50), show=["elbow velocity", "knee"])
    figure.draw(now_of(50))
    velocity = panel(figure, "elbow, °/s")
    np.testing.assert_allclose(line(velocity, "left smooth"), RATE_HZ, rtol=1e-4)
    np.testing.assert_allclose(line(velocity, "right smooth"), -RATE_HZ, rtol=1e-4)
    assert numbers(velocity) == ["left 20°/s", "right -20°/s"]
    assert velocity.get_yticks().tolist() == [-90, 0, 90]


def test_qualities_of_the_last_seconds_are_followed():
    kept = LiveHistory(NAMES, qualities=["symmetry", "energy"])
    figure = LiveFigure(kept, show=["elbow", "symmetry", "energy"])
    points = np.random.default_rng(7).uniform(-0.5, 0.5, (33, 3)).astype(np.float32)
    for n in range(80):
        kept.add_result(result(n, world_m=points + np.float32(0.01 * n)), 100 + n / RATE_HZ + LATE_S)
        figure.draw(100 + n / RATE_HZ + LATE_S)
    symmetry, energy = panel(figure, "symmetry"), panel(figure, "energy")
    assert numbers(energy) == ["0.06"]  # 0.2 m/s along each of three axes: half of 3 x 0.2 squared
    known = line(energy, "energy")
    assert 5 <= np.isfinite(known).sum() <= 8  # twice a second, once a second of movement is known
    assert np.isnan(known[0])
    assert 0 <= line(symmetry, "symmetry")[-1] <= 1


def test_only_what_is_followed_can_be_shown():
    with pytest.raises(SettingsError, match=r"no quality 'grace'; the qualities are smoothness, "):
        LiveHistory(NAMES, qualities=["grace"])
    with pytest.raises(
        SettingsError, match=r"no angle of 'energy'; this session has elbow, knee; it computes symmetry"
    ):
        LiveFigure(LiveHistory(NAMES, qualities=["symmetry"]), show=["energy"])


def test_the_axis_of_a_signed_angle_grows_in_steps():
    kept = LiveHistory(("left_hip_flexion", "right_hip_flexion"))
    figure = LiveFigure(kept)
    for n, deg in enumerate((10, 60, 120, -30)):
        both = np.array([deg, 0], np.float32)
        kept.add_result(result(n, angles_deg=both, angles_smooth_deg=both), 100 + n / RATE_HZ + LATE_S)
        figure.draw(100 + n / RATE_HZ + LATE_S)
    low, high = panel(figure, "hip flexion").get_ylim()
    assert -60 < low < -45
    assert 180 < high < 190


def test_an_unknown_joint_is_named():
    with pytest.raises(SettingsError, match=r"no angle of 'tail'.*elbow, knee"):
        LiveFigure(history(0), show=["tail"])


def test_lines_are_the_measured_angles():
    figure = LiveFigure(history(50))
    figure.draw(now_of(50))
    elbow = panel(figure, "elbow")
    np.testing.assert_allclose(line(elbow, "left smooth"), 90 + np.arange(50))
    np.testing.assert_allclose(line(elbow, "left raw"), 93 + np.arange(50))
    np.testing.assert_allclose([one.get_xdata()[-1] for one in elbow.lines], -LATE_S)
    assert all(one.get_alpha() < 0.5 for one in elbow.lines if one.get_label().endswith("raw"))
    assert numbers(elbow)[0] == "left 139°"


def test_a_pause_between_results_is_not_bridged():
    kept = history(10)
    kept.add_result(result(10, 102.0), 102.05)
    figure = LiveFigure(kept)
    figure.draw(102.1)
    assert np.isnan(line(panel(figure, "elbow"), "left smooth")).tolist() == [False] * 10 + [True, False]


def test_artists_are_made_once_and_the_background_is_drawn_once():
    kept = history(30)
    figure = LiveFigure(kept)
    figure.draw(now_of(30))
    artists = [id(artist) for ax in figure.figure.axes for artist in ax.get_children()]
    backgrounds = count_backgrounds(figure)
    for n in range(30, 60):
        kept.add_result(result(n), now_of(n + 1))
        figure.draw(now_of(n + 1))
    assert [id(artist) for ax in figure.figure.axes for artist in ax.get_children()] == artists
    assert not backgrounds


def test_drawing_over_the_kept_background_gives_what_drawing_everything_gives():
    kept = history(30)
    figure = LiveFigure(kept)
    figure.draw(now_of(30))
    kept.add_result(result(30), now_of(31))
    figure.draw(now_of(31))
    quick = figure.pixels().copy()
    figure.figure.canvas.draw()
    assert (quick[..., :3] != 255).mean() > 0.02  # something is drawn at all
    np.testing.assert_array_equal(quick, figure.pixels())


def test_a_scale_grows_in_steps_and_then_the_background_is_drawn_again():
    kept = history(30)
    figure = LiveFigure(kept)
    figure.draw(now_of(30))
    backgrounds, rates = count_backgrounds(figure), panel(figure, "per second")
    assert rates.get_ylim()[1] == 30
    kept.add_stats({"painted_fps": 59.0})
    figure.draw(now_of(30) + 0.3)
    assert rates.get_ylim()[1] == 120
    assert len(backgrounds) == 1


def test_bones_join_the_landmarks_where_they_are():
    kept = LiveHistory(NAMES, painting="latest")
    points = np.zeros((33, 3), np.float32)
    points[BLAZEPOSE_33.index("left_shoulder"), :2] = (300, 120)
    points[BLAZEPOSE_33.index("left_elbow"), :2] = (350, 220)
    points[BLAZEPOSE_33.index("left_wrist")] = np.nan
    visible = np.ones(33, np.float32)
    visible[BLAZEPOSE_33.index("left_elbow")] = 0.4
    kept.add_result(result(0, keypoints_px=points, visibility=visible, source_size_px=(720, 1280)), 100.0)
    figure = LiveFigure(kept)
    figure.draw(100.0)
    picture = panel(figure, "image coordinates")
    left = bones(picture, "left")
    upper_arm = [tuple(map(tuple, s)) for s in left.get_segments()].index(((300, 120), (350, 220)))
    assert left.get_colors()[upper_arm][3] == pytest.approx(0.4)
    assert np.isfinite(np.concatenate(left.get_segments())).all()
    assert picture.get_ylim()[0] > 1280 > picture.get_ylim()[1]


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "across", "up"),
    [(0, 0, [1, 0, 0], [0, -1, 0]), (90, 0, [0, 0, 1], [0, -1, 0]), (0, 90, [1, 0, 0], [0, 0, 1])],
    ids=["as the camera", "from the side", "from above"],
)
def test_the_view_in_space_can_be_turned(azimuth_deg, elevation_deg, across, up):
    kept = LiveHistory(NAMES, painting="latest")
    points = np.zeros((33, 3), np.float32)
    points[BLAZEPOSE_33.index("left_elbow")] = (0.1, 0.2, 0.4)  # the left shoulder is at the origin
    kept.add_result(result(0, world_m=points), 100.0)
    figure = LiveFigure(kept)
    figure.world.turn(azimuth_deg, elevation_deg)
    figure.draw(100.0)
    upper_arm = np.stack(bones(figure.world.axes, "left").get_segments())[:, 1]
    expected = np.array([across, up]) @ points[BLAZEPOSE_33.index("left_elbow")]
    assert np.isclose(upper_arm, expected, atol=1e-6).all(axis=1).any()


def test_the_ledger_s_bar_is_whole_and_names_what_occurred():
    figure = LiveFigure(history(10))
    figure.draw(now_of(10))
    ledger = figure.figure.axes[-1]
    widths = {bar.get_label(): bar.get_width() for bar in ledger.patches if bar.get_visible() and bar.get_y() < 0.5}
    assert widths == {"processed": 0.5, "superseded": 0.45, "open": pytest.approx(0.05)}
    assert numbers(ledger) == ["20 frames captured", "10 processed", "9 superseded", "1 in progress"]
    assert set(FRAME_STATES) == {*map(str, FrameState), "open"}


def test_nothing_is_invented_before_the_first_result():
    figure = LiveFigure(LiveHistory(NAMES))
    figure.draw(5.0)
    assert all(not len(one.get_ydata()) for one in panel(figure, "elbow").lines)
    assert all(not bones(figure.world.axes, side).get_segments() for side in ("left", "right", "middle"))


def test_the_colours_can_change_on_the_way():
    figure = LiveFigure(history(10))
    figure.draw(now_of(10))
    assert figure.pixels()[2, 2, :3].tolist() == [255, 255, 255]
    figure.restyle(dark=True)
    figure.draw(now_of(10))
    assert figure.pixels()[2, 2, :3].max() < 40


def test_a_saved_file_shows_what_moves_too(tmp_path):
    figure = LiveFigure(history(30))
    figure.draw(now_of(30))
    before = figure.pixels().copy()
    figure.figure.savefig(tmp_path / "plots.png", dpi=figure.figure.dpi)
    from matplotlib.image import imread

    saved = (imread(tmp_path / "plots.png")[..., :3] * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(saved, before[..., :3])


def test_another_size_draws_everything_anew():
    """As when the page of an interactive figure has another resolution."""
    figure = LiveFigure(history(30))
    figure.draw(now_of(30))
    figure.figure.set_dpi(150)
    figure.draw(now_of(30))
    assert figure.pixels().shape[:2] == (885, 1500)
    assert (figure.pixels()[..., :3] != 255).mean() > 0.02


def test_fast_text_is_as_wide_as_matplotlib_s():
    figure = LiveFigure(history(10))
    figure.draw(now_of(10))
    words = Figure(dpi=100).text(0, 0, "20 frames captured", fontsize=9, fontweight="bold")
    total = next(artist for artist in figure.figure.axes[-1].artists if isinstance(artist, FastText))
    assert total.width_px == pytest.approx(words.get_window_extent().width, rel=0.05)


def test_the_curves_begin_anew_when_another_person_is_followed_and_rates_continue():
    kept = LiveHistory(NAMES)
    for n in range(40):
        kept.add_result(two(n, 1 if n < 30 else 2), 100 + n / RATE_HZ + LATE_S)
    data = kept.plot_data(now_of(40))
    assert np.isnan(data.smooth_deg[:30]).all()
    np.testing.assert_array_equal(data.smooth_deg[30:, 0], 40 + np.arange(30, 40))
    assert data.stats["results_hz"][-1] == pytest.approx(RATE_HZ, abs=1)


def test_the_figure_says_who_is_shown_if_there_are_several_people():
    def whose(figure: LiveFigure) -> str:
        figure.draw(now_of(10))
        return "".join(text.get_text() for text in panel(figure, "image coordinates").texts)

    kept = history(8)
    figure = LiveFigure(kept)
    assert whose(figure) == ""
    for n, (followed_id, name) in enumerate([(1, "person 1"), (2, "person 2")], 8):
        kept.add_result(two(n, followed_id), now_of(n + 1))
        assert whose(figure) == name
    figure.restyle(dark=True)
    assert whose(figure) == "person 2"
