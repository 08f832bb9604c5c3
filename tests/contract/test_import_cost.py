"""Importing a part loads no heavy package before it is used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("mediapipe", "cv2", "tornado", "websockets", "matplotlib", "pandas", "pyarrow", "scipy", "ipywidgets")


def loaded_by(statement: str, *python_options: str) -> set[str]:
    """Return the top-level packages that a new Python has loaded after the statement."""
    code = f"import sys; {statement}; import json; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, *python_options, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_package_loads_nothing_heavy():
    assert not loaded_by("import livedance_lab").intersection(HEAVY)


@pytest.mark.parametrize("module", ["livedance_lab", "livedance_lab.bootstrap"])
def test_it_works_before_anything_is_installed(module, repository):
    """Without site-packages (-S) there is only the standard library, as on a new machine."""
    statement = f"sys.path.insert(0, {str(repository)!r}); import {module}"
    own = loaded_by(statement, "-I", "-S") - sys.stdlib_module_names
    assert own <= {"livedance_lab", "__main__"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("livedance_lab.cli", ("mediapipe", "cv2", "tornado", "matplotlib", "pandas")),
        ("livedance_lab.estimators", ("mediapipe", "cv2")),
        ("livedance_lab.plots", ("mediapipe", "matplotlib", "tornado")),
        ("livedance_lab.client", ("mediapipe", "cv2", "tornado", "matplotlib")),
        ("livedance_lab.widgets", ("mediapipe", "cv2", "tornado", "matplotlib")),
        ("livedance_lab.server.app, livedance_lab.cli.serve", ("pandas", "scipy", "matplotlib", "IPython")),
    ],
)
def test_a_part_loads_only_what_it_needs(module, unwanted):
    """`livedance --help` answers at once; a viewer needs no model runtime."""
    assert not loaded_by(f"import {module}").intersection(unwanted)


def test_the_measurement_sees_what_is_loaded():
    """The tests above can fail."""
    assert "tornado" in loaded_by("import livedance_lab, tornado")
