"""The people of a session as formats store them: by name, or by label for files and formats that take ASCII only."""

from __future__ import annotations

from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.people_names import label_of

__all__ = ["by_file_stem", "by_label"]


def by_label(data: SessionData) -> dict[str, SessionData]:
    """Return everybody by the letters and digits of their name; a session that follows one person by ""."""
    people = data.individuals()
    if data.follows_one:
        return {"": data}
    return {label_of(name, id): one for id, (name, one) in zip(data.people, people.items(), strict=True)}


def by_file_stem(data: SessionData, name: str) -> dict[str, SessionData]:
    """Return everybody by the stem of their file: ``<name>``, or ``<name>_<label>`` if there are several people."""
    return {f"{name}_{label}" if label else name: one for label, one in by_label(data).items()}
