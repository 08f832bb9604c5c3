"""Panels of the live figure that show curves: angles, angular velocities, movement qualities, rates and ages.

Each panel creates its artists once and only moves them; `update` returns whether the background must be redrawn
because the scale has changed. Scales change in steps, so that this is rare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.angles import ANGLES, ViewQuality, angular_velocity_deg_s
from livedance_lab.plots.axes import style_axes
from livedance_lab.plots.fast_text import FastText
from livedance_lab.plots.live_history import PlotData
from livedance_lab.plots.theme import Theme
from livedance_lab.pose import Array

__all__ = [
    "VELOCITY",
    "AnglePanel",
    "Panel",
    "QualityPanel",
    "SeriesPanel",
    "VelocityPanel",
    "label_seconds",
    "style_panel",
]

VELOCITY: Final = " velocity"
"""Suffix of a joint's name that selects its angular velocity."""
_GAP_S = 0.5  # results that are further apart are not connected by a line
_QUALITY_SCALES: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "smoothness": ((-2.0, -5.0, -10.0, -20.0, -50.0), (0.0,)),
    "jerkiness": ((-5.0, -10.0, -20.0, -50.0), (0.0,)),
    "energy": ((0.0,), (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)),
    "contraction": ((0.0,), (1.0,)),
    "symmetry": ((0.0,), (1.0,)),
}
"""Possible lower and upper limits of the axis, the tightest first."""
_QUALITY_TITLES: Final = {
    "smoothness": "smoothness of the hands (SPARC)",
    "jerkiness": "smoothness of the hands (log dimensionless jerk)",
    "energy": "energy (J/kg)",
    "contraction": "contraction (1: curled up)",
    "symmetry": "symmetry (1: mirror image)",
}


class Panel(Protocol):
    """One part of the figure."""

    artists: list[Any]

    def update(self, data: PlotData) -> bool:
        """Move the artists; return True if the background must be redrawn."""
        ...


def style_panel(ax: Any, theme: Theme, title: str = "", *, grid: bool = True, pad_pt: float = 5) -> None:
    """Apply the common style in the sizes of the live figure."""
    style_axes(ax, title, theme=theme, title_pt=9, label_pt=8, pad_pt=pad_pt, grid="both" if grid else None)
    ax.tick_params(pad=3)


def _curve_panel(ax: Any, theme: Theme, title: str, window_s: float) -> None:
    """Prepare the axes of a curve over the last seconds."""
    style_panel(ax, theme)
    ax.set_xlim(-window_s, 0)
    ax.text(0.0, 1.02, title, transform=ax.transAxes, fontsize=9, fontweight="bold", color=theme.ink, va="bottom")


def label_seconds(ax: Any, window_s: float, count: int, *, visible: bool = True) -> None:
    """Set the ticks of a time window that ends now; the outer labels stay inside the axes."""
    seconds = np.linspace(-window_s, 0, count)
    labels = [f"{window_s:.0f} s ago", *(f"{-s:.0f}" for s in seconds[1:-1]), "now"]
    ax.set_xticks(seconds, labels if visible else [""] * count)
    ax.xaxis.get_ticklabels()[0].set_horizontalalignment("left")
    ax.xaxis.get_ticklabels()[-1].set_horizontalalignment("right")


class _Scale:
    """A vertical axis whose limits are chosen from a few values."""

    def __init__(self, ax: Any, lows: Sequence[float], highs: Sequence[float], unit: str = "") -> None:
        self._ax, self._lows, self._highs, self._unit = ax, lows, highs, unit
        self._limits = (math.nan, math.nan)
        self.fit(np.empty(0))

    def fit(self, values: Array) -> bool:
        """Set the tightest limits that contain all values; return True if they have changed."""
        known = values[np.isfinite(values)]
        lowest, highest = (known.min(), known.max()) if known.size else (math.inf, -math.inf)
        low = next((limit for limit in self._lows if limit <= lowest), self._lows[-1])
        high = next((limit for limit in self._highs if limit >= highest), self._highs[-1])
        if (low, high) == self._limits:
            return False
        self._limits, margin = (low, high), 0.03 * (high - low)
        ticks = [low, (low + high) / 2, high]
        if low < 0 < high:
            ticks = [tick for tick in (low, 0.0, high) if tick == 0 or abs(tick) > 0.3 * (high - low)]
        self._ax.set_ylim(low - margin, high + margin)
        self._ax.set_yticks(ticks, [*(f"{tick:g}" for tick in ticks[:-1]), f"{ticks[-1]:g}{self._unit}"])
        return True


class AnglePanel:
    """The angle of one joint, both sides: raw thin, smoothed thick, pale where the view is foreshortened.

    Parameters
    ----------
    ax : Axes
    theme : Theme
    joint : str
    sides : dict of str to int
        Positions in the session's angles, by side.
    names : sequence of str
        The session's angles.
    window_s : float

    Attributes
    ----------
    artists : list of Artist
        The labels of lines are "left raw", "left foreshortened", "left smooth" ...
    """

    def __init__(
        self, ax: Any, theme: Theme, joint: str, sides: dict[str, int], names: Sequence[str], window_s: float
    ) -> None:
        _curve_panel(ax, theme, self._title(joint), window_s)
        self._ax, self._names = ax, {position: names[position] for position in sides.values()}
        self._scale = _Scale(ax, *self._limits(), unit=self._axis_unit)
        self._lines = {}
        self._numbers = {}
        for side, position in sides.items():
            styles = {"raw": (0.38, 0.9), "foreshortened": (0.38, 1.7), "smooth": (1.0, 1.7)}  # opacity, width
            self._lines[position] = [
                ax.plot([], [], color=getattr(theme, side), alpha=alpha, linewidth=width, animated=True,
                        label=f"{side} {kind}")[0]
                for kind, (alpha, width) in styles.items()
            ]  # fmt: skip
            self._numbers[position] = FastText(ax, 1.0, 1.04, 9, getattr(theme, side), bold=True, align="right")
        self._sides = {position: side for side, position in sides.items()}
        self.artists = [*(line for lines in self._lines.values() for line in lines), *self._numbers.values()]

    def update(self, data: PlotData) -> bool:
        """Move the lines and set the newest values."""
        breaks = np.flatnonzero(np.diff(data.t_s) > _GAP_S) + 1
        x = np.insert(data.t_s - data.now_s, breaks, np.nan)
        all_values = []
        for position, (raw, pale, smooth) in self._lines.items():
            raw_values, values = self._values(data, position)
            foreshortened = data.views[:, position] == ViewQuality.FORESHORTENED
            raw.set_data(x, np.insert(raw_values, breaks, np.nan))
            smooth.set_data(x, np.insert(np.where(foreshortened, np.nan, values), breaks, np.nan))
            pale.set_data(x, np.insert(np.where(_widened(foreshortened), values, np.nan), breaks, np.nan))
            newest = values[-1] if len(values) else math.nan
            self._set_number(position, newest, approximate=bool(foreshortened[-1:].any()))
            all_values += [raw_values, values]
        _side_by_side(self._ax, list(self._numbers.values())[::-1], 1.0, -1)
        return self._scale.fit(np.concatenate(all_values))

    def _set_number(self, position: int, value: float, *, approximate: bool) -> None:
        sign = "\u2248" if approximate else ""
        number = "–" if math.isnan(value) else f"{sign}{value:.0f}{self._unit}"
        side = "" if self._sides[position] == "middle" else f"{self._sides[position]} "
        self._numbers[position].text = side + number

    _unit = _axis_unit = "°"

    def _title(self, joint: str) -> str:
        return joint.replace("_", " ")

    def _limits(self) -> tuple[Sequence[float], Sequence[float]]:
        """Return the possible limits of the axis: 0 and 180 as long as all values are inside."""
        ranges = [ANGLES[name].range_deg for name in self._names.values() if name in ANGLES] or [(0.0, 180.0)]
        low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
        if low >= 0:
            return (low,), (high,)
        return [e for e in (0.0, -45.0, -90.0, -180.0) if e >= low], [e for e in (90.0, 180.0, 270.0) if e <= high]

    def _values(self, data: PlotData, position: int) -> tuple[Array, Array]:
        """Return the values of the thin and of the thick line."""
        return data.raw_deg[:, position], data.smooth_deg[:, position]


class VelocityPanel(AnglePanel):
    """The angular velocity of one joint, both sides: the derivative of a local cubic of the raw angles."""

    _unit, _axis_unit = "°/s", ""  # the axis needs none, the title has it

    def _title(self, joint: str) -> str:
        return f"{joint.replace('_', ' ')}, °/s"

    def _limits(self) -> tuple[Sequence[float], Sequence[float]]:
        return (-90.0, -180.0, -360.0, -720.0, -1440.0), (90.0, 180.0, 360.0, 720.0, 1440.0)

    def _values(self, data: PlotData, position: int) -> tuple[Array, Array]:
        if len(data.t_s) < 2:
            values = np.full(len(data.t_s), np.nan)
        else:
            raw = data.raw_deg[:, [position]]
            values = angular_velocity_deg_s(raw, data.t_s, [self._names[position]])[:, 0]
        return np.full_like(values, np.nan), values


class QualityPanel:
    """One movement quality, computed in the window that ends at each point."""

    def __init__(self, ax: Any, theme: Theme, quality: str, window_s: float) -> None:
        _curve_panel(ax, theme, _QUALITY_TITLES[quality], window_s)
        self._quality, self._scale = quality, _Scale(ax, *_QUALITY_SCALES[quality])
        (self._line,) = ax.plot([], [], color=theme.series_b, linewidth=1.7, animated=True, label=quality)
        self._number = FastText(ax, 1.0, 1.04, 9, theme.series_b, bold=True, align="right")
        self.artists = [self._line, self._number]

    def update(self, data: PlotData) -> bool:
        """Move the line and set the newest value."""
        values = data.qualities[self._quality]
        self._line.set_data(data.qualities_t_s - data.now_s, values)
        newest = values[-1] if len(values) else math.nan
        self._number.text = "–" if math.isnan(newest) else f"{newest:.2f}"
        return self._scale.fit(values)


def _widened(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Extend each run of True by one on both sides, so that the pale and the thick line meet."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    return wide


class SeriesPanel:
    """Rates or ages over the last minute, with a scale that changes in steps.

    Parameters
    ----------
    ax : Axes
    theme : Theme
    title : str
        With the unit.
    series : dict of str to (str, str)
        Label and colour by name in `PlotData.stats`.
    window_s : float
    steps : sequence of float
        Possible upper limits of the axis, increasing.
    """

    def __init__(self, ax: Any, theme: Theme, title: str, series: dict[str, tuple[str, str]], window_s: float,
                 steps: Sequence[float]) -> None:  # fmt: skip
        style_panel(ax, theme, title, pad_pt=20)  # the newest values are below the title
        self._ax, self._steps = ax, steps
        self._top = steps[0]
        ax.set(xlim=(-window_s, 0), ylim=(0, self._top))
        label_seconds(ax, window_s, 3)
        ax.locator_params(axis="y", nbins=4)
        self._lines, self._numbers = {}, {}
        for name, (label, colour) in series.items():
            (self._lines[name],) = ax.plot([], [], color=colour, linewidth=1.6, animated=True, label=label)
            self._numbers[name] = FastText(ax, 0.0, 1.06, 8.5, colour, bold=True)
        self.artists = [*self._lines.values(), *self._numbers.values()]

    def update(self, data: PlotData) -> bool:
        """Move the lines, and change the scale if they exceed it or leave it mostly empty."""
        x = data.stats_t_s - data.now_s
        highest = 0.0
        for name, line in self._lines.items():
            y = data.stats[name]
            line.set_data(x, y)
            known = y[np.isfinite(y)]
            highest = max(highest, float(known.max()) if known.size else 0.0)
            newest = f"{known[-1]:.0f}" if known.size and math.isfinite(y[-1]) else "–"
            self._numbers[name].text = f"{line.get_label()} {newest}" if known.size else ""
        _side_by_side(self._ax, list(self._numbers.values()), 0.0, 1)
        top = next((step for step in self._steps if step >= 1.15 * highest), self._steps[-1])
        if top == self._top:
            return False
        self._top = top
        self._ax.set_ylim(0, top)
        return True


def _side_by_side(ax: Any, texts: list[FastText], x: float, direction: int) -> None:
    """Place texts next to each other from `x` on, to the right (1) or to the left (-1)."""
    width_px = float(ax.bbox.width)
    for text in texts:
        text.x = x
        x += direction * (text.width_px + 12) / width_px if text.width_px else 0.0
