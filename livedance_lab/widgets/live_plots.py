"""Live plots in the notebook: the newest state only, within a budget of processor time, and only while visible."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets

from livedance_lab.analysis.movement_qualities import QUALITIES
from livedance_lab.clock import now_s, thread_cpu_s
from livedance_lab.media.images import encode_jpeg, encode_png
from livedance_lab.plots.live_figure import LiveFigure, interactive_figure
from livedance_lab.plots.live_history import LiveHistory
from livedance_lab.widgets.live_image import LiveImage
from livedance_lab.widgets.markup import message
from livedance_lab.widgets.smoothing_meter import SmoothingMeter

if TYPE_CHECKING:
    from livedance_lab.client.session import LiveSession
    from livedance_lab.wire.results import WireResult

__all__ = ["LivePlots", "redraw_interval_s"]

_log = logging.getLogger(__name__)

_CHECK_EVERY_S = 0.25  # while nothing is to be drawn
_STALE_S = 1.0  # the figure stands still when no result has arrived for this long
_SUMMARY_EVERY_S = 1.0
_SLOWEST_HZ = 1.0
_QUALITY = 0.9


class LivePlots(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """Draws angles, skeleton, rates, ages and the frame ledger of a running session.

    A thread of the kernel draws the newest state. Results that arrive between two redraws are not drawn one by one
    and never queue; the server logs all of them. With ``%matplotlib widget`` the figure is interactive, otherwise it
    is a picture.

    Parameters
    ----------
    session : LiveSession
    show : sequence of str, optional
        The curves, from top to bottom: joints ("elbow", "knee" ...: both sides), angular velocities ("elbow
        velocity"), movement qualities in the last two seconds ("smoothness", "jerkiness", "energy", "contraction",
        "symmetry"). By default the session's first five joints.
    person : int, optional
        Id of the person to draw. By default the followed person; when another one is followed, the curves begin anew.
    window_s : float, default 10
        Length of the curves in seconds.
    max_hz : float, default 12
        Maximum number of redraws per second.
    budget : float, default 0.05
        Share of all processor cores that drawing may use; it limits the number of redraws.
    dark : bool, optional
        Dark colours; by default those of the page.

    Attributes
    ----------
    paused : bool
    person : int or None
    image : LiveImage
    rate_hz : float
        Recent redraws per second.
    cost_ms : float
        Recent processor time per redraw.
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
        person: int | None = None,
        window_s: float = 10.0,
        max_hz: float = 12.0,
        budget: float = 0.05,
        dark: bool | None = None,
    ) -> None:
        self._unsubscribe: list[Any] = []
        self._session, self.person = session, person
        painting, qualities = session.settings.painting, [name for name in show or () if name in QUALITIES]
        self.history = LiveHistory(session.angle_names, window_s, painting=painting, qualities=qualities)
        canvas_figure = interactive_figure()
        self.figure = LiveFigure(self.history, show, dark=bool(dark), figure=canvas_figure)
        self._canvas: Any = None if canvas_figure is None else _without_decoration(canvas_figure.canvas)
        self._requested_dark = dark
        self.image = LiveImage()
        self.image.on_change = self._on_page_change
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._pause = ipywidgets.ToggleButton(
            description="Pause", icon="pause", tooltip="Stop drawing. The session and its log continue.",
            layout={"width": "104px", "flex": "none"},
        )  # fmt: skip
        self._pause.observe(lambda _change: self._wake.set(), "value")
        self._summary = ipywidgets.HTML()
        self._meter = SmoothingMeter.of(session) if person is None else SmoothingMeter()
        self.rate_hz = self.cost_ms = 0.0
        self._max_hz, self._budget_s = max_hz, budget * (os.cpu_count() or 1)
        self._result_s = self._drawn_s = self._summarised_s = -1e9
        bar = ipywidgets.HBox([self._pause, self._summary], layout={"align_items": "center", "grid_gap": "10px"})
        super().__init__([bar, *([] if self._canvas is None else [self._canvas]), self.image])
        self.add_class("ldl-live-plots")
        self._unsubscribe = [session.on_result(self._on_result), session.on_message(self._on_message)]
        if session.latest is not None:
            self._on_result(session.latest)
        self._thread = threading.Thread(target=self._run, name="livedance-plots", daemon=True)
        self._thread.start()

    @property
    def paused(self) -> bool:
        """Whether drawing is paused."""
        return bool(self._pause.value)

    @paused.setter
    def paused(self, value: bool) -> None:
        self._pause.value = value

    @property
    def suspended(self) -> bool:
        """Whether nothing is drawn at present: paused, not visible, or the browser has not shown the last picture."""
        return self.paused or self.image.hidden or not self.image.may_send(now_s())

    def snapshot(self) -> Any:
        """Return the current figure as a picture that remains in the notebook."""
        from IPython.display import Image

        with self.figure.lock:
            self.figure.draw(self._session.server_time_s(now_s()))
            picture = encode_png(self.figure.pixels())
        return Image(picture)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Stop drawing and unsubscribe from the session, which continues."""
        self._stopped.set()
        self._wake.set()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        self._thread.join(5.0)
        super().close()

    # --- callbacks of session and page

    def _on_result(self, result: WireResult) -> None:
        self._result_s = now_s()
        if self.person is not None:
            result = replace(result, followed_id=self.person)
            self._meter.add(result)
        self.history.add_result(result, self._session.server_time_s(self._result_s))

    def _on_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "stats":
            self.history.add_stats(message["values"])
        elif message["type"] == "settings":
            self.history.paint_with(message["settings"]["painting"])

    def _on_page_change(self) -> None:
        dark = self.image.dark if self._requested_dark is None else self._requested_dark
        if self._canvas is None and dark is not None and dark != self.figure.dark:
            self.figure.restyle(dark)
            self._drawn_s = -1e9
        self._wake.set()

    # --- the drawing thread

    def _run(self) -> None:
        _lower_priority()
        due_s = now_s()
        while not self._stopped.is_set():
            self._wake.wait(max(due_s - now_s(), 0.0))
            self._wake.clear()
            t_s = now_s()
            if t_s < due_s - 0.01:
                continue  # woken too early
            try:
                due_s = t_s + (self._redraw(t_s) if self._is_due(t_s) else _CHECK_EVERY_S)
            except Exception:  # noqa: BLE001  logged; the next redraw may succeed
                _log.exception("the live plots could not be drawn")
                due_s = t_s + 1.0

    def _is_due(self, t_s: float) -> bool:
        if self.suspended:
            return False
        return self._result_s > self._drawn_s or t_s - self._result_s < _STALE_S or self._drawn_s < 0

    def _redraw(self, t_s: float) -> float:
        """Draw once; return the time until the next redraw."""
        begin_s = thread_cpu_s()
        with self.figure.lock:
            self.figure.draw(self._session.server_time_s(now_s()))
            picture = encode_jpeg(self.figure.pixels(), _QUALITY, full_colour=True)
            if self._canvas is not None:
                _send(self._canvas, picture)
        if self._canvas is None:
            self.image.show(picture, t_s)
        cost_ms = (thread_cpu_s() - begin_s) * 1000
        interval_s, self._drawn_s = t_s - self._drawn_s, t_s
        if interval_s < 2.0:
            self.cost_ms += 0.2 * (cost_ms - self.cost_ms)
            self.rate_hz += 0.2 * (1 / interval_s - self.rate_hz)
        if t_s - self._summarised_s > _SUMMARY_EVERY_S:
            self._summarised_s = t_s
            drawing = f"Drawing: {self.rate_hz:.0f} redraws/s, {self.cost_ms:.0f} ms each."
            self._summary.value = message(f"{drawing} Smoothing: {self._meter.summary()}.")
        return redraw_interval_s(self.cost_ms, self._budget_s, self._max_hz)


def redraw_interval_s(cost_ms: float, budget_s: float, max_hz: float) -> float:
    """Return the time between redraws that keeps within a budget, at least one redraw per second.

    Parameters
    ----------
    cost_ms : float
        Processor time of a redraw.
    budget_s : float
        Processor seconds that drawing may use per second.
    max_hz : float
    """
    return 1 / max(min(max_hz, budget_s / max(cost_ms / 1000, 1e-4)), _SLOWEST_HZ)


def _without_decoration(canvas: Any) -> Any:
    """Hide the parts of an ipympl canvas that a live figure does not need."""
    canvas.header_visible = canvas.footer_visible = canvas.resizable = False
    canvas.toolbar_position = "right"  # on the left it would cover the scale of the angles
    return canvas


def _send(canvas: Any, picture: bytes) -> None:
    """Show a picture on an ipympl canvas.

    The canvas's own method encodes a PNG of the differences, which takes three times as long and leaves artefacts in
    a page that misses one.
    """
    canvas._force_full = True  # the canvas must not send differences to pictures that it did not send itself
    if canvas.syncing_data_url:  # no page is connected yet: the canvas stores the picture itself
        canvas.blit()
        return
    canvas.set_image_mode("full")
    canvas.send_binary(picture)


def _lower_priority() -> None:
    """Lower the priority of the calling thread, where single threads have one (Linux)."""
    if hasattr(os, "setpriority") and os.path.isdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
