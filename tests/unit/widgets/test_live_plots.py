"""Live plots of a real session: newest only, within a budget, resting when nobody looks, never losing the log."""

from __future__ import annotations

import threading

import pytest

from livedance_lab.client import LiveSession
from livedance_lab.widgets.live_plots import LivePlots
from tests.unit.widgets.conftest import feed, until
from tests.unit.widgets.test_live_image import view


@pytest.fixture
def plots(session: LiveSession):
    made = LivePlots(session)
    yield made
    made.close()


def drawn(plots: LivePlots) -> int:
    return plots._image._sent


def lines(plots: LivePlots) -> int:
    """Results in the first line of the figure."""
    return len(plots.figure._panels[0]._lines[0][0].get_xdata())


def test_results_are_drawn_as_they_come(session, plots):
    feed(session, 3)
    until(lambda: lines(plots) == 3, "a line of three results")
    assert drawn(plots) > 0
    assert plots.cost_ms >= 0


def test_a_session_that_has_results_already_is_drawn_too(session):
    feed(session, 2)
    plots = LivePlots(session)
    until(lambda: lines(plots) == 1, "the newest result")
    plots.close()


@pytest.mark.parametrize("why", ["paused", "hidden"])
def test_nothing_is_drawn_while_nobody_looks_and_nothing_is_lost(session, plots, why):
    feed(session, 1)
    until(lambda: drawn(plots), "the first picture")
    if why == "paused":
        plots.paused = True
    else:
        view(plots._image, "page", visible=True)
        view(plots._image, "page", visible=False)
    until(lambda: not plots._wake.is_set(), "the drawing thread to rest")
    assert not plots._wanted(plots._last_s + 0.1)
    feed(session, 5)
    assert len(plots.history.view(plots._now_s()).t_s) == 6
    assert len(session.angles) == 6
    if why == "paused":
        plots.paused = False
    else:
        view(plots._image, "page", visible=True)
    until(lambda: lines(plots) == 6, "everything to be drawn")


def test_a_browser_that_is_slow_is_not_overrun(session, plots):
    view(plots._image, "page", visible=True)
    feed(session, 1)
    until(lambda: drawn(plots) == 2, "as many pictures as may travel")
    assert not plots._wanted(plots._image._sent_s + 0.1)


def test_the_rate_follows_the_budget(session, plots):
    plots.paused = True
    until(lambda: not plots._wake.is_set(), "the drawing thread to rest")
    waits = []
    for budget_s in (1e-6, 0.02, 1e3):
        plots._budget_s, plots.cost_ms = budget_s, 10.0
        waits.append(plots._redraw(plots._drawn_s + 5))
    assert waits == pytest.approx([1.0, 0.5, 1 / 12])


def test_the_page_s_colours_are_taken_on(session, plots):
    view(plots._image, "page", visible=True, dark=True)
    assert plots.figure.dark
    forced = LivePlots(session, dark=False)
    view(forced._image, "page", visible=True, dark=True)
    assert not forced.figure.dark
    forced.close()


def test_settings_and_stats_are_followed(session, plots):
    session.set(painting="latest")
    until(lambda: plots.history.painting == "latest", "the other way of painting")
    plots._hear({"type": "stats", "values": {"painted_fps": 60.0}})
    assert plots.history.view(plots._now_s() + 1).painted_hz[-1] == 60


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
    assert len(plots.history.view(plots._now_s()).t_s) == 0


def test_a_busy_kernel_loses_nothing_of_the_log(session, plots):
    """The interpreter is held up by a computation; afterwards every result is there, in order."""
    done = threading.Thread(target=feed, args=(session, 30))
    done.start()
    while done.is_alive():
        sum(n * n for n in range(200_000))
    assert session.angles["seq"].tolist() == list(range(30))
    assert session.ledger.captured == 30
