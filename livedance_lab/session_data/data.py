"""One session's tables as DataFrames and arrays.

A live session, a recording and a batch result all give `SessionData`, so that notebooks, plots and every export take
any of the three.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from livedance_lab.pose import BODY_SHAPES, FrameState
from livedance_lab.session_data.angle_tables import angle_columns, velocity_columns, views_of
from livedance_lab.session_data.landmark_tables import long_table, wide_table
from livedance_lab.session_data.ledger_counts import LedgerCounts
from livedance_lab.session_data.notebook_display import as_html, as_text
from livedance_lab.session_data.people_names import most_people, names_of
from livedance_lab.session_data.people_rows import rows_of_individual, with_people

__all__ = ["SessionData"]

_RECEIPT_TIMES = ("t_result_s", "t_paint_s")


class SessionData:
    """A session's four tables, and what is derived from them.

    The rows of every table and array are in the order of `seq` (capture order), whatever order they were logged in.
    Results have one row for each frame and person; a processed frame without anybody has one row. `individual` gives
    one person with a row for every processed frame.

    Parameters
    ----------
    frames, results, events, receipts : pyarrow.Table
        As `livedance_lab.session_data.schema` defines them.
    manifest : mapping
        What produced the data: session id, versions, models, settings, clock.
    """

    def __init__(
        self, frames: pa.Table, results: pa.Table, events: pa.Table, receipts: pa.Table, manifest: Mapping[str, Any]
    ) -> None:
        self.tables: dict[str, pa.Table] = {
            "frames": frames, "results": results, "events": events, "receipts": receipts}  # fmt: skip
        self.manifest: dict[str, Any] = dict(manifest)

    # --- identity and time ---

    @cached_property
    def metadata(self) -> dict[str, str]:
        """The metadata in the schema of every table: session id, wall anchor, package version."""
        return {k.decode(): v.decode() for k, v in (self.tables["results"].schema.metadata or {}).items()}

    @property
    def session_id(self) -> str:
        """The session's id; empty if it has none."""
        return str(self.metadata.get("session_id") or self.manifest.get("session_id") or "")

    @cached_property
    def angle_names(self) -> tuple[str, ...]:
        """The session's joint angles, in the order of the angle arrays."""
        return tuple(orjson.loads(self.metadata.get("angle_names", "[]")))

    @cached_property
    def t0_s(self) -> float:
        """Capture time of the first frame, server clock: the zero of exported times. NaN if none is known."""
        return _least(self.tables["frames"]["t_capture_s"], _least(self.tables["results"]["t_capture_s"]))

    @property
    def t0_unix_s(self) -> float:
        """Wall time (Unix seconds) of `t0_s`; NaN if the session has no wall anchor."""
        return self.t0_s + float(self.metadata.get("wall_anchor_s", "nan"))

    @cached_property
    def duration_s(self) -> float:
        """Seconds from the first to the last captured frame; NaN if none was captured."""
        t_s = self.frames["t_capture_s"].to_numpy()
        return float(np.nanmax(t_s) - np.nanmin(t_s)) if np.isfinite(t_s).any() else math.nan

    @property
    def captured_per_s(self) -> float:
        """Frames captured per second over the whole session; NaN if it is too short."""
        return self._per_s(self.ledger.captured)

    @property
    def results_per_s(self) -> float:
        """Results per second over the whole session; NaN if it is too short."""
        return self._per_s(len(self.first_rows))

    def _per_s(self, count: int) -> float:
        return (count - 1) / self.duration_s if count > 1 and self.duration_s > 0 else math.nan

    # --- tables ---

    @cached_property
    def frames(self) -> pd.DataFrame:
        """One row per captured frame: state, reason, all times, stage times, and the age of its result.

        Added columns: `age_ms` (capture to emission by the server), `client_age_ms` (capture to arrival at the
        client), `paint_age_ms` (capture to painting); NaN if the frame did not get that far.
        """
        table = self.tables["frames"].drop_columns(list(_RECEIPT_TIMES))
        frames: pd.DataFrame = _sorted(table).unify_dictionaries().to_pandas()
        receipts = self.tables["receipts"].to_pandas().groupby("seq")[list(_RECEIPT_TIMES)].last()
        joined = receipts.reindex(frames["seq"])
        at = list(frames.columns).index("t_emit_s") + 1
        for offset, name in enumerate(_RECEIPT_TIMES):
            frames.insert(at + offset, name, joined[name].to_numpy(dtype=np.float64))
        for age, end in (("age_ms", "t_emit_s"), ("client_age_ms", "t_result_s"), ("paint_age_ms", "t_paint_s")):
            frames[age] = (frames[end] - frames["t_capture_s"]) * 1e3
        return frames

    @cached_property
    def events(self) -> pd.DataFrame:
        """Settings changes, clock estimates, markers, connections, in order of time; `data` is a dict."""
        events: pd.DataFrame = self.tables["events"].to_pandas()
        events["data"] = [orjson.loads(text) if text else {} for text in events["data"]]
        return events.sort_values("t_s", kind="stable", ignore_index=True)

    @cached_property
    def angles(self) -> pd.DataFrame:
        """One row per result and person: `seq`, `person`, `t_capture_s`, and each angle with how well it was seen.

        `<name>` is as measured, `<name>_smooth` smoothed; `<name>_view` is "good", "foreshortened" (a segment points
        at the camera, so that its depth is a guess), "hidden" (not visible enough) or "missing".
        """
        raw, smooth = self.array("angles_deg"), self.array("angles_smooth_deg")
        return pd.concat([self._index_columns(), angle_columns(self.angle_names, raw, smooth, self.views)], axis=1)

    @cached_property
    def views(self) -> npt.NDArray[np.uint8]:
        """How well the camera saw each angle of each result: `ViewQuality`, shape (T, A)."""
        return views_of(self.angle_names, self.array("world_m"), self.array("angles_deg"))

    @cached_property
    def angular_velocity(self) -> pd.DataFrame:
        """One row per result and person: `seq`, `person`, `t_capture_s`, and how fast each angle changes.

        The columns are `<name>_deg_s`, without lag.
        """
        columns = [f"{name}_deg_s" for name in self.angle_names]
        turns_deg_s = np.full((len(self.seq), len(columns)), np.nan)
        for id, rows in zip(self.people, self.rows_of_people(), strict=True):
            one = self.individual(id)  # absent in frames between: a velocity across them would be of no movement
            found = velocity_columns(self.angle_names, one.array("angles_deg"), one.t_capture_s).to_numpy()
            turns_deg_s[rows] = found[np.searchsorted(one.seq, self.seq[rows])]
        return pd.concat([self._index_columns(), pd.DataFrame(turns_deg_s, columns=columns)], axis=1)

    @cached_property
    def results(self) -> pd.DataFrame:
        """One row per result and person, one column per value: `nose_x_px`, `nose_visibility`, ..., then the angles.

        Hands follow the body, as in `left_hand_wrist_x_px`; smoothed values are `nose_x_smooth_px` and so on.
        """
        return wide_table(self.sorted_results, self.array, self.angles)

    @cached_property
    def landmarks(self) -> pd.DataFrame:
        """One row per result, person and landmark: raw and smoothed values and the provenance of the smoothed one.

        Columns: `session_id, seq, person, t_capture_s, t_receive_s, t_infer_start_s, t_infer_end_s, t_paint_s,
        keypoint, x_px, y_px, z_px, x_m, y_m, z_m, visibility, presence, x_smooth_px, ..., z_smooth_m, flag`.
        Every row of the results has its 33 body rows (NaN where not seen); rows of a hand only if that was seen.
        """
        return long_table(self.session_id, self._index_columns(), self.frames, self.array)

    # --- arrays of the results, in order of seq ---

    @cached_property
    def sorted_results(self) -> pa.Table:
        """The results in order of `seq`, with the columns about people that older recordings lack."""
        return _sorted(with_people(self.tables["results"]))

    def _index_columns(self) -> pd.DataFrame:
        return pd.DataFrame({"seq": self.seq, "person": self.person, "t_capture_s": self.t_capture_s})

    @cached_property
    def seq(self) -> npt.NDArray[np.int64]:
        """Frame number of each result, ascending; shape (T,)."""
        return np.asarray(self.sorted_results["seq"].to_numpy(), dtype=np.int64)

    @cached_property
    def first_rows(self) -> npt.NDArray[np.intp]:
        """Position of the first row of each processed frame, in order of `seq`; a frame has a row for each person."""
        return np.unique(self.seq, return_index=True)[1]

    @cached_property
    def t_capture_s(self) -> npt.NDArray[np.float64]:
        """Capture time of each result, server clock; shape (T,)."""
        return np.asarray(self.sorted_results["t_capture_s"].to_numpy(), dtype=np.float64)

    @cached_property
    def person(self) -> pd.arrays.IntegerArray:
        """The person of each row, `pd.NA` where a frame shows nobody; shape (T,), Int32."""
        return pd.arrays.IntegerArray(self._person_ids, self._person_ids == 0)

    @cached_property
    def _person_ids(self) -> npt.NDArray[np.int32]:
        """The person of each row, 0 where a frame shows nobody."""
        return np.asarray(pc.fill_null(self.sorted_results["person"], 0).to_numpy(), dtype=np.int32)

    @property
    def has_people(self) -> bool:
        """Whether people were told apart; recordings from before have one person, who is number 1."""
        return "person" in self.tables["results"].schema.names

    @cached_property
    def people(self) -> tuple[int, ...]:
        """Ids of everybody who was seen, ascending."""
        return tuple(int(id) for id in np.unique(self._person_ids) if id > 0)

    @cached_property
    def names(self) -> dict[int, str]:
        """Names of people by id, from the events of kind "people"; see `livedance_lab.session_data.name_people`."""
        return names_of(self.events)

    @cached_property
    def follows_one(self) -> bool:
        """Whether the session is one individual in exports, whatever the ids were.

        So it is if no frame shows two people, and only one was seen or wanted (setting `max_people`).
        """
        one_row_each = len(self.first_rows) == len(self.seq)
        return one_row_each and (len(self.people) < 2 or most_people(self.events) == 1)

    def individuals(self) -> dict[str, SessionData]:
        """Everybody as a session of their own, by name: what formats for one or several individuals store.

        Returns
        -------
        dict of str to SessionData
            Each has one row for every processed frame. The name is the one in `names`, else "person_1", "person_2",
            ...; a session that follows one person is ``{"person": self}``, unless just one of its people has a name.
        """
        if self.follows_one:
            known = [self.names[id] for id in self.people if id in self.names]
            return {known[0] if len(known) == 1 else "person": self}
        return {self.names.get(id, f"person_{id}"): self.individual(id) for id in self.people}

    def individual(self, id: int) -> SessionData:
        """One person with a row for every processed frame; NaN in frames that do not show the person.

        Raises
        ------
        KeyError
            If nobody has this id.
        """
        if id not in self.people:
            known = ", ".join(map(str, self.people)) or "nobody"
            raise KeyError(f"the session has no person {id}; it has {known}.")
        rows = rows_of_individual(self.sorted_results, self.seq, self._person_ids == id)
        return SessionData(self.tables["frames"], rows, self.tables["events"], self.tables["receipts"], self.manifest)

    def rows_of_people(self) -> list[npt.NDArray[np.intp]]:
        """Positions of the rows of each of `people` in every array, in order of seq."""
        return [np.flatnonzero(self._person_ids == id) for id in self.people]

    def column(self, name: str) -> npt.NDArray[Any]:
        """One plain column of all results ("found", "hands_seq", "width_px" ...); shape (T,).

        Raises
        ------
        KeyError
            If the results have no such column.
        """
        return np.asarray(self.sorted_results[name].to_numpy())

    def by_frame(self, name: str) -> npt.NDArray[Any]:
        """The largest value of a plain column in each processed frame, whomever it shows, in order of `seq`."""
        return np.asarray(np.maximum.reduceat(self.column(name), self.first_rows))

    def array(self, name: str) -> npt.NDArray[Any]:
        """One array column of all results.

        Parameters
        ----------
        name : str
            A field of `pose.Body` ("keypoints_px", "world_m", "visibility", "presence", "hands_px",
            "hands_world_m", "hands_score"), its smoothed twin (`<name>_smooth`), "flags", "angles_deg" or
            "angles_smooth_deg".

        Returns
        -------
        ndarray of shape (T, ...), float32 (flags: uint8)
            T results in order of `seq`; the rest as in `pose.Body`. NaN where not seen.

        Raises
        ------
        KeyError
            If the results have no such array.
        """
        schema = self.sorted_results.schema
        if name not in schema.names or not pa.types.is_fixed_size_list(schema.field(name).type):
            known = [f.name for f in schema if pa.types.is_fixed_size_list(f.type)]
            raise KeyError(f"results have no array {name!r}; they have {', '.join(known)}.")
        field = schema.field(name)
        shape = BODY_SHAPES.get(name.removesuffix("_smooth"), (field.type.list_size,))
        dtype = field.type.value_type.to_pandas_dtype()
        parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in self.sorted_results[name].chunks]
        flat = np.concatenate(parts) if parts else np.empty(0, dtype)
        return flat.astype(dtype, copy=False).reshape(-1, *shape)

    def piece(self, first: int, end: int) -> SessionData:
        """The results from position `first` to `end` (in order of `seq`), with their frames and receipts.

        Exports write long sessions piece by piece, because the whole table of landmarks would not fit into memory.
        """
        results = self.sorted_results.slice(first, end - first)
        frames, receipts = (
            self.tables[t].filter(pc.is_in(self.tables[t]["seq"], results["seq"].combine_chunks()))
            for t in ("frames", "receipts")
        )
        return SessionData(frames, results, self.tables["events"], receipts, self.manifest)

    # --- states of the frames, gaps ---

    @cached_property
    def ledger(self) -> LedgerCounts:
        """How every captured frame ended."""
        frames = self.tables["frames"]
        counted = dict.fromkeys((str(state) for state in FrameState), 0)
        for entry in pc.value_counts(frames["state"].cast(pa.string())).to_pylist():
            counted[entry["values"]] = entry["counts"]
        seqs = np.unique(frames["seq"].to_numpy())
        first = int(self.manifest.get("first_seq", seqs[0] if seqs.size else 0))
        last = int(seqs[-1]) if seqs.size else first - 1
        missing = np.setdiff1d(np.arange(first, last + 1), seqs)
        return LedgerCounts(last - first + 1, counted, tuple(missing.tolist()), len(frames) - seqs.size)

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """Spans of at least 0.25 s without a result: `start_s`, `end_s` (server clock), `duration_s`, `captured`."""
        return self.find_gaps(0.25)

    def find_gaps(self, min_s: float) -> pd.DataFrame:
        """Spans without a result.

        Parameters
        ----------
        min_s : float
            The shortest span to report, seconds between neighbouring results (or the session's ends).

        Returns
        -------
        DataFrame
            `start_s`, `end_s`, `duration_s`, and `captured`: frames captured strictly inside.
        """
        captured_s = np.sort(self.frames["t_capture_s"].dropna().to_numpy())
        known_s = np.unique(self.t_capture_s[np.isfinite(self.t_capture_s)])
        edges_s = np.unique(np.concatenate([captured_s[:1], known_s, captured_s[-1:]]))
        start_s, end_s = edges_s[:-1], edges_s[1:]
        wide = end_s - start_s >= min_s
        start_s, end_s = start_s[wide], end_s[wide]
        inside = np.searchsorted(captured_s, end_s, "left") - np.searchsorted(captured_s, start_s, "right")
        return pd.DataFrame({"start_s": start_s, "end_s": end_s, "duration_s": end_s - start_s, "captured": inside})

    # --- shown in a notebook ---

    def __repr__(self) -> str:
        return as_text(f"{type(self).__name__} {self.session_id}", self._facts())

    def _repr_html_(self) -> str:
        return as_html(f"{type(self).__name__} {self.session_id}", self._facts())

    def _facts(self) -> dict[str, str]:
        ledger, long = self.ledger, self.duration_s > 0
        gaps = f"{len(ledger.missing_seqs)} frame(s) without a state, {ledger.repeated} state(s) too many"
        return {
            "length": f"{self.duration_s:.1f} s" if long else "length unknown",
            "frames": f"{ledger.captured} frames captured, {ledger.states[FrameState.PROCESSED]} processed",
            "rate": f"{self.results_per_s:.1f} results/s" if long else "rate unknown",
            "ledger": "every frame accounted for" if ledger.conserved else gaps,
        }


def _least(column: pa.ChunkedArray, otherwise: float = math.nan) -> float:
    """The least finite value of a float column; `otherwise` if there is none."""
    values = column.to_numpy()
    finite = values[np.isfinite(values)]
    return float(finite.min()) if finite.size else otherwise


def _sorted(table: pa.Table) -> pa.Table:
    """The rows in order of seq; not copied if they are already in order."""
    seqs = table["seq"].to_numpy()
    return table if (np.diff(seqs) >= 0).all() else table.take(pa.array(np.argsort(seqs, kind="stable")))
