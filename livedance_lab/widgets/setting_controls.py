"""Controls for settings and filter parameters, built from their declared label, range, unit and description."""

from __future__ import annotations

import math
from typing import Any

import ipywidgets

from livedance_lab.analysis.filters import Parameter
from livedance_lab.settings import COMPLEXITY_NAMES, SettingSpec

__all__ = ["LABEL_STYLE", "parameter_control", "setting_control"]

LABEL_STYLE = {"description_width": "222px"}
"""One label width for all controls, so that they are aligned."""

_CHOICE_NAMES: dict[str, dict[Any, str]] = {"complexity": dict(enumerate(COMPLEXITY_NAMES))}
_MANY_CHOICES = 4  # so many buttons do not fit into a row
_STEPS: dict[str, float] = {"short_side_px": 16, "max_speed": 0.5}
_SLIDER_MAX: dict[str, float] = {"short_side_px": 1080, "max_speed": 30}
"""Upper ends of sliders below the setting's maximum, where the whole range could not be set precisely."""


def setting_control(spec: SettingSpec) -> Any:
    """Create a control for a setting, with its default as the value.

    Parameters
    ----------
    spec : SettingSpec
        A setting that is a number with a range, a choice or a switch.
    """
    common = _common(spec.label, spec.unit, spec.description)
    choices = (False, True) if isinstance(spec.default, bool) else spec.choices
    if choices:
        names = _CHOICE_NAMES.get(spec.name, {False: "off", True: "on"})
        options = [(names.get(choice, str(choice)), choice) for choice in choices]
        kind = ipywidgets.ToggleButtons if len(options) < _MANY_CHOICES else ipywidgets.Dropdown
        return kind(options=options, value=spec.default, **common)
    high = _SLIDER_MAX.get(spec.name, spec.maximum)
    if isinstance(spec.default, int):
        step = int(_STEPS.get(spec.name, 1))
        return ipywidgets.IntSlider(spec.default, min=spec.minimum, max=high, step=step, **common)
    return _float_slider(spec.default, spec.minimum, high, _STEPS.get(spec.name, 0.05), common)


def parameter_control(parameter: Parameter, value: float) -> Any:
    """Create a slider for a filter's parameter, logarithmic if the parameter is."""
    unit = f" {parameter.unit}" if parameter.unit else ""
    description = f"{parameter.description} {parameter.minimum:g} to {parameter.maximum:g}{unit}."
    common = _common(parameter.name.removesuffix("_hz").replace("_", " "), parameter.unit, description)
    if parameter.logarithmic:
        low, high = math.log10(parameter.minimum), math.log10(parameter.maximum)
        step = (high - low) / 200
        return ipywidgets.FloatLogSlider(value, min=low, max=high, step=step, readout_format=".3g", **common)
    step = (
        2.0 if parameter.name == "order" else 10.0 ** round(math.log10((parameter.maximum - parameter.minimum) / 200))
    )
    return _float_slider(value, parameter.minimum, parameter.maximum, step, common)


def _common(label: str, unit: str, description: str) -> dict[str, Any]:
    text = f"{label} ({unit})" if unit else label
    return {"description": text, "tooltip": description, "style": LABEL_STYLE}


def _float_slider(value: float, low: float | None, high: float | None, step: float, common: dict[str, Any]) -> Any:
    decimals = max(0, math.ceil(-math.log10(step)))
    return ipywidgets.FloatSlider(value, min=low, max=high, step=step, readout_format=f".{decimals}f", **common)
