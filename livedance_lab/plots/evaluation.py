"""Figures of the evaluation: error against roughness of recipes, and jitter against lag of filters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedance_lab.analysis.filter_search import pareto_front
from livedance_lab.analysis.filter_trials import Trial
from livedance_lab.plots.axes import style_axes
from livedance_lab.plots.theme import LIGHT

__all__ = ["draw_front", "save_painted", "save_trials"]

_RECIPES = {"original": LIGHT.muted, "latest": LIGHT.right, "interpolated": LIGHT.series_b, "default": LIGHT.series_a,
            "best": LIGHT.left}  # fmt: skip
_FILTERS = {"ema": LIGHT.muted, "kalman_adaptive": LIGHT.series_a, "one_euro": LIGHT.left, "mediapipe": LIGHT.right,
            "kalman_cv": LIGHT.series_b}  # fmt: skip

_PANELS_ACROSS = 4
_LONGEST_LAG_MS = 130.0
"""Filters with more lag are outside the chart."""


def save_painted(rows: list[dict[str, Any]], path: Path) -> Path:
    """Draw one panel per stream: error against roughness of each recipe, the truth's roughness as a line.

    Parameters
    ----------
    rows : list of dict
        ``stream``, ``recipe``, ``rate_hz``, ``age_ms``, ``rms_px``, ``roughness_px``, ``truth_roughness_px``.
    path : Path
        PNG file.
    """
    streams = list(dict.fromkeys(row["stream"] for row in rows))
    across = min(len(streams), _PANELS_ACROSS)
    down = math.ceil(len(streams) / across)
    figure = Figure(figsize=(3.3 * across, 3.1 * down + 0.6), facecolor=LIGHT.paper)
    panels = figure.subplots(down, across, sharey=True, sharex=True, squeeze=False).ravel()
    highest_x = 1.12 * max(row["roughness_px"] for row in rows)
    highest_y = 1.12 * max(row["rms_px"] for row in rows)
    for axes in panels[len(streams) :]:
        axes.axis("off")
    for axes, stream in zip(panels, streams, strict=False):
        own = [row for row in rows if row["stream"] == stream]
        for row in own:
            at, colour = (row["roughness_px"], row["rms_px"]), _RECIPES.get(row["recipe"], LIGHT.middle)
            axes.plot(*at, "o", markersize=9, color=colour, markeredgecolor=LIGHT.paper, label=row["recipe"])
        axes.axvline(own[0]["truth_roughness_px"], color=LIGHT.muted, linewidth=0.8, linestyle=":")
        pace = f"{own[0]['rate_hz']:.0f} results/s, age {own[0]['age_ms']:.0f} ms"
        axes.set_xlabel("roughness (second difference), px/frame²", size=8.5, color=LIGHT.muted)
        axes.set(xlim=(0, highest_x), ylim=(0, highest_y))
        style_axes(axes, f"{stream}\n{pace}", title_pt=9.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False, fontsize=9,
                  labelcolor=LIGHT.ink)  # fmt: skip
    for axes in panels[::across]:
        axes.set_ylabel("RMS error at the same time, px", size=8.5, color=LIGHT.muted)
    figure.tight_layout(rect=(0, 0.25 / figure.get_figheight(), 1, 1))
    figure.savefig(path, dpi=140, facecolor=LIGHT.paper)
    return path


def save_trials(trials: Iterable[Trial], path: Path, *, chosen: str = "kalman_adaptive") -> Path:
    """Draw `draw_front` into a PNG file."""
    figure = Figure(figsize=(7.2, 4.2), facecolor=LIGHT.paper)
    draw_front(figure.subplots(), trials, chosen=chosen)
    figure.tight_layout()
    figure.savefig(path, dpi=140, facecolor=LIGHT.paper)
    return path


def draw_front(axes: Axes, trials: Iterable[Trial], *, chosen: str = "kalman_adaptive") -> None:
    """Draw jitter at rest against lag in motion: a dot per filter and parameters, the Pareto front as a line.

    Parameters
    ----------
    axes : Axes
    trials : iterable of Trial
    chosen : str
        The filter that is drawn on top.
    """
    known = [t for t in trials if math.isfinite(t.lag_ms) and math.isfinite(t.jitter)]
    groups: dict[str, list[Trial]] = {}
    for trial in known:
        groups.setdefault(trial.filter if trial.filter in _FILTERS else "other filters", []).append(trial)
    for name in sorted(groups, key=lambda n: (n == chosen, n != "other filters")):
        axes.plot([t.lag_ms for t in groups[name]], [t.jitter for t in groups[name]], "o", label=name,
                  markersize=6 if name in _FILTERS else 3.5, color=_FILTERS.get(name, LIGHT.muted),
                  markeredgecolor=LIGHT.paper, markeredgewidth=0.6)  # fmt: skip
    front = pareto_front(known)
    axes.plot([t.lag_ms for t in front], [t.jitter for t in front], "-", color=LIGHT.ink, linewidth=1,
              zorder=0, label="Pareto front")  # fmt: skip
    axes.set_xlabel("lag in motion, ms", color=LIGHT.muted)
    axes.set_ylabel("jitter at rest, px RMS", color=LIGHT.muted)
    axes.set(xlim=(-5, _LONGEST_LAG_MS))
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8.5, labelcolor=LIGHT.ink)
    style_axes(axes, "Jitter and lag of each filter")
