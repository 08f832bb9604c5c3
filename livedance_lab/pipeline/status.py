"""A running session in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livedance_lab.pipeline.session import Session

__all__ = ["summary_of"]


def summary_of(session: Session) -> dict[str, Any]:
    """Rates of the last seconds, ages, settings, clock, ledger: plain values for JSON."""
    now_s = session.clock()
    offset = session.client_clock.offset
    return {
        "id": session.id,
        "running": session.running,
        "ready": session.ready,
        "lanes_given_up": session.lanes_given_up,
        "ended": session.ended,
        "age_s": now_s - session.created_s,
        "results_per_s": session.outlet.result_rate.rate_hz(now_s),
        "hands_per_s": session.outlet.hands_rate.rate_hz(now_s),
        "age_ms": session.outlet.ages_ms.percentiles(now_s),
        "settings": session.settings.plain(),
        "settings_version": session.settings_version,
        "angles": list(session.processor.angle_names),
        "clock": {"offset_s": offset.offset_s, "uncertainty_s": offset.uncertainty_s},
        "hands": session.processor.tally.plain(),
        "ledger": session.ledger.summary(),
        "log_bytes": session.log.n_bytes(),
    }
