"""Panels of the live figure that show the skeleton and the frame ledger.

Each panel creates its artists once and only moves them. Axes, grid and titles belong to the background; the moving
`artists` are drawn over it. `update` returns whether the background must be redrawn because a scale has changed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from livedance_lab.plots.curve_panels import style_panel
from livedance_lab.plots.fast_text import FastText
from livedance_lab.plots.live_history import PlotData
from livedance_lab.plots.theme import FRAME_STATES, Theme
from livedance_lab.pose import Array
from livedance_lab.skeletons import BLAZEPOSE_33, side_of

__all__ = ["LedgerPanel", "PicturePanel", "WorldPanel"]


class _Bones:
    """A skeleton as three line collections: middle, left, right."""

    def __init__(self, ax: Any, theme: Theme, width: float) -> None:
        bones = np.array(BLAZEPOSE_33.bone_indices)
        sides = np.array([side_of(*bone) for bone in BLAZEPOSE_33.bones])
        self._bones = {side: bones[sides == side] for side in ("middle", "left", "right")}
        self._colours = {side: np.array(to_rgba(getattr(theme, side))) for side in self._bones}
        self.artists = []
        for side in self._bones:
            lines = LineCollection([], linewidths=width, capstyle="round", animated=True, label=side)
            ax.add_collection(lines, autolim=False)
            self.artists.append(lines)

    def move(self, points: Array | None, visibility: Array | None) -> None:
        """Move the bones to the points, of shape (33, 2); opacity is the visibility."""
        for lines, (side, bones) in zip(self.artists, self._bones.items(), strict=True):
            if points is None or visibility is None:
                lines.set_segments([])
                continue
            ends = points[bones]
            seen = np.isfinite(ends).all(axis=(1, 2))
            colours = np.tile(self._colours[side], (len(bones), 1))
            lowest = np.minimum(*visibility[bones].T)
            colours[:, 3] = np.clip(np.nan_to_num(lowest, nan=1.0), 0.12, 1.0)
            lines.set_segments(ends[seen])
            lines.set_color(colours[seen])


class PicturePanel:
    """The skeleton in image coordinates, and whose it is if there are several people."""

    def __init__(self, ax: Any, theme: Theme) -> None:
        style_panel(ax, theme, "image coordinates", grid=False)
        ax.set(xticks=(), yticks=(), aspect="equal", anchor="N")
        self._ax, self._person_id = ax, 0
        self._whose = ax.text(0.03, 0.97, "", transform=ax.transAxes, va="top", fontsize=9, color=theme.muted)
        self._frame = Rectangle((0, 0), 1, 1, facecolor="none", edgecolor=theme.line, linewidth=1.2)
        ax.add_patch(self._frame)
        self._size_px = (0, 0)
        self._bones = _Bones(ax, theme, 2.0)
        self.artists = self._bones.artists
        self._resize((640, 480))

    def _resize(self, size_px: tuple[int, int]) -> None:
        width, height = size_px
        self._ax.set(xlim=(-0.01 * width, 1.01 * width), ylim=(1.01 * height, -0.01 * height))
        self._frame.set(width=width, height=height)
        self._size_px = size_px

    def update(self, data: PlotData) -> bool:
        """Move the bones; set the person, and new limits if the picture's size has changed."""
        self._bones.move(data.pose_px, data.visibility)
        changed = data.person_id != self._person_id
        if changed:
            self._person_id = data.person_id
            self._whose.set_text(f"person {data.person_id}" if data.person_id else "")
        if data.size_px in ((0, 0), self._size_px):
            return changed
        self._resize(data.size_px)
        return True


class WorldPanel:
    """The skeleton in world coordinates, metres, from a viewpoint beside and above the camera.

    An orthographic projection drawn on 2D axes, which takes a tenth of the time of `mplot3d`. World x points right in
    the picture, y down, z away from the camera; the origin is between the hips.
    """

    _FLOOR_M = 0.95  # below the hips; constant, so that a jump is visible

    def __init__(self, ax: Any, theme: Theme, azimuth_deg: float = 35.0, elevation_deg: float = 14.0) -> None:
        style_panel(ax, theme, "world coordinates", grid=False)
        ax.set(xticks=(), yticks=(), aspect="equal", anchor="N", xlim=(-0.95, 0.95), ylim=(-1.35, 1.05))
        self.axes = ax
        self._floor = LineCollection([], linewidths=0.8, colors=theme.line)
        ax.add_collection(self._floor, autolim=False)
        ax.text(0.5, 0.0, "floor grid 0.5 m", transform=ax.transAxes, ha="center", va="bottom", fontsize=7.5,
                color=theme.muted)  # fmt: skip
        self._bones = _Bones(ax, theme, 2.0)
        self.artists = self._bones.artists
        self._turned = True
        self.turn(azimuth_deg, elevation_deg)

    def turn(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Set the viewpoint: 0, 0 is the camera's; positive azimuth is to its left, positive elevation above it."""
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
        """Change the viewpoint by some degrees."""
        self.turn(self._azimuth_deg + azimuth_deg, self._elevation_deg + elevation_deg)

    def update(self, data: PlotData) -> bool:
        """Move the bones; the floor has changed if the viewpoint has."""
        turned, self._turned = self._turned, False
        self._bones.move(None if data.pose_m is None else data.pose_m @ self._view.T, data.visibility)
        return turned


class LedgerPanel:
    """The frame ledger: one bar of shares by state, and the counts."""

    def __init__(self, ax: Any, theme: Theme) -> None:
        style_panel(ax, theme, grid=False)
        ax.set(xlim=(0, 1), ylim=(0, 1), xticks=(), yticks=())
        self._ax = ax
        self._bars, self._swatches = (
            {state: ax.add_patch(Rectangle((0, y), 0, height, facecolor=style.colour, animated=True, label=state))
             for state, style in FRAME_STATES.items()}
            for y, height in ((0.05, 0.34), (0.63, 0.2))
        )  # fmt: skip
        self._total = FastText(ax, 0.0, 0.66, 9, theme.ink, bold=True)
        self._total.text = "no frames yet"
        self._labels = {state: FastText(ax, 0.0, 0.66, 9, theme.ink) for state in FRAME_STATES}
        self.artists = [*self._bars.values(), *self._swatches.values(), self._total, *self._labels.values()]

    def update(self, data: PlotData) -> bool:
        """Set the bar's parts and the labels of the states that occurred."""
        captured = data.ledger.get("captured", 0)
        if not captured:
            return False
        ended = {state: data.ledger.get(state, 0) for state in FRAME_STATES if state != "open"}
        counts = {**ended, "open": max(captured - sum(ended.values()), 0)}
        self._total.text = f"{_grouped(captured)} frames captured"
        width_px = float(self._ax.bbox.width)
        at, x = 0.0, (self._total.width_px + 24) / width_px
        for state, count in counts.items():
            self._bars[state].set(x=at, width=count / captured, visible=count > 0)
            at += count / captured
            label = self._labels[state]
            label.text = f"{_grouped(count)} {FRAME_STATES[state].label}" if count else ""
            self._swatches[state].set(x=x, width=9 / width_px, visible=count > 0)
            label.x = x + 14 / width_px
            x += (14 + label.width_px + 18) / width_px if count else 0.0
        return False


def _grouped(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")  # a narrow space between thousands (ISO 80000-1)
