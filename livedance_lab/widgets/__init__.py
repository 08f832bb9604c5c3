"""What is seen in the notebook: the live view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livedance_lab.widgets.pose_view import PoseView

__all__ = ["PoseView"]


def __getattr__(name: str) -> Any:
    """Load a widget, and with it the notebook packages, when it is first asked for."""
    if name == "PoseView":
        from livedance_lab.widgets.pose_view import PoseView

        return PoseView
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
