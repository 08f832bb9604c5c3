"""The buffers that the latest-wins slot is compared with: what they keep, and that no frame goes uncounted."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from livedance_lab.benchmarks.queues import QUEUES, FifoQueue, KeepOldest
from livedance_lab.cli.serve import serve
from livedance_lab.pipeline.latest_slot import LatestSlot


@pytest.mark.parametrize(
    ("buffer", "kept", "dropped"),
    [(LatestSlot[int](), [9], list(range(9))), (KeepOldest[int](), [0], list(range(1, 10))),
     (FifoQueue[int](3), [0, 1, 2], list(range(3, 10)))],
)  # fmt: skip
def test_what_each_buffer_keeps_of_ten_frames(buffer, kept, dropped):
    returned = [buffer.put(item) for item in range(10)]

    assert [item for item in returned if item is not None] == dropped
    assert buffer.waiting == kept[0]
    assert [buffer.take() for _ in kept] == kept
    assert buffer.take() is None
    assert buffer.take(timeout_s=0.001) is None


@pytest.mark.parametrize("buffer", [LatestSlot[int](), FifoQueue[int]()])
def test_a_cleared_buffer_holds_no_frame(buffer):
    buffer.put(1)
    buffer.clear()

    assert buffer.waiting is buffer.newest is buffer.take() is None


def test_the_servers_option_names_every_buffer():
    assert get_args(get_type_hints(serve)["queue"]) == tuple(QUEUES)
