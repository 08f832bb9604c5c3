"""Controls made from what is to be set: a `Settings` field or a filter's parameter says its own range and words."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args, get_origin

import ipywidgets

from livedance_lab.analysis.filters import Parameter
from livedance_lab.settings import Settings

__all__ = ["STYLE", "heading", "parameter_control", "setting_control", "smoothing_extras"]

STYLE = """
<style>
.ldl-tuning { --ldl-quiet: var(--jp-ui-font-color2, #656d76); --ldl-line: var(--jp-border-color2, #d8dee4);
  --ldl-accent: var(--jp-brand-color1, #1976d2); max-width: 960px; padding: 14px 16px 12px; overflow: hidden;
  border: 1px solid var(--ldl-line); border-radius: 10px; background: var(--jp-layout-color1, #fff);
  color: var(--jp-ui-font-color1, #1f2328); }
.ldl-tuning .jupyter-widgets { color: inherit; }
.ldl-tuning .ldl-columns { display: block; columns: 2 300px; column-gap: 32px; overflow: visible; }
.ldl-tuning .ldl-bars { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 10px 32px;
  border-top: 1px solid var(--ldl-line); padding-top: 12px; overflow: visible; }
.ldl-tuning .ldl-wide { grid-column: 1 / -1; }
.ldl-tuning .ldl-group { break-inside: avoid; gap: 2px; overflow: visible; }
.ldl-columns > .ldl-group { margin-bottom: 16px; }
.ldl-tuning .widget-toggle-buttons > .widget-label { margin-left: 2px; }
.ldl-tuning .ldl-row { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; overflow: visible; }
.ldl-tuning .ldl-group > .jupyter-widgets:not(.ldl-row) { width: calc(100% - 4px); }
.ldl-tuning .ldl-sliders > .jupyter-widgets { width: calc(100% - 4px); }
.ldl-tuning .ldl-sliders { width: 100%; overflow: visible; }
.ldl-row > .widget-text, .ldl-row > .widget-combobox { flex: 1 1 120px; width: auto; }
.ldl-row > .widget-dropdown { flex: 0 1 140px; width: auto; }
.ldl-tuning .widget-toggle-buttons { display: flex; flex-flow: row nowrap; align-items: center; }
.ldl-tuning .widget-toggle-buttons > div { display: flex; flex-wrap: wrap; gap: 4px; flex: 1; }
.ldl-tuning .widget-toggle-buttons > .widget-label { flex: none; }
.ldl-tuning .widget-toggle-button { width: auto; min-width: 0; margin: 0; padding: 0 10px; border-radius: 6px;
  border: 1px solid var(--ldl-line); background: transparent; box-shadow: none; }
.ldl-tuning .widget-toggle-button.mod-active { border-color: var(--ldl-accent); box-shadow: none;
  background: color-mix(in srgb, var(--ldl-accent) 14%, transparent); }
.ldl-tuning .ldl-row > .widget-button { border: 1px solid var(--ldl-line); border-radius: 6px; background: transparent;
  padding: 0 12px; }
.ldl-tuning .widget-label { text-align: left; color: var(--ldl-quiet); }
.ldl-tuning .widget-readout { text-align: right; font-variant-numeric: tabular-nums; overflow: visible; }
.ldl-tuning .ldl-heading { margin: 0; font-size: 13px; font-weight: 600; line-height: 22px; }
.ldl-tuning .ldl-quiet { color: var(--ldl-quiet); line-height: 1.45; font-variant-numeric: tabular-nums; }
.ldl-tuning .ldl-quiet b { color: var(--jp-ui-font-color1, #1f2328); }
.ldl-tuning .ldl-bad { color: var(--jp-error-color1, #d1343a); line-height: 1.45; }
</style>
"""
"""Follows JupyterLab's theme; the fallbacks are a light page elsewhere."""

_LABEL_PX = "104px"

_LABELS = {
    "complexity": "pose model",
    "detection_confidence": "find a person",
    "presence_confidence": "keep a pose",
    "tracking_confidence": "track on",
    "hand_confidence": "find a hand",
    "hands": "follow hands",
    "short_side_px": "short side, px",
    "image_format": "format",
    "jpeg_quality": "quality",
    "painting": "in between",
    "pacing": "sending",
}
_CHOICES: dict[str, dict[Any, str]] = {"complexity": {0: "lite", 1: "full", 2: "heavy"}}
_STEPS: dict[str, float] = {"short_side_px": 16, "jpeg_quality": 0.05}
_TOPS = {"short_side_px": 1080}  # more is allowed, but a slider to 2160 px could not be set finely


def _common(label: str, words: str) -> dict[str, Any]:
    return {
        "description": label,
        "tooltip": words,
        "style": {"description_width": _LABEL_PX},
    }


def heading(words: str) -> ipywidgets.HTML:
    """A group's name."""
    return ipywidgets.HTML(f'<p class="ldl-heading">{words}</p>')


def setting_control(name: str) -> Any:
    """A control for one field of `Settings`, at its default.

    Parameters
    ----------
    name : str
        A field that is a number with a range, a choice or a switch.
    """
    field = Settings.model_fields[name]
    common = _common(_LABELS.get(name, name.replace("_", " ")), field.description or "")
    if get_origin(field.annotation) is Literal:
        names = _CHOICES.get(name, {})
        options = [(names.get(choice, str(choice)), choice) for choice in get_args(field.annotation)]
        return ipywidgets.ToggleButtons(options=options, value=field.default, **common)
    if field.annotation is bool:
        return ipywidgets.Checkbox(value=field.default, indent=True, **common)
    low, high = _range(field.metadata)
    high = min(high, _TOPS.get(name, high))
    if field.annotation is int:
        return ipywidgets.IntSlider(field.default, min=low, max=high, step=int(_STEPS.get(name, 1)), **common)
    return ipywidgets.FloatSlider(
        field.default, min=low, max=high, step=_STEPS.get(name, 0.05), readout_format=".2f", **common
    )


def _range(metadata: list[Any]) -> tuple[Any, Any]:
    """Least and greatest value, as pydantic keeps them."""
    bounds = {key: getattr(m, key) for m in metadata for key in ("ge", "le") if hasattr(m, key)}
    return bounds["ge"], bounds["le"]


def parameter_control(spec: Parameter, value: float) -> Any:
    """A slider for one parameter of a filter, moving by factors where the parameter says so."""
    unit = f" {spec.unit}" if spec.unit else ""
    words = f"{spec.words} From {spec.minimum:g} to {spec.maximum:g}{unit}."
    name = spec.name.removesuffix("_hz").replace("_", " ")
    common = _common(f"{name}, Hz" if spec.unit == "Hz" else name, words)
    if spec.logarithmic:
        low, high = math.log10(spec.minimum), math.log10(spec.maximum)
        return ipywidgets.FloatLogSlider(
            value, min=low, max=high, step=(high - low) / 200, readout_format=".3g", **common
        )
    span = spec.maximum - spec.minimum
    step = 2.0 if spec.name == "order" else 10.0 ** round(math.log10(span / 200))
    return ipywidgets.FloatSlider(
        value, min=spec.minimum, max=spec.maximum, step=step, readout_format=".2f" if step < 0.5 else ".0f", **common
    )


def smoothing_extras() -> dict[str, Any]:
    """Controls of what a `Smoothing` has besides its filter."""
    limit = _common("speed limit", "Body sizes per second; a landmark that jumps faster is held until it is believed. "
                                   "0: no limit.")  # fmt: skip
    bones = _common("rigid bones", "Keeps the lengths of the limbs' bones in space.")
    return {
        "max_speed": ipywidgets.FloatSlider(0.0, min=0.0, max=30.0, step=0.5, readout_format=".1f", **limit),
        "rigid_bones": ipywidgets.Checkbox(value=False, indent=True, **bones),
    }
