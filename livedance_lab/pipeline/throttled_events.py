"""Failures as events: each kind at once, then at most every few seconds, with how many came between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Complaints"]

_EVERY_S = 5.0


class Complaints:
    """Keeps an estimator that fails with every frame from filling the event log.

    Parameters
    ----------
    event : callable
        Told kind, name and data of what is worth logging.
    """

    def __init__(self, event: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._event = event
        self._said_s: dict[str, float] = {}
        self._silent: dict[str, int] = {}

    def add(self, name: str, seq: int, reason: str, now_s: float) -> None:
        """Frame `seq` failed; `failures` in the event counts it and those not told of since the last."""
        self._silent[name] = self._silent.get(name, 0) + 1
        if now_s - self._said_s.get(name, -1e9) >= _EVERY_S:
            self._said_s[name] = now_s
            self._event("error", name, {"seq": seq, "reason": reason, "failures": self._silent.pop(name)})
