"""Figures of finished sessions, and live figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_exports

if TYPE_CHECKING:
    from livedance_lab.plots.evaluation import draw_front
    from livedance_lab.plots.overview import overview_figure, save_overview

__all__ = ["draw_front", "overview_figure", "save_overview"]

__getattr__ = lazy_exports(
    __name__, {"draw_front": "evaluation", "overview_figure": "overview", "save_overview": "overview"}
)
