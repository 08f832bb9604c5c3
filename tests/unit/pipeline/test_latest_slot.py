"""The slot: the newest frame always wins."""

from __future__ import annotations

import queue
import threading

import pytest

from livedance_lab.pipeline.latest_slot import LatestSlot


class KeepOldest:
    """What a bounded queue of one does when a producer must not wait: it keeps the old frame."""

    def __init__(self) -> None:
        self._queue: queue.Queue[int] = queue.Queue(maxsize=1)

    def put(self, item: int) -> int | None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            return item
        return None

    def take(self) -> int:
        return self._queue.get_nowait()


def newest_wins(slot: LatestSlot[int] | KeepOldest) -> bool:
    for item in range(5):
        slot.put(item)
    return slot.take() == 4


def test_the_newest_wins():
    assert newest_wins(LatestSlot())


def test_a_queue_of_one_would_not_pass_for_it():
    assert not newest_wins(KeepOldest())


def test_putting_says_which_item_had_to_go():
    slot: LatestSlot[int] = LatestSlot()

    assert slot.put(1) is None
    assert slot.put(2) == 1
    assert slot.put(3) == 2
    assert slot.take() == 3
    assert slot.put(4) is None  # 3 was taken: nothing was superseded
    assert slot.take() == 4


def test_an_item_is_taken_once_but_can_be_looked_at_for_long():
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)

    assert slot.waiting == slot.newest == 1
    assert slot.take() == 1
    assert slot.take() is None
    assert slot.waiting is None
    assert slot.newest == 1
    slot.clear()
    assert slot.newest is None


def test_who_waits_is_woken():
    slot: LatestSlot[str] = LatestSlot()
    got: list[str | None] = []
    waiter = threading.Thread(target=lambda: got.append(slot.take(timeout_s=20.0)))
    waiter.start()
    slot.put("frame")
    waiter.join(20.0)

    assert got == ["frame"]


def test_who_waits_in_vain_gets_none():
    assert LatestSlot[int]().take(timeout_s=0.001) is None


@pytest.mark.parametrize("takers", [1, 3])
def test_every_item_is_either_taken_or_superseded_and_never_both(takers):
    slot: LatestSlot[int] = LatestSlot()
    n_items, ends, lock, over = 3000, [], threading.Lock(), threading.Event()

    def end(item: int | None) -> None:
        if item is not None:
            with lock:
                ends.append(item)

    def take() -> None:
        while not over.is_set():
            end(slot.take(timeout_s=0.001))

    threads = [threading.Thread(target=take) for _ in range(takers)]
    for thread in threads:
        thread.start()
    for item in range(n_items):
        end(slot.put(item))
    over.set()
    for thread in threads:
        thread.join(20.0)
    end(slot.take())

    assert sorted(ends) == list(range(n_items))
