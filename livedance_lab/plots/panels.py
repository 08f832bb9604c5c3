"""The parts of the live figure. Each makes its artists once and only moves them afterwards.

What stays (axes, grid, titles) belongs to the background; what moves are `artists`, drawn over it. `update`
says whether the background has to be drawn again, because a scale has changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from livedance_lab.plots.history import View
from livedance_lab.plots.look import STATE_COLOURS, STATE_WORDS, Look
from livedance_lab.plots.stamps import Stamp
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = [
    "AnglePanel",
    "LedgerPanel",
    "Panel",
    "PicturePanel",
    "SeriesPanel",
    "WorldPanel",
    "by_joint",
    "label_seconds",
]

Array = npt.NDArray[np.float64]

_GAP_S = 0.5  # further apart, results are not joined by a line


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


def by_joint(angle_names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Angles of the same joint together: joint to side ("left", "right", "middle") to position."""
    joints: dict[str, dict[str, int]] = {}
    for position, name in enumerate(angle_names):
        side = next((s for s in ("left", "right") if name.startswith(f"{s}_")), "middle")
        joints.setdefault(name.removeprefix(f"{side}_"), {})[side] = position
    return joints


class AnglePanel:
    """One joint, both sides, over the last seconds: raw faint, smoothed strong.

    Parameters
    ----------
    ax : Axes
    look : Look
    joint : str
    sides : dict of str to int
        Side to position in the session's angles.
    window_s : float
    """

    def __init__(self, ax: Any, look: Look, joint: str, sides: dict[str, int], window_s: float) -> None:
        prepare(ax, look)
        ax.set(xlim=(-window_s, 0), ylim=(0, 185), yticks=(0, 90, 180), yticklabels=("0", "90", "180°"))
        ax.text(0.0, 1.02, joint.replace("_", " "), transform=ax.transAxes, fontsize=9, fontweight="bold",
                color=look.ink, va="bottom")  # fmt: skip
        self._lines = {}
        self._numbers = {}
        self._ax = ax
        for side, position in sides.items():
            colour = getattr(look, side)
            (raw,) = ax.plot([], [], color=colour, alpha=0.38, linewidth=0.9, animated=True)
            (smooth,) = ax.plot([], [], color=colour, linewidth=1.7, animated=True)
            self._lines[position] = (raw, smooth)
            self._numbers[position] = Stamp(ax, 1.0, 1.04, 9, colour, bold=True, align="right")
        self._sides = {position: side for side, position in sides.items()}
        self.artists = [*(line for pair in self._lines.values() for line in pair), *self._numbers.values()]

    def update(self, view: View) -> bool:
        """Move the lines and say the newest smoothed values."""
        x = view.t_s - view.now_s
        breaks = np.flatnonzero(np.diff(view.t_s) > _GAP_S) + 1
        x = np.insert(x, breaks, np.nan)
        for position, (raw, smooth) in self._lines.items():
            raw.set_data(x, np.insert(view.raw_deg[:, position], breaks, np.nan))
            smooth.set_data(x, np.insert(view.smooth_deg[:, position], breaks, np.nan))
            now = view.smooth_deg[-1, position] if len(x) else math.nan
            side = self._sides[position]
            self._numbers[position].set_text(f"{side} {'–' if math.isnan(now) else f'{now:.0f}°'}")
        _side_by_side(self._ax, list(self._numbers.values())[::-1], 1.0, -1)
        return False


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


class _Bones:
    """A skeleton as three sets of lines: left, right, middle."""

    def __init__(self, ax: Any, look: Look, width: float) -> None:
        bones = np.array(BLAZEPOSE_33.bone_indices)
        sides = np.array([_side_of(a, b) for a, b in BLAZEPOSE_33.bones])
        self._bones = {side: bones[sides == side] for side in ("middle", "left", "right")}
        self._colours = {side: np.array(to_rgba(getattr(look, side))) for side in self._bones}
        self.artists = []
        for _side in self._bones:
            lines = LineCollection([], linewidths=width, capstyle="round", animated=True)
            ax.add_collection(lines, autolim=False)
            self.artists.append(lines)

    def move(self, points: Array | None, visibility: Array | None) -> None:
        """Put the bones where the points, of shape (33, 2), are; the less visible, the fainter."""
        for lines, (side, bones) in zip(self.artists, self._bones.items(), strict=True):
            if points is None or visibility is None:
                lines.set_segments([])
                continue
            ends = points[bones]
            seen = np.isfinite(ends).all(axis=(1, 2))
            colours = np.tile(self._colours[side], (len(bones), 1))
            least = np.minimum(*visibility[bones].T)
            colours[:, 3] = np.clip(np.nan_to_num(least, nan=1.0), 0.12, 1.0)
            lines.set_segments(ends[seen])
            lines.set_color(colours[seen])


def _side_of(a: str, b: str) -> str:
    sides = {name.split("_")[0] if name.split("_")[0] in ("left", "right") else "middle" for name in (a, b)}
    return sides.pop() if len(sides) == 1 else "middle"


class PicturePanel:
    """The skeleton in the camera's picture."""

    def __init__(self, ax: Any, look: Look) -> None:
        prepare(ax, look, "in the picture")
        ax.grid(False)
        ax.set(xticks=(), yticks=(), aspect="equal", anchor="N")
        self._ax = ax
        self._frame = Rectangle((0, 0), 1, 1, facecolor="none", edgecolor=look.line, linewidth=1.2)
        ax.add_patch(self._frame)
        self._size_px = (0, 0)
        self._bones = _Bones(ax, look, 2.0)
        self.artists = self._bones.artists
        self._resize((640, 480))

    def _resize(self, size_px: tuple[int, int]) -> None:
        width, height = size_px
        self._ax.set(xlim=(-0.01 * width, 1.01 * width), ylim=(1.01 * height, -0.01 * height))
        self._frame.set(width=width, height=height)
        self._size_px = size_px

    def update(self, view: View) -> bool:
        """Move the bones; new limits for a picture of another size."""
        self._bones.move(view.pose_px, view.visibility)
        if view.size_px in ((0, 0), self._size_px):
            return False
        self._resize(view.size_px)
        return True


class WorldPanel:
    """The skeleton in space: world landmarks, metres, seen from beside and above.

    An orthographic view drawn on flat axes, a tenth of the cost of `mplot3d`. World x points right in the
    picture, y down, z away from the camera; the origin is mid-hip.
    """

    _FLOOR_M = 0.95  # below the hips; a constant, so that a jump is seen as one

    def __init__(self, ax: Any, look: Look, azimuth_deg: float = 35.0, elevation_deg: float = 14.0) -> None:
        prepare(ax, look, "in space")
        ax.grid(False)
        ax.set(xticks=(), yticks=(), aspect="equal", anchor="N", xlim=(-0.95, 0.95), ylim=(-1.35, 1.05))
        self.axes = ax
        self._floor = LineCollection([], linewidths=0.8, colors=look.line)
        ax.add_collection(self._floor, autolim=False)
        self._note = ax.text(0.5, 0.0, "floor grid 0.5 m", transform=ax.transAxes, ha="center", va="bottom",
                             fontsize=7.5, color=look.quiet)  # fmt: skip
        self._bones = _Bones(ax, look, 2.0)
        self.artists = self._bones.artists
        self._turned = True
        self.turn(azimuth_deg, elevation_deg)

    def turn(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Look from elsewhere: 0, 0 is from the camera; positive azimuth from its left, elevation from above."""
        self._azimuth_deg, self._elevation_deg = azimuth_deg % 360, min(max(elevation_deg, -20.0), 90.0)
        a, e = math.radians(self._azimuth_deg), math.radians(self._elevation_deg)
        turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
        tilt = np.array([[1, 0, 0], [0, math.cos(e), -math.sin(e)], [0, math.sin(e), math.cos(e)]])
        self._view = (tilt @ turn)[:2] * [[1], [-1]]  # screen up is minus y
        self._turned = True
        ticks = np.linspace(-0.75, 0.75, 4)
        lines = [((-0.75, u), (0.75, u)) for u in ticks] + [((u, -0.75), (u, 0.75)) for u in ticks]
        at = np.array([[(x, self._FLOOR_M, z) for x, z in ends] for ends in lines])
        self._floor.set_segments(at @ self._view.T)

    def turn_by(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Look from a little further round or up."""
        self.turn(self._azimuth_deg + azimuth_deg, self._elevation_deg + elevation_deg)

    def update(self, view: View) -> bool:
        """Move the bones; a new floor after a turn."""
        turned, self._turned = self._turned, False
        self._bones.move(None if view.pose_m is None else view.pose_m @ self._view.T, view.visibility)
        return turned


class LedgerPanel:
    """What became of every captured frame: one bar of shares, and the counts."""

    def __init__(self, ax: Any, look: Look) -> None:
        prepare(ax, look)
        ax.grid(False)
        ax.set(xlim=(0, 1), ylim=(0, 1), xticks=(), yticks=())
        self._bars = {
            state: Rectangle((0, 0.05), 0, 0.34, facecolor=c, animated=True) for state, c in STATE_COLOURS.items()
        }
        for bar in self._bars.values():
            ax.add_patch(bar)
        self._total = Stamp(ax, 0.0, 0.66, 9, look.ink, bold=True)
        self._total.set_text("no frames yet")
        self._words = {state: Stamp(ax, 0.0, 0.66, 9, look.ink) for state in STATE_COLOURS}
        self._dots = {
            state: Rectangle((0, 0.63), 0, 0.2, facecolor=c, animated=True) for state, c in STATE_COLOURS.items()
        }
        for dot in self._dots.values():
            ax.add_patch(dot)
        self._ax = ax
        self.artists = [*self._bars.values(), *self._dots.values(), self._total, *self._words.values()]

    def update(self, view: View) -> bool:
        """Divide the bar; name only the states that occurred."""
        captured = view.ledger.get("captured", 0)
        if not captured:
            return False
        ended = {state: view.ledger.get(state, 0) for state in STATE_COLOURS if state != "open"}
        counts = {**ended, "open": max(captured - sum(ended.values()), 0)}
        self._total.set_text(f"{_grouped(captured)} frames captured")
        width_px = float(self._ax.bbox.width)
        at, x = 0.0, (self._total.width_px + 24) / width_px
        for state, count in counts.items():
            self._bars[state].set(x=at, width=count / captured, visible=count > 0)
            at += count / captured
            words, dot = self._words[state], self._dots[state]
            words.set_text(f"{_grouped(count)} {STATE_WORDS[state]}" if count else "")
            dot.set(x=x, width=9 / width_px, visible=count > 0)
            words.x = x + 14 / width_px
            x += (14 + words.width_px + 18) / width_px if count else 0.0
        return False


def _grouped(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")  # a narrow space, as ISO 80000-1 has it
