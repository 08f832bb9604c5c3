"""Rows of the results by person: older recordings get the columns about people, one person gets a row per frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from livedance_lab.pose import Flag
from livedance_lab.session_data.schema import PERSON, SCORE

__all__ = ["rows_of_individual", "with_people"]


def with_people(results: pa.Table) -> pa.Table:
    """The results with the columns about people, which recordings of one person from before lack."""
    if "person" in results.schema.names:
        return results
    person = pc.if_else(results["found"], pa.scalar(1, PERSON.type), pa.scalar(None, PERSON.type))
    score = pa.nulls(len(results)).cast(SCORE.type).fill_null(np.nan)
    at = results.schema.names.index("seq") + 1
    with_person = results.add_column(at, PERSON, person)
    return with_person.add_column(with_person.schema.names.index("found") + 1, SCORE, score)


def rows_of_individual(results: pa.Table, seq: npt.NDArray[np.int64], is_person: npt.NDArray[np.bool_]) -> pa.Table:
    """One row for every processed frame: the person's, or one with the values of a frame without anybody.

    Parameters
    ----------
    results : pyarrow.Table
        In order of `seq`.
    seq : ndarray of shape (T,), int64
        Frame number of each row.
    is_person : ndarray of shape (T,), bool
        Which rows are the person's.
    """
    seqs, first = np.unique(seq, return_index=True)
    mine = np.flatnonzero(is_person)
    rows, at = first.copy(), np.searchsorted(seqs, seq[mine])
    rows[at] = mine  # elsewhere a row of somebody else, for what all rows of a frame share
    absent = np.ones(len(seqs), dtype=bool)
    absent[at] = False
    return _without_person(results.take(pa.array(rows)), absent)


def _without_person(results: pa.Table, absent: npt.NDArray[np.bool_]) -> pa.Table:
    """The results with the values of a frame without anybody in the rows `absent`."""
    mask = pa.array(absent)
    empty = {"person": pa.scalar(None, PERSON.type), "found": pa.scalar(False), "hands_seq": pa.scalar(-1, pa.int64()),
             "score": pa.scalar(np.nan, SCORE.type)}  # fmt: skip
    for position, field in enumerate(results.schema):
        if field.name in empty:
            column = pc.if_else(mask, empty[field.name], results[field.name])
        elif pa.types.is_fixed_size_list(field.type):
            dtype = field.type.value_type.to_pandas_dtype()
            flat = results[field.name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            values = flat.reshape(len(results), -1).copy()
            values[absent] = np.nan if np.issubdtype(dtype, np.floating) else Flag.MISSING
            column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        else:
            continue
        results = results.set_column(position, field, column)
    return results
