"""The notebooks as a newcomer runs them, from top to bottom, without a camera and without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from livedance_lab.settings import load_preset

NAMES = ("01_quickstart", "02_live_angles_and_plots", "03_tune_smoothing", "04_analyse_a_session")
EXPORTS = {
    "01_quickstart": "out/quickstart",
    "02_live_angles_and_plots": "out/live-angles",
    "03_tune_smoothing": "out/tuning",
    "04_analyse_a_session": "out/analysis",
}


def notebook(repository: Path, name: str) -> Any:
    return nbformat.read(repository / "notebooks" / f"{name}.ipynb", as_version=4)


def executed(repository: Path, name: str, folder: Path, world: dict[str, str]) -> Any:
    from nbclient import NotebookClient

    book = notebook(repository, name)
    client = NotebookClient(book, timeout=90, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=world)
    return book


def outputs(book: Any) -> list[Any]:
    return [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]


def words(book: Any) -> str:
    printed = [o.get("text", "") for o in outputs(book) if o.output_type == "stream" and o.name == "stdout"]
    results = [o.data.get("text/plain", "") for o in outputs(book) if "data" in o]
    return "\n".join(printed + results)


def pictures(book: Any) -> int:
    return sum("image/png" in o.get("data", {}) for o in outputs(book))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_top_to_bottom(name, repository, tmp_path_factory, server, own_world):
    folder = tmp_path_factory.mktemp(name)
    book = executed(repository, name, folder, own_world)
    assert not [o for o in outputs(book) if o.output_type == "error"]
    assert not [o["text"] for o in outputs(book) if o.get("name") == "stderr"]

    out = folder / EXPORTS[name]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["ledger"]["conserved"] is True
    assert manifest["ledger"]["states"]["processed"] > 20
    assert sum(manifest["ledger"]["states"].values()) == manifest["ledger"]["captured"]
    angles = pd.read_csv(out / "angles.csv")
    assert len(angles) == manifest["ledger"]["states"]["processed"]
    assert angles["left_elbow"].notna().mean() > 0.8
    globals()[f"check_{name[:2]}"](book, folder)


def check_01(book: Any, folder: Path) -> None:
    assert "Is every captured frame accounted for? True" in words(book)
    assert "left_elbow_smooth" in words(book)


def check_02(book: Any, folder: Path) -> None:
    assert pictures(book) == 2
    assert "The left elbow had at most" in words(book)
    assert "a long computation begins" in words(book)


def check_03(book: Any, folder: Path) -> None:
    assert pictures(book) == 2
    assert "lag (ms)" in words(book)
    chosen = load_preset(folder / "presets" / "mine.toml").smoothing
    assert f"{chosen.filter} " in words(book)


def check_04(book: Any, folder: Path) -> None:
    assert pictures(book) == 3
    assert "Is every captured frame accounted for? True" in words(book)
    assert list((folder / "out" / "analysis").glob("*_dlc.csv"))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_committed_without_outputs(name, repository):
    for cell in notebook(repository, name).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert set(notebook(repository, name).metadata) <= {"kernelspec", "language_info"}


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_words_and_the_switch(name, repository):
    cells = notebook(repository, name).cells
    assert cells[0].cell_type == "markdown"
    first_code = next(cell.source for cell in cells if cell.cell_type == "code")
    assert "CAMERA = False" in first_code
    longest = max(len(cell.source.splitlines()) for cell in cells if cell.cell_type == "code")
    assert longest <= 25


def test_these_are_all_of_them(repository):
    assert tuple(sorted(path.stem for path in (repository / "notebooks").glob("*.ipynb"))) == NAMES


def test_the_first_one_is_five_cells(repository):
    assert sum(cell.cell_type == "code" for cell in notebook(repository, "01_quickstart").cells) == 5
