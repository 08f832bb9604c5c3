"""Names for people, and other ids for them over a range of time, after a session.

Each function returns a new `SessionData` and changes nothing on disk. Its events hold the change, with kind "people".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from livedance_lab.errors import LiveDanceError
from livedance_lab.progress import Progress, no_progress
from livedance_lab.session_data.arrow_columns import lists
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.people_names import label_of
from livedance_lab.session_data.resmoothing import resmooth
from livedance_lab.session_data.schema import PERSON
from livedance_lab.settings import Settings

__all__ = ["name_people", "relabel_people"]

_HIGHEST_ID = 2**31 - 1  # the tables hold ids as int32


def name_people(data: SessionData, names: Mapping[int, str]) -> SessionData:
    """Give people names, which exports use for individuals, tracks and files.

    Parameters
    ----------
    data : SessionData
    names : mapping of int to str
        Names by id; people who are not in it keep theirs. They are written into exported files: use pseudonyms if the
        files must not say who the people are.

    Returns
    -------
    SessionData
        With one more event: kind "people", name "named".

    Raises
    ------
    LiveDanceError
        If nobody has an id, or if a name is empty or has the same letters a-z and digits as another person's.
    """
    _check_known(data, names)
    everybody = {id: f"person_{id}" for id in data.people} | data.names | dict(names)
    labels: dict[str, str] = {}
    for id in data.people:
        name = everybody[id]
        if not name.strip() or not name.isprintable():
            raise LiveDanceError(f"the name of person {id} must be printable text, got {name!r}.")
        other = labels.setdefault(label_of(name, id).lower(), name)
        if other is not name:
            raise LiveDanceError(f"two people would be {other!r} and {name!r}: their files would have the same name.")
    content = {"names": {str(id): name for id, name in names.items()}}
    return _edited(data, data.tables["results"], data.t0_s, "named", content)


def relabel_people(
    data: SessionData, ids: Mapping[int, int], *, start_s: float = -math.inf, end_s: float = math.inf,
    settings: Settings | None = None, progress: Progress = no_progress,
) -> SessionData:  # fmt: skip
    """Give people other ids in a range of time, and smooth everybody again.

    ``{1: 2, 2: 1}`` swaps two people, ``{3: 1}`` merges person 3 into person 1, ``{1: 4}`` makes a new person of a part
    of person 1. All of a mapping is done at once.

    Parameters
    ----------
    data : SessionData
    ids : mapping of int to int
        The new id by the present one.
    start_s, end_s : float
        Seconds after the first captured frame, as in exports: frames with ``start_s <= t < end_s`` are changed. By
        default all are.
    settings : Settings, optional
        Used for smoothing, as in `resmooth`; by default those that were in force.
    progress : Progress, optional
        Of the smoothing.

    Returns
    -------
    SessionData
        With one more event: kind "people", name "relabelled". Measured values are as before; smoothed ones are those
        that a live session with these ids would have had.

    Raises
    ------
    LiveDanceError
        If an id is unknown or no positive number, if nobody has it in this range, or if a frame would show somebody
        twice; nothing can be merged there.
    RecordingError
        If the log lacks the events with the settings that were in force.
    """
    _check_known(data, ids)
    if not all(isinstance(new, int | np.integer) and 1 <= new <= _HIGHEST_ID for new in ids.values()):
        raise LiveDanceError(f"ids of people are whole numbers from 1 to {_HIGHEST_ID}, got {[*ids.values()]}.")
    t_s = data.t_capture_s - data.t0_s
    before = data.person.to_numpy(dtype=np.int32, na_value=0)
    after, inside = before.copy(), (t_s >= start_s) & (t_s < end_s)
    for old, new in ids.items():
        after[inside & (before == old)] = new
    n_changed = int((after != before).sum())
    if not n_changed:
        raise LiveDanceError(f"nobody of {', '.join(map(str, ids))} is seen from {start_s:g} s to {end_s:g} s.")
    order = np.lexsort((after, data.seq))
    _check_once(data.seq[order], after[order], t_s[order])

    person = pa.array(after, PERSON.type, mask=after == 0)
    results = data.sorted_results
    results = results.set_column(results.schema.names.index("person"), PERSON, person).take(pa.array(order))
    span = {name: float(s) for name, s in (("start_s", start_s), ("end_s", end_s)) if math.isfinite(s)}
    content = {"ids": {str(old): new for old, new in ids.items()}, **span, "rows": n_changed}
    at_s = data.t0_s + max(start_s, 0.0)
    edited = _edited(data, results, at_s, "relabelled", content)
    return _smoothed_again(edited, settings, progress)


def _check_known(data: SessionData, ids: Mapping[int, Any]) -> None:
    unknown = sorted(ids.keys() - set(data.people))
    if unknown or not ids:
        known = ", ".join(map(str, data.people)) or "nobody"
        raise LiveDanceError(f"the session has no person {', '.join(map(str, unknown))}; it has {known}.")


def _check_once(seq: npt.NDArray[np.int64], ids: npt.NDArray[np.int32], t_s: npt.NDArray[np.float64]) -> None:
    """Refuse two rows of one person in a frame; rows are in order of frame and person."""
    twice = np.flatnonzero((np.diff(seq) == 0) & (np.diff(ids) == 0))
    if len(twice):
        first, last = t_s[twice[0]], t_s[twice[-1]]
        raise LiveDanceError(
            f"{len(twice)} frames between {first:.3f} s and {last:.3f} s would show person {ids[twice[0]]} twice: give "
            "a range of time in which only one of the two is seen, or swap them."
        )


def _edited(data: SessionData, results: pa.Table, t_s: float, name: str, content: dict[str, Any]) -> SessionData:
    """Return the session with other results and an event that says what was done, numbered in order of the edits."""
    events = data.tables["events"]
    number = 1 + sum("edit" in d for d in data.events.loc[data.events["kind"] == "people", "data"])
    row = {"t_s": t_s, "kind": "people", "name": name, "data": orjson.dumps({"edit": number, **content}).decode()}
    events = pa.concat_tables([events, pa.Table.from_pylist([row], schema=events.schema)])
    return SessionData(data.tables["frames"], results, events, data.tables["receipts"], data.manifest)


def _smoothed_again(data: SessionData, settings: Settings | None, progress: Progress) -> SessionData:
    results = data.tables["results"]
    for name, values in vars(resmooth(data, settings, progress)).items():
        column = {"angles_deg": "angles_smooth_deg", "flags": "flags"}.get(name, f"{name}_smooth")
        at = results.schema.names.index(column)
        field = results.schema.field(at)
        results = results.set_column(at, field, lists(values, field.type.value_type))
    return SessionData(**{**data.tables, "results": results}, manifest=data.manifest)
