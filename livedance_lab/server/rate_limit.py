"""How much one connection may send: a bucket of messages and one of bytes, refilled at a steady rate."""

from __future__ import annotations

__all__ = ["Allowance"]

_BURST_S = 3.0  # what waited while a network stalled comes at once


class Allowance:
    """A token bucket (the "generic cell rate algorithm" of ITU-T I.371 in its plainest form).

    Parameters
    ----------
    per_s : float
        Refilled per second; 0: no limit.
    burst_s : float
        It holds what comes in this many seconds, and is full at first.
    """

    def __init__(self, per_s: float, burst_s: float = _BURST_S) -> None:
        self.per_s, self._most = per_s, per_s * burst_s
        self._left = self._most
        self._last_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Take some out; False if it is empty: too much has been sent."""
        if not self.per_s:
            return True
        if self._last_s is not None:
            self._left = min(self._most, self._left + (now_s - self._last_s) * self.per_s)
        self._last_s = now_s
        self._left -= amount
        return self._left >= 0
