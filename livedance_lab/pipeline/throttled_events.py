"""Limits the rate of repeated error events: the first of a name is logged at once, later ones every few seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["ThrottledEvents"]

_EVERY_S = 5.0


class ThrottledEvents:
    """Keeps an estimator that fails with every frame from filling the event log.

    Parameters
    ----------
    event : callable
        Logs an event, given its kind, name and data.
    """

    def __init__(self, event: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._event = event
        self._last_s: dict[str, float] = {}
        self._failures: dict[str, int] = {}  # since the last event, by name

    def add(self, name: str, seq: int, reason: str, now_s: float) -> None:
        """Note that frame `seq` failed; `failures` in the event also counts those suppressed since the last event."""
        self._failures[name] = self._failures.get(name, 0) + 1
        if now_s - self._last_s.get(name, -1e9) >= _EVERY_S:
            self._last_s[name] = now_s
            self._event("error", name, {"seq": seq, "reason": reason, "failures": self._failures.pop(name)})
