"""What one look at something found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes
    ----------
    name : str
    level : str
        "ok", "warn" (works, but not as well), "fail" (does not work) or "info".
    text : str
        What was found.
    advice : str
        What to do about it; empty where there is nothing to do.
    """

    name: str
    level: Literal["ok", "warn", "fail", "info"]
    text: str
    advice: str = ""
