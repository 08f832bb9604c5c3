"""Names of people, from the events of a session, and labels for file names and formats that take ASCII only."""

from __future__ import annotations

import re
import unicodedata

import pandas as pd

__all__ = ["label_of", "most_people", "names_of"]


def names_of(events: pd.DataFrame) -> dict[int, str]:
    """Return the names of people by id, from a session's events; a later name replaces an earlier one."""
    named = events.loc[(events["kind"] == "people") & (events["name"] == "named"), "data"]
    return {int(id): str(name) for data in named for id, name in data["names"].items()}


def most_people(events: pd.DataFrame) -> int:
    """Return the largest `max_people` that a session's settings ever had; 1 before there was that setting."""
    changes = events.loc[events["kind"].isin(["session", "settings"]), "data"]
    given = [data.get("settings") or data.get("changes") or {} for data in changes]
    return max((int(settings.get("max_people", 1)) for settings in given), default=1)


def label_of(name: str, id: int) -> str:
    """Return the letters a-z and digits of a name, without accents; ``person<id>`` if there are none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub("[^0-9A-Za-z]", "", plain) or f"person{id}"
