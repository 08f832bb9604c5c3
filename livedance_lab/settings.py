"""Everything a researcher can tune, with ranges, units and words: one model for Python, the wire and TOML.

`Settings` is immutable; `Settings.changed` makes the next version after checking it. The `who` beside each
field says which side acts on it: the server (inference, smoothing) or the client (capture, painting).
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from livedance_lab.errors import SettingsError

__all__ = ["Settings", "Smoothing", "load_preset", "save_preset"]

Design = Literal["auto", "lanes", "decoupled", "join", "sequential", "live_stream"]
Unit = Field(ge=0.0, le=1.0)


class Smoothing(BaseModel):
    """Which filter, with which parameters; per-group exceptions on top.

    Attributes
    ----------
    filter : str
        A name registered in `livedance_lab.analysis.filters`; "none" passes values through.
    params : dict of str to float
        The filter's own parameters, in the units their names carry. Missing ones take its defaults.
    groups : dict of str to Smoothing
        Exceptions for "torso", "limbs", "hands", "world" or "angles".
    max_speed : float
        Body sizes per second; a landmark that jumps faster is held until it is believed. 0: no limit.
    rigid_bones : bool
        Whether the limbs' bones keep their lengths in world landmarks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    filter: str = Field(default="kalman_adaptive", max_length=40)
    params: dict[str, float] = Field(default_factory=dict, max_length=12)
    groups: dict[Literal["torso", "limbs", "hands", "world", "angles"], Smoothing] = Field(default_factory=dict)
    max_speed: float = Field(default=0.0, ge=0, le=100)
    rigid_bones: bool = False

    @model_validator(mode="before")
    @classmethod
    def _own_defaults(cls, values: Any) -> Any:
        """Another filter does not know this one's parameters: without any it takes its own defaults."""
        if isinstance(values, dict) and values.get("filter", "ema") != "ema":
            return {"params": {}, **values}
        return values


def _server(**more: Any) -> dict[str, Any]:
    return {"who": "server", **more}


def _client(**more: Any) -> dict[str, Any]:
    return {"who": "client", **more}


class Settings(BaseModel):
    """All settings of one session, at one moment.

    Raises
    ------
    SettingsError
        From `Settings.changed` and `Settings.parse`: names the field, what was expected and what came.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # inference
    design: Design = Field("auto", description="How frames are shared among cores.", json_schema_extra=_server())
    pose_lanes: int = Field(0, ge=0, le=8, description="Pose landmarkers at work; 0: from the core count.",
                            json_schema_extra=_server())  # fmt: skip
    priority: Literal["pose_first", "balanced", "hands_first"] = Field(
        "balanced", description="What a free core does first.", json_schema_extra=_server())  # fmt: skip
    complexity: Literal[0, 1, 2] = Field(1, description="Pose model: 0 lite, 1 full, 2 heavy.",
                                         json_schema_extra=_server())  # fmt: skip
    detection_confidence: float = Field(0.5, ge=0, le=1, description="Least score to begin following a person.",
                                        json_schema_extra=_server())  # fmt: skip
    presence_confidence: float = Field(0.5, ge=0, le=1, description="Least presence score to keep a pose.",
                                       json_schema_extra=_server())  # fmt: skip
    tracking_confidence: float = Field(0.5, ge=0, le=1, description="Below it the person is searched again.",
                                       json_schema_extra=_server())  # fmt: skip
    hands: bool = Field(True, description="Whether hands are followed too.", json_schema_extra=_server())
    num_hands: int = Field(2, ge=1, le=2, description="How many hands are looked for.", json_schema_extra=_server())
    hand_confidence: float = Field(0.3, ge=0, le=1, description="Least score for a hand.", json_schema_extra=_server())
    hands_max_hz: float = Field(15.0, ge=0, le=240, description="Most hands inferences per second; 0: no cap.",
                                json_schema_extra=_server(unit="Hz"))  # fmt: skip
    hands_crop: Literal["none", "wrists"] = Field(
        "wrists", description="Where hands are looked for: everywhere, or around the wrists.",
        json_schema_extra=_server())  # fmt: skip
    target_age_ms: float = Field(
        0.0, ge=0, le=5000,
        description="Hold results to this age by smaller pictures, rarer hands, a lighter model; 0: off.",
        json_schema_extra=_server(unit="ms"))  # fmt: skip
    # analysis
    angles: tuple[str, ...] = Field(
        ("included",), min_length=1, max_length=200, description="Joint angles: presets or ids; fixed at its start.",
        json_schema_extra=_server())  # fmt: skip
    mirrored: bool = Field(False, description="The camera's pictures are flipped left to right.",
                           json_schema_extra=_server())  # fmt: skip
    visibility_threshold: float = Field(0.5, ge=0, le=1, description="Below it a landmark gives no angle.",
                                        json_schema_extra=_server())  # fmt: skip
    smoothing: Smoothing = Field(default_factory=Smoothing, description="Filter of everything that is smoothed.",
                                 json_schema_extra=_server())  # fmt: skip
    gap_reset_s: float = Field(0.5, gt=0, le=10, description="Unseen this long, a keypoint restarts unsmoothed.",
                               json_schema_extra=_server(unit="s"))  # fmt: skip
    # the client's part
    short_side_px: int = Field(384, ge=96, le=2160, description="Frames are shrunk to this before sending.",
                               json_schema_extra=_client(unit="px"))  # fmt: skip
    image_format: Literal["jpeg", "webp"] = Field("jpeg", description="Encoding of sent frames.",
                                                  json_schema_extra=_client())  # fmt: skip
    jpeg_quality: float = Field(0.7, ge=0.1, le=1, description="Encoder quality.", json_schema_extra=_client())
    pacing: Literal["auto", "paced", "free"] = Field(
        "auto", description="free: send every frame; paced: no more unanswered ones than pose lanes; auto: what pays.",
        json_schema_extra=_client())  # fmt: skip
    painting: Literal["interpolate", "hermite", "predict", "latest"] = Field(
        "predict", description="What is drawn between two results.", json_schema_extra=_client())  # fmt: skip

    @field_validator("angles", mode="before")
    @classmethod
    def _as_names(cls, value: Any) -> Any:
        """One name, or several with commas between them, stand for a list of them."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Settings:
        """Settings from plain values (of JSON or TOML); what is not named takes its default.

        Raises
        ------
        SettingsError
            If a name is unknown or a value does not fit.
        """
        return cls().changed(values)

    def changed(self, changes: dict[str, Any]) -> Settings:
        """A copy with some fields changed, all checked.

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
            If a name is unknown or a value does not fit; nothing is changed then.
        """
        merged = {**self.model_dump(), **changes}
        if isinstance(merged.get("smoothing"), Smoothing):
            merged["smoothing"] = merged["smoothing"].model_dump()
        try:
            return type(self).model_validate(merged)
        except ValidationError as exc:
            raise SettingsError(_in_words(exc)) from exc

    def plain(self) -> dict[str, Any]:
        """Values as JSON and TOML know them."""
        return self.model_dump(mode="json")


def load_preset(path: Path) -> Settings:
    """Settings from a TOML file; what it does not name takes its default.

    Raises
    ------
    SettingsError
        If it cannot be read, is not TOML, or a value does not fit.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as exc:
        raise SettingsError(f"preset {path} cannot be read: {exc}") from exc
    return Settings.parse(values)


def save_preset(settings: Settings, path: Path) -> None:
    """Write settings as TOML, each with its words as a comment.

    Raises
    ------
    SettingsError
        If the file cannot be written.
    """
    lines = []
    for name, field in Settings.model_fields.items():
        if name == "smoothing":
            continue
        lines += [f"# {field.description}", f"{name} = {_toml(settings.plain()[name])}"]
    lines += _toml_table("smoothing", settings.smoothing.model_dump(mode="json"))
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"preset {path} cannot be written: {exc}") from exc


def _toml(value: Any) -> str:
    return json.dumps(value)  # strings, numbers and booleans are written alike in both


def _toml_table(name: str, values: dict[str, Any]) -> list[str]:
    """A table, then its sub-tables, empty ones too: no parameters is not the same as none named."""
    lines = ["", f"[{name}]", *(f"{k} = {_toml(v)}" for k, v in values.items() if not isinstance(v, dict))]
    for key, value in values.items():
        if isinstance(value, dict):
            lines += _toml_table(f"{name}.{key}", value)
    return lines


def _in_words(exc: ValidationError) -> str:
    """Every wrong field: its name, what was expected, what came."""
    parts = []
    for error in exc.errors(include_url=False):
        name = ".".join(str(p) for p in error["loc"]) or "settings"
        got = repr(error["input"])
        if error["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            parts.append(f"there is no setting {name!r}; the settings are {known}")
        else:
            expected = error["msg"].removeprefix("Input should ").removeprefix("Tuple should ")
            parts.append(f"{name} must {expected}, got {got[:80]}")
    return "; ".join(parts) + "."
