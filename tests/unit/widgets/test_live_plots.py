"""Live plots of a real session: newest state only, within a budget, only while visible, and the log is complete."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from livedance_lab.client import LiveSession
from livedance_lab.widgets.live_plots import LivePlots, redraw_interval_s
from tests.support.live_images import shown, view
from tests.support.live_results import result
from tests.unit.widgets.conftest import feed, until


@pytest.fixture
def plots(session: LiveSession):
    made = LivePlots(session, window_s=300.0)  # a slow machine takes seconds from the first result to the last
    yield made
    made.close()


def drawn_results(plots: LivePlots) -> int:
    """Number of results in the figure's first line, which is NaN in the pauses between them."""
    return int(np.isfinite(plots.figure.figure.axes[0].lines[0].get_xdata()).sum())


def server_now_s(session: LiveSession) -> float:
    return session.latest.times.t_capture_s + 0.01


def test_results_are_drawn_as_they_come(session, plots):
    feed(session, 3)
    until(lambda: drawn_results(plots) == 3, "a line of three results")
    assert plots.image.sent > 0
    assert plots.cost_ms >= 0


def test_a_session_that_has_results_already_is_drawn_too(session):
    feed(session, 2)
    plots = LivePlots(session)
    until(lambda: drawn_results(plots) == 1, "the newest result")
    plots.close()


def test_the_person_who_was_asked_for_is_drawn_whoever_is_followed(session):
    plots = LivePlots(session, person=2)
    first, second = (result(0, 100.0, person_id=id, angles_smooth_deg=np.full(len(session.angle_names), id, np.float32),
                            angles_deg=np.zeros(len(session.angle_names), np.float32)) for id in (1, 2))  # fmt: skip
    plots._on_result(replace(first, people=first.people + second.people))
    data = plots.history.plot_data(100.0)
    assert data.person_id == 2
    assert set(data.smooth_deg[0]) == {2.0}
    assert len(plots._meter._results) == 1
    plots.close()


@pytest.mark.parametrize("why", ["paused", "hidden"])
def test_nothing_is_drawn_while_nobody_looks_and_nothing_is_lost(session, plots, why):
    feed(session, 1)
    until(lambda: drawn_results(plots) == 1, "the first result")
    if why == "paused":
        plots.paused = True
    else:
        view(plots.image, "page", visible=True)
        view(plots.image, "page", visible=False)
    assert plots.suspended
    sent = plots.image.sent
    feed(session, 5)
    assert plots.image.sent <= sent + 1  # a redraw may have been running
    assert len(plots.history.plot_data(server_now_s(session)).t_s) == 6
    assert len(session.angles) == 6
    if why == "paused":
        plots.paused = False
    else:
        view(plots.image, "page", visible=True)
    until(lambda: drawn_results(plots) == 6, "everything to be drawn")


def test_a_browser_that_is_slow_is_not_overrun(session, plots):
    view(plots.image, "page", visible=True)
    feed(session, 1)
    until(lambda: plots.image.sent >= 2, "as many pictures as may travel")
    assert plots.suspended
    sent = plots.image.sent
    shown(plots.image, sent)
    assert not plots.suspended


@pytest.mark.parametrize(("budget_s", "interval_s"), [(1e-6, 1.0), (0.02, 0.5), (1e3, 1 / 12)])
def test_the_rate_follows_the_budget(budget_s, interval_s):
    """Of 10 ms per redraw; at least one per second, at most twelve."""
    assert redraw_interval_s(10.0, budget_s, 12.0) == pytest.approx(interval_s)


def test_the_page_s_colours_are_taken_on(session, plots):
    view(plots.image, "page", visible=True, dark=True)
    assert plots.figure.dark
    forced = LivePlots(session, dark=False)
    view(forced.image, "page", visible=True, dark=True)
    assert not forced.figure.dark
    forced.close()


def test_settings_and_stats_are_followed(session, plots):
    session.set(painting="latest")
    until(lambda: plots.history.painting == "latest", "the other way of painting")
    feed(session, 1)
    plots._on_message({"type": "stats", "values": {"painted_fps": 60.0}})  # as a browser's view sends them
    assert plots.history.plot_data(server_now_s(session) + 1).stats["painted_hz"][-1] == 60


def test_a_snapshot_is_a_picture_that_stays(session, plots):
    feed(session, 2)
    assert plots.snapshot().data.startswith(b"\x89PNG")


def test_closing_ends_the_thread_and_the_listening(session):
    before = threading.active_count()
    plots = LivePlots(session)
    plots.close()
    plots.close()
    assert threading.active_count() == before
    feed(session, 1)
    assert len(plots.history.plot_data(server_now_s(session)).t_s) == 0


def test_a_busy_kernel_loses_nothing_of_the_log(session, plots):
    """The interpreter is held up by a computation; afterwards every result is there, in order."""
    done = threading.Thread(target=feed, args=(session, 30))
    done.start()
    while done.is_alive():
        sum(n * n for n in range(200_000))
    assert session.angles["seq"].tolist() == list(range(30))
    assert session.ledger.captured == 30
