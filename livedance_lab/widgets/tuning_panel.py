"""Controls for the settings of a running session. Each change is sent at once and logged by the server."""

from __future__ import annotations

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
from livedance_lab.settings import Settings, Smoothing, setting_specs
from livedance_lab.widgets.markup import heading, message, style_sheet
from livedance_lab.widgets.session_controls import ExportBar, MarkBar, PresetBar
from livedance_lab.widgets.setting_controls import LABEL_STYLE, parameter_control, setting_control
from livedance_lab.widgets.smoothing_meter import SmoothingMeter

if TYPE_CHECKING:
    from livedance_lab.client.session import LiveSession
    from livedance_lab.wire.results import WireResult

__all__ = ["TuningPanel"]

_COLLECT_S = 0.05  # changes made within this time are sent together, so that a dragged slider sends 20 times a second
_BY = "tuning panel"
_DEFAULT_RATE_HZ = 30.0
_MEASURE_EVERY_S = 1.0

_GROUPS = {
    "Drawing": ("painting",),
    "Frames sent": ("short_side_px", "image_format", "jpeg_quality", "pacing", "mirrored"),
    "Pose model": ("complexity", "detection_confidence", "presence_confidence", "tracking_confidence"),
    "Hands": ("hands", "hand_confidence"),
}  # fmt: skip


class TuningPanel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """Sliders and choices for the settings of a session; it follows changes made elsewhere.

    Parameters
    ----------
    session : LiveSession
    presets : str or Path, default "presets"
        Folder of the TOML presets.
    out : str or Path, default "out"
        Initial folder for exports.

    Attributes
    ----------
    controls : dict of str to widget
        By name of the setting.
    filter : widget
        The choice of the smoothing filter.
    parameters : dict of str to widget
        The sliders of the chosen filter, by name of the parameter.
    extras : dict of str to widget
        The controls for the other fields of `Smoothing`.
    effect : widget
        Cut-off and delay of the chosen filter.
    measured : widget
        Jitter, lag and loss of range in the last seconds.
    presets, marks, export : widget
        The rows of buttons.
    status : widget
        Version of the settings and who changed them last, or the error.
    error : str
        Message of the last rejected change; empty if there is none.
    """

    def __init__(self, session: LiveSession, presets: str | Path = "presets", out: str | Path = "out") -> None:
        self._unsubscribe: list[Callable[[], Any]] = []
        self._session = session
        self._lock = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._sending = False
        self._follower: int | None = None  # the thread that sets the controls to the session's settings
        self.error = ""
        specs = setting_specs()
        self.controls = {name: setting_control(specs[name]) for names in _GROUPS.values() for name in names}
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._change(name, change["new"]), "value")
        filters = [(name.replace("_", " "), name) for name in sorted(FILTERS)]
        self.filter = ipywidgets.Dropdown(options=filters, description="filter", style=LABEL_STYLE)
        self.filter.observe(lambda _change: self._choose_filter(), "value")
        self.parameters: dict[str, Any] = {}
        self.extras = {name: setting_control(spec) for name, spec in setting_specs(Smoothing).items()}
        for control in self.extras.values():
            control.observe(lambda _change: self._change_smoothing(), "value")
        self._description, self.effect, self.measured, self.status = (ipywidgets.HTML() for _ in range(4))
        self._meter, self._measuring, self._measured_s = SmoothingMeter.of(session), threading.Lock(), -math.inf
        self._sliders = ipywidgets.VBox().add_class("ldl-sliders")
        self.presets, self.marks = PresetBar(session, presets), MarkBar(session)
        self.export = ExportBar(session, out).add_class("ldl-wide")
        bars = ipywidgets.Box([self.presets, self.marks, self.export]).add_class("ldl-bars")
        columns = ipywidgets.Box(self._groups()).add_class("ldl-columns")
        super().__init__([style_sheet("tuning_panel.css"), columns, bars, self.status])
        self.add_class("ldl-tuning")
        self._unsubscribe = [session.on_message(self._on_message), session.on_result(self._on_result)]
        self._follow(session.settings)

    def close(self) -> None:
        """Unsubscribe from the session, which continues."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        super().close()

    def _groups(self) -> list[Any]:
        smoothing = [heading("Smoothing"), self.filter, self._description, self._sliders, *self.extras.values(),
                     self.effect, self.measured]  # fmt: skip
        groups = [[heading(title), *(self.controls[name] for name in names)] for title, names in _GROUPS.items()]
        joints = ", ".join(by_joint(self._session.angle_names)).replace("_", " ")
        groups.append([heading("Angles"), ipywidgets.HTML(message(f"{joints} (fixed since the session began)"))])
        return [ipywidgets.VBox(group).add_class("ldl-group") for group in (smoothing, *groups)]

    # --- from the user to the session

    def _choose_filter(self) -> None:
        if self._follower != threading.get_ident():
            self._show_filter(self.filter.value, {})
            self._change_smoothing()

    def _show_filter(self, name: str, params: dict[str, float]) -> None:
        """Show the sliders of a filter; parameters that are not given have their defaults."""
        family = FILTERS[name]
        values = checked(family, params)
        self.parameters = {spec.name: parameter_control(spec, values[spec.name]) for spec in family.parameters}
        for slider in self.parameters.values():
            slider.observe(lambda _change: self._change_smoothing(), "value")
        self._sliders.children = list(self.parameters.values())
        self._description.value = message(family.description)

    def _change_smoothing(self) -> None:
        current = self._session.settings.model_dump()["smoothing"]  # the panel does not change its groups
        params = {name: slider.value for name, slider in self.parameters.items()}
        extras = {name: control.value for name, control in self.extras.items()}
        self._change("smoothing", {**current, "filter": self.filter.value, "params": params, **extras})

    def _change(self, name: str, value: Any) -> None:
        """Collect a change; send it shortly after, together with others."""
        if self._follower == threading.get_ident():
            return
        with self._lock:
            self._pending[name] = value
            if self._sending:
                return
            self._sending = True
        threading.Timer(_COLLECT_S, self._send_changes).start()

    def _send_changes(self) -> None:
        with self._lock:
            changes, self._pending, self._sending = self._pending, {}, False
        try:
            self._session.set(by=_BY, **changes)
        except LiveDanceError as exc:
            self._show_error(str(exc), "The change was rejected")
            self._follow(self._session.settings)
            return
        self._show_version()

    # --- from the session to the user

    def _on_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "settings" and message["version"] >= self._session.settings_version:
            self._follow(Settings.parse(message["settings"]))
            if message["by"] not in ("", _BY, "server"):
                self._show_version(f", last changed by {message['by']}")
        elif message["type"] == "event" and (message["kind"], message["name"]) == ("error", "estimator"):
            self._show_error(message["data"]["reason"], "No estimator")  # the server restores the settings if it can
        elif message["type"] == "stats":
            self._show_effect(self._session.settings)

    def _follow(self, settings: Settings) -> None:
        """Set all controls to the session's settings, except those the user is changing."""
        plain = settings.model_dump()
        with self._lock:
            changing = set(self._pending)
            self._follower = threading.get_ident()
            try:
                for name, control in self.controls.items():
                    if name not in changing and control.value != plain[name]:
                        control.value = plain[name]
                if "smoothing" not in changing:
                    self._follow_smoothing(plain["smoothing"])
            finally:
                self._follower = None
        self._show_effect(settings)

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

    def _on_result(self, _result: WireResult) -> None:
        """Start a measurement once a second, in a thread of its own, because it would delay the session's thread."""
        t_s = now_s()
        if t_s - self._measured_s >= _MEASURE_EVERY_S and self._measuring.acquire(blocking=False):
            self._measured_s = t_s
            threading.Thread(target=self._measure, name="livedance-measuring", daemon=True).start()

    def _measure(self) -> None:
        try:
            self.measured.value = message(f"Measured: {self._meter.summary()}.")
        finally:
            self._measuring.release()

    def _show_error(self, reason: str, what: str) -> None:
        self.error = reason
        self.status.value = message(f"{what}: {reason}", "error")

    def _show_version(self, by: str = "") -> None:
        self.error = ""
        self.status.value = message(f"Settings version {self._session.settings_version}{by}.")

    def _show_effect(self, settings: Settings) -> None:
        """Show the filter's cut-off and delay at the current rate of results."""
        measured_hz = self._session.results_per_s or _DEFAULT_RATE_HZ
        rate_hz = max(5.0, 5.0 * round(measured_hz / 5.0))  # in steps, because each rate is computed once
        smoothing = settings.smoothing
        self.effect.value = message(_effect(smoothing.filter, tuple(sorted(smoothing.params.items())), rate_hz))


@lru_cache(maxsize=256)
def _effect(name: str, params: tuple[tuple[str, float], ...], rate_hz: float) -> str:
    described = describe(name, dict(params), rate_hz)
    cutoff_hz = described["cutoff_hz"]
    cutoff = f"cut-off *{cutoff_hz:.1f} Hz*" if math.isfinite(cutoff_hz) else "*no cut-off* below half the rate"
    return f"Near rest, at {rate_hz:.0f} results/s: {cutoff}, delay *{abs(described['delay_ms']):.0f} ms*."
