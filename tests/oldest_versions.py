"""The oldest versions that ``pyproject.toml`` allows, tested in an environment of their own.

::

    python -m tests.oldest_versions [options of pytest]

pip resolves to the newest versions only, so uv installs into ``.venv-oldest``. The tools of the tests are those of
``tests/constraints.txt``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from livedance_lab.bootstrap import CONSTRAINTS, ROOT, SetupError, make_environment
from tests.support import costs

FOLDER = ROOT / ".venv-oldest"
EXTRAS = "notebook,export,nwb,lsl,batch"
TOOLS = ("pytest", "pytest-timeout", "hypothesis", "pillow", "cryptography", "filterpy")
# warnings of old packages about newer ones that they meet here are no errors of ours
TESTS = ("pytest", "-p", "no:cacheprovider", "-o", "filterwarnings=ignore", "-m", costs.ONE_PROCESS)


def main(options: list[str]) -> int:
    """Set up the environment anew, then run the fast tests and the demo there."""
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    try:
        set_up(python)
    except SetupError as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - a command's output
        return 1
    env = {**os.environ, "MPLBACKEND": "Agg"}
    with tempfile.TemporaryDirectory() as out:
        demo = ("livedance_lab", "demo", "--seconds", "2", "--out", out)
        runs = [subprocess.run([str(python), "-m", *command], cwd=ROOT, env=env, check=False)
                for command in ((*TESTS, *options), demo)]  # fmt: skip
    return max(run.returncode for run in runs)


def set_up(python: Path) -> None:
    """Make the environment and install the project with the oldest versions of what it declares.

    Raises
    ------
    SetupError
        If it cannot be made.
    """
    make_environment(FOLDER)
    tools = re.findall(rf"^(?:{'|'.join(TOOLS)})==.*$", CONSTRAINTS.read_text(), flags=re.MULTILINE)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python),
               "--resolution", "lowest-direct", "--editable", f"{ROOT}[{EXTRAS}]", *tools]  # fmt: skip
    if subprocess.run(command, check=False).returncode:
        raise SetupError("the oldest versions cannot be installed; uv says why above.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
