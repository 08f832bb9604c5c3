"""Controls made from what is to be set: a `Settings` field or a filter's parameter says its own range and words."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args, get_origin

import ipywidgets

from livedance_lab.analysis.filters import Parameter
from livedance_lab.settings import Settings

__all__ = ["STYLE", "heading", "parameter_control", "setting_control"]

STYLE = """
<style>
.ldl-tuning { --ldl-quiet: var(--jp-ui-font-color2, #656d76); max-width: 960px; padding: 14px 16px 16px;
  border: 1px solid var(--jp-border-color2, #d8dee4); border-radius: 10px; background: var(--jp-layout-color1, #fff);
  overflow: hidden; }
.ldl-tuning .widget-html-content, .ldl-tuning .jupyter-widgets { color: var(--jp-ui-font-color1, #1f2328); }
.ldl-columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 18px 32px; }
.ldl-group { min-width: 0; gap: 4px; }
.ldl-row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.ldl-tuning .jupyter-widgets.widget-slider, .ldl-tuning .widget-dropdown, .ldl-tuning .widget-text,
.ldl-tuning .widget-combobox { width: 100%; }
.ldl-row > .widget-text, .ldl-row > .widget-combobox { flex: 1 1 130px; width: auto; }
.ldl-row > .widget-dropdown { flex: 0 1 130px; width: auto; }
.ldl-tuning .widget-toggle-buttons { width: 100%; }
.ldl-tuning .widget-toggle-button { width: auto; padding: 0 10px; }
.ldl-tuning .widget-label { text-align: left; color: var(--ldl-quiet); }
.ldl-tuning .widget-readout { text-align: right; font-variant-numeric: tabular-nums; }
.ldl-heading { margin: 0; font-size: 12px; font-weight: 600; letter-spacing: 0.03em; line-height: 20px;
  color: var(--jp-ui-font-color1, #1f2328); }
.ldl-quiet { color: var(--ldl-quiet); line-height: 1.45; font-variant-numeric: tabular-nums; }
.ldl-bad { color: var(--jp-error-color1, #d1343a); line-height: 1.45; }
.ldl-rule { border-top: 1px solid var(--jp-border-color2, #d8dee4); padding-top: 12px; margin-top: 14px; }
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
    "painting": "between results",
    "pacing": "sending",
}
_CHOICES: dict[str, dict[Any, str]] = {"complexity": {0: "lite", 1: "full", 2: "heavy"}}
_STEPS: dict[str, float] = {"short_side_px": 16, "jpeg_quality": 0.05}
_TOPS = {"short_side_px": 1080}  # more is allowed, but a slider to 2160 px could not be set finely


def _common(label: str, words: str) -> dict[str, Any]:
    return {
        "description": label,
        "tooltip": words,
        "description_tooltip": words,
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
    common = _common(spec.name.removesuffix("_hz").replace("_", " "), words)
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
