"""The checks of the project, in three tiers.

::

    python -m tests.check --fast     style, types, and every test that starts no process and loads no model: a minute
    python -m tests.check            all but the long runs: what continuous integration and the README's command run
    python -m tests.check --full     also the long runs, the readers of the exports and the oldest versions allowed
    python -m tests.check --only mypy --only tests    these checks of the tier
    python -m tests.check -k wire    other options go to pytest
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.support import code_lines, costs

ROOT = Path(__file__).resolve().parents[1]
CORES = os.cpu_count() or 1

STYLE = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy",),
}
# The marks are explained in tests/support/costs.py. Files stay together: their tests share servers.
TOGETHER = ("--dist", "loadfile", "--no-loadscope-reorder", "-n")
COVERAGE = ("--cov=livedance_lab", "--cov-report=")
PYTEST = ("pytest", "--durations=20")
FAST = {"fast tests": (*PYTEST, *TOGETHER, str(CORES), "-m", costs.FAST)}
STANDARD = {
    "tests": (*PYTEST, *COVERAGE, *TOGETHER, str(CORES + 1), "-m", "not (browser or notebook or soak or alone)"),
    "tests alone": (*PYTEST, "-m", "(browser or notebook or alone) and not soak"),
}
LONG = {
    "long tests": (*PYTEST, "-m", "soak"),
    "soak": ("tests.soak", "--minutes", "10"),
    "fuzz": ("tests.fuzz", "--messages", "200000"),
    "oldest versions": ("tests.oldest_versions",),
    "export readers": ("tests.loaders",),
}
NO_TESTS = 5  # pytest's exit status; with `-k`, a part of the tests may have none of that name


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
    parser = argparse.ArgumentParser(prog="python -m tests.check", description="Style, types and tests.")
    tier = parser.add_mutually_exclusive_group()
    tier.add_argument("--fast", action="store_true", help="only what ends within a minute")
    tier.add_argument("--full", action="store_true", help="also the long runs")
    parser.add_argument("--only", action="append", choices=[*STYLE, *FAST, *STANDARD, *LONG], help="may be repeated")
    options, for_pytest = parser.parse_known_args(argv)
    chosen = commands(options.fast, options.full, for_pytest)
    outcomes = [run(name, *command) for name, command in chosen.items() if name in (options.only or chosen)]
    say(summary(outcomes))
    return int(any(o.status for o in outcomes))


def commands(fast: bool, full: bool, for_pytest: list[str]) -> dict[str, tuple[str, ...]]:
    """Name, module and arguments of every check of a tier; `for_pytest` is added to each call of pytest."""
    chosen = {**STYLE, **(FAST if fast else STANDARD), **(LONG if full else {})}
    return {name: (*command, *for_pytest) if command[0] == "pytest" else command for name, command in chosen.items()}


def run(name: str, *command: str) -> Outcome:
    """Run one module of this environment, and show its output as it comes."""
    say(f"\n── {name} " + "─" * (68 - len(name)))
    began_s = time.perf_counter()
    env = {**os.environ, "MPLBACKEND": "Agg"}  # no test opens a window
    status = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=env, check=False).returncode
    return Outcome(name, 0 if status == NO_TESTS and "-m" in command else status, time.perf_counter() - began_s)


def summary(outcomes: list[Outcome]) -> str:
    """One line for each check, the size of the package, the coverage if it was measured, and the verdict."""
    lines = [f"  {'failed' if o.status else 'ok':<8}{o.name:<18}{o.seconds:7.1f} s" for o in outcomes]
    lines.append(f"  {'':<8}{'together':<18}{sum(o.seconds for o in outcomes):7.1f} s")
    lines.append(f"\n  {code_lines.count(ROOT / 'livedance_lab'):,} lines of code in livedance_lab")
    if any(o.name == "tests" for o in outcomes):
        lines.append(f"  {coverage()} of its statements executed by the tests that run side by side")
    failed = [o.name for o in outcomes if o.status]
    verdict = f"FAILED: {', '.join(failed)}" if failed else "All checks passed."
    return "\n".join(["", "── summary " + "─" * 61, *lines, "", verdict])


def coverage() -> str:
    """Share of the package's statements that the last run with coverage has executed, in percent."""
    command = [sys.executable, "-m", "coverage", "report", "--format=total"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return f"{done.stdout.strip()} %" if done.returncode == 0 else "unknown"


def say(text: str) -> None:
    """Print at once, so that our lines stay in order with those of the tools."""
    print(text, flush=True)  # noqa: T201 - a command's output


if __name__ == "__main__":
    sys.exit(main())
