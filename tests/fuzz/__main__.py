"""``python -m tests.fuzz``: the campaign against a real server; the exit status is 1 if an invariant was broken."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.fuzz.campaign import campaign


def main() -> int:
    """Send a million malformed messages and print the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--connections", type=int, default=6)
    parser.add_argument("--folder", type=Path, help="where the server's log is left")
    options = parser.parse_args()
    report = asyncio.run(
        campaign(options.messages, seed=options.seed, connections=options.connections, folder=options.folder)
    )
    print(report.words())  # noqa: T201 - a command's output
    return 0 if report.held else 1


if __name__ == "__main__":
    sys.exit(main())
