"""Figures of finished sessions, and live figures."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.plots.overview import overview_figure, save_overview
else:
    __getattr__, __dir__ = lazy_names(__name__, {"overview": ("overview_figure", "save_overview")})

__all__ = ["overview_figure", "save_overview"]
