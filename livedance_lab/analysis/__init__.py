"""Computations on landmarks: joint angles, filters, metrics, interpolation between results. No I/O, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_exports

if TYPE_CHECKING:
    from livedance_lab.analysis.angles import angles_deg
    from livedance_lab.analysis.filter_trials import smoothing_effect
    from livedance_lab.analysis.filters import make_filter
    from livedance_lab.analysis.movement_qualities import qualities_over_time
    from livedance_lab.analysis.offline_filters import savitzky_golay, zero_phase_butterworth
    from livedance_lab.analysis.smoothing_metrics import jitter, lag_ms, rom_deg, roughness
    from livedance_lab.analysis.tuning import pareto_front, still_and_moving, suggest, try_filters

__all__ = [
    "angles_deg", "jitter", "lag_ms", "make_filter", "pareto_front", "qualities_over_time", "rom_deg", "roughness",
    "savitzky_golay", "smoothing_effect", "still_and_moving", "suggest", "try_filters", "zero_phase_butterworth",
]  # fmt: skip

__getattr__ = lazy_exports(
    __name__,
    {
        "angles_deg": "angles",
        "make_filter": "filters",
        "qualities_over_time": "movement_qualities",
        "smoothing_effect": "filter_trials",
        **dict.fromkeys(("savitzky_golay", "zero_phase_butterworth"), "offline_filters"),
        **dict.fromkeys(("jitter", "lag_ms", "rom_deg", "roughness"), "smoothing_metrics"),
        **dict.fromkeys(("pareto_front", "still_and_moving", "suggest", "try_filters"), "tuning"),
    },
)
