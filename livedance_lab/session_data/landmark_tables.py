"""Tables of a session's landmarks: the long one has a row for each landmark, the wide one a column for each value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from livedance_lab.pose import Flag
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_LANDMARKS, HAND_SIDES

__all__ = ["long_table", "wide_table"]

_ArrayOf = Callable[[str], npt.NDArray[Any]]
"""`SessionData.array`."""

_SHOWN_TIMES = ("t_receive_s", "t_infer_start_s", "t_infer_end_s", "t_paint_s")


def wide_table(results: pa.Table, array: _ArrayOf, angles: pd.DataFrame) -> pd.DataFrame:
    """Return `SessionData.results`.

    Parameters
    ----------
    results : pyarrow.Table
        In order of `seq`.
    array : callable
        Returns an array column of these results by its name.
    angles : DataFrame
        `SessionData.angles` of these results.
    """
    lists = [field.name for field in results.schema if pa.types.is_fixed_size_list(field.type)]
    scalars = results.drop_columns(lists).to_pandas()
    scalars["person"] = angles["person"]  # to_pandas makes floats of whole numbers with nulls
    parts: list[pd.DataFrame] = [scalars]
    for name in lists:
        if not name.startswith("angles"):
            columns = _wide_names(name)
            parts.append(pd.DataFrame(array(name).reshape(-1, len(columns)), columns=columns))
    return pd.concat([*parts, angles.drop(columns=["seq", "person", "t_capture_s"])], axis=1)


def long_table(session_id: str, rows: pd.DataFrame, frames: pd.DataFrame, array: _ArrayOf) -> pd.DataFrame:
    """Return `SessionData.landmarks`.

    Parameters
    ----------
    session_id : str
    rows : DataFrame
        `seq`, `person` and `t_capture_s` of each row of the results.
    frames : DataFrame
        `SessionData.frames`.
    array : callable
        Returns an array column of the results by its name.
    """
    n_body, n_hands, n_rows = len(BLAZEPOSE_33), len(HAND_LANDMARKS), len(rows)
    columns: dict[str, Any] = {}
    for body, hands, unit in (("keypoints_px", "hands_px", "px"), ("world_m", "hands_world_m", "m")):
        for suffix in ("", "_smooth"):
            of_hands = array(hands + suffix).reshape(n_rows, n_hands, 3)
            both = np.concatenate([array(body + suffix), of_hands], axis=1)
            columns |= {f"{axis}{suffix}_{unit}": both[:, :, i].ravel() for i, axis in enumerate("xyz")}
    unknown = np.full((n_rows, n_hands), np.nan, dtype=np.float32)
    for name in ("visibility", "presence"):  # the hands model gives neither
        columns[name] = np.concatenate([array(name), unknown], axis=1).ravel()
    flags = np.full((n_rows, n_body + n_hands), Flag.MEASURED, dtype=np.uint8)
    flags[:, :n_body] = array("flags")
    columns["flag"] = _categorical(flags.ravel(), [f.name.lower() for f in Flag])

    lead = _landmark_index(session_id, rows, frames)
    order = ["x_px", "y_px", "z_px", "x_m", "y_m", "z_m", "visibility", "presence",
             *(f"{axis}_smooth_{unit}" for unit in ("px", "m") for axis in "xyz"), "flag"]  # fmt: skip
    long = pd.DataFrame({**lead, **{name: columns[name] for name in order}})
    is_body = np.tile(np.arange(n_body + n_hands) < n_body, n_rows)
    return long[is_body | long["x_px"].notna().to_numpy()].reset_index(drop=True)


def _landmark_index(session_id: str, rows: pd.DataFrame, frames: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of the long table that say which landmark of whom in which frame it is, and when."""
    names = (*BLAZEPOSE_33.landmarks, *HAND_LANDMARKS)
    n_rows, n_landmarks = len(rows), len(names)
    times = frames.drop_duplicates("seq", keep="last").set_index("seq").reindex(rows["seq"])
    return {
        "session_id": _categorical(np.zeros(n_rows * n_landmarks, np.int8), [session_id]),
        "seq": np.repeat(rows["seq"].to_numpy(), n_landmarks),
        "person": rows["person"].array.repeat(n_landmarks),
        "t_capture_s": np.repeat(rows["t_capture_s"].to_numpy(), n_landmarks),
        **{name: np.repeat(times[name].to_numpy(dtype=np.float64), n_landmarks) for name in _SHOWN_TIMES},
        "keypoint": _categorical(np.tile(np.arange(n_landmarks, dtype=np.int8), n_rows), names),
    }


def _categorical(codes: npt.NDArray[np.integer[Any]], categories: Sequence[str]) -> Any:
    """Return a column of few different texts, stored as small numbers."""
    plain: Any = codes  # the stubs know no integer arrays here
    return pd.Categorical.from_codes(plain, dtype=pd.CategoricalDtype(list(categories)))


def _wide_names(array: str) -> list[str]:
    """Return the names of the wide table's columns for one array."""
    base, smooth = array.removesuffix("_smooth"), "_smooth" if array.endswith("_smooth") else ""
    if base in ("visibility", "presence", "flags"):
        return [f"{name}_{base.removesuffix('s')}" for name in BLAZEPOSE_33.landmarks]
    if base == "hands_score":
        return [f"{side}_hand_score" for side in HAND_SIDES]
    names = HAND_LANDMARKS if base.startswith("hands") else BLAZEPOSE_33.landmarks
    unit = "px" if base.endswith("_px") else "m"
    return [f"{name}_{axis}{smooth}_{unit}" for name in names for axis in "xyz"]
