"""The one command: style, types and every test, as continuous integration runs them.

::

    python -m tests.check            everything
    python -m tests.check --quick    without the browser, the notebooks and the long runs
    python -m tests.check -k wire    options after these go to pytest
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

STATIC_CHECKS = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy",),
}
LOADERS = {"export loaders": ("tests.loaders",)}
QUICK = "not browser and not notebook and not soak"


class Outcome(NamedTuple):
    """How one check went."""

    name: str
    status: int
    seconds: float


def main(argv: list[str] | None = None) -> int:
    """Run every check, also after one has failed, and sum up.

    Parameters
    ----------
    argv : list of str, optional

    Returns
    -------
    int
        0 if all passed, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.check", description="Style, types and every test.")
    parser.add_argument("--quick", action="store_true", help="leave out the browser, the notebooks and the long runs")
    options, for_pytest = parser.parse_known_args(argv)
    tests = ("pytest", *(("-m", QUICK) if options.quick else ()), *for_pytest)
    commands = {**STATIC_CHECKS, **({} if options.quick or for_pytest else LOADERS), "pytest": tests}
    outcomes = [run(name, *command) for name, command in commands.items()]
    say(summary(outcomes))
    return int(any(o.status for o in outcomes))


def run(name: str, *module_and_arguments: str) -> Outcome:
    """Run one tool of this environment, its words shown as they come."""
    say(f"\n── {name} " + "─" * (68 - len(name)))
    began_s = time.perf_counter()
    env = {**os.environ, "MPLBACKEND": "Agg"}  # no test opens a window
    status = subprocess.run([sys.executable, "-m", *module_and_arguments], cwd=ROOT, env=env, check=False).returncode
    return Outcome(name, status, time.perf_counter() - began_s)


def summary(outcomes: list[Outcome]) -> str:
    """One line a check, and a verdict."""
    lines = [f"  {'failed' if o.status else 'ok':<8}{o.name:<14}{o.seconds:7.1f} s" for o in outcomes]
    failed = [o.name for o in outcomes if o.status]
    verdict = f"FAILED: {', '.join(failed)}" if failed else "All checks passed."
    return "\n".join(["", "── summary " + "─" * 61, *lines, "", verdict])


def say(text: str) -> None:
    """Print at once, so that our lines stay in order with the tools' own."""
    print(text, flush=True)  # noqa: T201 - a command's words


if __name__ == "__main__":
    sys.exit(main())
