"""What is seen in the notebook: the live view, live plots, the tuning panel."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livedance_lab.widgets.camera import camera_or_clip
    from livedance_lab.widgets.live_plots import LivePlots
    from livedance_lab.widgets.pose_view import PoseView
    from livedance_lab.widgets.tuning_panel import TuningPanel

__all__ = ["LivePlots", "PoseView", "TuningPanel", "camera_or_clip"]

_HOMES = {
    "LivePlots": "live_plots",
    "PoseView": "pose_view",
    "TuningPanel": "tuning_panel",
    "camera_or_clip": "camera",
}


def __getattr__(name: str) -> Any:
    """Load a widget, and with it the notebook packages, when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
