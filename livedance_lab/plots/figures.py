"""Figures of finished sessions: what was measured, at a glance, fit for a paper's supplement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedance_lab.errors import ExportError
from livedance_lab.metrics.stats import percentiles
from livedance_lab.plots.look import LIGHT, STATE_COLOURS, STATE_WORDS
from livedance_lab.pose import FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21
from livedance_lab.tables.data import SessionData

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["overview_figure", "save_overview"]

Picture = tuple[int, Any]
"""Frame number and its RGB pixels of shape (H, W, 3), uint8."""

_DPI = 160
_SHOWN_VISIBILITY = 0.3
_GAP_S = 0.25  # a longer pause between results is drawn as a gap, not bridged
_SIDES = {"left": LIGHT.left, "right": LIGHT.right}


def save_overview(
    data: SessionData, path: str | Path, *, truth: pd.DataFrame | None = None, picture: Picture | None = None
) -> Path:
    """Draw `overview_figure` and write it as PNG.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    figure = overview_figure(data, truth=truth, picture=picture)
    try:
        figure.savefig(path, dpi=_DPI, facecolor=LIGHT.paper)
    except OSError as exc:
        raise ExportError(f"the figure cannot be written to {path}: {exc}.") from exc
    return Path(path)


def overview_figure(data: SessionData, *, truth: pd.DataFrame | None = None, picture: Picture | None = None) -> Figure:
    """One session on one page.

    Parameters
    ----------
    data : SessionData
        With at least one result.
    truth : pandas.DataFrame, optional
        One row per frame of the clip the session was fed with, a column per angle in degrees; repeated with the clip.
    picture : (int, ndarray of shape (H, W, 3)), optional
        A frame's number and pixels, drawn under its skeleton.

    Returns
    -------
    Figure
        Belongs to no window; save it or show it.
    """
    figure = Figure(figsize=(13.2, 8.6), facecolor=LIGHT.paper)
    grid = figure.add_gridspec(
        3, 3, width_ratios=(1.15, 1.25, 1.25), height_ratios=(1, 1, 0.86), left=0.035, right=0.982, top=0.875,
        bottom=0.075, wspace=0.2, hspace=0.46)  # fmt: skip
    _head(figure, data)
    _skeleton(figure.add_subplot(grid[:2, 0]), data, picture)
    joints = _joints(data)
    for place, joint in zip(((0, 1), (0, 2), (1, 1), (1, 2)), joints, strict=False):
        _angle(figure.add_subplot(grid[place]), data, joint, truth)
    _ledger(figure.add_subplot(grid[2, 0]), data)
    _rates(figure.add_subplot(grid[2, 1]), data)
    _ages(figure.add_subplot(grid[2, 2]), data)
    return figure


def _joints(data: SessionData) -> list[str]:
    """Joints of which both sides were measured, at most four."""
    names = [name.removeprefix("left_") for name in data.angle_names if name.startswith("left_")]
    return [name for name in names if f"right_{name}" in data.angle_names][:4]


def _head(figure: Figure, data: SessionData) -> None:
    """What this is, and how to read the colours."""
    frames = data.frames
    source = data.manifest.get("client", {}).get("source", "")
    words = [f"{len(frames)} frames captured", f"{len(data.seq)} results", f"{data.duration_s:.1f} s"]
    title = f"Session {data.session_id}" + (f"  ·  {source}" if source else "")
    figure.text(0.035, 0.955, title, size=15, weight="bold", color=LIGHT.ink)
    figure.text(0.035, 0.924, "  ·  ".join(words), size=10.5, color=LIGHT.quiet)
    key = (("left", LIGHT.left, "-", 2.2), ("right", LIGHT.right, "-", 2.2), ("raw", LIGHT.quiet, "-", 0.8),
           ("truth", LIGHT.ink, ":", 1.2))  # fmt: skip
    handles = [figure.add_artist(_line(colour, style, width)) for _, colour, style, width in key]
    figure.legend(handles, [name for name, *_ in key], loc="upper right", bbox_to_anchor=(0.985, 0.985), ncols=4,
                  frameon=False, fontsize=10, labelcolor=LIGHT.ink, handlelength=1.8)  # fmt: skip


def _line(colour: str, style: Any, width: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linestyle=style, linewidth=width)


def _dress(axes: Axes, title: str, unit: str = "") -> None:
    """A quiet frame: title, light grid, no box."""
    axes.set_title(title, loc="left", size=10.5, weight="bold", color=LIGHT.ink, pad=7)
    if unit:
        axes.set_title(unit, loc="right", size=9, color=LIGHT.quiet, pad=7)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=LIGHT.quiet)
    axes.grid(True, color=LIGHT.line, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _seconds(data: SessionData) -> FloatArray:
    """Capture times of the results from the session's first frame."""
    return np.asarray(data.t_capture_s - data.frames["t_capture_s"].min())


def _with_gaps(t_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same with NaN where results paused, so that no line bridges what was not seen."""
    after = np.flatnonzero(np.diff(t_s) > _GAP_S) + 1
    return np.insert(t_s, after, t_s[after]), np.insert(values.astype(float), after, np.nan)


def _angle(axes: Axes, data: SessionData, joint: str, truth: pd.DataFrame | None) -> None:
    """One joint, both sides: raw thin, smoothed strong, truth dotted."""
    t_s = _seconds(data)
    raw, smooth = data.array("angles_deg"), data.array("angles_smooth_deg")
    for side, colour in _SIDES.items():
        column = data.angle_names.index(f"{side}_{joint}")
        if truth is not None and f"{side}_{joint}" in truth:
            true = truth[f"{side}_{joint}"].to_numpy()[data.seq % len(truth)]
            axes.plot(*_with_gaps(t_s, true), color=LIGHT.ink, linestyle=":", linewidth=1.0, alpha=0.75)
        axes.plot(*_with_gaps(t_s, raw[:, column]), color=colour, linewidth=0.7, alpha=0.35)
        axes.plot(*_with_gaps(t_s, smooth[:, column]), color=colour, linewidth=1.6)
    _dress(axes, joint.capitalize(), "degrees")
    axes.set_xlim(0, max(float(t_s[-1]) if len(t_s) else 1.0, 1e-3))
    axes.set_ylim(0, 185)
    axes.set_yticks((0, 45, 90, 135, 180))


def _skeleton(axes: Axes, data: SessionData, picture: Picture | None) -> None:
    """Body and hands of one result, on its picture if there is one."""
    row = _shown_row(data, picture)
    axes.set_axis_off()
    if row is None:
        axes.text(0.5, 0.5, "nobody was seen", ha="center", va="center", color=LIGHT.quiet, transform=axes.transAxes)
        return
    width, height = int(data.column("width_px")[row]), int(data.column("height_px")[row])
    if picture is not None:
        axes.imshow(picture[1], extent=(0, width, height, 0), interpolation="antialiased")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal", anchor="N")
    body, seen = data.array("keypoints_px_smooth")[row], data.array("visibility")[row]
    for a, b in BLAZEPOSE_33.bone_indices:
        if min(seen[a], seen[b]) >= _SHOWN_VISIBILITY and max(a, b) > 10:
            _bone(axes, body[[a, b], :2], _side_colour(BLAZEPOSE_33.landmarks[a], BLAZEPOSE_33.landmarks[b]), 2.6)
    for hand, colour in zip(data.array("hands_px_smooth")[row], _SIDES.values(), strict=True):
        for a, b in HAND_21.bone_indices:
            _bone(axes, hand[[a, b], :2], colour, 1.2)
    _angle_labels(axes, data, row, body, height)
    seq = int(data.seq[row])
    axes.set_title(f"Frame {seq}", loc="left", size=10.5, weight="bold", color=LIGHT.ink, pad=7)
    axes.set_title("smoothed landmarks and angles", loc="right", size=9, color=LIGHT.quiet, pad=7)


def _shown_row(data: SessionData, picture: Picture | None) -> int | None:
    """The result of the picture, or else the one in the middle of those with a person."""
    if picture is not None and picture[0] in data.seq:
        return int(np.flatnonzero(data.seq == picture[0])[0])
    found = np.flatnonzero(data.column("found"))
    return int(found[len(found) // 2]) if len(found) else None


def _side_colour(a: str, b: str) -> str:
    for side, colour in _SIDES.items():
        if a.startswith(side) and b.startswith(side):
            return colour
    return "#ffffff"


def _bone(axes: Axes, ends: FloatArray, colour: str, width: float) -> None:
    """A line with a dark rim, legible on any ground."""
    if np.isfinite(ends).all():
        axes.plot(ends[:, 0], ends[:, 1], color="#1f2328", linewidth=width + 1.6, alpha=0.55, solid_capstyle="round")
        axes.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=width, solid_capstyle="round")


def _angle_labels(axes: Axes, data: SessionData, row: int, body: FloatArray, height: int) -> None:
    """The angles beside their joints, outwards."""
    middle = np.nanmean(body[[11, 12, 23, 24], 0])
    placed: list[tuple[float, float]] = []
    for name, value in zip(data.angle_names, data.array("angles_smooth_deg")[row], strict=True):
        if name not in BLAZEPOSE_33.landmarks or not np.isfinite(value):
            continue
        x, y = body[BLAZEPOSE_33.index(name), :2]
        outwards = 1 if x >= middle else -1
        while any(abs(x - px) < 0.1 * height and abs(y - py) < 0.034 * height for px, py in placed):
            y += 0.012 * height
        placed.append((x, y))
        axes.text(
            x + outwards * 0.022 * height, y, f"{value:.0f}°", size=8.5, weight="bold", color=LIGHT.ink, va="center",
            ha="left" if outwards > 0 else "right", clip_on=True,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.85})  # fmt: skip


def _ledger(axes: Axes, data: SessionData) -> None:
    """How every captured frame ended: one bar, and the numbers in words."""
    ledger = data.ledger
    captured = max(ledger.captured, 1)
    left = 0.0
    for state, count in ledger.states.items():
        if count:
            axes.barh(0, count / captured, left=left, height=0.5, color=STATE_COLOURS[state], edgecolor=LIGHT.paper,
                      linewidth=1.2)  # fmt: skip
            left += count / captured
    shown = [(state, count) for state, count in ledger.states.items() if count]
    for number, (state, count) in enumerate(shown):
        y = -0.62 - 0.36 * number
        axes.add_patch(_square(0.0, y, STATE_COLOURS[state]))
        axes.text(0.045, y, STATE_WORDS[state], size=9.5, va="center", color=LIGHT.ink)
        axes.text(0.62, y, f"{count}", size=9.5, va="center", ha="right", color=LIGHT.ink, weight="bold")
        axes.text(0.80, y, f"{count / captured:.1%}", size=9.5, va="center", ha="right", color=LIGHT.quiet)
    _dress(axes, "What became of the frames", "each ends once" if ledger.conserved else "NOT CONSERVED")
    axes.grid(False)
    axes.set_xlim(0, 1)
    axes.set_ylim(min(-2.2, -0.62 - 0.36 * len(shown)), 0.35)
    axes.set_xticks([])
    axes.set_yticks([])


def _square(x: float, y: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y - 0.09), 0.024, 0.18, facecolor=colour, edgecolor="none")


def _rates(axes: Axes, data: SessionData) -> None:
    """Results per second, and hands, in half-second bins."""
    t_s = _seconds(data)
    end_s = max(float(t_s[-1]) if len(t_s) else 0.5, 0.5)
    edges = np.arange(0, end_s + 0.5, 0.5)
    if len(edges) > 2 and end_s - edges[-2] < 0.4:  # a half-filled last bin would look like a breakdown
        edges = edges[:-1]
    hands = data.column("hands_seq")
    fresh = (hands >= 0) & (np.diff(hands, prepend=-1) != 0)
    for values, colour, words in ((t_s, LIGHT.fast, "results"), (t_s[fresh], LIGHT.calm, "hands")):
        counts = np.histogram(values, edges)[0] / 0.5
        axes.stairs(counts, edges, baseline=None, color=colour, linewidth=1.8, label=words)
    _dress(axes, "Results per second", "by capture time")
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
    axes.set_xlabel("seconds", size=9, color=LIGHT.quiet)
    axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=8.5, labelcolor=LIGHT.ink, borderaxespad=0)


def _ages(axes: Axes, data: SessionData) -> None:
    """Age of each result as it left the server, with its median and 95th percentile."""
    frames = data.frames
    done = frames[frames["state"] == "processed"]
    t_s = (done["t_capture_s"] - frames["t_capture_s"].min()).to_numpy()
    age_ms = ((done["t_emit_s"] - done["t_capture_s"]) * 1000).to_numpy()
    axes.scatter(t_s, age_ms, s=7, color=LIGHT.fast, alpha=0.45, linewidths=0)
    p = percentiles(age_ms)
    top = np.nanpercentile(age_ms, 99.5) * 1.4 if len(age_ms) else 1.0
    for name, style in (("p50", "-"), ("p95", "--")):
        axes.axhline(p[name], color=LIGHT.ink, linewidth=1.1, linestyle=style, label=f"{name} {p[name]:.0f} ms")
    _dress(axes, "Frame age", "ms, capture to emission")
    axes.set_xlim(0, max(float(t_s.max()) if len(t_s) else 1.0, 1e-3))
    axes.set_ylim(0, max(float(top), 1.0))
    axes.set_xlabel("seconds", size=9, color=LIGHT.quiet)
    axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=8.5, labelcolor=LIGHT.ink, borderaxespad=0)
