"""The notebook's widgets: the live view, live plots and the tuning panel."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.widgets.camera import camera_or_clip as camera_or_clip
    from livedance_lab.widgets.live_plots import LivePlots as LivePlots
    from livedance_lab.widgets.pose_view import PoseView as PoseView
    from livedance_lab.widgets.tuning_panel import TuningPanel as TuningPanel
else:
    __all__, __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "LivePlots": "live_plots",
            "PoseView": "pose_view",
            "TuningPanel": "tuning_panel",
            "camera_or_clip": "camera",
        },
    )
