"""The status of a running session: plain values for JSON."""

from __future__ import annotations

from typing import Any, TypedDict

from livedance_lab.pipeline.ledger import LedgerSummary

__all__ = ["SessionStatus"]


class SessionStatus(TypedDict):
    """State, settings and ledger, and rates and ages of the last seconds.

    Attributes
    ----------
    running : bool
        Whether there are lanes, or they are being made.
    ready : bool
        Whether their estimators are warm.
    lanes_given_up : int
        Lanes whose estimator hung.
    age_s : float
        Time since the session was created.
    results_per_s, hands_per_s : float
        Results and hands inferences per second.
    age_ms : dict of str to float
        Capture to emission: p50, p95 and p99, NaN without a result.
    clock : dict of str to float
        `offset_s` and `uncertainty_s` of the client's clock.
    hands : dict
        See `HandsTally.plain`.
    log_bytes : int
        Memory of the log.
    """

    id: str
    running: bool
    ready: bool
    lanes_given_up: int
    ended: bool
    age_s: float
    results_per_s: float
    hands_per_s: float
    age_ms: dict[str, float]
    settings: dict[str, Any]
    settings_version: int
    angles: list[str]
    clock: dict[str, float]
    hands: dict[str, Any]
    ledger: LedgerSummary
    log_bytes: int
