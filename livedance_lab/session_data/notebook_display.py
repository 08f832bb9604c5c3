"""Shows an object's main facts as one line of text, and as a table in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping

__all__ = ["as_html", "as_text"]


def as_text(title: str, facts: Mapping[str, str]) -> str:
    """Return ``<title: fact, fact>``; each fact must be understood without its name."""
    return f"<{title}: {', '.join(facts.values())}>"


def as_html(title: str, facts: Mapping[str, str]) -> str:
    """Return a table with one row per fact: its name and its text."""
    left = 'style="text-align: left"'
    rows = (f"<tr><th {left}>{html.escape(n)}</th><td {left}>{html.escape(f)}</td></tr>" for n, f in facts.items())
    return f"<table><caption {left}>{html.escape(title)}</caption>{''.join(rows)}</table>"
