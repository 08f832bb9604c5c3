"""Computes everything that comes from landmarks: joint angles, smoothing, measures. Pure: no I/O, no clock."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.analysis.movement_qualities import over_time as over_time
    from livedance_lab.analysis.offline_filters import zero_phase_butterworth as zero_phase_butterworth
    from livedance_lab.analysis.smoothing_metrics import rom_deg as rom_deg
    from livedance_lab.analysis.tuning import pareto_front as pareto_front
    from livedance_lab.analysis.tuning import reading as reading
    from livedance_lab.analysis.tuning import run as run
    from livedance_lab.analysis.tuning import still_and_moving as still_and_moving
    from livedance_lab.analysis.tuning import suggest as suggest
else:
    __all__, __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "over_time": "movement_qualities",
            "pareto_front": "tuning",
            "reading": "tuning",
            "rom_deg": "smoothing_metrics",
            "run": "tuning",
            "still_and_moving": "tuning",
            "suggest": "tuning",
            "zero_phase_butterworth": "offline_filters",
        },
    )
