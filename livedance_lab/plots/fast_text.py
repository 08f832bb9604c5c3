"""Fast text for live figures: each glyph is rendered once and cached.

Laying out and rendering a text takes matplotlib nearly a millisecond, and a live figure has two dozen texts that
change several times a second.
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

__all__ = ["FastText"]

Mask = npt.NDArray[np.uint8]

_MARGIN_PX = 6  # around a glyph, because some extend beyond their advance width


class FastText(Artist):
    """A short text that is cheap to change.

    Parameters
    ----------
    ax : Axes
    x, y : float
        Position in axes coordinates, 0 to 1; `y` is the baseline.
    size_pt : float
    colour : str
    bold : bool
    align : "left" or "right"

    Attributes
    ----------
    text : str
        The text that is drawn.
    x, y : float
    """

    def __init__(self, ax: Any, x: float, y: float, size_pt: float, colour: str, *, bold: bool = False,
                 align: str = "left") -> None:  # fmt: skip
        super().__init__()
        self.set_animated(True)
        self.x, self.y = x, y
        self._size_pt, self._bold, self._align = size_pt, bold, align
        self._rgb = np.array(to_rgb(colour)) * 255
        self.text = ""
        ax.add_artist(self)

    @property
    def width_px(self) -> int:
        """The width of the text in pixels."""
        return sum(advance for _, advance in self._glyphs())

    def _glyphs(self) -> list[tuple[Mask, int]]:
        dpi = self.axes.figure.dpi  # type: ignore[union-attr]
        return [_glyph(char, self._size_pt, self._bold, dpi) for char in self.text]

    def draw(self, renderer: Any) -> None:
        """Draw the text (called by the figure)."""
        if not self.text:
            return
        glyphs = self._glyphs()
        height = glyphs[0][0].shape[0]
        mask: Mask = np.zeros((height, self.width_px + 2 * _MARGIN_PX), dtype=np.uint8)
        x_px = 0
        for glyph, advance in glyphs:
            part = mask[:, x_px : x_px + glyph.shape[1]]
            np.maximum(part, glyph[:, : part.shape[1]], out=part)
            x_px += advance
        image = np.empty((*mask.shape, 4), dtype=np.uint8)
        image[..., :3] = self._rgb
        image[..., 3] = mask
        x, y = self.axes.transAxes.transform((self.x, self.y))  # type: ignore[union-attr]
        left = x - _MARGIN_PX - (x_px if self._align == "right" else 0)
        gc = renderer.new_gc()
        renderer.draw_image(gc, round(left), round(y) - height // 3, np.ascontiguousarray(image[::-1]))
        gc.restore()


@lru_cache(maxsize=512)
def _glyph(char: str, size_pt: float, bold: bool, dpi: float) -> tuple[Mask, int]:
    """Return the coverage of one character, with its baseline a third above the bottom, and its advance width."""
    font = FontProperties(size=size_pt, weight="bold" if bold else "normal")
    height = round(3 * size_pt * dpi / 72)
    renderer: Any = RendererAgg(height, height, dpi)  # type: ignore[no-untyped-call]

    def width(text: str) -> float:
        return float(renderer.get_text_width_height_descent(text, font, ismath=False)[0])

    renderer.draw_text(renderer.new_gc(), _MARGIN_PX, height - height // 3, char, font, 0)
    mask = np.asarray(renderer.buffer_rgba())[:, :, 3].copy()
    advance = round(width(f"0{char}0") - width("00"))
    return mask[:, : advance + 2 * _MARGIN_PX], advance
