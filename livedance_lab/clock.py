"""The only module that reads a clock, and the estimate of the offset between a client's clock and the server's.

All other modules take times as arguments, so that tests can step through a session by hand. All times are seconds
(float) of one monotonic clock; wall time appears once per session, as an anchor. The browser twin of `OffsetEstimator`
is ``widgets/static/clock.js``; both are tested against ``data/golden/clock.json``.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from operator import itemgetter

__all__ = ["ClockOffset", "FakeClock", "OffsetEstimator", "now_s", "thread_cpu_s", "wall_s"]


def now_s() -> float:
    """Return monotonic seconds; all processes of one machine read the same clock (``time.perf_counter``)."""
    return time.perf_counter()


def wall_s() -> float:
    """Return seconds since 1970-01-01 UTC, to anchor a session in the calendar; never used for durations."""
    return time.time()


def thread_cpu_s() -> float:
    """Return the processor seconds that the calling thread has used, to keep displays within their budget."""
    return time.thread_time()


class FakeClock:
    """A clock for tests: it shows the same time until `advance` is called.

    Parameters
    ----------
    start_s : float, default 0.0
        The first time it shows, seconds.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self.t_s = start_s

    def __call__(self) -> float:
        """Return the current time, seconds."""
        return self.t_s

    def advance(self, dt_s: float) -> float:
        """Advance by `dt_s` seconds and return the new time."""
        self.t_s += dt_s
        return self.t_s


@dataclass(frozen=True)
class ClockOffset:
    """An estimate of server clock minus client clock.

    Attributes
    ----------
    offset_s : float
        Add it to a client time to get a server time. NaN while unknown.
    uncertainty_s : float
        Half the shortest round trip: the true offset differs by at most this much. NaN while unknown.
    """

    offset_s: float = math.nan
    uncertainty_s: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there has been an exchange yet."""
        return not math.isnan(self.offset_s)

    def to_server(self, t_client_s: float) -> float:
        """Return the server time of a client time, seconds; NaN while the offset is unknown."""
        return t_client_s + self.offset_s


class OffsetEstimator:
    """Estimates the clock offset from ping-pong exchanges, by the one with the shortest round trip.

    The four-timestamp exchange of NTP (RFC 5905, section 8): offset = ((t1 − t0) + (t2 − t3)) / 2, where the client
    reads t0 and t3 and the server t1 and t2. An exchange can be wrong by at most half its round trip, so the one with
    the shortest round trip among the recent ones is the estimate (NTP's clock filter); of several with the same round
    trip the newest, because clocks drift.

    Parameters
    ----------
    window : int, default 16
        Number of recent exchanges considered; older ones are forgotten, so that the estimate follows the drift.
    """

    def __init__(self, window: int = 16) -> None:
        self._exchanges: deque[tuple[float, float]] = deque(maxlen=window)  # round trip and offset; newest first

    def add(self, t0_s: float, t1_s: float, t2_s: float, t3_s: float) -> ClockOffset:
        """Add one exchange and return the new estimate. One with a negative round trip is ignored.

        Parameters
        ----------
        t0_s, t3_s : float
            Client clock: ping sent, pong received.
        t1_s, t2_s : float
            Server clock: ping received, pong sent.

        Returns
        -------
        ClockOffset
        """
        round_trip_s = (t3_s - t0_s) - (t2_s - t1_s)
        if round_trip_s >= 0:  # negative if a clock was set during the exchange
            self._exchanges.appendleft((round_trip_s, ((t1_s - t0_s) + (t2_s - t3_s)) / 2))
        return self.best

    @property
    def best(self) -> ClockOffset:
        """The estimate by the exchange with the shortest round trip; unknown before the first exchange."""
        if not self._exchanges:
            return ClockOffset()
        round_trip_s, offset_s = min(self._exchanges, key=itemgetter(0))
        return ClockOffset(offset_s, round_trip_s / 2)

    @property
    def round_trip_s(self) -> float:
        """The shortest round trip of the recent exchanges, seconds; NaN before the first exchange.

        It measures the network alone, as `auto` pacing needs it: longer round trips include waits in a busy page or
        event loop, which pacing cannot avoid.
        """
        return 2 * self.best.uncertainty_s
