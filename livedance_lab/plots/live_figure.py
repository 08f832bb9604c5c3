"""The live figure: angles, skeleton, rates, ages and ledger of a running session, redrawn several times a second.

Speed comes from drawing little: the background (axes, grid, words) is drawn once and kept as pixels; each
redraw copies it back and draws only what moves. A redraw costs some 10 ms of one core for 1000 x 590 pixels.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from livedance_lab.analysis.angle_definitions import by_joint
from livedance_lab.errors import SettingsError
from livedance_lab.plots.body_panels import LedgerPanel, PicturePanel, WorldPanel
from livedance_lab.plots.curve_panels import (
    VELOCITY,
    AnglePanel,
    Panel,
    QualityPanel,
    SeriesPanel,
    VelocityPanel,
    label_seconds,
)
from livedance_lab.plots.live_history import LiveHistory
from livedance_lab.plots.theme import DARK, LIGHT, Look

__all__ = ["LiveFigure", "interactive_figure"]

_SIZE_IN = (10.0, 5.9)
_INTERACTIVE_SIZE_IN = (8.4, 5.4)  # its canvas does not shrink to the page's width, as a picture does
_DPI = 100
_MOST_JOINTS = 5
_HEIGHT_OF_CURVE_IN = 0.95
_DEG_PER_PX = 0.6
_PALE = "pale, and \u2248: foreshortened, a segment points at the camera and its depth is guessed"
_RATE_STEPS_HZ = (30.0, 60.0, 120.0, 240.0)
_AGE_STEPS_MS = (100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


class LiveFigure:
    """Draws a history into a matplotlib figure, artists reused in place.

    Parameters
    ----------
    history : LiveHistory
    show : sequence of str, optional
        The curves, from above: joints ("elbow", "knee" ...), how fast they turn ("elbow velocity") and qualities
        that the history follows; by default the first five joints of the session and those qualities.
    dark : bool, default False
    figure : Figure, optional
        One of pyplot's, for a canvas of its own (ipympl); without it nothing but pixels are made.

    Attributes
    ----------
    figure : Figure
    lock : RLock
        Held while drawing: matplotlib is not made for several threads.

    Raises
    ------
    SettingsError
        If the session has no angle of a joint.
    """

    def __init__(
        self,
        history: LiveHistory,
        show: Sequence[str] | None = None,
        *,
        dark: bool = False,
        figure: Figure | None = None,
    ) -> None:
        self.lock = threading.RLock()
        if figure is not None:
            _guard(figure.canvas, self.lock)  # before anything else: its page may ask it to draw at any moment
        self.history = history
        self._curves = _curves(history, show)
        self._background: Any = None
        self._background_of: Any = None  # the renderer whose pixels it is
        self._dragged_from: tuple[float, float] | None = None
        self._draw_background: Any = FigureCanvasAgg.draw  # matplotlib leaves it untyped
        size_in = _INTERACTIVE_SIZE_IN
        if figure is None:
            figure, size_in = Figure(), _SIZE_IN
            FigureCanvasAgg(figure)
        width_in, height_in = size_in
        more = max(len(self._curves) - _MOST_JOINTS, 0)
        figure.set_size_inches(width_in, height_in + more * _HEIGHT_OF_CURVE_IN)
        figure.set_dpi(_DPI)
        self.figure = figure
        self._canvas: Any = figure.canvas
        self.restyle(dark)
        figure.canvas.mpl_connect("draw_event", self._on_draw)
        figure.canvas.mpl_connect("motion_notify_event", self._on_motion)

    def restyle(self, dark: bool) -> None:
        """Begin anew with the other colours."""
        with self.lock:
            self.dark = dark
            self.figure.clear()
            self._panels = _build(self.figure, DARK if dark else LIGHT, self.history, self._curves)
            self._artists = [artist for panel in self._panels for artist in panel.artists]
            self._background = None

    @property
    def world(self) -> WorldPanel:
        """The view in space, to be turned."""
        return next(panel for panel in self._panels if isinstance(panel, WorldPanel))

    def draw(self, now_s: float) -> None:
        """Bring the figure's pixels up to `now_s`, server clock."""
        canvas = self._canvas
        with self.lock:
            view = self.history.view(now_s)
            changed = [panel.update(view) for panel in self._panels]
            renderer = canvas.get_renderer()  # another one after a change of size
            if self._background is None or any(changed) or renderer is not self._background_of:
                self._draw_background(canvas)  # not the canvas's own: it would send a picture without what moves
                return  # `_on_draw` has drawn what moves
            canvas.restore_region(self._background)
            for artist in self._artists:
                artist.draw(renderer)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The picture as it is now, of shape (H, W, 4), RGBA: the figure's own memory, to be read under `lock`."""
        return np.asarray(self._canvas.buffer_rgba())

    def _on_draw(self, event: Any) -> None:
        """After anybody has drawn the background: keep it, then draw what moves."""
        if self._canvas.is_saving():
            return  # into a file everything is drawn, and nothing of it belongs to this canvas
        with self.lock:
            self._background = self._canvas.copy_from_bbox(self.figure.bbox)
            self._background_of = event.renderer
            for artist in self._artists:
                artist.draw(event.renderer)

    def _on_motion(self, event: Any) -> None:
        """Dragging in the view in space turns it."""
        held = bool(event.buttons) if hasattr(event, "buttons") else event.button is not None
        last, self._dragged_from = self._dragged_from, (event.x, event.y) if held else None
        if held and last is not None and event.inaxes is self.world.axes:
            with self.lock:
                self.world.turn_by((event.x - last[0]) * _DEG_PER_PX, (last[1] - event.y) * _DEG_PER_PX)


def _guard(canvas: Any, lock: threading.RLock) -> None:
    """Make a canvas take the lock before it draws, for the page or into a file.

    Figures have a lock of their own inside `draw`; taken in another order than ours the two would block for ever.
    """

    def locked(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with lock:
                return method(*args, **kwargs)

        return call

    canvas.draw, canvas.print_figure = locked(canvas.draw), locked(canvas.print_figure)


def _curves(history: LiveHistory, show: Sequence[str] | None) -> list[str]:
    """What is to be drawn on the left; all of it is there."""
    joints, qualities = by_joint(history.angle_names), history.qualities
    chosen = list(show) if show is not None else [*list(joints)[:_MOST_JOINTS], *qualities]
    for name in chosen:
        if name not in qualities and name.removesuffix(VELOCITY) not in joints:
            more = f"; it follows {', '.join(qualities)}" if qualities else ""
            raise SettingsError(f"there is no angle of {name!r}; this session has {', '.join(joints)}{more}.")
    return chosen


def _curve(ax: Any, look: Look, history: LiveHistory, name: str) -> Panel:
    if name in history.qualities:
        return QualityPanel(ax, look, name, history.window_s)
    joint, kind = name.removesuffix(VELOCITY), VelocityPanel if name.endswith(VELOCITY) else AnglePanel
    return kind(ax, look, joint, by_joint(history.angle_names)[joint], history.angle_names, history.window_s)


def _build(figure: Figure, look: Look, history: LiveHistory, curves: list[str]) -> list[Panel]:
    """All panels: curves on the left, skeletons over readings on the right, the ledger below."""
    figure.set_facecolor(look.paper)
    outer = figure.add_gridspec(2, 2, width_ratios=(1.12, 1), height_ratios=(1, 0.1), left=0.045, right=0.985,
                                top=0.945, bottom=0.02, wspace=0.09, hspace=0.17)  # fmt: skip
    rows = outer[0, 0].subgridspec(max(len(curves), 1), 1, hspace=0.42)
    panels: list[Panel] = []
    for row, name in enumerate(curves):
        ax = figure.add_subplot(rows[row])
        panels.append(_curve(ax, look, history, name))
        label_seconds(ax, history.window_s, 6, words=row == len(curves) - 1)
        if row == len(curves) - 1 and any(isinstance(panel, AnglePanel) for panel in panels):
            ax.annotate(_PALE, (0, 0), (0, -24), "axes fraction", "offset points", fontsize=7.5, color=look.quiet)
    right = outer[0, 1].subgridspec(2, 2, height_ratios=(1.75, 1), hspace=0.3, wspace=0.16)
    panels.append(PicturePanel(figure.add_subplot(right[0, 0]), look))
    panels.append(WorldPanel(figure.add_subplot(right[0, 1]), look))
    rates = {"painted_hz": ("painted", look.calm), "results_hz": ("results", look.fast)}
    ages = {"age_p95_ms": ("p95", look.calm), "age_p50_ms": ("p50", look.fast)}
    window_s = history.readings_window_s
    panels.append(SeriesPanel(figure.add_subplot(right[1, 0]), look, "per second", rates, window_s, _RATE_STEPS_HZ))
    panels.append(
        SeriesPanel(figure.add_subplot(right[1, 1]), look, "age of results, ms", ages, window_s, _AGE_STEPS_MS)
    )
    panels.append(LedgerPanel(figure.add_subplot(outer[1, :]), look))
    return panels


def interactive_figure() -> Figure | None:
    """A figure whose canvas is a widget, where ``%matplotlib widget`` is in force; else None.

    pyplot must not show it by itself: whoever asked displays its canvas.
    """
    import matplotlib as mpl

    if "ipympl" not in mpl.get_backend() and mpl.get_backend() != "widget":
        return None
    from matplotlib import pyplot

    with pyplot.ioff():
        return pyplot.figure()
