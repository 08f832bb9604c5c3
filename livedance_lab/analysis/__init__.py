"""Computes everything that comes from landmarks: joint angles, smoothing, metrics. Pure: no I/O, no clock."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.analysis.filter_search import pareto_front, still_and_moving, suggest, try_filters
    from livedance_lab.analysis.filter_trials import smoothing_effect
    from livedance_lab.analysis.movement_qualities import qualities_over_time
    from livedance_lab.analysis.offline_filters import zero_phase_butterworth
    from livedance_lab.analysis.smoothing_metrics import rom_deg
else:
    __getattr__, __dir__ = lazy_names(__name__, {
        "filter_trials": ("smoothing_effect",), "movement_qualities": ("qualities_over_time",),
        "offline_filters": ("zero_phase_butterworth",), "smoothing_metrics": ("rom_deg",),
        "filter_search": ("pareto_front", "still_and_moving", "suggest", "try_filters")})  # fmt: skip

__all__ = [
    "pareto_front", "qualities_over_time", "rom_deg", "smoothing_effect", "still_and_moving", "suggest", "try_filters",
    "zero_phase_butterworth",
]  # fmt: skip
