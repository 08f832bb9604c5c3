"""The overview figure of a session: skeleton, angles, frame ledger, rates and ages on one page.

Of several people each has a colour; their left sides have solid lines and their right sides dashed ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from livedance_lab.analysis.angle_definitions import by_joint
from livedance_lab.analysis.angles import ViewQuality
from livedance_lab.analysis.statistics import percentiles
from livedance_lab.errors import ExportError
from livedance_lab.plots.axes import style_axes
from livedance_lab.plots.skeleton import Picture, draw_skeleton
from livedance_lab.plots.theme import FRAME_STATES, LIGHT, person_colour
from livedance_lab.pose import FloatArray, FrameState
from livedance_lab.session_data.data import SessionData

__all__ = ["overview_figure", "save_overview"]

_DPI = 200
_GAP_S = 0.25  # a longer pause between results is drawn as a gap, not bridged
_MOST_JOINTS = 4
_STYLES: dict[str, Any] = {"left": "-", "right": "--", "middle": "-"}  # of several people, whose colours are their own


def save_overview(data: SessionData, path: str | Path, *, truth: Any = None, picture: Picture | None = None) -> Path:
    """Draw `overview_figure` into a PNG file.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    figure = overview_figure(data, truth=truth, picture=picture)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DPI, facecolor=LIGHT.paper)
    except OSError as exc:
        raise ExportError(f"the figure cannot be written to {path}: {exc}.") from exc
    return Path(path)


def overview_figure(data: SessionData, *, truth: Any = None, picture: Picture | None = None) -> Figure:
    """Draw one session on one page.

    Parameters
    ----------
    data : SessionData
        May be empty, or still running.
    truth : pandas.DataFrame, optional
        One row per frame of the clip that was sent, one column per angle in degrees; it is repeated with the clip. It
        is of one person, and not drawn if the session has several.
    picture : (int, ndarray of shape (H, W, 3)), optional
        Frame number and RGB pixels of the picture under the skeleton.

    Returns
    -------
    Figure
        Not registered with pyplot.
    """
    figure = Figure(figsize=(13.2, 8.6), facecolor=LIGHT.paper)
    grid = figure.add_gridspec(
        3, 3, width_ratios=(1.15, 1.25, 1.25), height_ratios=(1, 1, 0.86), left=0.035, right=0.982, top=0.875,
        bottom=0.075, wspace=0.2, hspace=0.36)  # fmt: skip
    _head(figure, data, with_truth=truth is not None)
    draw_skeleton(figure.add_subplot(grid[:2, 0]), data, picture)
    for place, (joint, sides) in zip(((0, 1), (0, 2), (1, 1), (1, 2)), _joints(data).items(), strict=False):
        axes = figure.add_subplot(grid[place])
        _angle(axes, data, joint, sides, truth)
        _time_axis(axes, data)
    _ledger(figure.add_subplot(grid[2, 0]), data)
    for column, draw in enumerate((_rates, _ages), 1):
        axes = figure.add_subplot(grid[2, column])
        draw(axes, data)
        _time_axis(axes, data)
        axes.set_xlabel("seconds since the first frame", size=9, color=LIGHT.muted)
    return figure


def _joints(data: SessionData) -> dict[str, dict[str, int]]:
    """Return four joints, preferably with both sides, and the positions of their angles by side."""
    joints = by_joint(data.angle_names)
    chosen = sorted(joints, key=lambda joint: len(joints[joint]) < 2)[:_MOST_JOINTS]
    return {joint: joints[joint] for joint in joints if joint in chosen}


def _head(figure: Figure, data: SessionData, *, with_truth: bool) -> None:
    """Draw title, summary and legend."""
    source = data.manifest.get("client", {}).get("source", "")
    title = f"Session {data.session_id}" + (f"  ·  {source}" if source else "")
    figure.text(0.035, 0.955, title, size=15, weight="bold", color=LIGHT.ink)
    summary = f"{len(data.frames)} frames captured  ·  {len(data.first_rows)} results"
    length = f"  ·  {data.duration_s:.1f} s" if np.isfinite(data.duration_s) else ""
    figure.text(0.035, 0.924, summary + length, size=10.5, color=LIGHT.muted)
    legend: dict[str, Any] = {
        "left": Line2D([], [], color=LIGHT.left, linewidth=2.2),
        "right": Line2D([], [], color=LIGHT.right, linewidth=2.2),
        "foreshortened": Line2D([], [], color=LIGHT.muted, linewidth=2.2, alpha=0.4),
        "raw": Line2D([], [], color=LIGHT.muted, linewidth=0.8, alpha=0.8),
    }
    if not data.follows_one:
        legend = {data.names.get(id, f"person_{id}"): Line2D([], [], color=person_colour(id), linewidth=2.2)
                  for id in data.people}  # fmt: skip
        legend |= {side: Line2D([], [], color=LIGHT.muted, linewidth=1.5, linestyle=_STYLES[side])
                   for side in ("left", "right")}  # fmt: skip
    elif with_truth:
        legend["truth"] = Line2D([], [], color=LIGHT.ink, linestyle=":", linewidth=1.4)
    if len(data.find_gaps(_GAP_S)):
        legend["no result"] = Patch(facecolor=LIGHT.line)
    figure.legend(list(legend.values()), list(legend), loc="upper right", bbox_to_anchor=(0.988, 0.948),
                  ncols=len(legend), frameon=False, fontsize=10, labelcolor=LIGHT.ink, handlelength=1.8)  # fmt: skip


def _time_axis(axes: Axes, data: SessionData) -> None:
    """Set the session's time range, and shade the gaps between results."""
    axes.set_xlim(0, _length_s(data))
    for start_s, end_s in data.find_gaps(_GAP_S)[["start_s", "end_s"]].to_numpy(dtype=float) - data.t0_s:
        axes.axvspan(start_s, end_s, color=LIGHT.line, alpha=0.9, linewidth=0, zorder=0)


def _length_s(data: SessionData) -> float:
    return data.duration_s if data.duration_s > 0 else 1.0  # an empty session's is NaN


def _with_gaps(t_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Insert NaN in gaps between results, so that no line is drawn across them."""
    after = np.flatnonzero(np.diff(t_s) > _GAP_S) + 1
    return np.insert(t_s, after, t_s[after]), np.insert(values.astype(float), after, np.nan)


def _angle(axes: Axes, data: SessionData, joint: str, sides: dict[str, int], truth: Any) -> None:
    """Draw both sides of a joint, and set the scale."""
    smooth = data.array("angles_smooth_deg")[:, list(sides.values())]
    errors: list[str] = []
    if data.follows_one:
        errors = _curves_of_one(axes, data, sides, truth)
    else:
        _curves_of_people(axes, data, sides)
    style_axes(axes, joint.replace("_", " ").capitalize(), f"mean error {', '.join(errors)}" if errors else "")
    top = max(180.0, float(np.nanmax(smooth, initial=0.0)))
    bottom = min(0.0, float(np.nanmin(smooth, initial=0.0)))
    axes.set_ylim(bottom - 2, top + 5)
    axes.set_yticks(np.arange(45 * np.ceil(bottom / 45), top + 1, 45) + 0.0)  # no -0
    axes.yaxis.set_major_formatter("{x:.0f}°")


def _curves_of_people(axes: Axes, data: SessionData, sides: dict[str, int]) -> None:
    """Draw everybody's smoothed angles in their colours."""
    smooth = data.array("angles_smooth_deg")
    for id, rows in zip(data.people, data.rows_of_people(), strict=True):
        for side, column in sides.items():
            line = _with_gaps(data.t_capture_s[rows] - data.t0_s, smooth[rows, column])
            axes.plot(*line, color=person_colour(id), linewidth=1.4, linestyle=_STYLES[side])


def _curves_of_one(axes: Axes, data: SessionData, sides: dict[str, int], truth: Any) -> list[str]:
    """Draw raw thin, smoothed thick, pale where foreshortened, truth dotted and darker; return the errors as text."""
    t_s = data.t_capture_s - data.t0_s
    raw, smooth = data.array("angles_deg"), data.array("angles_smooth_deg")
    errors = []
    for side, column in sides.items():
        name, colour = data.angle_names[column], getattr(LIGHT, side)
        foreshortened = data.views[:, column] == ViewQuality.FORESHORTENED
        axes.plot(*_with_gaps(t_s, raw[:, column]), color=colour, linewidth=0.7, alpha=0.45)
        axes.plot(*_with_gaps(t_s, smooth[:, column]), color=colour, linewidth=1.6, alpha=0.4)
        axes.plot(*_with_gaps(t_s, np.where(foreshortened, np.nan, smooth[:, column])), color=colour, linewidth=1.6)
        if truth is None or name not in truth:
            continue
        true = np.asarray(truth[name], dtype=float)
        captured_s = data.frames["t_capture_s"] - data.t0_s
        darker = tuple(0.6 * c for c in to_rgb(colour))
        axes.plot(captured_s, true[data.frames["seq"] % len(true)], color=darker, linestyle=":", linewidth=1.2)
        error_deg = np.abs(smooth[:, column] - true[data.seq % len(true)])
        if np.isfinite(error_deg).any():
            errors.append(f"{np.nanmean(error_deg):.0f}° {side}")
    return errors


def _ledger(axes: Axes, data: SessionData) -> None:
    """Draw the frame ledger: a bar of shares, and a legend with counts."""
    ledger = data.ledger
    captured = max(ledger.captured, 1)
    counts = {state: n for state, n in {**ledger.states, "open": len(ledger.missing_seqs)}.items() if n}
    left = 0.0
    for state, count in counts.items():
        axes.barh(0, count / captured, left=left, height=0.5, color=FRAME_STATES[state].colour, edgecolor=LIGHT.paper,
                  linewidth=1.0)  # fmt: skip
        left += count / captured
    step = min(0.36, 1.5 / max(len(counts), 1))
    for number, (state, count) in enumerate(counts.items()):
        y = -0.6 - step * number
        axes.add_patch(Rectangle((0, y - 0.25 * step), 0.024, 0.5 * step, facecolor=FRAME_STATES[state].colour))
        axes.text(0.045, y, FRAME_STATES[state].label, size=9.5, va="center", color=LIGHT.ink)
        axes.text(0.62, y, f"{count}", size=9.5, va="center", ha="right", color=LIGHT.ink, weight="bold")
        axes.text(0.80, y, f"{count / captured:.1%}", size=9.5, va="center", ha="right", color=LIGHT.muted)
    note = "all accounted for" if ledger.conserved else "NOT ALL ACCOUNTED FOR"
    style_axes(axes, "Captured frames by state", note if counts else "no frames captured", grid=None)
    axes.set(xlim=(0, 1), ylim=(-2.2, 0.35), xticks=(), yticks=())


def _rates(axes: Axes, data: SessionData) -> None:
    """Draw rates of results and of hand results, in bins of half a second or more."""
    t_s = data.t_capture_s[data.first_rows] - data.t0_s
    length_s = _length_s(data)
    edges = np.linspace(0, length_s, max(min(int(length_s / 0.5), 80), 1) + 1)  # bins of equal length
    hands = data.by_frame("hands_seq")
    fresh = (hands >= 0) & (np.diff(hands, prepend=-1) != 0)
    highest = 1.0
    for values, colour, name in ((t_s, LIGHT.series_a, "results"), (t_s[fresh], LIGHT.series_b, "hands")):
        if not len(values):
            continue
        counts = np.histogram(values, edges)[0] / np.diff(edges)
        highest = max(highest, float(counts.max()))
        axes.stairs(counts, edges, baseline=None, color=colour, linewidth=1.8,
                    label=f"{name} {len(values) / length_s:.1f}/s")  # fmt: skip
    style_axes(axes, "Results per second")
    axes.set_ylim(0, 1.35 * highest)  # leaves space for the legend
    _legend(axes)


def _ages(axes: Axes, data: SessionData) -> None:
    """Draw the age of each result when it was sent, with median and 95th percentile."""
    done = data.frames[data.frames["state"] == FrameState.PROCESSED]
    age_ms = done["age_ms"].to_numpy(dtype=float)
    axes.scatter(done["t_capture_s"] - data.t0_s, age_ms, s=7, color=LIGHT.series_a, alpha=0.45, linewidths=0)
    p = percentiles(age_ms)
    for name, style in (("p50", "-"), ("p95", "--")):
        if np.isfinite(p[name]):
            axes.axhline(p[name], color=LIGHT.ink, linewidth=1.1, linestyle=style, label=f"{name} {p[name]:.0f} ms")
    top = 1.35 * max(float(np.nan_to_num(p["p99"], nan=1.0)), 1.0)
    above = int((age_ms > top).sum())
    if not np.isfinite(p["p50"]):
        style_axes(axes, "Result age, capture to send", "not measured")
        axes.set(ylim=(0, top), yticks=())
        return
    style_axes(axes, "Result age, capture to send", f"{above} above the scale" if above else "")
    axes.set_ylim(0, top)
    axes.yaxis.set_major_formatter("{x:.0f} ms")
    _legend(axes)


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=8.5, labelcolor=LIGHT.ink, borderaxespad=0)
