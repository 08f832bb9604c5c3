"""The decisions of `auto` pacing are fixed in data/golden/pacing.json, by which the browser twin is tested as well.

After a wanted change of the rule: ``python -m tests.contract.test_golden_pacing`` writes the file again; then change
widgets/static/pacing.js accordingly.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from livedance_lab.client.pacing import AutoPacing, Measured

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "pacing.json"

NEAR_BEHIND = Measured(0.002, 60.0, 36.0, 0.028, 1)
NEAR_KEEPS_UP = Measured(0.002, 60.0, 57.0, 0.016, 1)
IN_BETWEEN = Measured(0.006, 60.0, 50.0, 0.019, 1)  # 0.36 intervals, load 1.2 and 1.14: no reason for either
FAR_BEHIND = Measured(0.040, 60.0, 36.0, 0.028, 1)
UNKNOWN = Measured(math.nan, 60.0, 0.0, math.nan, 1)
SLOW_CAMERA = Measured(0.009, 30.0, 15.0, 0.06, 1)  # 0.27 intervals: near, for this camera
SHARED = Measured(0.002, 60.0, 14.0, 0.028, 1)
SHARED_PACED = Measured(0.002, 60.0, 14.0, 0.150, 1)  # several sessions on one core: frames wait for their turn
TWO_LANES = Measured(0.002, 120.0, 60.0, 0.030, 2)
TWO_LANES_KEEP_UP = Measured(0.002, 60.0, 57.0, 0.030, 2)

STREAMS = {
    "near and behind: paced after two looks, and it stays": [NEAR_BEHIND] * 6,
    "near and keeping up: free": [NEAR_KEEPS_UP] * 6,
    "far and behind: free": [FAR_BEHIND] * 6,
    "nothing known: free": [UNKNOWN] * 4,
    "one odd second decides nothing": [NEAR_BEHIND, NEAR_KEEPS_UP] * 4,
    "in between: whatever it was": [*[NEAR_BEHIND] * 3, *[IN_BETWEEN] * 10],
    "in between from the start: free": [IN_BETWEEN] * 5,
    "moved away: free again, but not within five seconds": [*[NEAR_BEHIND] * 3, *[FAR_BEHIND] * 8],
    "back and forth: each switch holds twice as long": [*[NEAR_BEHIND] * 4, *[FAR_BEHIND] * 8, *[NEAR_BEHIND] * 14,
                                                        *[FAR_BEHIND] * 30],
    "the server recovers: free": [*[NEAR_BEHIND] * 7, *[NEAR_KEEPS_UP] * 4],
    "results stop while paced: it stays, the escape sends": [*[NEAR_BEHIND] * 7, *[UNKNOWN] * 4],
    "a slow camera makes the same round trip short": [SLOW_CAMERA] * 3,
    "a shared server: pacing is tried and given up": [*[SHARED] * 2, *[SHARED_PACED] * 6, *[SHARED] * 6],
    "two lanes behind, then keeping up": [*[TWO_LANES] * 3, *[TWO_LANES_KEEP_UP] * 8],
}  # fmt: skip


def decided(stream: list[Measured]) -> list[dict[str, object]]:
    """The decision of each second."""
    auto, steps = AutoPacing(), []
    for second, seen in enumerate(stream, 1):
        reason = auto.judge(float(second), seen)
        steps.append({"now_s": float(second), "seen": plain(seen), "reason": reason, "paced": auto.paced})
    return steps


def plain(seen: Measured) -> dict[str, float | None]:
    """The measurements for JSON, in which NaN is null."""
    return {name: None if math.isnan(value) else value for name, value in asdict(seen).items()}


def golden() -> dict[str, object]:
    """The content of the file."""
    return {
        "about": "Written by tests/contract/test_golden_pacing.py from livedance_lab/client/pacing.py.",
        "streams": [{"name": name, "steps": decided(stream)} for name, stream in STREAMS.items()],
    }


def test_the_rule_still_decides_as_the_golden_file_says():
    assert golden() == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "switches"),
    [
        ("near and behind: paced after two looks, and it stays", [2]),
        ("near and keeping up: free", []),
        ("far and behind: free", []),
        ("one odd second decides nothing", []),
        ("in between: whatever it was", [2]),
        ("in between from the start: free", []),
        ("moved away: free again, but not within five seconds", [2, 7]),
        ("back and forth: each switch holds twice as long", [2, 7, 17, 37]),
        ("the server recovers: free", [2, 9]),
        ("results stop while paced: it stays, the escape sends", [2]),
        ("a slow camera makes the same round trip short", [2]),
        ("a shared server: pacing is tried and given up", [2, 4]),
        ("two lanes behind, then keeping up", [2, 7]),
    ],
)
def test_the_golden_file_says_what_is_wanted(name, switches):
    assert [step["now_s"] for step in decided(STREAMS[name]) if step["reason"]] == switches


if __name__ == "__main__":
    lines = json.dumps(golden()).replace('{"n', '\n{"n')  # one step per line
    GOLDEN.write_text(lines + "\n", encoding="utf-8")
