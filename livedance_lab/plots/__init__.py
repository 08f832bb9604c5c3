"""Figures of finished sessions, and live figures."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.plots.overview import overview_figure as overview_figure
    from livedance_lab.plots.overview import save_overview as save_overview
else:
    __all__, __getattr__, __dir__ = lazy_names(__name__, {"overview_figure": "overview", "save_overview": "overview"})
