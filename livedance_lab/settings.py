"""The settings of a session: one model for Python, the wire and TOML presets.

`Settings` is immutable; `Settings.changed` validates a change and returns a new object. Each field carries its
metadata (label, unit, range, description, and whether the server or the client acts on it). `setting_specs` reads
that metadata; it is the source of the tuning panel's controls, of the live view's traits, of the browser's list of
client settings, and of the table in the documentation (`settings_markdown`).
"""

from __future__ import annotations

import html
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from livedance_lab.errors import SettingsError

__all__ = [
    "CLIENT_SETTINGS", "COMPLEXITY_NAMES", "SettingSpec", "Settings", "Smoothing", "load_preset", "save_preset",
    "setting_specs", "settings_markdown", "settings_table",
]  # fmt: skip

COMPLEXITY_NAMES: Final = ("lite", "full", "heavy")
"""MediaPipe's names of the pose models, by `Settings.complexity`."""

Design = Literal["auto", "lanes", "decoupled", "join", "sequential", "live_stream"]
_DESIGNS_FOR_SEVERAL = ("auto", "lanes", "decoupled")


def _setting(default: Any, label: str, description: str, *, acts_on: Literal["server", "client"] = "server",
             unit: str = "", values: str = "", **limits: Any) -> Any:  # fmt: skip
    """Declare a field with its metadata; `values` describes what is neither a number nor a choice."""
    extra: dict[str, Any] = {"label": label, "acts_on": acts_on, "unit": unit, "values": values}
    return Field(default, description=description, json_schema_extra=extra, **limits)


class _Model(BaseModel):
    """An immutable set of values whose representation names only what differs from the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [(name, value) for name, value in self if value != type(self).model_fields[name].get_default()]


class Smoothing(_Model):
    """A smoothing filter with its parameters, and exceptions by landmark group.

    Attributes
    ----------
    filter : str
        A name registered in `livedance_lab.analysis.filters`; "none" passes values through.
    params : dict of str to float
        The filter's own parameters, in the units their names carry. Missing ones take the filter's defaults.
    groups : dict of str to Smoothing
        Exceptions for "torso", "limbs", "hands", "world" or "angles".
    max_speed : float
        Body sizes per second. A landmark that moves faster is held for up to 0.25 s. 0: no limit.
    rigid_bones : bool
        Whether the bones of arms and legs keep their lengths in world landmarks.
    """

    filter: str = Field("kalman_adaptive", max_length=40)
    params: dict[str, float] = Field({}, max_length=12)
    groups: dict[Literal["torso", "limbs", "hands", "world", "angles"], Smoothing] = {}
    max_speed: float = _setting(
        0.0, "max. speed", "A landmark that moves faster is held for up to 0.25 s; 0: no limit.",
        unit="body sizes/s", ge=0, le=100)  # fmt: skip
    rigid_bones: bool = _setting(
        False, "rigid bones", "Keep the bone lengths of arms and legs constant in world landmarks.")  # fmt: skip


class Settings(_Model):
    """All settings of a session at one moment.

    Raises
    ------
    SettingsError
        From `Settings.changed` and `Settings.parse`: names the field, what was expected and what was given.
    """

    # inference
    design: Design = _setting("auto", "design", "How frames are distributed over cores.")
    pose_lanes: int = _setting(
        0, "pose lanes", "Number of pose lanes; 0: chosen from the number of cores.", ge=0, le=8)  # fmt: skip
    priority: Literal["pose_first", "balanced", "hands_first"] = _setting(
        "balanced", "priority", "What a free core runs first.")  # fmt: skip
    complexity: Literal[0, 1, 2] = _setting(
        1, "model complexity",
        "Pose model: 0 lite, 1 full, 2 heavy. `livedance models fetch pose_lite pose_heavy` fetches 0, 2.")  # fmt: skip
    detection_confidence: float = _setting(
        0.5, "min. detection confidence", "Minimum score of the person detector.", ge=0, le=1)  # fmt: skip
    presence_confidence: float = _setting(
        0.5, "min. presence confidence", "Minimum score that a pose is present; below it the detector runs again.",
        ge=0, le=1)  # fmt: skip
    tracking_confidence: float = _setting(
        0.5, "min. tracking confidence", "Minimum score of tracking; below it the detector runs again.",
        ge=0, le=1)  # fmt: skip
    hands: bool = _setting(True, "hands", "Whether hand landmarks are estimated too.")
    num_hands: int = _setting(2, "number of hands", "Maximum number of hands.", ge=1, le=2)
    hand_confidence: float = _setting(
        0.3, "min. hand confidence", "Minimum score of hand detection, presence and tracking.", ge=0, le=1)  # fmt: skip
    hands_max_hz: float = _setting(
        15.0, "max. hand rate", "Maximum number of hand inferences per second; 0: no limit.",
        unit="Hz", ge=0, le=240)  # fmt: skip
    hands_crop: Literal["none", "wrists"] = _setting(
        "wrists", "hand crop", "none: search the whole frame for hands; wrists: search around the wrists.")  # fmt: skip
    target_age_ms: float = _setting(
        0.0, "target age", "While results are older than this, use smaller frames, fewer hand inferences and a lighter "
        "model; 0: off.", unit="ms", ge=0, le=5000)  # fmt: skip
    max_people: int = _setting(
        1, "people", "Number of people to follow, each with an id; fixed when a session begins. More than 1 needs a "
        "server with the estimator blazepose.", ge=1, le=6)  # fmt: skip
    # analysis
    angles: tuple[str, ...] = _setting(
        ("included",), "angles", "Joint angles to compute; fixed when a session begins.",
        values="presets or ids, as a list or separated by commas", min_length=1, max_length=200)  # fmt: skip
    mirrored: bool = _setting(False, "mirrored camera", "Whether the camera's frames are flipped left to right.")
    visibility_threshold: float = _setting(
        0.5, "visibility threshold", "A landmark with less visibility gives no angle.", ge=0, le=1)  # fmt: skip
    smoothing: Smoothing = _setting(
        Smoothing(), "smoothing", "Filter for landmarks and angles.",
        values="a filter, its parameters, exceptions by group")  # fmt: skip
    gap_reset_s: float = _setting(
        0.5, "gap reset", "A landmark that was missing for longer restarts unsmoothed.",
        unit="s", gt=0, le=10)  # fmt: skip
    # capture and display
    short_side_px: int = _setting(
        384, "picture short side", "Frames with a longer short side are scaled down to this before they are sent.",
        acts_on="client", unit="px", ge=96, le=2160)  # fmt: skip
    image_format: Literal["jpeg", "webp"] = _setting(
        "jpeg", "image format", "Encoding of the frames that are sent.", acts_on="client")  # fmt: skip
    jpeg_quality: float = _setting(
        0.7, "image quality", "Quality of the JPEG or WebP encoder.", acts_on="client", ge=0.1, le=1)  # fmt: skip
    pacing: Literal["auto", "paced", "free"] = _setting(
        "auto", "pacing", "free: send every frame; paced: at most as many unanswered frames as pose lanes; "
        "auto: switch to whichever gives newer results.", acts_on="client")  # fmt: skip
    painting: Literal["interpolate", "hermite", "predict", "latest"] = _setting(
        "predict", "painting", "interpolate, hermite: between results, delayed; predict: extrapolated to now; "
        "latest: the newest result.", acts_on="client")  # fmt: skip

    @field_validator("angles", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        """Accept a string of names separated by commas or spaces."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _lanes_for_several(self) -> Settings:
        if self.max_people > 1 and self.design not in _DESIGNS_FOR_SEVERAL:
            raise ValueError(f"max_people is {self.max_people}, and the design {self.design} follows one person; the "
                             f"designs for several are {', '.join(_DESIGNS_FOR_SEVERAL)}")  # fmt: skip
        return self

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Settings:
        """Build settings from plain values (of JSON or TOML); missing ones take their defaults.

        Raises
        ------
        SettingsError
            If a name is unknown or a value is not allowed.
        """
        return cls().changed(values)

    def changed(self, changes: dict[str, Any]) -> Settings:
        """Return a copy with some fields changed, all validated.

        Parameters
        ----------
        changes : dict
            Field names and new values; `smoothing` may be a `Smoothing` or a plain dict.

        Returns
        -------
        Settings

        Raises
        ------
        SettingsError
            If a name is unknown or a value is not allowed; nothing is changed then.
        """
        merged = {**self.model_dump(), **changes}
        if isinstance(merged.get("smoothing"), Smoothing):
            merged["smoothing"] = merged["smoothing"].model_dump()
        try:
            return type(self).model_validate(merged)
        except ValidationError as exc:
            raise SettingsError(_explanation(exc)) from exc

    def plain(self) -> dict[str, Any]:
        """Return the values as JSON and TOML represent them."""
        return self.model_dump(mode="json")

    @property
    def model_names(self) -> tuple[str, ...]:
        """The names of the models these settings need, e.g. ("pose_full", "hands")."""
        return (f"pose_{COMPLEXITY_NAMES[self.complexity]}", *(["hands"] if self.hands else []))

    def _repr_html_(self) -> str:
        """Return the table of all settings; values that differ from their defaults are bold."""
        rows: list[tuple[str, ...]] = [("setting", "value", "default", "range", "acts on", "meaning")]
        for (_, value), row in zip(self, settings_table(), strict=True):
            name, default, *others = (html.escape(text) for text in row.values())
            text = html.escape(_value_text(value))
            rows.append((name, text if text == default else f"<b>{text}</b>", default, *others))
        left = 'style="text-align: left"'
        lines = ["".join(f"<td {left}>{cell}</td>" for cell in row) for row in rows]
        return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


@dataclass(frozen=True)
class SettingSpec:
    """The metadata of one setting.

    Attributes
    ----------
    name, label, description : str
        `label` is the name for people, without the unit.
    acts_on : "server" or "client"
        The side that acts on it: inference and smoothing on the server, capture and drawing on the client.
    unit : str
        Empty for a number without one.
    default : object
    choices : tuple
        All allowed values of a choice; empty for others.
    minimum, maximum : float or None
        Of a number.
    range : str
        The allowed values as text, with the unit.
    """

    name: str
    label: str
    description: str
    acts_on: str
    unit: str
    default: Any
    choices: tuple[Any, ...]
    minimum: float | None
    maximum: float | None
    range: str


@lru_cache
def setting_specs(model: type[BaseModel] = Settings) -> dict[str, SettingSpec]:
    """Return the metadata of all settings by name, or that of the described fields of `Smoothing`."""
    specs = {}
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if not isinstance(extra, dict):
            continue
        limits = {
            key: getattr(part, key) for part in field.metadata for key in ("ge", "gt", "le") if hasattr(part, key)
        }
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        unit = str(extra["unit"])
        if "le" in limits:
            lowest = f"above {limits['gt']:g}, to" if "gt" in limits else f"{limits['ge']:g} to"
            allowed = f"{lowest} {limits['le']:g} {unit}".rstrip()
        else:
            allowed = str(extra["values"]) or ", ".join(map(str, choices)) or "true, false"
        specs[name] = SettingSpec(
            name, str(extra["label"]), field.description or "", str(extra["acts_on"]), unit, field.default, choices,
            limits.get("ge", limits.get("gt")), limits.get("le"), allowed)  # fmt: skip
    return specs


CLIENT_SETTINGS: Final = tuple(name for name, spec in setting_specs().items() if spec.acts_on == "client")
"""Names of the settings on which the client acts."""


def settings_table() -> list[dict[str, str]]:
    """Return one row per setting: setting, default, range, acts on, meaning."""
    return [
        {"setting": name, "default": _value_text(spec.default), "range": spec.range, "acts on": spec.acts_on,
         "meaning": spec.description}
        for name, spec in setting_specs().items()
    ]  # fmt: skip


def settings_markdown() -> str:
    """Return `settings_table` as a Markdown table, for the documentation."""
    rows = [{**row, "setting": f"`{row['setting']}`", "default": f"`{row['default']}`"} for row in settings_table()]
    lines = [" | ".join(rows[0]), "|".join(["---"] * len(rows[0])), *(" | ".join(row.values()) for row in rows)]
    return "\n".join(f"| {line} |" if " | " in line else f"|{line}|" for line in lines)


def _value_text(value: Any) -> str:
    """Return a value as tables show it."""
    if isinstance(value, Smoothing):
        return value.filter if value == Smoothing(filter=value.filter) else repr(value)
    if isinstance(value, tuple):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")


def load_preset(path: Path) -> Settings:
    """Read settings from a TOML file; those it does not name take their defaults.

    Raises
    ------
    SettingsError
        If the file cannot be read, is not TOML, or a value is not allowed.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as exc:
        raise SettingsError(f"preset {path} cannot be read: {exc}") from exc
    return Settings.parse(values)


def save_preset(settings: Settings, path: Path) -> None:
    """Write settings as TOML, each with its description as a comment.

    Raises
    ------
    SettingsError
        If the file cannot be written.
    """
    values = settings.plain()
    smoothing = values.pop("smoothing")
    lines = [line for name, value in values.items()
             for line in (f"# {setting_specs()[name].description}", f"{name} = {_toml(value)}")]  # fmt: skip
    lines += _toml_table("smoothing", smoothing)
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"preset {path} cannot be written: {exc}") from exc


def _toml(value: Any) -> str:
    return json.dumps(value)  # strings, numbers, booleans and lists are the same in TOML


def _toml_table(name: str, values: dict[str, Any]) -> list[str]:
    """Return a table and its sub-tables; an empty one is written too, because a missing one means the defaults."""
    lines = ["", f"[{name}]", *(f"{k} = {_toml(v)}" for k, v in values.items() if not isinstance(v, dict))]
    for key, value in values.items():
        if isinstance(value, dict):
            lines += _toml_table(f"{name}.{key}", value)
    return lines


def _explanation(exc: ValidationError) -> str:
    """Name every wrong field, what was expected and what was given."""
    parts = []
    for error in exc.errors(include_url=False):
        name = ".".join(str(p) for p in error["loc"]) or "settings"
        got = repr(error["input"])
        if not error["loc"]:  # of several settings together
            parts.append(error["msg"].removeprefix("Value error, "))
        elif error["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            parts.append(f"there is no setting {name!r}; the settings are {known}")
        else:
            expected = error["msg"].removeprefix("Input should ").removeprefix("Tuple should ")
            parts.append(f"{name} must {expected}, got {got[:80]}")
    return "; ".join(parts) + "."
