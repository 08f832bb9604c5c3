"""Live plots in a real page: they move, also while a cell runs, and rest when told to or not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from livedance_lab.launcher import LiveServer
from tests.browser.conftest import Notebook, wait_until

CLIP = Path(__file__).resolve().parents[2] / "data" / "samples" / "dancer.mp4"
BEGIN = """%matplotlib {backend}
import time
from livedance_lab.client import LiveSession
from livedance_lab.launcher import LiveServer
from livedance_lab.widgets import LivePlots
server = LiveServer("{url}", "{token}", 0)
session = LiveSession.open(server)
feed = session.play_in_background("{clip}", wait_for_browser_s=0)
session.wait(1)"""
SHOW = "plots = LivePlots(session)\nplots"
BUSY = "time.sleep({seconds})"
TOLD = "print(plots.image.sent, plots.image.hidden)"
TALL = "for line in range(80):\n    print(line)"
CANVAS = {"inline": ".ldl-live-image", "widget": ".jupyter-widgets canvas"}
"""Where the plots are painted, by matplotlib's backend."""


class Plots:
    """The plots of a page."""

    def __init__(self, page, lab, server: LiveServer, backend: str, *more: str) -> None:
        begin = BEGIN.format(url=server.url, token=server.token, clip=CLIP, backend=backend)
        self.page, self.canvas = page, CANVAS[backend]
        self.notebook = Notebook(page, lab, [begin, SHOW, *more])
        self.notebook.run(120)
        self.notebook.run()
        wait_until(lambda: self.colourful_pixels() > 500, "painted plots")

    def colourful_pixels(self) -> int:
        """Pixels of lines and bones: neither grey nor empty."""
        return int(self.page.evaluate(
            """name => { const c = document.querySelector(name); if (!c || !c.width) return 0;
            const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
            let n = 0; for (let i = 0; i < data.length; i += 4) { const rgb = data.slice(i, i + 3);
              n += data[i + 3] > 0 && Math.max(...rgb) - Math.min(...rgb) > 60; }
            return n; }""",
            self.canvas,
        ))  # fmt: skip

    def picture(self) -> str:
        return str(self.page.evaluate(f"document.querySelector('{self.canvas}').toDataURL()"))

    def moves(self) -> None:
        seen = {self.picture()}
        wait_until(lambda: seen.add(self.picture()) or len(seen) > 4, "plots that move")

    def stands_still(self) -> bool:
        before = self.picture()
        self.page.wait_for_timeout(1000)
        return self.picture() == before


@pytest.mark.parametrize("backend", ["inline", "widget"])
def test_plots_move_while_a_cell_runs_and_rest_when_paused(page, lab, server, backend):
    plots = Plots(page, lab, server, backend, BUSY.format(seconds=8), BUSY.format(seconds=0))
    cell = plots.notebook.cell(2)
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
    prompt = cell.locator(".jp-InputPrompt")
    wait_until(lambda: prompt.inner_text() == "[*]:", "a running cell")
    plots.moves()
    assert prompt.inner_text() == "[*]:"
    plots.notebook.screenshot(f"live-plots-{backend}")

    page.locator(".widget-toggle-button", has_text="Pause").click()
    wait_until(plots.stands_still, "plots that stand still")
    page.locator(".widget-toggle-button", has_text="Pause").click()
    plots.moves()
    assert page.wrong == []


def test_plots_out_of_sight_are_not_drawn(page, lab, server):
    plots = Plots(page, lab, server, "inline", TALL, TOLD, TOLD)
    plots.moves()
    plots.notebook.run()
    page.locator(".jp-Notebook .jp-CodeCell").last.scroll_into_view_if_needed()

    def drawn() -> tuple[int, str]:
        count, hidden = plots.notebook.run().split()
        return int(count), hidden

    page.wait_for_timeout(500)
    first, hidden = drawn()
    page.wait_for_timeout(1500)
    then, _ = drawn()
    assert (hidden, then) == ("True", first)
    page.locator(".ldl-live-image").scroll_into_view_if_needed()
    plots.moves()
