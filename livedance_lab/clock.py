"""The only reader of time, and the mapping of a client's clock onto ours.

Every other module takes times as arguments, so that tests can step through a session by hand.
All times are seconds (float) of one monotonic clock; wall time appears once per session, as an anchor.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass

__all__ = ["ClockOffset", "FakeClock", "OffsetEstimator", "now_s", "thread_cpu_s", "wall_s"]


def now_s() -> float:
    """Monotonic seconds; on one machine the same clock in every process (``time.perf_counter``)."""
    return time.perf_counter()


def wall_s() -> float:
    """Seconds since 1970-01-01 UTC, to anchor a session in the calendar; never used for durations."""
    return time.time()


def thread_cpu_s() -> float:
    """Processor seconds the calling thread has used, to keep displays within their budget."""
    return time.thread_time()


class FakeClock:
    """A clock that moves only when told to.

    Parameters
    ----------
    start_s : float, default 0.0
        The time it shows first.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self.t_s = start_s

    def __call__(self) -> float:
        """Seconds now."""
        return self.t_s

    def advance(self, dt_s: float) -> float:
        """Move on by `dt_s` seconds and return the new time."""
        self.t_s += dt_s
        return self.t_s


@dataclass(frozen=True)
class ClockOffset:
    """Server clock minus client clock, as far as it can be known.

    Attributes
    ----------
    offset_s : float
        Add it to a client time to get a server time. NaN while unknown.
    uncertainty_s : float
        Half the round trip of the best exchange: the true offset lies within ± this. NaN while unknown.
    """

    offset_s: float = math.nan
    uncertainty_s: float = math.nan

    @property
    def known(self) -> bool:
        """Whether an exchange has been measured yet."""
        return not math.isnan(self.offset_s)

    def to_server(self, t_client_s: float | None) -> float:
        """The server time of a client time; NaN if either is unknown."""
        return math.nan if t_client_s is None else t_client_s + self.offset_s


class OffsetEstimator:
    """Clock offset from ping-pong exchanges, trusting the quickest of the recent ones.

    The four-timestamp exchange of NTP (RFC 5905, section 8): offset = ((t1 − t0) + (t2 − t3)) / 2 with
    t0, t3 read by the client and t1, t2 by the server. An exchange can be wrong by at most half its
    round trip, so the one with the shortest round trip in the window is the estimate (NTP's clock filter).

    Parameters
    ----------
    window : int, default 16
        How many exchanges are remembered, so that clock drift is followed.
    """

    def __init__(self, window: int = 16) -> None:
        self._exchanges: deque[tuple[float, float]] = deque(maxlen=window)

    def add(self, t0_s: float, t1_s: float, t2_s: float, t3_s: float) -> ClockOffset:
        """Take in one exchange and return the estimate so far.

        Parameters
        ----------
        t0_s, t3_s : float
            Client clock: ping sent, pong received.
        t1_s, t2_s : float
            Server clock: ping received, pong sent.

        Returns
        -------
        ClockOffset
            The best estimate of the window.
        """
        round_trip_s = (t3_s - t0_s) - (t2_s - t1_s)
        if round_trip_s >= 0:  # a negative one means a clock was stepped in between
            self._exchanges.append((round_trip_s, ((t1_s - t0_s) + (t2_s - t3_s)) / 2))
        return self.best

    @property
    def best(self) -> ClockOffset:
        """The estimate of the quickest exchange in the window."""
        if not self._exchanges:
            return ClockOffset()
        round_trip_s, offset_s = min(self._exchanges)
        return ClockOffset(offset_s, round_trip_s / 2)

    @property
    def round_trip_s(self) -> float:
        """Median round trip of the window, seconds; NaN before the first exchange."""
        trips = sorted(trip for trip, _ in self._exchanges)
        return trips[len(trips) // 2] if trips else math.nan
