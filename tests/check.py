"""The checks of the project, in three tiers.

::

    python -m tests.check --fast     style, types, and every test that starts no process and loads no model: a minute
    python -m tests.check            all but the long runs: what continuous integration and the README's command run
    python -m tests.check --full     also the long runs, the readers of the exports and the oldest versions allowed
    python -m tests.check --only mypy --only soak     only these checks
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
COVERAGE = ("--cov=livedance_lab", "--cov-report=")  # half as much computing again, so in the full tier only
PYTEST = ("pytest", "--durations=20")
FAST = {"fast tests": (*PYTEST, *TOGETHER, str(CORES), "-m", costs.FAST, "tests/contract", "tests/js", "tests/unit")}
STANDARD = {
    "tests": (*PYTEST, *TOGETHER, str(CORES + 1), "-m", "not (browser or notebook or soak or alone)"),
    "tests alone": (*PYTEST, "-m", "(browser or notebook or alone) and not soak"),
}
LONG = {
    "long tests": (*PYTEST, "-m", "soak"),
    "soak": ("tests.soak", "--minutes", "10"),
    "fuzz": ("tests.fuzz", "--messages", "200000"),
    "oldest versions": ("tests.oldest_versions",),
    "export readers": ("tests.loaders",),
}
ALL = {**STYLE, **FAST, **STANDARD, **LONG}
NO_TESTS = 5  # pytest's exit status


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
    parser.add_argument("--only", action="append", choices=[*ALL], help="may be repeated")
    options, for_pytest = parser.parse_known_args(argv)
    chosen = commands(options.fast, options.full, options.only, for_pytest)
    outcomes = [run(name, command, may_be_empty=bool(for_pytest)) for name, command in chosen.items()]
    say(summary(outcomes, with_coverage="--cov-report=" in chosen.get("tests", ())))
    return int(any(o.status for o in outcomes))


def commands(fast: bool, full: bool, only: list[str] | None, for_pytest: list[str]) -> dict[str, tuple[str, ...]]:
    """Name, module and arguments of every check of a tier, or of those in `only`.

    `for_pytest` is added to each call of pytest.
    """
    chosen = {**STYLE, **(FAST if fast else STANDARD)}
    if full:
        chosen |= {"tests": (*STANDARD["tests"], *COVERAGE), **LONG}
    if only:
        chosen = {name: command for name, command in ALL.items() if name in only}
    return {name: (*command, *for_pytest) if command[0] == "pytest" else command for name, command in chosen.items()}


def run(name: str, command: tuple[str, ...], *, may_be_empty: bool) -> Outcome:
    """Run one module of this environment, and show its output as it comes.

    With options for pytest (`may_be_empty`), a part of the tests may have none that they select.
    """
    say(f"\n── {name} " + "─" * (68 - len(name)))
    began_s = time.perf_counter()
    # No test opens a window; the threads of one small matrix product disturb each other and the tests beside them.
    env = {**os.environ, "MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1"}
    status = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=env, check=False).returncode
    nothing = may_be_empty and command[0] == "pytest" and status == NO_TESTS
    return Outcome(name, 0 if nothing else status, time.perf_counter() - began_s)


def summary(outcomes: list[Outcome], *, with_coverage: bool) -> str:
    """One line for each check, the size of the package, the coverage if it was measured, and the verdict."""
    lines = [f"  {'failed' if o.status else 'ok':<8}{o.name:<18}{o.seconds:7.1f} s" for o in outcomes]
    lines.append(f"  {'':<8}{'together':<18}{sum(o.seconds for o in outcomes):7.1f} s")
    lines.append(f"\n  {code_lines.count(ROOT / 'livedance_lab'):,} lines of code in livedance_lab")
    if with_coverage:
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
