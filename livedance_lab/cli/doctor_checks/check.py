"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : str
    level : str
        "ok", "warn" (works, but not as well), "fail" (does not work) or "info".
    text : str
        What was found.
    advice : str
        What to do about it; empty if nothing is to be done.
    """

    name: str
    level: Literal["ok", "warn", "fail", "info"]
    text: str
    advice: str = ""
