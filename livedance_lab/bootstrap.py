"""From a fresh clone to the demo or the tests with nothing but Python and pip.

::

    python3 -m livedance_lab.bootstrap demo [options of `livedance demo`]
    python3 -m livedance_lab.bootstrap test [options of `python -m tests.check`]

Makes ``.venv`` beside the package, installs the project there with the versions it was tested with
(``tests/constraints.txt``) and hands over. A second run starts at once unless the project's needs changed.

Standard library only, and nothing newer than the version check itself needs: it runs before anything is
installed. Debian is catered for: its Python may lack `venv`, and its pip refuses to install system-wide
(PEP 668); a temporary copy of virtualenv needs neither.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "tests" / "constraints.txt"

EXTRAS = {"demo": "", "test": "dev"}
"""Which extra of the project each command needs; the demo runs on the base alone."""

USAGE = """usage: python3 -m livedance_lab.bootstrap demo|test [options]

  demo   set up, then run `livedance demo [options]`: a dancer through the real server into CSV and a figure
  test   set up, then run `python -m tests.check [options]`: every check and test
"""


class SetupError(Exception):
    """Setting up cannot go on; the message says what to do."""


def main(argv: Sequence[str] | None = None, version: tuple[int, ...] = tuple(sys.version_info[:3])) -> int:
    """Set up what the command needs and run it.

    Parameters
    ----------
    argv : sequence of str, optional
        Command and its options; default those of this process.
    version : tuple of int
        Of the running Python.

    Returns
    -------
    int
        Exit status.
    """
    command, *options = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    if command in ("-h", "--help"):
        _say(USAGE)
        return 0
    try:
        check_python(version)
        if command not in EXTRAS:
            raise SetupError(f"there is no command {command!r}.\n\n{USAGE}")
        python = set_up(EXTRAS[command])
    except SetupError as exc:
        _say(f"livedance_lab: {exc}")
        return 2
    if command == "test":
        os.chdir(ROOT)
        return _hand_over([str(python), "-m", "tests.check", *options])
    return _hand_over([str(python.parent / "livedance"), command, *options])


def check_python(version: tuple[int, ...]) -> None:
    """Refuse a Python that is too old.

    Raises
    ------
    SetupError
        If it is older than `OLDEST`.
    """
    if tuple(version[:2]) < OLDEST:
        wanted, got = (".".join(map(str, v)) for v in (OLDEST, version))
        raise SetupError(
            f"needs Python {wanted} or newer, this is {got} ({sys.executable}). "
            f"Try `python{wanted} -m livedance_lab.bootstrap ...`, or install a newer Python."
        )


def set_up(extra: str) -> Path:
    """Make ``.venv`` and install the project there, unless that was done and nothing has changed since.

    Parameters
    ----------
    extra : str
        Extra of the project to install with it; empty for none.

    Returns
    -------
    Path
        The environment's Python.

    Raises
    ------
    SetupError
        If this is no checkout, or the environment cannot be made.
    """
    if not (ROOT / "pyproject.toml").is_file():
        raise SetupError(f"{ROOT} is no clone of the project; installed from a wheel, run `livedance demo`.")
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    works = python.exists() and _run([str(python), "-c", "import pip"], quiet=True) == 0
    needs = _digest()
    if works and any(_stamp(e).is_file() and _stamp(e).read_text() == needs for e in {extra, "dev"}):
        return python
    if not works:
        _say(f"Making the virtual environment {VENV} ...")
        make_environment(VENV)
    _say("Installing livedance_lab and what it needs (a few minutes the first time, about 1 GB on disk) ...")
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    if _pip(python, "install", "--constraint", str(CONSTRAINTS), "--editable", target):
        raise SetupError(
            "installing failed; pip says why above. Check the network (behind a proxy set HTTPS_PROXY, with a "
            "mirror of the package index set PIP_INDEX_URL) and run the same command again."
        )
    use_opencv_without_display(python)
    _stamp(extra).write_text(needs)
    return python


def make_environment(folder: Path) -> None:
    """Make a virtual environment with pip in it; with the standard `venv`, else with virtualenv.

    Raises
    ------
    SetupError
        If neither can be had.
    """
    if _run([sys.executable, "-m", "venv", "--clear", str(folder)], quiet=True) == 0:
        return
    shutil.rmtree(folder, ignore_errors=True)  # what a failed venv leaves behind has no pip
    _say("This Python has no complete `venv` module; using a temporary copy of virtualenv instead.")
    with tempfile.TemporaryDirectory(prefix="livedance-virtualenv-") as tmp:
        if _pip(Path(sys.executable), "install", "--quiet", "--target", tmp, "virtualenv") != 0:
            raise SetupError("no virtual environment can be made: install python3-venv, or python3-pip.")
        env = {**os.environ, "PYTHONPATH": tmp}
        if _run([sys.executable, "-m", "virtualenv", "--clear", str(folder)], env=env, quiet=True) != 0:
            raise SetupError(f"virtualenv could not make {folder}; is the folder writable and the disk not full?")


def use_opencv_without_display(python: Path) -> None:
    """Where ``import cv2`` fails for want of the system's display libraries, use the build without them.

    opencv-python links libGL and libxcb for its windows, which no part of this project opens; the headless
    build is the same module otherwise.

    Raises
    ------
    SetupError
        If OpenCV works neither way.
    """
    if _run([str(python), "-c", "import cv2"], quiet=True) == 0:
        return
    find = "from importlib.metadata import version; print(version('opencv-python'))"
    version = subprocess.run([str(python), "-c", find], capture_output=True, text=True, check=True).stdout.strip()
    _say(f"OpenCV misses the system's display libraries (libGL): using opencv-python-headless {version} instead.")
    headless = f"opencv-python-headless=={version}"
    # laid over opencv-python, which stays recorded as the requirement it is; forced, as an earlier headless build
    # may be recorded too while its files went with opencv-python's
    if _pip(python, "install", "--quiet", "--no-deps", "--force-reinstall", headless) or _run(
        [str(python), "-c", "import cv2"]
    ):
        raise SetupError("`import cv2` fails with opencv-python-headless too: the lines above say what it misses.")


def _digest() -> str:
    """What the installation depends on: Python, place, declared needs, tested versions."""
    parts = [sys.version, str(ROOT), (ROOT / "pyproject.toml").read_text(), CONSTRAINTS.read_text()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _stamp(extra: str) -> Path:
    return VENV / f"livedance-{extra or 'base'}.stamp"


def _pip(python: Path, *arguments: str) -> int:
    shared = ["--disable-pip-version-check", "--no-input"]
    return _run([str(python), "-m", "pip", *shared, *arguments])


def _run(command: Sequence[str], *, env: dict[str, str] | None = None, quiet: bool = False) -> int:
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, env=env, stdout=sink, stderr=sink, check=False).returncode


def _hand_over(command: list[str]) -> int:
    """Become the command, so that Ctrl-C and the exit status are its own."""
    if os.name != "nt":  # on Windows, exec returns to the shell before the command ends
        os.execv(command[0], command)
    return _run(command)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
