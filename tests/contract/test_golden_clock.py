"""The clock estimate is fixed in data/golden/clock.json; the Python and the JavaScript implementation are tested by it.

After a wanted change: ``python -m tests.contract.test_golden_clock`` writes the file again; then change
widgets/static/clock.js accordingly.
"""

import json
import math
from pathlib import Path

import pytest

from livedance_lab.clock import OffsetEstimator

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "clock.json"

Exchange = tuple[float, float, float, float]


def exchange(t0_s: float, offset_s: float, up_s: float, down_s: float, server_s: float = 0.001) -> Exchange:
    """Client and server times of one ping; the server's clock is `offset_s` ahead, and it answers after `server_s`."""
    t1_s = t0_s + offset_s + up_s
    t2_s = t1_s + server_s
    return (t0_s, t1_s, t2_s, t2_s - offset_s + down_s)


SEQUENCES: dict[str, tuple[int, list[Exchange]]] = {
    "the first exchange at time zero": (16, [(0.0, 100.25, 100.5, 0.75)]),
    "no time passes": (16, [(5.0, 5.0, 5.0, 5.0)]),
    "the shortest round trip counts, first, in the middle or last": (
        16,
        [exchange(n, -3600.5, up_s, 0.001) for n, up_s in enumerate((0.02, 0.5, 0.001, 0.04, 0.0005, 0.3))],
    ),
    "one way is slower: the error stays below half the round trip": (
        16, [exchange(1.0, 7.0, 0.08, 0.0), exchange(2.0, 7.0, 0.0, 0.06), exchange(3.0, 7.0, 0.01, 0.03)]
    ),
    "a negative round trip is ignored, first and later": (
        16, [(100.0, 50.0, 50.001, 99.0), exchange(101.0, 2.0, 0.01, 0.01), (102.0, 104.0, 104.5, 102.25),
             exchange(103.0, 2.0, 0.005, 0.005)],
    ),
    "answers out of order": (
        16, [exchange(3.0, 1.0, 0.02, 0.02), exchange(1.0, 1.0, 0.01, 0.01), exchange(2.0, 1.0, 0.015, 0.01)]
    ),
    "equal round trips: the newest counts": (
        16, [(1.0, 11.25, 11.25, 1.5), (2.0, 12.5, 12.5, 2.5), (3.0, 13.0, 13.0, 3.5), (4.0, 14.75, 14.75, 5.0)]
    ),
    "the offset jumps: the old one is believed until its exchange is forgotten": (
        4, [exchange(n, 10.0 if n < 3 else 500.0, 0.001 if n < 3 else 0.004, 0.001) for n in range(9)]
    ),
    "a window of one": (1, [exchange(n, 0.25 * n, 0.001 * n, 0.002) for n in range(4)]),
}  # fmt: skip


def estimates(window: int, exchanges: list[Exchange]) -> list[dict[str, object]]:
    """The estimate before the first exchange and after each."""
    estimator, steps = OffsetEstimator(window), []
    for times_s in (None, *exchanges):
        if times_s is not None:
            estimator.add(*times_s)
        best = estimator.best
        known = {"offset_s": best.offset_s, "uncertainty_s": best.uncertainty_s, "round_trip_s": estimator.round_trip_s}
        steps.append({"exchange": times_s and list(times_s), **{name: plain(value) for name, value in known.items()}})
    return steps


def plain(value: float) -> float | None:
    """A number as JSON knows it: NaN is null."""
    return None if math.isnan(value) else value


def golden() -> dict[str, object]:
    """The content of the file."""
    return {
        "about": "Written by tests/contract/test_golden_clock.py from livedance_lab/clock.py.",
        "sequences": [
            {"name": name, "window": window, "steps": estimates(window, exchanges)}
            for name, (window, exchanges) in SEQUENCES.items()
        ],
    }


def test_the_estimate_still_agrees_with_the_golden_file():
    assert golden() == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "offsets_s"),
    [
        ("the first exchange at time zero", [None, 100.0]),
        ("no time passes", [None, 0.0]),
        ("a negative round trip is ignored, first and later", [None, None, 2.0, 2.0, 2.0]),
        ("answers out of order", [None, 1.0, 1.0, 1.0]),
        ("equal round trips: the newest counts", [None, 10.0, 10.25, 9.75, 9.75]),
        ("a window of one", [None, -0.001, 0.2495, 0.5, 0.7505]),
    ],
)
def test_the_golden_file_says_what_is_wanted(name, offsets_s):
    found = [step["offset_s"] for step in estimates(*SEQUENCES[name])]
    assert [offset_s is None for offset_s in found] == [offset_s is None for offset_s in offsets_s]
    assert [x for x in found if x is not None] == pytest.approx([x for x in offsets_s if x is not None], abs=1e-9)


def test_a_jump_is_followed_as_soon_as_the_exchanges_before_it_are_forgotten():
    offsets_s = [step["offset_s"] for step in estimates(*SEQUENCES[next(n for n in SEQUENCES if "jumps" in n)])]
    assert offsets_s[1:7] == pytest.approx([10.0] * 6)
    assert offsets_s[7:] == pytest.approx([500.0] * 3, abs=0.002)


def test_the_round_trip_is_the_shortest():
    name = "the shortest round trip counts, first, in the middle or last"
    trips_s = [step["round_trip_s"] for step in estimates(*SEQUENCES[name])]
    assert trips_s[1:] == pytest.approx([0.021, 0.021, 0.002, 0.002, 0.0015, 0.0015], abs=1e-9)


if __name__ == "__main__":
    lines = json.dumps(golden()).replace('{"n', '\n{"n').replace('{"ex', '\n{"ex')  # one step per line
    GOLDEN.write_text(lines + "\n", encoding="utf-8")
