"""Computes everything that comes from landmarks: joint angles, smoothing, measures. Pure: no I/O, no clock."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.analysis.movement_qualities import over_time
    from livedance_lab.analysis.offline_filters import zero_phase_butterworth
    from livedance_lab.analysis.smoothing_metrics import rom_deg
    from livedance_lab.analysis.tuning import pareto_front, reading, run, still_and_moving, suggest
else:
    __getattr__, __dir__ = lazy_names(__name__, {
        "movement_qualities": ("over_time",), "offline_filters": ("zero_phase_butterworth",),
        "smoothing_metrics": ("rom_deg",),
        "tuning": ("pareto_front", "reading", "run", "still_and_moving", "suggest")})  # fmt: skip

__all__ = [
    "over_time", "pareto_front", "reading", "rom_deg", "run", "still_and_moving", "suggest", "zero_phase_butterworth",
]  # fmt: skip
