"""Limits how much one connection may send: one token bucket for messages per second, one for bytes per second."""

from __future__ import annotations

__all__ = ["TokenBucket"]

_BURST_S = 3.0  # after a network stall, the messages that waited arrive at once


class TokenBucket:
    """A token bucket, the same as the "generic cell rate algorithm" of ITU-T I.371.

    Parameters
    ----------
    rate_per_s : float
        Tokens added per second. 0: no limit.
    burst_s : float
        The bucket holds the tokens of so many seconds, and is full at first.
    """

    def __init__(self, rate_per_s: float, burst_s: float = _BURST_S) -> None:
        self.rate_per_s, self._capacity = rate_per_s, rate_per_s * burst_s
        self._tokens = self._capacity
        self._last_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Take tokens out; return False if there were not enough: the connection sends too much."""
        if not self.rate_per_s:
            return True
        if self._last_s is not None:
            self._tokens = min(self._capacity, self._tokens + (now_s - self._last_s) * self.rate_per_s)
        self._last_s = now_s
        self._tokens -= amount
        return self._tokens >= 0
