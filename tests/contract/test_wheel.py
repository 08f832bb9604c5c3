"""The wheel that users install, built with the real backend and installed into a new environment."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import livedance_lab


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    # no build isolation: the backend is a development dependency, so the tests need no network
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def packed(wheel: Path) -> set[str]:
    """Names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_its_name_carries_the_version(wheel):
    assert wheel.name == f"livedance_lab-{livedance_lab.__version__}-py3-none-any.whl"


def test_every_module_and_every_browser_file_is_in_it(packed, repository):
    package = repository / "livedance_lab"
    kept = {".py", ".typed", ".js", ".mjs", ".css", ".html", ".json"}
    wanted = {str(p.relative_to(repository)) for p in package.rglob("*") if p.suffix in kept or p.name == "py.typed"}
    assert "livedance_lab/py.typed" in wanted
    assert any(name.startswith("livedance_lab/widgets/static/") and name.endswith(".js") for name in wanted)
    assert wanted <= packed, sorted(wanted - packed)


def test_nothing_else_is_in_it(packed):
    others = {name for name in packed if not name.startswith(("livedance_lab/", "livedance_lab-"))}
    assert not others
    assert not {name for name in packed if name.endswith((".task", ".tflite", ".pyc"))}


def test_the_sample_clip_is_in_it(packed):
    """`livedance demo` works after a plain install."""
    samples = {name.removeprefix("livedance_lab/_samples/") for name in packed if "/_samples/" in name}
    assert samples == {"dancer.mp4", "dancer_angles.csv", "dancer_truth.parquet", "LICENSE.txt"}


def test_the_notebooks_are_in_it(packed, repository):
    """`livedance lab` copies them where there is no checkout."""
    notebooks = {name.removeprefix("livedance_lab/_notebooks/") for name in packed if "/_notebooks/" in name}
    assert notebooks == {path.name for path in (repository / "notebooks").glob("*.ipynb")}


def test_its_licence_is_in_it(packed):
    assert any(name.endswith("/licenses/LICENSE") for name in packed)


def test_it_imports_where_nothing_else_is_installed(wheel, tmp_path):
    """In an environment without any dependency the package can still be imported."""
    if importlib.util.find_spec("venv") is None:
        pytest.skip("this Python has no venv module")
    folder = tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)

    code = "import livedance_lab as l; print(l.__version__); print(l.__file__)"
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    version, place = done.stdout.split()
    assert version == livedance_lab.__version__
    assert Path(place).is_relative_to(folder.resolve())
    assert (python.parent / ("livedance.exe" if os.name == "nt" else "livedance")).exists()
