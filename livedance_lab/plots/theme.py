"""Colours of all figures, for light and dark pages, and the labels of the frame states."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DARK", "FRAME_STATES", "LIGHT", "FrameStateStyle", "Theme", "person_colour"]


@dataclass(frozen=True)
class Theme:
    """A set of colours.

    Attributes
    ----------
    paper, ink, muted, line : str
        Background, text, secondary text, grid.
    left, right, middle : str
        The sides of the body, as in the live view; `livedance_lab.skeletons.side_of` tells a landmark's side.
    series_a, series_b : str
        Two series that do not belong to a side.
    """

    paper: str
    ink: str
    muted: str
    line: str
    left: str
    right: str
    middle: str
    series_a: str
    series_b: str


LIGHT = Theme("#ffffff", "#1f2328", "#656d76", "#e3e7eb", "#0072b2", "#d55e00", "#59636e", "#009e73", "#8250df")
DARK = Theme("#111418", "#e6edf3", "#9198a1", "#2b323a", "#4cc2ff", "#ff9f45", "#c9d1d9", "#3fd0a0", "#b794f6")


_PEOPLE = ("#2c9a3c", "#c4309c", "#a8860a", "#7a4fd0", "#c62f2f", "#87693a")
"""The hues of the live view, dark enough for lines on white; none resembles a colour of the sides."""


def person_colour(id: int) -> str:
    """Return the colour of a person with id 1, 2 ... on light pages."""
    return _PEOPLE[(id - 1) % len(_PEOPLE)]


@dataclass(frozen=True)
class FrameStateStyle:
    """The representation of one frame state."""

    label: str
    description: str
    colour: str


FRAME_STATES: dict[str, FrameStateStyle] = {
    "processed": FrameStateStyle("processed", "The result was sent.", "#009e73"),
    "superseded": FrameStateStyle("superseded", "A newer frame replaced it before inference began.", "#56b4e9"),
    "client_skipped": FrameStateStyle("not sent", "Pacing held it back, or the encoder was busy.", "#9aa4af"),
    "late": FrameStateStyle("late", "Its result was ready only after a newer one had been sent.", "#e6b800"),
    "rejected": FrameStateStyle("rejected", "It was empty, damaged, too large or of an unknown format.", "#d55e00"),
    "failed": FrameStateStyle("failed", "The estimator failed on it.", "#cc79a7"),
    "lost": FrameStateStyle("lost", "It was sent and never answered, because the connection broke.", "#b3202c"),
    "open": FrameStateStyle("in progress", "It was captured and has no result yet.", "#c9d1d9"),
}
"""All states of `livedance_lab.pose.FrameState`, and "open" for frames in progress. The colours are Okabe and Ito's,
which colour-blind readers can tell apart too."""
