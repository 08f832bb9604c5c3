"""Each captured frame ends in exactly one state, and the sums say so."""

from __future__ import annotations

import random

import pytest

from livedance_lab.errors import WireError
from livedance_lab.pipeline.ledger import Ledger
from livedance_lab.pose import FrameState


def test_an_empty_ledger_is_conserved():
    summary = Ledger().summary()

    assert summary["conserved"]
    assert summary["captured"] == 0
    assert set(summary["states"].values()) == {0}


def test_a_frame_in_flight_is_not_conserved_until_it_ends():
    ledger = Ledger()
    ledger.arrive(0)
    assert not ledger.summary()["conserved"]
    assert ledger.summary()["in_flight"] == 1

    assert ledger.close(0, FrameState.PROCESSED)
    assert ledger.summary()["conserved"]


def test_the_first_state_stands():
    ledger = Ledger()
    ledger.arrive(0)

    assert ledger.close(0, FrameState.SUPERSEDED)
    assert not ledger.close(0, FrameState.PROCESSED)
    assert ledger.counts[FrameState.PROCESSED] == 0


def test_a_hole_is_unreported_until_it_is_said_to_be_skipped():
    ledger = Ledger()
    ledger.arrive(2)
    ledger.close(2, FrameState.PROCESSED)
    assert ledger.unreported() == [0, 1]
    assert not ledger.summary()["conserved"]

    for seq in (0, 1):
        ledger.close(seq, FrameState.CLIENT_SKIPPED)

    assert ledger.unreported() == []
    assert ledger.summary()["conserved"]
    assert ledger.captured == 3


@pytest.mark.parametrize("state", ["in flight", "closed", "settled"])
def test_a_number_is_used_once(state):
    ledger = Ledger()
    first = 0 if state == "settled" else 1
    ledger.arrive(first)
    if state != "in flight":
        ledger.close(first, FrameState.PROCESSED)

    with pytest.raises(WireError, match="needs a new seq") as caught:
        ledger.arrive(first)
    assert caught.value.code == "seq"


def test_a_wild_number_is_refused_and_makes_no_rows():
    ledger = Ledger()
    with pytest.raises(WireError, match="run ahead"):
        ledger.arrive(4_000_000_000)

    assert ledger.captured == 0
    assert ledger.summary()["conserved"]


def test_the_clients_count_makes_trailing_frames_known():
    ledger = Ledger()
    ledger.arrive(0)
    ledger.close(0, FrameState.PROCESSED)
    ledger.set_final_count(3)

    assert ledger.unreported() == [1, 2]
    with pytest.raises(WireError, match="3 frames are known"):
        ledger.set_final_count(2)
    with pytest.raises(WireError, match="run ahead"):
        ledger.set_final_count(100_000)


def test_memory_grows_only_with_what_is_open():
    ledger = Ledger()
    for seq in range(50_000):
        ledger.arrive(seq)
        ledger.close(seq, FrameState.PROCESSED)

    assert ledger.in_flight == 0
    assert not ledger._closed_beyond
    assert not ledger._open


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_in_whatever_order_the_sum_is_right(seed):
    rng = random.Random(seed)
    ledger, truth, arrived = Ledger(), {}, set()
    for _ in range(400):
        seq = rng.randrange(120)
        if rng.random() < 0.5:
            try:
                ledger.arrive(seq)
            except WireError:
                assert seq in truth or seq in arrived
            else:
                assert seq not in truth
                arrived.add(seq)
        else:
            state = rng.choice(list(FrameState))
            assert ledger.close(seq, state) == (seq not in truth)
            truth.setdefault(seq, state)
        known = arrived | truth.keys()
        summary = ledger.summary()
        assert summary["captured"] == max(known, default=-1) + 1
        assert summary["in_flight"] == len(arrived - truth.keys()) == len(ledger.open_seqs())
        assert summary["unreported"] == len(ledger.unreported()) == summary["captured"] - len(known)
        assert summary["states"] == {str(s): list(truth.values()).count(s) for s in FrameState}
        assert summary["conserved"] == (summary["in_flight"] == summary["unreported"] == 0)


def test_many_leaps_make_no_more_holes_than_one():
    """A frame that leaps thousands of numbers, again and again, must not leave millions to be lost at the end."""
    ledger, seq = Ledger(), 0
    for _ in range(4):
        ledger.arrive(seq)
        ledger.close(seq, FrameState.REJECTED)
        seq += 3000
    with pytest.raises(WireError, match="8997 of them unreported") as caught:
        ledger.arrive(seq)
    assert caught.value.code == "seq"

    for hole in ledger.unreported():  # once they are reported, numbers may run on
        ledger.close(hole, FrameState.CLIENT_SKIPPED)
    ledger.arrive(seq)
