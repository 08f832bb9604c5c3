"""The evaluation as pictures: exactness against calm of what is painted, and jitter against lag of filters."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedance_lab.plots.theme import LIGHT

__all__ = ["draw_front", "save_painted", "save_trials"]

_RECIPES = {"original": LIGHT.quiet, "latest": LIGHT.right, "interpolated": LIGHT.calm, "default": LIGHT.fast,
            "best": LIGHT.left}  # fmt: skip
_FILTERS = {"ema": LIGHT.quiet, "kalman_adaptive": LIGHT.fast, "one_euro": LIGHT.left, "mediapipe": LIGHT.right,
            "kalman_cv": LIGHT.calm}  # fmt: skip

_PANELS_ACROSS = 4
_LONGEST_LAG_MS = 130.0
"""Filters later than this are off the chart: nobody would dance with them."""


def save_painted(rows: list[dict[str, Any]], path: Path) -> Path:
    """One panel per stream: error against unrest of each recipe, the truth's own unrest as a line.

    Parameters
    ----------
    rows : list of dict
        ``stream``, ``recipe``, ``rate_hz``, ``age_ms``, ``rms_px``, ``second_difference_px``,
        ``truth_second_difference_px``.
    path : Path
        PNG file.
    """
    streams = list(dict.fromkeys(row["stream"] for row in rows))
    across = min(len(streams), _PANELS_ACROSS)
    down = math.ceil(len(streams) / across)
    figure = Figure(figsize=(3.3 * across, 3.1 * down + 0.6), facecolor=LIGHT.paper)
    panels = figure.subplots(down, across, sharey=True, sharex=True, squeeze=False).ravel()
    most_x = 1.12 * max(row["second_difference_px"] for row in rows)
    most_y = 1.12 * max(row["rms_px"] for row in rows)
    for axes in panels[len(streams) :]:
        axes.axis("off")
    for axes, stream in zip(panels, streams, strict=False):
        mine = [row for row in rows if row["stream"] == stream]
        for row in mine:
            at, colour = (row["second_difference_px"], row["rms_px"]), _RECIPES.get(row["recipe"], LIGHT.middle)
            axes.plot(*at, "o", markersize=9, color=colour, markeredgecolor=LIGHT.paper, label=row["recipe"])
        axes.axvline(mine[0]["truth_second_difference_px"], color=LIGHT.quiet, linewidth=0.8, linestyle=":")
        pace = f"{mine[0]['rate_hz']:.0f} results/s, {mine[0]['age_ms']:.0f} ms old"
        axes.set_title(f"{stream}\n{pace}", loc="left", size=9.5, weight="bold", color=LIGHT.ink)
        axes.set_xlabel("unrest: second difference, px/frame²", size=8.5, color=LIGHT.quiet)
        axes.set_xlim(0, most_x)
        axes.set_ylim(0, most_y)
        _tidy(axes)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False, fontsize=9,
                  labelcolor=LIGHT.ink)  # fmt: skip
    for axes in panels[::across]:
        axes.set_ylabel("error: RMS to the truth at that instant, px", size=8.5, color=LIGHT.quiet)
    figure.tight_layout(rect=(0, 0.25 / figure.get_figheight(), 1, 1))
    figure.savefig(path, dpi=140, facecolor=LIGHT.paper)
    return path


def save_trials(trials: list[dict[str, Any]], path: Path, *, chosen: str = "kalman_adaptive") -> Path:
    """Jitter at rest against lag in motion, a dot for each filter and set of parameters, the front as a line.

    Parameters
    ----------
    trials : list of dict
        ``filter``, ``jitter``, ``lag_ms`` of each.
    path : Path
        PNG file.
    chosen : str
        The filter that is drawn on top.
    """
    figure = Figure(figsize=(7.2, 4.2), facecolor=LIGHT.paper)
    draw_front(figure.subplots(), trials, chosen=chosen)
    figure.tight_layout()
    figure.savefig(path, dpi=140, facecolor=LIGHT.paper)
    return path


def draw_front(axes: Axes, trials: list[dict[str, Any]], *, chosen: str = "kalman_adaptive") -> None:
    """The same into axes of the caller's, for notebooks."""
    known = [t for t in trials if math.isfinite(t["lag_ms"]) and math.isfinite(t["jitter"])]
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in known:
        groups.setdefault(one["filter"] if one["filter"] in _FILTERS else "other filters", []).append(one)
    for name in sorted(groups, key=lambda n: (n == chosen, n != "other filters")):
        axes.plot([t["lag_ms"] for t in groups[name]], [t["jitter"] for t in groups[name]], "o", label=name,
                  markersize=6 if name in _FILTERS else 3.5, color=_FILTERS.get(name, LIGHT.quiet),
                  markeredgecolor=LIGHT.paper, markeredgewidth=0.6)  # fmt: skip
    front: list[dict[str, Any]] = []
    for one in sorted(known, key=lambda t: (abs(t["lag_ms"]), t["jitter"])):
        if not front or one["jitter"] < front[-1]["jitter"]:
            front.append(one)
    axes.plot([t["lag_ms"] for t in front], [t["jitter"] for t in front], "-", color=LIGHT.ink, linewidth=1,
              zorder=0, label="nothing is better in both")  # fmt: skip
    axes.set_xlabel("lag in motion, ms", color=LIGHT.quiet)
    axes.set_ylabel("jitter at rest, px RMS", color=LIGHT.quiet)
    axes.set_title("What each filter costs and gains", loc="left", size=10.5, weight="bold", color=LIGHT.ink)
    axes.set_ylim(bottom=0)
    axes.set_xlim(-5, _LONGEST_LAG_MS)
    axes.legend(frameon=False, fontsize=8.5, labelcolor=LIGHT.ink)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.tick_params(length=0, labelsize=8.5, labelcolor=LIGHT.quiet)
    axes.grid(True, color=LIGHT.line)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
