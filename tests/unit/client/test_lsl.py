"""LSL without a network: clocks with known offsets, and the error where LSL is missing."""

from __future__ import annotations

import math
import sys

import pytest

from livedance_lab.client.lsl import LslBridge
from livedance_lab.client.lsl.clock import LslClock
from livedance_lab.clock import ClockOffset, FakeClock
from livedance_lab.errors import LiveDanceError

SERVER_AHEAD_S, LSL_AHEAD_S = 1000.0, -40.0


class Clocks:
    """This process's clock and LSL's, `LSL_AHEAD_S` apart; each reading takes a given time."""

    def __init__(self, *reading_takes_s: float) -> None:
        self.time = FakeClock(500.0)
        self.takes = list(reading_takes_s)

    def own(self) -> float:
        return self.time()

    def lsl(self) -> float:
        """Read after a third of the time: the middle of the two own readings is off by less than half of it."""
        takes_s = self.takes.pop(0) if self.takes else 0.3
        now_s = self.time.advance(takes_s / 3)
        self.time.advance(takes_s * 2 / 3)
        return now_s + LSL_AHEAD_S


def test_times_go_there_and_back():
    clocks = Clocks(*[1e-6] * 100)
    clock = LslClock(lambda: ClockOffset(SERVER_AHEAD_S, 0.002), clocks.lsl, clocks.own)

    t_lsl_s = clock.from_server(1600.0)

    assert t_lsl_s == pytest.approx(1600.0 - SERVER_AHEAD_S + LSL_AHEAD_S, abs=1e-6)
    assert clock.to_server(t_lsl_s) == pytest.approx(1600.0, abs=1e-6)
    assert clock.uncertainty_s == pytest.approx(0.0020005, abs=1e-9)


def test_the_tightest_reading_counts():
    """One quick reading among many slow ones; the error is always within the uncertainty."""
    clocks = Clocks(*[0.3] * 7, 2e-4, *[0.3] * 8)
    clock = LslClock(lambda: ClockOffset(SERVER_AHEAD_S, 0.0), clocks.lsl, clocks.own)

    error_s = clock.from_server(1600.0) - (1600.0 - SERVER_AHEAD_S + LSL_AHEAD_S)

    assert clock.uncertainty_s == pytest.approx(1e-4)
    assert 0 < abs(error_s) <= 1e-4


def test_an_old_reading_is_forgotten():
    """Clocks drift: the quick reading is dropped after as many readings as are kept."""
    clocks = Clocks(2e-4)
    clock = LslClock(lambda: ClockOffset(SERVER_AHEAD_S, 0.0), clocks.lsl, clocks.own)
    assert clock.uncertainty_s == pytest.approx(0.15)


def test_an_unknown_server_clock_gives_unknown_times():
    clocks = Clocks()
    clock = LslClock(ClockOffset, clocks.lsl, clocks.own)
    assert math.isnan(clock.from_server(1.0))
    assert math.isnan(clock.to_server(1.0))
    assert math.isnan(clock.uncertainty_s)


@pytest.mark.parametrize(
    "refusal",
    ["ImportError(\"No module named 'pylsl'\")", "RuntimeError('LSL binary library file was not found.')"],
    ids=["no pylsl", "no liblsl"],
)
def test_a_missing_lsl_is_said_with_the_line_that_installs_it(refusal, tmp_path, monkeypatch):
    (tmp_path / "pylsl.py").write_text(f"raise {refusal}\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pylsl"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(LiveDanceError, match=r"pip install 'livedance-lab\[lsl\]'"):
        LslBridge(None)
