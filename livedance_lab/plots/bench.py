"""The benchmark's figure: one panel per measured value, one bar per design."""

from __future__ import annotations

import statistics
from pathlib import Path

from matplotlib.figure import Figure

from livedance_lab.plots.axes import style_axes
from livedance_lab.plots.theme import LIGHT

__all__ = ["save_bench"]


def save_bench(rows: dict[str, list[dict[str, float]]], columns: dict[str, str], path: Path) -> Path:
    """Draw medians as bars and the single rounds as dots.

    Parameters
    ----------
    rows : dict
        Measurements by design, as `livedance_lab.benchmarks.designs.bench` returns them.
    columns : dict of str to str
        The values to draw, and their titles.
    path : Path
        PNG file.
    """
    names = list(rows)
    figure = Figure(figsize=(3.0 * len(columns) + 1.6, 0.42 * len(names) + 1.5), facecolor=LIGHT.paper)
    axes_list = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for axes, (column, title) in zip(axes_list, columns.items(), strict=True):
        for y, name in enumerate(names):
            values = [row[column] for row in rows[name]]
            median = statistics.median(values)
            axes.barh(y, median, height=0.62, color=LIGHT.muted if y == 0 else LIGHT.series_a, alpha=0.85)
            axes.plot(values, [y] * len(values), "o", color=LIGHT.ink, markersize=3, alpha=0.6)
            axes.annotate(f"{median:.0f}" if median >= 10 else f"{median:.1f}", (max(values), y), xytext=(6, 0),
                          textcoords="offset points", va="center", size=9, color=LIGHT.ink)  # fmt: skip
        axes.set_xlim(0, 1.22 * max(max(row[column] for row in measured) for measured in rows.values()))
        style_axes(axes, title, label_pt=9, grid="x")
    axes_list[0].set_yticks(range(len(names)), names, color=LIGHT.ink)
    axes_list[0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=150, facecolor=LIGHT.paper)
    return path
