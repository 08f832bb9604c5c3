"""The common style of all axes: no box, no tick marks, a light grid, muted labels."""

from __future__ import annotations

from typing import Any, Literal

from livedance_lab.plots.theme import LIGHT, Theme

__all__ = ["style_axes"]


def style_axes(
    axes: Any, title: str = "", note: str = "", *, theme: Theme = LIGHT, title_pt: float = 10.5, label_pt: float = 8.5,
    pad_pt: float = 7, grid: Literal["both", "x"] | None = "both",
) -> None:  # fmt: skip
    """Apply the style, and set a title on the left and a note on the right.

    Parameters
    ----------
    axes : Axes
    title, note : str
    theme : Theme
    title_pt, label_pt : float
        Font sizes of the title and of tick labels and note.
    pad_pt : float
        Distance of the title from the axes.
    grid : {"both", "x"} or None
    """
    axes.set_facecolor("none")
    if title:
        axes.set_title(title, loc="left", size=title_pt, weight="bold", color=theme.ink, pad=pad_pt)
    if note:
        axes.set_title(note, loc="right", size=label_pt + 0.5, color=theme.muted, pad=pad_pt)
    axes.tick_params(length=0, labelsize=label_pt, labelcolor=theme.muted)
    axes.grid(False)
    if grid is not None:
        axes.grid(True, axis=grid, color=theme.line, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
