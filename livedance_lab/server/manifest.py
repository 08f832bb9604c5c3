"""The metadata of a session's data: versions, models, settings, clock and ledger at one moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from livedance_lab.clock import wall_s
from livedance_lab.errors import ModelError
from livedance_lab.estimators.base import ESTIMATORS
from livedance_lab.estimators.model_store import sha256_of
from livedance_lab.pipeline.session import Session
from livedance_lab.server.config import ServerConfig
from livedance_lab.system.versions import software

__all__ = ["manifest"]


def manifest(session: Session, config: ServerConfig) -> dict[str, Any]:
    """Return the metadata of a session as plain values for JSON."""
    offset = session.client_clock.offset
    model_names = session.settings.model_names if config.estimator in ESTIMATORS else ()
    created = datetime.fromtimestamp(wall_s() - (session.clock() - session.created_s), UTC)
    return {
        "session_id": session.id,
        **software("mediapipe", "ai-edge-litert", "numpy", "opencv-python", "tornado"),
        "created_utc": created.isoformat(timespec="milliseconds"),
        "estimator": config.estimator,
        "models": {name: _sha256_or_none(name) for name in model_names},
        "workers": config.workers,
        "settings": session.settings.plain(),
        "settings_version": session.settings_version,
        "angles": list(session.result_builder.angle_names),
        "clock": {"offset_s": offset.offset_s, "uncertainty_s": offset.uncertainty_s},
        "client": session.client_about,
        "hands": session.result_builder.tally.plain(),
        "ledger": session.ledger.summary(),
    }


def _sha256_or_none(name: str) -> str | None:
    try:
        return sha256_of(name)
    except ModelError:
        return None
