"""Tuning a running session by hand: what is moved acts at once, and is logged as what it is."""

from __future__ import annotations

import html
import math
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from livedance_lab.analysis.angle_definitions import by_joint
from livedance_lab.analysis.filters import FILTERS, checked, describe
from livedance_lab.clock import now_s
from livedance_lab.errors import LiveDanceError
from livedance_lab.settings import Settings
from livedance_lab.widgets.session_controls import ExportBar, MarkBar, PresetBar
from livedance_lab.widgets.setting_controls import STYLE, heading, parameter_control, setting_control, smoothing_extras
from livedance_lab.widgets.smoothing_meter import SmoothingNow

if TYPE_CHECKING:
    from livedance_lab.client.session import LiveSession
    from livedance_lab.wire.results import WireResult

__all__ = ["TuningPanel"]

_GATHER_S = 0.05  # changes made within this are sent together: a dragged slider sends 20 times a second
_BY = "tuning panel"
_USUAL_HZ = 30.0
_MEASURE_EVERY_S = 1.0

_GROUPS = {
    "Skeleton shown": ("painting",),
    "Pictures sent": ("short_side_px", "image_format", "jpeg_quality", "pacing", "mirrored"),
    "Model": ("complexity", "hands", "detection_confidence", "presence_confidence", "tracking_confidence",
              "hand_confidence"),
}  # fmt: skip


class TuningPanel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """Sliders and choices for the settings of a session; follows changes made elsewhere.

    Parameters
    ----------
    session : LiveSession
    presets : str or Path, default "presets"
        Folder of the TOML presets.
    out : str or Path, default "out"
        Where exports go unless another folder is typed in.

    Attributes
    ----------
    controls : dict of str to widget
        By setting.
    filter : widget
        The choice of the filter.
    parameters : dict of str to widget
        The sliders of the chosen filter, by parameter.
    extras : dict of str to widget
        The other fields of `Smoothing`.
    measured : widget
        Jitter, lag and lost range in the last seconds, in words.
    error : str
        What was refused, in words; empty when nothing was.
    """

    def __init__(self, session: LiveSession, presets: str | Path = "presets", out: str | Path = "out") -> None:
        self._quit: Callable[[], Any] = lambda: None
        self._session = session
        self._lock = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._sending = False
        self._follower: int | None = None  # the thread that moves controls to what is in force
        self.error = ""
        self.controls = {name: setting_control(name) for names in _GROUPS.values() for name in names}
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._moved(name, change["new"]), "value")
        filters = [(name.replace("_", " "), name) for name in sorted(FILTERS)]
        self.filter = ipywidgets.Dropdown(options=filters, description="filter", style={"description_width": "104px"})
        self.filter.observe(lambda _change: self._choose_filter(), "value")
        self.parameters: dict[str, Any] = {}
        self.extras = smoothing_extras()
        for control in self.extras.values():
            control.observe(lambda _change: self._smoothing_moved(), "value")
        self._about_filter, self._effect, self._status = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.measured = ipywidgets.HTML()
        self._now, self._measuring, self._measured_s = SmoothingNow(), threading.Lock(), -math.inf
        self._sliders = ipywidgets.VBox().add_class("ldl-sliders")
        bars = [PresetBar(session, presets), MarkBar(session), ExportBar(session, out).add_class("ldl-wide")]
        columns = ipywidgets.Box(self._groups()).add_class("ldl-columns")
        super().__init__([ipywidgets.HTML(STYLE), columns, ipywidgets.Box(bars).add_class("ldl-bars"), self._status])
        self.add_class("ldl-tuning")
        quits = [session.on_message(self._hear), session.on_result(self._take)]
        self._quit = lambda: [quit_listening() for quit_listening in quits]
        self._follow(session.settings)

    def close(self) -> None:
        """Stop following the session."""
        self._quit()
        super().close()

    def _groups(self) -> list[Any]:
        smoothing = [heading("Smoothing"), self.filter, self._sliders, *self.extras.values(), self._effect,
                     self.measured, self._about_filter]  # fmt: skip
        groups = [[heading(title), *(self.controls[name] for name in names)] for title, names in _GROUPS.items()]
        joints = ", ".join(by_joint(self._session.angle_names)).replace("_", " ")
        about = f'<div class="ldl-quiet">{html.escape(joints)}; fixed since the session began</div>'
        groups.append([heading("Angles"), ipywidgets.HTML(about)])
        return [ipywidgets.VBox(group).add_class("ldl-group") for group in (smoothing, *groups)]

    # --- from the person to the session

    def _choose_filter(self) -> None:
        """Other sliders, at the filter's defaults."""
        if self._follower != threading.get_ident():
            self._show_filter(self.filter.value, {})
            self._smoothing_moved()

    def _show_filter(self, name: str, params: dict[str, float]) -> None:
        family = FILTERS[name]
        values = checked(family, params)
        self.parameters = {spec.name: parameter_control(spec, values[spec.name]) for spec in family.parameters}
        for slider in self.parameters.values():
            slider.observe(lambda _change: self._smoothing_moved(), "value")
        self._sliders.children = list(self.parameters.values())
        self._about_filter.value = f'<div class="ldl-quiet">{html.escape(family.words)}</div>'

    def _smoothing_moved(self) -> None:
        in_force = self._session.settings.model_dump()["smoothing"]  # its groups are not ours to change
        params = {name: slider.value for name, slider in self.parameters.items()}
        extras = {name: control.value for name, control in self.extras.items()}
        self._moved("smoothing", {**in_force, "filter": self.filter.value, "params": params, **extras})

    def _moved(self, name: str, value: Any) -> None:
        """Remember a change and send it, with what else changes meanwhile, in a moment."""
        if self._follower == threading.get_ident():
            return
        with self._lock:
            self._pending[name] = value
            if self._sending:
                return
            self._sending = True
        threading.Timer(_GATHER_S, self._send_changes).start()

    def _send_changes(self) -> None:
        with self._lock:
            changes, self._pending, self._sending = self._pending, {}, False
        try:
            self._session.set(by=_BY, **changes)
        except LiveDanceError as exc:
            self.error = str(exc)
            self._status.value = f'<div class="ldl-bad">Not changed: {html.escape(self.error)}</div>'
            self._follow(self._session.settings)
            return
        self._say_in_force("")

    # --- from the session to the person

    def _hear(self, message: dict[str, Any]) -> None:
        """Settings that were changed: by us, in code, by another panel."""
        if message["type"] == "settings" and message["version"] >= self._session.settings_version:
            self._follow(Settings.parse(message["settings"]))
            if message["by"] not in ("", _BY):
                self._say_in_force(f", last changed by {message['by']}")
        elif message["type"] == "stats":
            self._say_effect(self._session.settings)

    def _follow(self, settings: Settings) -> None:
        """Move every control to what is in force, but not one that is being moved."""
        plain = settings.model_dump()
        with self._lock:
            moving = set(self._pending)
            self._follower = threading.get_ident()
            try:
                for name, control in self.controls.items():
                    if name not in moving and control.value != plain[name]:
                        control.value = plain[name]
                if "smoothing" not in moving:
                    self._follow_smoothing(plain["smoothing"])
            finally:
                self._follower = None
        self._say_effect(settings)

    def _follow_smoothing(self, smoothing: dict[str, Any]) -> None:
        params = checked(FILTERS[smoothing["filter"]], smoothing["params"])
        if self.filter.value != smoothing["filter"] or self.parameters.keys() != params.keys():
            self.filter.value = smoothing["filter"]
            self._show_filter(smoothing["filter"], smoothing["params"])
        for name, slider in self.parameters.items():
            if not math.isclose(slider.value, params[name], rel_tol=1e-6):
                slider.value = params[name]
        for name, control in self.extras.items():
            control.value = smoothing[name]

    def _take(self, result: WireResult) -> None:
        """In the session's thread, which has better to do than to measure: that is done beside it."""
        self._now.add(result)
        t_s = now_s()
        if t_s - self._measured_s >= _MEASURE_EVERY_S and self._measuring.acquire(blocking=False):
            self._measured_s = t_s
            threading.Thread(target=self._measure, name="livedance-measuring", daemon=True).start()

    def _measure(self) -> None:
        try:
            self.measured.value = f'<div class="ldl-quiet">{self._now.words()}</div>'
        finally:
            self._measuring.release()

    def _say_in_force(self, by: str) -> None:
        self.error = ""
        self._status.value = f'<div class="ldl-quiet">Settings version {self._session.settings_version}{by}.</div>'

    def _say_effect(self, settings: Settings) -> None:
        """What the filter does at the present rate of results, in hertz and milliseconds."""
        measured_hz = self._session.results_per_s or _USUAL_HZ
        rate_hz = max(5.0, 5.0 * round(measured_hz / 5.0))  # in steps, so that few are worked out
        smoothing = settings.smoothing
        effect = _effect(smoothing.filter, tuple(sorted(smoothing.params.items())), rate_hz)
        self._effect.value = f'<div class="ldl-quiet">{effect}</div>'


@lru_cache(maxsize=256)
def _effect(name: str, params: tuple[tuple[str, float], ...], rate_hz: float) -> str:
    described = describe(name, dict(params), rate_hz)
    cutoff_hz = described["cutoff_hz"]
    cutoff = (
        f"cut-off <b>{cutoff_hz:.1f} Hz</b>" if math.isfinite(cutoff_hz) else "<b>no cut-off</b> below half the rate"
    )
    return f"{cutoff}, delay <b>{abs(described['delay_ms']):.0f} ms</b> at {rate_hz:.0f} results/s, near rest"
