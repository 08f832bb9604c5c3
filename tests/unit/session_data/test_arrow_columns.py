"""Columns built from their buffers are the columns that pyarrow itself would make."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from livedance_lab.session_data.arrow_columns import batch, column, lists


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, -0.0, math.inf], pa.float64()),
        ([0.1, 2**-149, 3e38], pa.float32()),
        ([0, -1, 2**62], pa.int64()),
        ([0, -1, 2**31 - 1], pa.int32()),
        ([0, 7, 255], pa.uint8()),
        ([True, False, True, True, False, False, True, False, True], pa.bool_()),
        (["", "a", "müde 🕺", ""], pa.string()),
        ([b"", b"\x00\xff", b"JPEG"], pa.binary()),
        ([], pa.string()),
        ([], pa.list_(pa.float32(), 99)),
    ],
)
def test_a_column_is_what_pyarrow_makes_of_it(values, kind):
    made = column(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind))
    assert made.type == kind


def test_none_among_numbers_is_nan_and_no_null():
    made = column([1.0, None], pa.float64())
    assert made.null_count == 0
    assert math.isnan(made[1].as_py())


@pytest.mark.parametrize(("value", "kind"), [(2**40, pa.int32()), (-1, pa.uint8()), ("x", pa.float64())])
def test_what_does_not_fit_is_not_stored_as_something_else(value, kind):
    with pytest.raises((OverflowError, ValueError)):
        column([value], kind)


def test_arrays_are_flattened_row_by_row():
    rows = [np.arange(6).reshape(2, 3) + 10 * n for n in range(3)]
    made = lists(rows, pa.float32())
    made.validate(full=True)
    assert made.type == pa.list_(pa.float32(), 6)
    assert made.to_pylist() == [list(range(6)), list(range(10, 16)), list(range(20, 26))]


def test_a_batch_keeps_the_order_of_its_schema():
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())], metadata={"k": "v"})
    made = batch(schema, {"b": ["x", "y"], "a": [1, 2]})
    assert made.schema.equals(schema, check_metadata=True)
    assert made.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.process
def test_pyarrow_does_not_load_pandas_for_it():
    code = (
        "import sys, pyarrow as pa; from livedance_lab.session_data.arrow_columns import *\n"
        "column([1.0, None], pa.float64()); column(['a'], pa.string()); column([True], pa.bool_())\n"
        "lists([[1, 2]], pa.float32()); print('pandas' in sys.modules); pa.array([1]); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]  # the second: why this module is there
