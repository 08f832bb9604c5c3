"""Named arrays in one message: a table of their names, types and shapes, then their data.

The table is ASCII text with one line for each block: its name, its type (``f`` float, ``u`` unsigned integer, then the
bytes of one value) and the length of each axis, separated by spaces::

    times_s f8 8
    keypoints_px f4 2 33 3

The data of the first block begin at the next multiple of 8 bytes of the message after the table; every further block
begins at the next multiple of the size of its values after the block before it. All values are little-endian and in C
order. A reader looks up the blocks that it knows and skips the others, so that blocks can be added without another
version of the protocol.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Block", "Layout", "block_table", "read_table"]

_LINE = re.compile(rb"([a-z][a-z0-9_]*) ([a-z])([1248])((?: [0-9]{1,9})*)\n")


class Block(NamedTuple):
    """Where one array is.

    Attributes
    ----------
    dtype : str
        NumPy's code of the type, little-endian.
    shape : tuple of int
    offset : int
        Bytes from the beginning of the message.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int


class Layout(NamedTuple):
    """The blocks of a message by name, and the bytes of the whole message."""

    blocks: dict[str, Block]
    n_bytes: int


def block_table(blocks: Iterable[tuple[str, str, tuple[int, ...]]]) -> bytes:
    """Return the table of blocks, each given as name, type such as ``f4``, and shape."""
    return "".join(f"{' '.join(map(str, (name, kind, *shape)))}\n" for name, kind, shape in blocks).encode()


@lru_cache(maxsize=256)  # a session has a few layouts, and a result for every frame
def read_table(table: bytes, offset: int) -> Layout:
    """Return the blocks that a table names.

    Parameters
    ----------
    table : bytes
    offset : int
        Bytes of the message before the table.

    Raises
    ------
    ValueError
        If a line is no block, or a name comes twice.
    """
    at, n_bytes, blocks = 0, -(-(offset + len(table)) // 8) * 8, {}
    while at < len(table):
        line = _LINE.match(table, at)
        if line is None:
            raise ValueError(f"{table[at : at + 60]!r} is no line of a table of blocks")
        name, kind, size, axes = line[1].decode(), line[2].decode(), int(line[3]), line[4].split()
        if name in blocks:
            raise ValueError(f"the block {name} is there twice")
        shape = tuple(map(int, axes))
        blocks[name] = Block(f"<{kind}{size}", shape, -(-n_bytes // size) * size)
        n_bytes = blocks[name].offset + size * math.prod(shape)
        at = line.end()
    return Layout(blocks, n_bytes)
