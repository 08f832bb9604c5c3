"""Runs the tests of the exports with the tools that read them, in a separate environment.

::

    python -m tests.loaders [options of pytest]

movement installs another build of OpenCV, so that it needs an environment (``.venv-loaders``) of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from livedance_lab.bootstrap import CONSTRAINTS, ROOT, SetupError, make_environment

FOLDER = ROOT / ".venv-loaders"


def main(options: list[str]) -> int:
    """Set up the environment if necessary, then run the tests of the exports with every loader."""
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    try:
        set_up(python)
    except SetupError as exc:
        print(exc, file=sys.stderr)  # noqa: T201  a command prints
        return 1
    env = {**os.environ, "LIVEDANCE_LOADERS": "required", "MPLBACKEND": "Agg"}
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "tests/unit/export", *options]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def set_up(python: Path) -> None:
    """Create the environment and install the project and the loaders, unless that is done already.

    Raises
    ------
    SetupError
        If it cannot be created.
    """
    stamp, needs = FOLDER / "stamp", (ROOT / "pyproject.toml").read_text() + CONSTRAINTS.read_text()
    if stamp.is_file() and stamp.read_text() == needs:
        return
    make_environment(FOLDER)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint",
               str(CONSTRAINTS), "--editable", f"{ROOT}[export-test]"]  # fmt: skip
    if subprocess.run(command, check=False).returncode:
        raise SetupError("the export loaders cannot be installed; pip says why above.")
    stamp.write_text(needs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
