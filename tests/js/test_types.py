"""The browser modules' types, by TypeScript's compiler where it is installed (``npm install -g typescript``)."""

import shutil
import subprocess
from pathlib import Path

import pytest


def test_types_are_clean():
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("needs TypeScript's compiler: npm install -g typescript")
    done = subprocess.run([tsc, "-p", str(Path(__file__).parent)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
