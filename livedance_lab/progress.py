"""The signature of progress callbacks: every long function of the toolkit reports in the same way."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "no_progress"]


class Progress(Protocol):
    """Receives progress: a share from 0 to 1, NaN where it is unknown, and what is being done."""

    def __call__(self, share: float, what: str, /) -> None:
        """Report progress."""


def no_progress(_share: float, _what: str) -> None:
    """Report nothing."""
