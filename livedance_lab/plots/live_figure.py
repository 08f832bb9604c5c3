"""The live figure: angles, skeleton, rates, ages and ledger of a running session, redrawn several times a second.

It is fast because it uses blitting: the background (axes, grid, titles) is drawn once and kept as pixels; each redraw
restores it and draws only the moving artists. A redraw takes about 10 ms of one core for 1000 x 590 pixels.
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
from livedance_lab.plots.theme import DARK, LIGHT, Theme

__all__ = ["LiveFigure", "interactive_figure"]

_SIZE_IN = (10.0, 5.9)
_INTERACTIVE_SIZE_IN = (8.4, 5.4)  # smaller, because a canvas does not shrink to the page's width as a picture does
_DPI = 100
_MOST_JOINTS = 5
_CURVE_HEIGHT_IN = 0.95
_DEG_PER_PX = 0.6
_LEGEND = "thin: raw, thick: smoothed; pale and \u2248: foreshortened, so that the depth is uncertain"
_RATE_STEPS_HZ = (30.0, 60.0, 120.0, 240.0)
_AGE_STEPS_MS = (100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


class LiveFigure:
    """Draws a history into a matplotlib figure.

    Parameters
    ----------
    history : LiveHistory
    show : sequence of str, optional
        The curves, from top to bottom: joints ("elbow", "knee" ...), angular velocities ("elbow velocity") and
        movement qualities of the history; by default the session's first five joints and all those qualities.
    dark : bool, default False
    figure : Figure, optional
        A pyplot figure with an interactive canvas (ipympl). By default the figure has no window; read its `pixels`.

    Attributes
    ----------
    figure : Figure
    dark : bool
    lock : RLock
        Held while drawing, because matplotlib is not thread-safe.

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
            _guard(figure.canvas, self.lock)  # first, because the page may request a drawing at any time
        self.history = history
        self._curves = _curves(history, show)
        self._background: Any = None
        self._background_of: Any = None  # its renderer
        self._dragged_from: tuple[float, float] | None = None
        self._draw_background: Any = FigureCanvasAgg.draw  # untyped in matplotlib
        size_in = _INTERACTIVE_SIZE_IN
        if figure is None:
            figure, size_in = Figure(), _SIZE_IN
            FigureCanvasAgg(figure)
        width_in, height_in = size_in
        more = max(len(self._curves) - _MOST_JOINTS, 0)
        figure.set_size_inches(width_in, height_in + more * _CURVE_HEIGHT_IN)
        figure.set_dpi(_DPI)
        self.figure = figure
        self._canvas: Any = figure.canvas
        self.restyle(dark)
        figure.canvas.mpl_connect("draw_event", self._on_draw)
        figure.canvas.mpl_connect("motion_notify_event", self._on_motion)

    def restyle(self, dark: bool) -> None:
        """Rebuild the figure in light or dark colours."""
        with self.lock:
            self.dark = dark
            self.figure.clear()
            self._panels = _build(self.figure, DARK if dark else LIGHT, self.history, self._curves)
            self._artists = [artist for panel in self._panels for artist in panel.artists]
            self._background = None

    @property
    def world(self) -> WorldPanel:
        """The panel with the world coordinates, whose viewpoint can be changed."""
        return next(panel for panel in self._panels if isinstance(panel, WorldPanel))

    def draw(self, now_s: float) -> None:
        """Draw the state at `now_s`, server clock."""
        canvas = self._canvas
        with self.lock:
            data = self.history.plot_data(now_s)
            changed = [panel.update(data) for panel in self._panels]
            renderer = canvas.get_renderer()  # a new one after a change of size
            if self._background is None or any(changed) or renderer is not self._background_of:
                self._draw_background(canvas)  # the canvas's own method would send a picture without moving artists
                return  # `_on_draw` has drawn the moving artists
            canvas.restore_region(self._background)
            for artist in self._artists:
                artist.draw(renderer)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Return the picture, shape (H, W, 4), RGBA: the figure's own buffer; hold `lock` while reading it."""
        return np.asarray(self._canvas.buffer_rgba())

    def _on_draw(self, event: Any) -> None:
        """Keep the background whenever it has been drawn, then draw the moving artists."""
        if self._canvas.is_saving():
            return  # everything is drawn into a file, not into this canvas
        with self.lock:
            self._background = self._canvas.copy_from_bbox(self.figure.bbox)
            self._background_of = event.renderer
            for artist in self._artists:
                artist.draw(event.renderer)

    def _on_motion(self, event: Any) -> None:
        """Change the viewpoint while the pointer is dragged in the world panel."""
        held = bool(event.buttons) if hasattr(event, "buttons") else event.button is not None
        last, self._dragged_from = self._dragged_from, (event.x, event.y) if held else None
        if held and last is not None and event.inaxes is self.world.axes:
            with self.lock:
                self.world.turn_by((event.x - last[0]) * _DEG_PER_PX, (last[1] - event.y) * _DEG_PER_PX)


def _guard(canvas: Any, lock: threading.RLock) -> None:
    """Make a canvas acquire the lock before it draws, for the page or into a file.

    This prevents a deadlock: matplotlib has a lock inside `draw`, and ours must always be acquired first.
    """

    def locked(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with lock:
                return method(*args, **kwargs)

        return call

    canvas.draw, canvas.print_figure = locked(canvas.draw), locked(canvas.print_figure)


def _curves(history: LiveHistory, show: Sequence[str] | None) -> list[str]:
    """Return the names of the curves to draw, after checking that they exist."""
    joints, qualities = by_joint(history.angle_names), history.qualities
    chosen = list(show) if show is not None else [*list(joints)[:_MOST_JOINTS], *qualities]
    for name in chosen:
        if name not in qualities and name.removesuffix(VELOCITY) not in joints:
            more = f"; it computes {', '.join(qualities)}" if qualities else ""
            raise SettingsError(f"there is no angle of {name!r}; this session has {', '.join(joints)}{more}.")
    return chosen


def _curve(ax: Any, theme: Theme, history: LiveHistory, name: str) -> Panel:
    if name in history.qualities:
        return QualityPanel(ax, theme, name, history.window_s)
    joint, kind = name.removesuffix(VELOCITY), VelocityPanel if name.endswith(VELOCITY) else AnglePanel
    return kind(ax, theme, joint, by_joint(history.angle_names)[joint], history.angle_names, history.window_s)


def _build(figure: Figure, theme: Theme, history: LiveHistory, curves: list[str]) -> list[Panel]:
    """Create all panels: curves on the left, skeletons above rates and ages on the right, the ledger at the bottom."""
    figure.set_facecolor(theme.paper)
    outer = figure.add_gridspec(2, 2, width_ratios=(1.12, 1), height_ratios=(1, 0.1), left=0.045, right=0.985,
                                top=0.945, bottom=0.02, wspace=0.09, hspace=0.17)  # fmt: skip
    rows = outer[0, 0].subgridspec(max(len(curves), 1), 1, hspace=0.42)
    panels: list[Panel] = []
    for row, name in enumerate(curves):
        ax = figure.add_subplot(rows[row])
        panels.append(_curve(ax, theme, history, name))
        label_seconds(ax, history.window_s, 6, visible=row == len(curves) - 1)
        if row == len(curves) - 1 and any(isinstance(panel, AnglePanel) for panel in panels):
            ax.annotate(_LEGEND, (0, 0), (0, -24), "axes fraction", "offset points", fontsize=7.5, color=theme.muted)
    right = outer[0, 1].subgridspec(2, 2, height_ratios=(1.75, 1), hspace=0.3, wspace=0.24)
    panels.append(PicturePanel(figure.add_subplot(right[0, 0]), theme))
    panels.append(WorldPanel(figure.add_subplot(right[0, 1]), theme))
    rates = {"painted_hz": ("painted", theme.series_b), "results_hz": ("results", theme.series_a)}
    ages = {"age_p95_ms": ("p95", theme.series_b), "age_p50_ms": ("p50", theme.series_a)}
    for column, (title, series, steps) in enumerate(
        (("per second", rates, _RATE_STEPS_HZ), ("age of results (ms)", ages, _AGE_STEPS_MS))
    ):
        ax = figure.add_subplot(right[1, column])
        panels.append(SeriesPanel(ax, theme, title, series, history.stats_window_s, steps))
    panels.append(LedgerPanel(figure.add_subplot(outer[1, :]), theme))
    return panels


def interactive_figure() -> Figure | None:
    """Create a figure whose canvas is a widget if ``%matplotlib widget`` is active; else return None.

    pyplot does not show it; the caller displays its canvas.
    """
    import matplotlib as mpl

    if "ipympl" not in mpl.get_backend() and mpl.get_backend() != "widget":
        return None
    from matplotlib import pyplot

    with pyplot.ioff():
        return pyplot.figure()
