"""Colours of the live plots, for light and for dark pages; the same meanings as in the live view."""

from __future__ import annotations

from dataclasses import dataclass

from livedance_lab.pose import FrameState

__all__ = ["DARK", "LIGHT", "STATE_COLOURS", "STATE_WORDS", "Look"]


@dataclass(frozen=True)
class Look:
    """One set of colours.

    Attributes
    ----------
    paper, ink, quiet, line : str
        Background, text, secondary text, grid.
    left, right, middle : str
        The person's sides, as everywhere in livedance_lab.
    fast, calm : str
        Two series that are no sides.
    """

    paper: str
    ink: str
    quiet: str
    line: str
    left: str
    right: str
    middle: str
    fast: str
    calm: str


LIGHT = Look("#ffffff", "#1f2328", "#656d76", "#e3e7eb", "#0072b2", "#d55e00", "#59636e", "#009e73", "#8250df")
DARK = Look("#111418", "#e6edf3", "#9198a1", "#2b323a", "#4cc2ff", "#ff9f45", "#c9d1d9", "#3fd0a0", "#b794f6")

STATE_COLOURS: dict[str, str] = dict(
    zip(
        (*map(str, FrameState), "open"),
        ("#009e73", "#56b4e9", "#9aa4af", "#e6b800", "#d55e00", "#cc79a7", "#b3202c", "#c9d1d9"),
        strict=True,
    )
)
"""Okabe and Ito's palette: told apart by every eye, on light and on dark. "open" frames have not ended yet."""

STATE_WORDS: dict[str, str] = {
    "processed": "processed",
    "superseded": "superseded",
    "client_skipped": "not sent",
    "late": "late",
    "rejected": "rejected",
    "failed": "failed",
    "lost": "lost",
    "open": "under way",
}
"""The states in the live view's words."""
