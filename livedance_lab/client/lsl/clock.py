"""Maps times between the server's clock and LSL's, by measuring both against this process's clock."""

from __future__ import annotations

import threading
from collections.abc import Callable

from livedance_lab.clock import ClockOffset, OffsetEstimator, now_s

__all__ = ["LslClock"]

_FIRST_READINGS = 16


class LslClock:
    """Maps times between the server's clock and LSL's `local_clock` of this process.

    The session's clock exchange measures the server's clock against this process's. LSL's clock is measured by reading
    it between two readings of this process's clock; of the last measurements the one with the shortest interval
    counts, so that an interruption between the readings does no harm. The same rule (RFC 5905, section 8) serves both.

    Parameters
    ----------
    server_offset : callable
        Returns the server's clock minus this process's, as measured so far.
    lsl_now_s : callable
        LSL's clock.
    own_now_s : callable, optional
        This process's clock.
    """

    def __init__(
        self,
        server_offset: Callable[[], ClockOffset],
        lsl_now_s: Callable[[], float],
        own_now_s: Callable[[], float] = now_s,
    ) -> None:
        self._server_offset, self._lsl_now_s, self._own_now_s = server_offset, lsl_now_s, own_now_s
        self._readings = OffsetEstimator(_FIRST_READINGS)
        self._lock = threading.Lock()  # results and markers arrive in different threads
        for _ in range(_FIRST_READINGS):
            self._lsl_offset()

    def from_server(self, t_s: float) -> float:
        """Map a server time to LSL's clock; NaN if the time or the server's clock is unknown."""
        return t_s - self._server_offset().offset_s + self._lsl_offset().offset_s

    def to_server(self, t_lsl_s: float) -> float:
        """Map a time of LSL's clock to the server's; NaN if the server's clock is unknown."""
        return t_lsl_s - self._lsl_offset().offset_s + self._server_offset().offset_s

    @property
    def uncertainty_s(self) -> float:
        """A mapped time lies within ± this of the true one; NaN while the server's clock is unknown."""
        return self._server_offset().uncertainty_s + self._lsl_offset().uncertainty_s

    def _lsl_offset(self) -> ClockOffset:
        """Measure LSL's clock minus this process's once more; return the best of the last measurements."""
        with self._lock:
            before_s = self._own_now_s()
            t_lsl_s = self._lsl_now_s()
            return self._readings.add(before_s, t_lsl_s, t_lsl_s, self._own_now_s())
