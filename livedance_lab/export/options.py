"""What can be chosen about an export, and what a writer gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from livedance_lab.errors import ExportError
from livedance_lab.session_data.time_grid import Grid

__all__ = ["ExportOptions", "Writer", "Written"]


@dataclass(frozen=True)
class ExportOptions:
    """The options of all formats; each format takes those its entry in `FORMATS` names.

    Attributes
    ----------
    name : str
        Stem of the files' names.
    smooth : bool
        Smoothed values instead of the model's own.
    hands : bool
        Both hands' landmarks after the body's 33.
    space : "px" or "m"
        Image landmarks (pixels, x and y) or world landmarks (metres, x, y, z).
    fps : float, optional
        Rate of the nominal grid; by default the camera's, measured from the capture times.
    fill : "nan" or "linear"
        Rate-bound formats: rows without a result stay NaN (each result keeps its value and moves by at most
        one frame), or every row is interpolated linearly at its exact time between the neighbouring results.
    max_gap_s : float
        With "linear": known values farther apart than this are not interpolated between; the rows stay NaN.
    times : "true" or "nominal"
        NWB: each row's own time stamp, or the nominal rate for readers that assume one.
    subject, task : str
        Labels of the person and of what the person did.
    """

    name: str = "session"
    smooth: bool = False
    hands: bool = False
    space: Literal["px", "m"] = "px"
    fps: float | None = None
    fill: Literal["nan", "linear"] = "nan"
    max_gap_s: float = 0.25
    times: Literal["true", "nominal"] = "true"
    subject: str = "01"
    task: str = "dance"

    def __post_init__(self) -> None:
        """Check every choice."""
        for name, choices in (("space", ("px", "m")), ("fill", ("nan", "linear")), ("times", ("true", "nominal"))):
            if getattr(self, name) not in choices:
                raise ExportError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}.")
        if self.fps is not None and not 0 < self.fps <= 10_000:
            raise ExportError(f"fps must lie in 0 to 10000 Hz, got {self.fps!r}.")
        for name in ("subject", "task"):
            if not str(getattr(self, name)).isalnum():
                raise ExportError(f"{name} must be letters and digits only, got {getattr(self, name)!r}.")


@dataclass(frozen=True)
class Written:
    """What a writer made.

    Attributes
    ----------
    files : list of Path
    grid : Grid, optional
        The nominal grid of a rate-bound file: true times then go into a sidecar.
    notes : dict
        What a reader must know beyond the format: units, axes, conventions. Goes into the manifest.
    """

    files: list[Path]
    grid: Grid | None = None
    notes: dict[str, Any] | None = None


Writer = Callable[..., Written]
"""Called with (data, folder, options, progress)."""
