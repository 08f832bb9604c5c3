"""The options of exports, and what a writer returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from livedance_lab.errors import ExportError
from livedance_lab.progress import Progress
from livedance_lab.session_data.time_grid import Grid

__all__ = ["ExportOptions", "Progress", "Writer", "Written"]


@dataclass(frozen=True)
class ExportOptions:
    """The options of all formats; each format accepts those that its entry in `FORMATS` names.

    Attributes
    ----------
    name : str
        Stem of the files' names.
    smooth : bool
        Smoothed values instead of raw ones.
    hands : bool
        Append both hands' landmarks to the body's 33.
    space : "px" or "m"
        Image landmarks (pixels, x and y) or world landmarks (metres, x, y, z).
    fps : float, optional
        Rate of the nominal grid; by default the camera's, measured from the capture times.
    fill : "nan" or "linear"
        Formats with a constant rate: rows without a result stay NaN (each result keeps its value and moves by less
        than one frame), or every row is interpolated linearly at its exact time between the neighbouring results.
    max_gap_s : float
        With "linear": rows between known values that are farther apart than this stay NaN.
    times : "true" or "nominal"
        NWB: each row's own time stamp, or the nominal rate for readers that assume a constant one.
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
        """Check every value."""
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
    """What a writer has written.

    Attributes
    ----------
    files : list of Path
    grid : Grid, optional
        The nominal grid of a file with a constant rate; its true times are written to a file of their own.
    notes : dict, optional
        For the manifest: units, axes, conventions that the format does not state.
    """

    files: list[Path]
    grid: Grid | None = None
    notes: dict[str, Any] | None = None


Writer = Callable[..., Written]
"""Called with (data, folder, options, progress)."""
