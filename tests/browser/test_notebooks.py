"""The real notebooks in a real JupyterLab, in front of a camera that is a file."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.browser.conftest import Notebook, wait_until

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    """Where the notebook's own server is noted; it is stopped afterwards."""
    yield tmp_path
    for note in tmp_path.glob("server-*.json"):
        os.kill(json.loads(note.read_text())["pid"], signal.SIGTERM)


def cells_of(name: str, runtime: Path, *, camera: bool) -> list[str]:
    """A notebook's code, with its switch set, on a server of its own."""
    cells = json.loads((NOTEBOOKS / name).read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    switched = [text.replace("CAMERA = False", f"CAMERA = {camera}") for text in code]
    own = f"import os; os.environ['LIVEDANCE_RUNTIME'] = {str(runtime)!r}"
    port = "LiveServer.start(port=0)"  # the usual one may be taken on this machine
    return [own, *(text.replace("LiveServer.start()", port) for text in switched)]


def test_the_quickstart_with_a_camera_ends_in_a_csv(page, lab, runtime):
    cells = cells_of("01_quickstart.ipynb", runtime, camera=True)
    notebook = Notebook(page, lab, cells)
    for _ in range(3):  # runtime, switch, view
        notebook.run()
    notebook.wait_status("live")
    wait_until(lambda: notebook.painted_pixels() > 300, "a painted skeleton")
    words = [notebook.run(120) for _ in cells[3:]]
    notebook.screenshot("notebook-01")

    assert any("Is every captured frame accounted for? True" in text for text in words)
    frames = pd.read_csv(next((lab.folder / "out" / "quickstart").glob("*frames.csv")))
    assert (frames["state"] == "processed").sum() > 20
    assert frames["t_paint_s"].notna().any()


def test_a_slider_changes_the_running_session(page, lab, runtime):
    """Notebook 03 as far as its panel and plots; then a slider is moved with the keyboard."""
    cells = cells_of("03_tune_smoothing.ipynb", runtime, camera=True)[:5]
    asked = "print(session.settings_version, session.settings.smoothing.params)"
    notebook = Notebook(page, lab, [*cells, asked, asked])
    for _ in cells:
        notebook.run(120)
    notebook.wait_status("live")
    before = notebook.run()
    handle = page.locator(".jp-OutputArea .noUi-handle").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1500)
    notebook.screenshot("notebook-03")
    after = notebook.run()

    assert int(after.split()[0]) > int(before.split()[0]), (before, after)


def test_live_plots_and_the_log_from_top_to_bottom(page, lab, runtime):
    """Notebook 02 as it stands, on the clip."""
    cells = cells_of("02_live_angles_and_plots.ipynb", runtime, camera=False)
    notebook = Notebook(page, lab, cells)
    words = [notebook.run(180) for _ in cells]
    notebook.wait_status("ended")
    notebook.screenshot("notebook-02")

    assert any("is every captured frame accounted for? True" in text for text in words)
    assert page.locator(".jp-OutputArea-output img").count() >= 2, "the snapshot and the overview"
    angles = pd.read_csv(next((lab.folder / "out" / "live-angles").glob("*angles.csv")))
    assert angles["left_elbow"].notna().sum() > 20
    assert page.wrong == []
