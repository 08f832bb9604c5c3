"""Counting unanswered frames and deciding whether one more may be sent, step by step."""

from __future__ import annotations

import math

import pytest

from livedance_lab.client.frame_credit import ESCAPE_S, FrameCredit


def sent(credit: FrameCredit, now_s: float = 0.0) -> int:
    seq = credit.capture()
    credit.send(seq, now_s)
    return seq


def test_frames_are_numbered_from_zero_sent_or_not():
    credit = FrameCredit()
    assert [credit.capture() for _ in range(3)] == [0, 1, 2]
    credit.skip(1, 0.5)
    assert credit.capture() == 3


def test_paced_lets_no_more_go_than_the_window():
    credit = FrameCredit("paced", window=2)
    for _ in range(2):
        assert credit.may_send(0.0, socket_busy=False)
        sent(credit)

    assert not credit.may_send(0.0, socket_busy=False)
    credit.answer(0)
    assert credit.may_send(0.0, socket_busy=False)


def test_free_lets_everything_go_but_not_into_a_full_socket():
    credit = FrameCredit("free")
    for _ in range(50):
        sent(credit)

    assert credit.may_send(0.0, socket_busy=False)
    assert not credit.may_send(0.0, socket_busy=True)


def stream(
    credit: FrameCredit, *, from_s: int, seconds: int, results_hz: int, round_trip_s: float = 0.002
) -> list[str]:
    """Return the reports of switches during some seconds at 60 frames/s."""
    reports = []
    for second in range(from_s, from_s + seconds):
        for _ in range(60):
            credit.gauge.offered()
        for _ in range(results_hz):
            credit.gauge.result(0.028)
        if switch := credit.reconsider(second + 1.0, round_trip_s):
            reports.append(switch)
    return reports


def test_auto_measures_the_stream_itself_and_says_why_it_paces():
    credit = FrameCredit("auto")
    assert not credit.is_paced
    credit.reconsider(0.0, math.nan)
    (report,) = stream(credit, from_s=0, seconds=4, results_hz=36)

    assert credit.is_paced
    assert report == {"type": "pacing", "to": "paced", "reason": "frames are overtaken, the round trip is short",
                    "round_trip_s": 0.002, "offered_hz": 60.0, "results_hz": 36.0, "server_s": 0.028, "window": 1,
                    "load": 60 / 36}  # fmt: skip


def test_auto_does_not_judge_by_what_it_saw_before_it_was_chosen():
    """What is measured while another pacing is chosen is not kept either: a stream may last for hours."""
    credit = FrameCredit("free")
    stream(credit, from_s=0, seconds=9, results_hz=60)
    credit.pacing = "auto"
    (report,) = stream(credit, from_s=9, seconds=2, results_hz=36)
    assert report["results_hz"] == 36


@pytest.mark.parametrize(("pacing", "paced"), [("paced", True), ("free", False)])
def test_a_chosen_pacing_is_obeyed_whatever_is_measured(pacing, paced):
    credit = FrameCredit(pacing)
    assert stream(credit, from_s=0, seconds=9, results_hz=36) == []
    assert credit.is_paced is paced


def test_another_session_begins_unpaced_its_log_knows_of_no_switch():
    credit = FrameCredit("auto")
    stream(credit, from_s=0, seconds=5, results_hz=36)
    credit.connected(0, [], resumed=True)
    assert credit.is_paced
    credit.connected(0, [], resumed=False)
    assert not credit.is_paced


def test_an_answer_answers_everything_before_it():
    credit = FrameCredit()
    for _ in range(5):
        sent(credit)
    credit.answer(3)

    assert set(credit.unanswered) == {4}
    assert credit.answered == 4
    credit.answer(3)  # a repeated answer
    assert credit.answered == 4


def test_an_answer_that_never_comes_does_not_stop_the_stream():
    credit = FrameCredit("paced")
    sent(credit, now_s=10.0)

    assert not credit.may_send(10.0 + ESCAPE_S - 0.01, socket_busy=False)
    assert credit.may_send(10.0 + ESCAPE_S + 0.01, socket_busy=False)
    sent(credit, now_s=10.0 + ESCAPE_S + 0.01)
    assert not credit.may_send(10.0 + ESCAPE_S + 0.02, socket_busy=False)  # one more, not all


def test_skipped_frames_are_reported_once_in_pieces():
    credit = FrameCredit()
    for _ in range(12):
        credit.skip(credit.capture(), 1.5)

    reports = credit.take_skipped(most=5) + credit.take_skipped(most=5) + credit.take_skipped(most=5)
    assert [seq for seq, _ in reports] == list(range(12))
    assert credit.take_skipped() == []


def test_after_a_reconnection_the_last_reports_are_repeated():
    """The reports before the break may be lost."""
    credit = FrameCredit()
    credit.skip(credit.capture(), 0.0)
    credit.take_skipped()
    credit.skip(credit.capture(), 0.1)
    credit.connected(1, [], resumed=True)

    assert credit.take_skipped() == [(0, 0.0), (1, 0.1)]


def test_repeated_reports_have_a_limit():
    credit = FrameCredit()
    for _ in range(10):
        for _ in range(1000):
            credit.skip(credit.capture(), 0.0)
        while credit.take_skipped():
            pass
    credit.connected(0, [], resumed=True)

    assert len(credit.take_skipped(10**6)) <= 1000


def test_a_client_that_resumes_goes_on_with_its_own_numbers():
    credit = FrameCredit()
    for _ in range(10):
        sent(credit)
    credit.connected(8, [3, 7], resumed=True)

    assert credit.capture() == 10
    assert 7 not in credit.unanswered
    assert 9 in credit.unanswered
    assert credit.answered == 2


def test_a_client_new_to_a_session_numbers_on_from_the_last_one():
    credit = FrameCredit()
    credit.connected(240, [], resumed=True)

    assert credit.capture() == 240


def test_where_the_server_has_forgotten_the_session_numbers_begin_again():
    """A restarted server would reject frame 20000, and all later ones, as an absurd jump."""
    credit = FrameCredit("paced")
    for _ in range(20_000):
        credit.capture()
    sent(credit)
    credit.skip(credit.capture(), 0.0)
    credit.connected(0, [], resumed=False)

    assert credit.take_skipped() == []
    assert credit.may_send(0.0, socket_busy=False)
    assert credit.capture() == 0
