"""Sets up a fresh clone and runs the demo or the tests; needs only Python and pip.

::

    python3 -m livedance_lab.bootstrap demo [options of `livedance demo`]
    python3 -m livedance_lab.bootstrap test [options of `python -m tests.check`]

It creates ``.venv`` next to the package, installs the project there with the tested versions of its dependencies
(``tests/constraints.txt``) and runs the command. A second run installs nothing unless the dependencies have changed.

The module runs before anything is installed, so it uses the standard library only. Debian's Python may lack `venv`,
and its pip refuses to install packages system-wide (PEP 668); a temporary copy of virtualenv needs neither.
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
"""The extra of the project that each command needs; the demo needs none."""

USAGE = """usage: python3 -m livedance_lab.bootstrap demo|test [options]

  demo   set up, then run `livedance demo [options]`: analyses a video with the live server; writes CSV and a figure
  test   set up, then run `python -m tests.check [options]`: every check and test
"""


class SetupError(Exception):
    """The setup failed; the message says what to do."""


def main(argv: Sequence[str] | None = None, version: tuple[int, ...] = tuple(sys.version_info[:3])) -> int:
    """Set up the environment that the command needs, and run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The command and its options. Default: the arguments of this process.
    version : tuple of int
        Version of the running Python.

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
    """Create ``.venv`` and install the project there, unless that was done before and nothing has changed since.

    Parameters
    ----------
    extra : str
        The extra of the project to install; empty: none.

    Returns
    -------
    Path
        The environment's Python.

    Raises
    ------
    SetupError
        If this is no clone of the project, or the environment cannot be created.
    """
    if not (ROOT / "pyproject.toml").is_file():
        raise SetupError(f"{ROOT} is not a clone of the project; installed from a wheel, run `livedance demo`.")
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    works = python.exists() and _run([str(python), "-c", "import pip"], quiet=True) == 0
    digest = _digest()
    if works and any(_stamp(e).is_file() and _stamp(e).read_text() == digest for e in {extra, "dev"}):
        return python
    if not works:
        _say(f"Creating the virtual environment {VENV} ...")
        make_environment(VENV)
    _say("Installing livedance_lab and its dependencies (a few minutes the first time, about 1 GB on disk) ...")
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    if _pip(python, "install", "--constraint", str(CONSTRAINTS), "--editable", target):
        raise SetupError(
            "installing failed; see pip's message above. Check the network (behind a proxy set HTTPS_PROXY, with a "
            "mirror of the package index set PIP_INDEX_URL) and run the same command again."
        )
    use_opencv_without_display(python)
    _stamp(extra).write_text(digest)
    return python


def make_environment(folder: Path) -> None:
    """Create a virtual environment that contains pip, with the standard `venv` or else with virtualenv.

    Raises
    ------
    SetupError
        If neither is available.
    """
    if _run([sys.executable, "-m", "venv", "--clear", str(folder)], quiet=True) == 0:
        return
    shutil.rmtree(folder, ignore_errors=True)  # after a failure, venv leaves an environment without pip behind
    _say("This Python has no complete `venv` module; using a temporary copy of virtualenv instead.")
    with tempfile.TemporaryDirectory(prefix="livedance-virtualenv-") as tmp:
        if _pip(Path(sys.executable), "install", "--quiet", "--target", tmp, "virtualenv") != 0:
            raise SetupError("no virtual environment can be created: install python3-venv, or python3-pip.")
        env = {**os.environ, "PYTHONPATH": tmp}
        if _run([sys.executable, "-m", "virtualenv", "--clear", str(folder)], env=env, quiet=True) != 0:
            raise SetupError(f"virtualenv could not create {folder}; is the folder writable and the disk not full?")


def use_opencv_without_display(python: Path) -> None:
    """Install the headless build of OpenCV if ``import cv2`` fails because display libraries are missing.

    opencv-python links libGL and libxcb for its windows, which this project never opens; in all else the headless
    build is the same module.

    Raises
    ------
    SetupError
        If the headless build cannot be imported either.
    """
    if _run([str(python), "-c", "import cv2"], quiet=True) == 0:
        return
    find = "from importlib.metadata import version; print(version('opencv-python'))"
    version = subprocess.run([str(python), "-c", find], capture_output=True, text=True, check=True).stdout.strip()
    _say(f"OpenCV lacks the system's display libraries (libGL): using opencv-python-headless {version} instead.")
    headless = f"opencv-python-headless=={version}"
    # The headless files replace those of opencv-python, which stays recorded as installed because the project requires
    # it. The reinstallation is forced: pip may hold a record of an earlier headless build whose files are gone.
    if _pip(python, "install", "--quiet", "--no-deps", "--force-reinstall", headless) or _run(
        [str(python), "-c", "import cv2"]
    ):
        raise SetupError("`import cv2` fails with opencv-python-headless too: see the message above.")


def _digest() -> str:
    """Return a hash of everything the installation depends on: Python, folder, dependencies, tested versions."""
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
    """Replace this process by the command, so that Ctrl-C reaches it and its exit status is returned."""
    if os.name != "nt":  # on Windows, exec would return to the shell before the command ends
        os.execv(command[0], command)
    return _run(command)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
