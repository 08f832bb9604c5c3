"""Widgets for the notebook: the live view, the live plots, the tuning panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_exports

if TYPE_CHECKING:
    from livedance_lab.widgets.camera import camera_or_clip
    from livedance_lab.widgets.live_plots import LivePlots
    from livedance_lab.widgets.pose_view import PoseView
    from livedance_lab.widgets.tuning_panel import TuningPanel

__all__ = ["LivePlots", "PoseView", "TuningPanel", "camera_or_clip"]

__getattr__ = lazy_exports(
    __name__,
    {
        "LivePlots": "live_plots",
        "PoseView": "pose_view",
        "TuningPanel": "tuning_panel",
        "camera_or_clip": "camera",
    },
)
