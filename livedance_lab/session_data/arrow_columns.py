"""Builds Arrow columns from NumPy's memory without importing pandas.

``pyarrow.array`` imports pandas, if it is installed, to check whether its argument is a Series. That would cost 50 MB
in a server which never uses it; so columns are built here from their buffers, in the layout of the Arrow format
(https://arrow.apache.org/docs/format/Columnar.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["batch", "column", "lists", "numbers_or_null"]


def batch(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.RecordBatch:
    """Return a record batch of a schema.

    Parameters
    ----------
    schema : pyarrow.Schema
    columns : mapping of str to sequence or pyarrow.Array
        By field name; finished arrays are used as they are.
    """
    arrays = [c if isinstance(c := columns[f.name], pa.Array) else column(c, f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return numbers, truth values, texts or bytes as a column without nulls; None among numbers becomes NaN.

    Raises
    ------
    ValueError, OverflowError
        If a value does not fit the type.
    """
    if not len(values):
        return pa.nulls(0, kind)
    if kind in (pa.string(), pa.binary()):
        return _texts([v.encode() if isinstance(v, str) else v for v in values], kind)
    if kind == pa.bool_():
        bits = np.packbits(np.asarray(values, np.bool_), bitorder="little")
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(bits)])
    dtype = kind.to_pandas_dtype()
    if np.issubdtype(dtype, np.floating):
        values = [np.nan if v is None else v for v in values]
    return _numbers(np.array(values, dtype), kind)


def numbers_or_null(values: Sequence[int | None], kind: pa.DataType) -> pa.Array:
    """Return whole numbers as a column in which None is null."""
    known = np.array([v is not None for v in values], np.bool_)
    numbers = np.array([v or 0 for v in values], kind.to_pandas_dtype())
    valid = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(numbers), [valid, pa.py_buffer(numbers)])


def lists(rows: Iterable[npt.ArrayLike], kind: pa.DataType) -> pa.Array:
    """Return arrays of one shape as a column of lists of fixed size, each flattened in C order."""
    stacked = np.stack([np.ravel(row) for row in rows]).astype(kind.to_pandas_dtype(), copy=False)
    return pa.FixedSizeListArray.from_arrays(_numbers(stacked.ravel(), kind), stacked.shape[1])


def _numbers(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _texts(values: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum([len(v) for v in values], out=offsets[1:])
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))])
