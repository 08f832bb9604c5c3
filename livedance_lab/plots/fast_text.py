"""Words and numbers that change several times a second, drawn from glyphs that were rendered once.

Laying out and rendering a text anew costs matplotlib nearly a millisecond; a live figure has two dozen of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties

__all__ = ["Stamp"]

Mask = npt.NDArray[np.uint8]

_ROOM = 6  # pixels around a glyph, for those that lean out of their box


class Stamp(Artist):
    """A short text at a fixed place, cheap to change.

    Parameters
    ----------
    ax : Axes
    x, y : float
        In the axes' own coordinates, 0 to 1; `y` is the baseline.
    size_pt : float
    colour : str
    bold : bool
    align : "left" or "right"
    """

    def __init__(self, ax: Any, x: float, y: float, size_pt: float, colour: str, *, bold: bool = False,
                 align: str = "left") -> None:  # fmt: skip
        super().__init__()
        self.set_animated(True)
        self.x, self.y = x, y
        self._size_pt, self._bold, self._align = size_pt, bold, align
        self._rgb = np.array(to_rgb(colour)) * 255
        self._text = ""
        ax.add_artist(self)

    def set_text(self, text: str) -> None:
        """Say something else."""
        self._text = text

    @property
    def width_px(self) -> int:
        """How wide the text is."""
        return sum(advance for _, advance in self._glyphs())

    def _glyphs(self) -> list[tuple[Mask, int]]:
        dpi = self.axes.figure.dpi  # type: ignore[union-attr]
        return [_glyph(char, self._size_pt, self._bold, dpi) for char in self._text]

    def draw(self, renderer: Any) -> None:
        """Called by the figure."""
        if not self._text:
            return
        glyphs = self._glyphs()
        height = glyphs[0][0].shape[0]
        mask: Mask = np.zeros((height, self.width_px + 2 * _ROOM), dtype=np.uint8)
        at = 0
        for shape, advance in glyphs:
            part = mask[:, at : at + shape.shape[1]]
            np.maximum(part, shape[:, : part.shape[1]], out=part)
            at += advance
        image = np.empty((*mask.shape, 4), dtype=np.uint8)
        image[..., :3] = self._rgb
        image[..., 3] = mask
        x, y = self.axes.transAxes.transform((self.x, self.y))  # type: ignore[union-attr]
        left = x - _ROOM - (at if self._align == "right" else 0)
        gc = renderer.new_gc()
        renderer.draw_image(gc, round(left), round(y) - height // 3, np.ascontiguousarray(image[::-1]))
        gc.restore()


@lru_cache(maxsize=512)
def _glyph(char: str, size_pt: float, bold: bool, dpi: float) -> tuple[Mask, int]:
    """Coverage of one character, its baseline a third from the bottom, and how far the next one is."""
    font = FontProperties(size=size_pt, weight="bold" if bold else "normal")
    height = round(3 * size_pt * dpi / 72)
    renderer: Any = RendererAgg(height, height, dpi)  # type: ignore[no-untyped-call]

    def width(text: str) -> float:
        return float(renderer.get_text_width_height_descent(text, font, ismath=False)[0])

    renderer.draw_text(renderer.new_gc(), _ROOM, height - height // 3, char, font, 0)
    mask = np.asarray(renderer.buffer_rgba())[:, :, 3].copy()
    advance = round(width(f"0{char}0") - width("00"))
    return mask[:, : advance + 2 * _ROOM], advance
