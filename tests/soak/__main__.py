"""The soak as a command: ``python -m tests.soak --minutes 30 --clients 1,4,8``."""

from __future__ import annotations

import argparse
import json
import sys

from tests.soak.run import line, soak


def main() -> int:
    """Run the soak, print a line for each round and a summary; return 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", default="1,4,8", help="clients at once, round by round")
    parser.add_argument("--estimator", choices=["replay", "mediapipe"], default="replay")
    parser.add_argument("--rate", type=float, default=30.0, help="frames per second and client")
    parser.add_argument("--round", type=float, default=30.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    report = soak(
        60 * chosen.minutes,
        tuple(int(n) for n in chosen.clients.split(",")),
        estimator=chosen.estimator,
        rate_hz=chosen.rate,
        round_s=chosen.round,
        seed=chosen.seed,
        tell=lambda reading: print(line(reading), flush=True),  # noqa: T201 - a command's output
    )
    print(json.dumps(report.figures(), indent=2))  # noqa: T201
    return int(bool(report.wrong))


if __name__ == "__main__":
    sys.exit(main())
