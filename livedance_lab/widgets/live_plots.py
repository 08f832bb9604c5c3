"""Live plots in the notebook: newest only, within a budget of processor time, resting while nobody looks."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from livedance_lab.analysis.movement_qualities import QUALITIES
from livedance_lab.clock import now_s, thread_cpu_s
from livedance_lab.media.images import encode_jpeg, encode_png
from livedance_lab.plots.live_figure import LiveFigure, interactive_figure
from livedance_lab.plots.live_history import LiveHistory
from livedance_lab.widgets.live_image import LiveImage
from livedance_lab.widgets.smoothing_meter import SmoothingNow

if TYPE_CHECKING:
    from livedance_lab.client.session import LiveSession
    from livedance_lab.wire.results import WireResult

__all__ = ["LivePlots"]

_log = logging.getLogger(__name__)

_REST_S = 0.25  # how often it is looked for something new while nothing is to be drawn
_STALE_S = 1.0  # so long after the last result the picture stands still
_SLOWEST_HZ = 1.0
_QUALITY = 0.9


class LivePlots(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """Angles, skeleton, rates, ages and the ledger of a running session, drawn as it happens.

    A thread of the kernel draws the newest state; results it has no time for are not drawn, and never queue. The
    log is kept by the server, so nothing is missing there whatever happens here. With ``%matplotlib widget`` the
    figure is an interactive one, otherwise a picture.

    Parameters
    ----------
    session : LiveSession
    show : sequence of str, optional
        The curves, from above: joints ("elbow", "knee" ...: both sides), how fast they turn ("elbow velocity"),
        qualities of the movement in the last two seconds ("smoothness", "jerkiness", "energy", "contraction",
        "symmetry"). By default the session's first five joints.
    window_s : float, default 10
        Seconds of angles shown.
    max_hz : float, default 12
        Redraws per second if the budget allows.
    budget : float, default 0.05
        Share of all processor cores that drawing may take; the rate follows from it.
    dark : bool, optional
        Colours; those of the page if not given.

    Attributes
    ----------
    paused : bool
    rate_hz : float
        Redraws per second, lately.
    cost_ms : float
        Processor time of a redraw, lately.
    figure : LiveFigure

    Raises
    ------
    SettingsError
        If the session has no angle of a joint.
    """

    def __init__(
        self,
        session: LiveSession,
        show: Sequence[str] | None = None,
        *,
        window_s: float = 10.0,
        max_hz: float = 12.0,
        budget: float = 0.05,
        dark: bool | None = None,
    ) -> None:
        self._quit: list[Any] = []
        self._session = session
        painting, qualities = session.settings.painting, [name for name in show or () if name in QUALITIES]
        self.history = LiveHistory(session.angle_names, window_s, painting=painting, qualities=qualities)
        canvas_figure = interactive_figure()
        self.figure = LiveFigure(self.history, show, dark=bool(dark), figure=canvas_figure)
        self._canvas: Any = None if canvas_figure is None else _dressed(canvas_figure.canvas)
        self._asked_dark = dark
        self._image = LiveImage()
        self._image.on_change = self._on_page
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._pause = ipywidgets.ToggleButton(
            description="Pause", icon="pause", tooltip="Stand still; the log goes on.", layout={"width": "104px"}
        )
        self._pause.observe(lambda _change: self._wake.set(), "value")
        self._words = ipywidgets.HTML()
        self._smoothing_now = SmoothingNow()
        self.rate_hz = self.cost_ms = 0.0
        self._max_hz, self._budget_s = max_hz, budget * (os.cpu_count() or 1)
        self._last_s = self._drawn_s = self._said_s = -1e9
        bar = ipywidgets.HBox([self._pause, self._words], layout={"align_items": "center", "grid_gap": "10px"})
        super().__init__([bar, *([] if self._canvas is None else [self._canvas]), self._image])
        self.add_class("ldl-live-plots")
        self._quit = [session.on_result(self._take), session.on_message(self._hear)]
        if session.latest is not None:
            self._take(session.latest)
        self._thread = threading.Thread(target=self._run, name="livedance-plots", daemon=True)
        self._thread.start()

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return bool(self._pause.value)

    @paused.setter
    def paused(self, value: bool) -> None:
        self._pause.value = value

    def snapshot(self) -> Any:
        """The figure as it is now, as a picture that stays in the notebook."""
        from IPython.display import Image

        with self.figure.lock:
            self.figure.draw(self._now_s())
            picture = encode_png(self.figure.pixels())
        return Image(picture)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Stop drawing and listening; the session goes on."""
        self._stopped.set()
        self._wake.set()
        for quit_listening in self._quit:
            quit_listening()
        self._quit = []
        self._thread.join(5.0)
        super().close()

    # --- what comes in, in the session's thread

    def _take(self, result: WireResult) -> None:
        t_s = now_s()
        self.history.add_result(result, self._session.server_time_s(t_s))
        self._smoothing_now.add(result)
        self._last_s = t_s

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "stats":
            self.history.add_stats(message["values"])
        elif message["type"] == "settings":
            self.history.paint_with(message["settings"]["painting"])

    def _on_page(self) -> None:
        """A view appeared, or its page changed colours."""
        dark = self._image.dark if self._asked_dark is None else self._asked_dark
        if self._canvas is None and dark is not None and dark != self.figure.dark:
            self.figure.restyle(dark)
            self._drawn_s = -1e9
        self._wake.set()

    # --- drawing, in a thread of its own

    def _run(self) -> None:
        _step_back()
        due_s = now_s()
        while not self._stopped.is_set():
            self._wake.wait(max(due_s - now_s(), 0.0))
            self._wake.clear()
            t_s = now_s()
            if t_s < due_s - 0.01:
                continue  # woken for the settings' sake; not yet time
            try:
                due_s = t_s + (self._redraw(t_s) if self._wanted(t_s) else _REST_S)
            except Exception:  # noqa: BLE001  shown in the kernel's log; the next redraw may go well
                _log.exception("the live plots could not be drawn")
                due_s = t_s + 1.0

    def _wanted(self, t_s: float) -> bool:
        """Whether there is something new to draw and somebody who can see it."""
        if self.paused or self._image.hidden or not self._image.may_send(t_s):
            return False
        return self._last_s > self._drawn_s or t_s - self._last_s < _STALE_S or self._drawn_s < 0

    def _redraw(self, t_s: float) -> float:
        """Draw once; give back how long to wait for the next."""
        begun_s = thread_cpu_s()
        with self.figure.lock:
            self.figure.draw(self._now_s())
            picture = encode_jpeg(self.figure.pixels(), _QUALITY, full_colour=True)
            if self._canvas is not None:
                _send(self._canvas, picture)
        if self._canvas is None:
            self._image.show(picture, t_s)
        cost_ms = (thread_cpu_s() - begun_s) * 1000
        interval_s, self._drawn_s = t_s - self._drawn_s, t_s
        if interval_s < 2.0:
            self.cost_ms += 0.2 * (cost_ms - self.cost_ms)
            self.rate_hz += 0.2 * (1 / interval_s - self.rate_hz)
        if t_s - self._said_s > 1.0:
            self._said_s = t_s
            self._words.value = _WORDS.format(self.rate_hz, self.cost_ms, self._smoothing_now.words())
        rate_hz = min(self._max_hz, self._budget_s / max(self.cost_ms / 1000, 1e-4))
        return 1 / max(rate_hz, _SLOWEST_HZ)

    def _now_s(self) -> float:
        return self._session.server_time_s(now_s())


_WORDS = (
    '<span style="color: var(--jp-ui-font-color2, #656d76); font-variant-numeric: tabular-nums">'
    "{:.0f} redraws/s, {:.0f} ms each; smoothing, {}</span>"
)


def _dressed(canvas: Any) -> Any:
    """An ipympl canvas without what a live figure does not need."""
    canvas.header_visible = canvas.footer_visible = canvas.resizable = False
    canvas.toolbar_position = "right"  # on the left it would hide the angles' scale
    return canvas


def _send(canvas: Any, picture: bytes) -> None:
    """Show a picture on an ipympl canvas.

    Its own way would encode a PNG of the differences, at three times the cost, and leave traces where a page
    skips one.
    """
    canvas._force_full = True  # whatever it sends by itself must not build on what it sent before
    if canvas.syncing_data_url:  # no page has it yet: the canvas keeps the picture itself
        canvas.blit()
        return
    canvas.set_image_mode("full")
    canvas.send_binary(picture)


def _step_back() -> None:
    """Let the threads that compute go first, where the system knows priorities of single threads (Linux)."""
    if hasattr(os, "setpriority") and os.path.isdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
