"""The notebook's widgets: the live view, live plots and the tuning panel."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.widgets.camera import camera_or_clip
    from livedance_lab.widgets.live_plots import LivePlots
    from livedance_lab.widgets.pose_view import PoseView
    from livedance_lab.widgets.tuning_panel import TuningPanel
else:
    __getattr__, __dir__ = lazy_names(__name__, {
        "camera": ("camera_or_clip",), "live_plots": ("LivePlots",), "pose_view": ("PoseView",),
        "tuning_panel": ("TuningPanel",)})  # fmt: skip

__all__ = ["LivePlots", "PoseView", "TuningPanel", "camera_or_clip"]
