"""The parts of the live figure that are people and the ledger. Each makes its artists once and only moves them.

What stays (axes, grid, titles) belongs to the background; what moves are `artists`, drawn over it. `update`
says whether the background has to be drawn again, because a scale has changed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from livedance_lab.plots.curve_panels import prepare
from livedance_lab.plots.fast_text import Stamp
from livedance_lab.plots.live_history import View
from livedance_lab.plots.theme import STATE_COLOURS, STATE_WORDS, Look
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["LedgerPanel", "PicturePanel", "WorldPanel"]

Array = npt.NDArray[np.float64]


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
