"""The curves of the live figure: angles, how fast they turn, movement qualities, rates and ages.

Each panel makes its artists once and only moves them; `update` says whether its scale has changed, so that the
background has to be drawn again. Scales move in steps, so that they seldom do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.angles import ANGLES, ViewQuality, angular_velocity_deg_s
from livedance_lab.plots.fast_text import Stamp
from livedance_lab.plots.live_history import View
from livedance_lab.plots.theme import Look

__all__ = [
    "VELOCITY",
    "AnglePanel",
    "Panel",
    "QualityPanel",
    "SeriesPanel",
    "VelocityPanel",
    "label_seconds",
    "prepare",
]

Array = npt.NDArray[np.float64]

VELOCITY: Final = " velocity"
"""What follows a joint's name when its angular velocity is meant."""
_GAP_S = 0.5  # further apart, results are not joined by a line
_QUALITY_SCALES: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "smoothness": ((-2.0, -5.0, -10.0, -20.0, -50.0), (0.0,)),
    "jerkiness": ((-5.0, -10.0, -20.0, -50.0), (0.0,)),
    "energy": ((0.0,), (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)),
    "contraction": ((0.0,), (1.0,)),
    "symmetry": ((0.0,), (1.0,)),
}
"""Least and greatest values an axis may end at, the nearest first."""
_QUALITY_WORDS: Final = {
    "smoothness": "smoothness of the hands, SPARC",
    "jerkiness": "smoothness of the hands, log dimensionless jerk",
    "energy": "energy, J/kg",
    "contraction": "contraction, 1 curled up",
    "symmetry": "symmetry, 1 a mirror image",
}


class Panel(Protocol):
    """One part of the figure."""

    artists: list[Any]

    def update(self, view: View) -> bool:
        """Move the artists; True if the background must be drawn again."""
        ...


def prepare(ax: Any, look: Look, title: str = "", pad_pt: float = 5) -> None:
    """Axes as quiet as they can be: no box, thin grid, small words."""
    ax.set_facecolor("none")
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(colors=look.quiet, labelsize=8, length=0, pad=3)
    ax.grid(color=look.line, linewidth=0.8)
    ax.set_axisbelow(True)
    if title:
        ax.set_title(title, loc="left", fontsize=9, color=look.ink, fontweight="bold", pad=pad_pt)


def label_seconds(ax: Any, window_s: float, count: int, *, words: bool = True) -> None:
    """Ticks of a window that ends now; the outer words stay inside the axes."""
    seconds = np.linspace(-window_s, 0, count)
    labels = [f"{window_s:.0f} s ago", *(f"{-s:.0f}" for s in seconds[1:-1]), "now"]
    ax.set_xticks(seconds, labels if words else [""] * count)
    ax.xaxis.get_ticklabels()[0].set_horizontalalignment("left")
    ax.xaxis.get_ticklabels()[-1].set_horizontalalignment("right")


class _Scale:
    """A vertical axis whose ends are taken from a few."""

    def __init__(self, ax: Any, lows: Sequence[float], highs: Sequence[float], unit: str = "") -> None:
        self._ax, self._lows, self._highs, self._unit = ax, lows, highs, unit
        self._ends = (math.nan, math.nan)
        self.fit(np.empty(0))

    def fit(self, values: Array) -> bool:
        """Take the nearest ends that hold all values; True if they are others than before."""
        known = values[np.isfinite(values)]
        least, most = (known.min(), known.max()) if known.size else (math.inf, -math.inf)
        low = next((end for end in self._lows if end <= least), self._lows[-1])
        high = next((end for end in self._highs if end >= most), self._highs[-1])
        if (low, high) == self._ends:
            return False
        self._ends, room = (low, high), 0.03 * (high - low)
        ticks = [low, (low + high) / 2, high]
        if low < 0 < high:
            ticks = [end for end in (low, 0.0, high) if end == 0 or abs(end) > 0.3 * (high - low)]
        self._ax.set_ylim(low - room, high + room)
        self._ax.set_yticks(ticks, [*(f"{tick:g}" for tick in ticks[:-1]), f"{ticks[-1]:g}{self._unit}"])
        return True


class AnglePanel:
    """One joint, both sides, over the last seconds: raw faint, smoothed strong, pale where it is seen badly.

    Parameters
    ----------
    ax : Axes
    look : Look
    joint : str
    sides : dict of str to int
        Side to position in the session's angles.
    names : sequence of str
        The session's angles.
    window_s : float
    """

    def __init__(
        self, ax: Any, look: Look, joint: str, sides: dict[str, int], names: Sequence[str], window_s: float
    ) -> None:
        prepare(ax, look)
        ax.set_xlim(-window_s, 0)
        ax.text(0.0, 1.02, self._title(joint), transform=ax.transAxes, fontsize=9, fontweight="bold",
                color=look.ink, va="bottom")  # fmt: skip
        self._ax, self._names = ax, {position: names[position] for position in sides.values()}
        self._scale = _Scale(ax, *self._ends(), unit=self._axis_unit)
        self._lines = {}
        self._numbers = {}
        for side, position in sides.items():
            colour = getattr(look, side)
            (raw,) = ax.plot([], [], color=colour, alpha=0.38, linewidth=0.9, animated=True)
            (pale,) = ax.plot([], [], color=colour, alpha=0.38, linewidth=1.7, animated=True)
            (smooth,) = ax.plot([], [], color=colour, linewidth=1.7, animated=True)
            self._lines[position] = (raw, smooth, pale)
            self._numbers[position] = Stamp(ax, 1.0, 1.04, 9, colour, bold=True, align="right")
        self._sides = {position: side for side, position in sides.items()}
        self.artists = [*(line for lines in self._lines.values() for line in lines), *self._numbers.values()]

    def update(self, view: View) -> bool:
        """Move the lines and say the newest values."""
        breaks = np.flatnonzero(np.diff(view.t_s) > _GAP_S) + 1
        x = np.insert(view.t_s - view.now_s, breaks, np.nan)
        shown = []
        for position, (raw, smooth, pale) in self._lines.items():
            raw_values, values = self._values(view, position)
            doubtful = view.views[:, position] == ViewQuality.FORESHORTENED
            raw.set_data(x, np.insert(raw_values, breaks, np.nan))
            smooth.set_data(x, np.insert(np.where(doubtful, np.nan, values), breaks, np.nan))
            pale.set_data(x, np.insert(np.where(_widened(doubtful), values, np.nan), breaks, np.nan))
            self._say(position, values[-1] if len(values) else math.nan, doubtful=bool(doubtful[-1:].any()))
            shown += [raw_values, values]
        _side_by_side(self._ax, list(self._numbers.values())[::-1], 1.0, -1)
        return self._scale.fit(np.concatenate(shown))

    def _say(self, position: int, now: float, *, doubtful: bool) -> None:
        about = "\u2248" if doubtful else ""
        number = "–" if math.isnan(now) else f"{about}{now:.0f}{self._unit}"
        side = "" if self._sides[position] == "middle" else f"{self._sides[position]} "
        self._numbers[position].set_text(side + number)

    _unit = _axis_unit = "°"

    def _title(self, joint: str) -> str:
        return joint.replace("_", " ")

    def _ends(self) -> tuple[Sequence[float], Sequence[float]]:
        """What the axis may end at: 0 and 180 as long as nothing is beyond."""
        ranges = [ANGLES[name].range_deg for name in self._names.values() if name in ANGLES] or [(0.0, 180.0)]
        low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
        if low >= 0:
            return (low,), (high,)
        return [e for e in (0.0, -45.0, -90.0, -180.0) if e >= low], [e for e in (90.0, 180.0, 270.0) if e <= high]

    def _values(self, view: View, position: int) -> tuple[Array, Array]:
        """Faint and strong."""
        return view.raw_deg[:, position], view.smooth_deg[:, position]


class VelocityPanel(AnglePanel):
    """How fast one joint turns, both sides: the derivative of a local cubic of the unsmoothed angles."""

    _unit, _axis_unit = "°/s", ""  # its title has it

    def _title(self, joint: str) -> str:
        return f"{joint.replace('_', ' ')}, °/s"

    def _ends(self) -> tuple[Sequence[float], Sequence[float]]:
        return (-90.0, -180.0, -360.0, -720.0, -1440.0), (90.0, 180.0, 360.0, 720.0, 1440.0)

    def _values(self, view: View, position: int) -> tuple[Array, Array]:
        if len(view.t_s) < 2:
            values = np.full(len(view.t_s), np.nan)
        else:
            raw = view.raw_deg[:, [position]]
            values = angular_velocity_deg_s(raw, view.t_s, [self._names[position]])[:, 0]
        return np.full_like(values, np.nan), values


class QualityPanel:
    """One quality of the movement, on the window that ends at each point."""

    def __init__(self, ax: Any, look: Look, quality: str, window_s: float) -> None:
        prepare(ax, look)
        ax.set_xlim(-window_s, 0)
        ax.text(0.0, 1.02, _QUALITY_WORDS[quality], transform=ax.transAxes, fontsize=9, fontweight="bold",
                color=look.ink, va="bottom")  # fmt: skip
        self._quality, self._scale = quality, _Scale(ax, *_QUALITY_SCALES[quality])
        (self._line,) = ax.plot([], [], color=look.calm, linewidth=1.7, animated=True)
        self._number = Stamp(ax, 1.0, 1.04, 9, look.calm, bold=True, align="right")
        self.artists = [self._line, self._number]

    def update(self, view: View) -> bool:
        """Move the line and say the newest value."""
        values = view.qualities[self._quality]
        self._line.set_data(view.qualities_t_s - view.now_s, values)
        now = values[-1] if len(values) else math.nan
        self._number.set_text("–" if math.isnan(now) else f"{now:.2f}")
        return self._scale.fit(values)


def _widened(doubtful: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """With their neighbours, so that pale and strong lines meet."""
    wide = doubtful.copy()
    wide[1:] |= doubtful[:-1]
    wide[:-1] |= doubtful[1:]
    return wide


class SeriesPanel:
    """Readings over the last minute, with a scale that only moves in steps.

    Parameters
    ----------
    ax : Axes
    look : Look
    title : str
        With the unit.
    series : dict of str to (str, str)
        Field of `View`: what to call it, and its colour.
    window_s : float
    steps : sequence of float
        Tops of the scale to choose from.
    """

    def __init__(self, ax: Any, look: Look, title: str, series: dict[str, tuple[str, str]], window_s: float,
                 steps: Sequence[float]) -> None:  # fmt: skip
        prepare(ax, look, title, pad_pt=20)  # the newest values stand below it
        self._ax, self._steps, self._words = ax, steps, {name: words for name, (words, _) in series.items()}
        self._top = steps[0]
        ax.set(xlim=(-window_s, 0), ylim=(0, self._top))
        label_seconds(ax, window_s, 3)
        ax.locator_params(axis="y", nbins=4)
        self._lines, self._numbers = {}, {}
        for name, (_, colour) in series.items():
            (self._lines[name],) = ax.plot([], [], color=colour, linewidth=1.6, animated=True)
            self._numbers[name] = Stamp(ax, 0.0, 1.06, 8.5, colour, bold=True)
        self.artists = [*self._lines.values(), *self._numbers.values()]

    def update(self, view: View) -> bool:
        """Move the lines; a new scale where they leave the old one, or leave it mostly empty."""
        x = view.readings_t_s - view.now_s
        highest = 0.0
        for name, line in self._lines.items():
            y = getattr(view, name)
            line.set_data(x, y)
            known = y[np.isfinite(y)]
            highest = max(highest, float(known.max()) if known.size else 0.0)
            now = f"{known[-1]:.0f}" if known.size and math.isfinite(y[-1]) else "–"
            self._numbers[name].set_text(f"{self._words[name]} {now}" if known.size else "")
        _side_by_side(self._ax, list(self._numbers.values()), 0.0, 1)
        top = next((step for step in self._steps if step >= 1.15 * highest), self._steps[-1])
        if top == self._top:
            return False
        self._top = top
        self._ax.set_ylim(0, top)
        return True


def _side_by_side(ax: Any, stamps: list[Stamp], x: float, direction: int) -> None:
    """Words one after the other from `x` on, to the right (1) or to the left (-1), with a space between."""
    width_px = float(ax.bbox.width)
    for stamp in stamps:
        stamp.x = x
        x += direction * (stamp.width_px + 12) / width_px if stamp.width_px else 0.0
