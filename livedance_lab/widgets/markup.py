"""The HTML of the control widgets; their style sheets are files in ``static``."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import ipywidgets

__all__ = ["STATIC", "heading", "message", "style_sheet"]

STATIC = Path(__file__).parent / "static"

_BOLD = re.compile(r"\*(.+?)\*")


def style_sheet(name: str) -> Any:
    """Return an invisible widget that applies a style sheet to the page."""
    return ipywidgets.HTML(f"<style>{(STATIC / name).read_text(encoding='utf-8')}</style>")


def heading(text: str) -> Any:
    """Return a widget with the heading of a group."""
    return ipywidgets.HTML(f'<p class="ldl-heading">{html.escape(text)}</p>')


def message(text: str, kind: str = "muted") -> str:
    """Return a line of plain text as HTML; parts in asterisks are bold.

    Parameters
    ----------
    text : str
    kind : {"muted", "error"}
    """
    body = _BOLD.sub(r"<b>\1</b>", html.escape(text))
    return f'<div class="ldl-{kind}">{body}</div>'
