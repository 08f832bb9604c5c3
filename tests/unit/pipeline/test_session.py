"""One session, stepped by hand: the test plays the network and the lanes."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from livedance_lab.clock import ClockOffset
from livedance_lab.errors import EstimatorError, ImageError, SettingsError, WireError
from livedance_lab.estimators.base import Estimate
from livedance_lab.pose import FrameState
from livedance_lab.wire.frames import CountableFrameError
from tests.support.pipeline import JPEG, Stage, a_hand, a_pose, a_received_frame

PNG_20000 = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (20000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0" + b"\0" * 4


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_frame_becomes_a_result_with_all_its_times(stage):
    stage.send(0)
    stage.done(stage.take())

    (result,) = stage.heard.results
    t = result.record.times
    assert t.t_capture_s <= t.t_send_s <= t.t_receive_s < t.t_infer_start_s < t.t_infer_end_s <= t.t_emit_s
    assert math.isnan(t.t_result_s)
    assert stage.states == {"processed": 1}
    assert result.record.stage_ms["pose"] == 20.0
    (row,) = stage.logged()
    assert (row["seq"], row["state"], row["t_emit_s"]) == (0, "processed", t.t_emit_s)
    assert stage.logged("results")[0]["seq"] == 0


def test_a_newer_frame_supersedes_the_waiting_one_and_the_next_result_says_so(stage):
    for seq in range(3):
        stage.send(seq)
    stage.done(stage.take())

    assert [r.seq for r in stage.heard.results] == [2]
    assert stage.heard.closed == [(0, "superseded"), (1, "superseded")]
    assert stage.states == {"processed": 1, "superseded": 2}
    rows = {row["seq"]: row for row in stage.logged()}
    assert not math.isnan(rows[0]["t_capture_s"])  # its times are known, only its landmarks are not
    assert math.isnan(rows[0]["t_infer_start_s"])


def test_a_result_that_comes_after_a_newer_one_is_late_and_not_shown(stage):
    stage.send(0)
    older = stage.take()
    stage.send(1)
    newer = stage.take()
    stage.done(newer)
    stage.done(older)

    assert [r.seq for r in stage.heard.results] == [1]
    assert stage.states == {"processed": 1, "late": 1}


def test_results_leave_in_capture_order_whatever_the_lanes_do():
    for order in itertools.permutations(range(4)):
        stage = Stage()
        jobs = []
        for seq in range(4):
            stage.send(seq)
            jobs.append(stage.take())
        for index in order:
            stage.done(jobs[index])
        seqs = [r.seq for r in stage.heard.results]
        assert seqs == sorted(seqs)
        assert sum(stage.states.values()) == 4


@pytest.mark.parametrize(
    ("image", "code", "words"),
    [
        (b"", "empty", "0 bytes"),
        (JPEG[: len(JPEG) // 2], "broken", "cut off"),
        (b"GIF89a" + b"\0" * 50, "kind", "JPEG, PNG or WebP"),
        (PNG_20000, "size", "20000 x 20000"),
    ],
    ids=["empty", "truncated", "gif", "image bomb"],
)
def test_a_bad_picture_is_rejected_in_words_and_the_next_one_is_taken(stage, image, code, words):
    stage.send(0, image=image)
    stage.send(1)
    stage.done(stage.take())

    ((seq, state, said_code, message),) = stage.heard.refused
    assert (seq, state, said_code) == (0, "rejected", code)
    assert words in message
    assert stage.states == {"rejected": 1, "processed": 1}
    assert stage.logged()[0]["reason"].startswith(f"{code}: ")


def test_times_that_run_backwards_are_rejected_and_counted(stage):
    stage.send(0, 5.0)
    stage.send(1, 4.0)
    stage.send(2, 5.02)

    assert stage.heard.refused[0][:3] == (1, "rejected", "time")
    assert stage.states == {"rejected": 1, "superseded": 1}


def test_a_frame_of_which_only_the_number_could_be_read_is_rejected(stage):
    stage.session.reject(0, CountableFrameError(0, "time", "no time"), 40, stage.clock())

    assert stage.states == {"rejected": 1}
    assert stage.heard.refused[0][2] == "time"


def test_a_number_used_again_is_refused_and_changes_nothing(stage):
    stage.send(0)
    with pytest.raises(WireError, match="new seq"):
        stage.send(0, 7.0)

    assert stage.session.ledger.captured == 1
    stage.done(stage.take())
    assert stage.states == {"processed": 1}


def test_an_absurd_number_is_refused_and_changes_nothing(stage):
    for call in (lambda: stage.send(4_000_000_000), lambda: stage.session.skipped([(4_000_000_000, 0.0)]),
                 lambda: stage.session.resolve([4_000_000_000])):  # fmt: skip
        with pytest.raises(WireError, match="run ahead"):
            call()

    assert stage.session.ledger.summary()["conserved"]
    assert stage.session.ledger.captured == 0


def test_skipped_frames_are_counted_once_with_the_time_they_were_captured(stage):
    stage.session.set_clock(ClockOffset(1000.0, 0.001))
    stage.session.skipped([(0, 1.0), (1, 1.02)])
    stage.session.skipped([(1, 1.02)])  # told twice, after a reconnection

    assert stage.states == {"client_skipped": 2}
    assert [row["t_capture_s"] for row in stage.logged()] == [1001.0, 1001.02]


def test_a_frame_said_to_be_skipped_while_it_is_in_work_gives_no_result(stage):
    stage.send(0)
    job = stage.take()
    stage.session.skipped([(0, 0.0)])
    stage.done(job)

    assert stage.heard.results == []
    assert stage.states == {"client_skipped": 1}


# --- the end


def test_the_end_waits_for_frames_in_work(stage):
    stage.send(0)
    job = stage.take()
    stage.session.end(1)
    assert stage.heard.summaries == []

    stage.done(job)

    (summary,) = stage.heard.summaries
    assert summary["conserved"]
    assert summary["states"]["processed"] == 1


@pytest.mark.parametrize("how", ["done", "late", "failed", "skipped"])
def test_however_the_last_frame_ends_the_session_does(stage, how):
    stage.send(0)
    last = stage.take()
    if how == "late":
        stage.send(1)
        stage.done(stage.take())
    stage.session.end(2 if how == "late" else 1)
    assert not stage.session.ended

    if how in ("done", "late"):
        stage.done(last)
    elif how == "failed":
        stage.session.lane_failed(last, EstimatorError("no"))
    else:
        stage.session.skipped([(0, 0.0)])

    assert stage.session.ended
    assert stage.heard.summaries[0]["conserved"]


def test_what_never_arrived_is_lost_at_the_end(stage):
    stage.send(2)
    stage.done(stage.take())
    stage.session.end(5)

    assert stage.states == {"processed": 1, "lost": 4}
    assert stage.heard.summaries[0]["conserved"]
    assert {row["reason"] for row in stage.logged() if row["state"] == "lost"} == {"it never arrived"}


def test_after_the_end_nothing_is_taken_in(stage):
    stage.session.end(0)
    stage.session.end(0)  # said twice does no harm

    for call in (lambda: stage.send(0), lambda: stage.session.skipped([(0, 0.0)]),
                 lambda: stage.session.reject(0, ImageError("size", "too large"), 1, 0.0)):  # fmt: skip
        with pytest.raises(WireError, match="has ended") as caught:
            call()
        assert caught.value.code == "ended"
    assert len(stage.heard.summaries) == 1
    assert stage.session.ledger.summary() == stage.heard.summaries[0]


def test_an_end_that_contradicts_what_came_is_refused(stage):
    stage.send(0)
    stage.send(1)
    with pytest.raises(WireError, match="captured cannot be 1"):
        stage.session.end(1)

    stage.send(2)  # the session goes on
    stage.done(stage.take())
    stage.session.end(3)
    assert stage.session.ended


def test_an_abandoned_session_loses_what_waits_and_keeps_its_times(stage):
    stage.send(0)
    stage.send(1)
    stage.session.abandon()

    assert stage.session.ended
    assert stage.states == {"superseded": 1, "lost": 1}
    assert stage.heard.summaries[0]["conserved"]
    lost = stage.logged()[-1]
    assert lost["state"] == "lost"
    assert not math.isnan(lost["t_receive_s"])
    assert stage.session._slot.newest is None  # the picture's memory is free


def test_no_lanes_are_made_after_the_end(stage):
    stage.session.end(0)
    stage.session.start()  # a settings change or a hello that was late

    assert not stage.session.running
    assert not stage.session.ready


# --- reconnection


def test_on_reconnection_the_client_learns_what_became_of_its_frames(stage):
    stage.send(0)
    stage.done(stage.take())
    stage.send(1)  # waits still
    ends = stage.session.resolve([0, 1, 2])

    assert ends == [(0, "closed"), (2, "lost")]
    assert stage.states == {"processed": 1, "lost": 1}
    stage.done(stage.take())
    assert stage.states == {"processed": 2, "lost": 1}


# --- settings


def test_a_change_has_a_version_an_event_and_is_in_the_results_after_it(stage):
    stage.send(0)
    stage.done(stage.take())
    stage.session.change_settings({"visibility_threshold": 0.95}, by="test")
    stage.send(1)
    stage.done(stage.take())

    before, after = stage.heard.results
    assert (before.settings_version, after.settings_version) == (1, 2)
    assert np.isfinite(before.angles_deg).all()
    assert np.isnan(after.angles_deg).all()
    (event,) = stage.heard.named("settings", "changed")
    assert event["data"] == {"version": 2, "changes": {"visibility_threshold": 0.95}, "by": "test"}


@pytest.mark.parametrize(
    "wrong", [{"complexity": 7}, {"nonsense": 1}, {"smoothing": {"filter": "magic"}},
              {"smoothing": {"filter": "ema", "params": {"alpha": 7}}, "complexity": 0}],
)  # fmt: skip
def test_a_wrong_change_changes_nothing(stage, wrong):
    before = stage.session.settings
    with pytest.raises(SettingsError):
        stage.session.change_settings(wrong)

    assert stage.session.settings == before
    assert stage.session.settings_version == 1
    assert stage.heard.named("settings", "changed") == []


def test_a_change_to_the_same_is_none(stage):
    stage.session.change_settings({"complexity": 1})

    assert stage.session.settings_version == 1


# --- lanes that fail


def test_a_failed_pose_is_counted_and_said(stage):
    stage.send(0)
    stage.session.lane_failed(stage.take(), EstimatorError("the model is broken"))

    assert stage.heard.refused == [(0, "failed", "estimator", "the model is broken")]
    assert stage.states == {"failed": 1}


def test_a_failed_hands_inference_costs_no_frame(stage):
    stage.send(0)
    pose = stage.take()
    stage.session.lane_failed(stage.job(pose.received, "hands"), EstimatorError("no hands model"))
    stage.done(pose)

    assert stage.states == {"processed": 1}
    assert len(stage.heard.named("error", "hands failed")) == 1


def test_a_picture_bad_for_both_lanes_is_refused_once(stage):
    stage.send(0)
    pose = stage.take()
    for job in (pose, stage.job(pose.received, "hands")):
        stage.session.lane_failed(job, ImageError("broken", "half a picture"))

    assert len(stage.heard.refused) == 1
    assert stage.states == {"rejected": 1}


# --- hands


def test_a_hands_inference_that_finds_none_removes_them_in_every_design(stage):
    both = a_pose(hands=(a_hand("left", 0.7, 0.5),))
    stage.send(0)
    stage.done(stage.take(), a_pose())
    for seq, estimate in ((1, both), (2, a_pose())):
        stage.send(seq)
        stage.done(stage.take("both"), estimate)

    assert [r.hands_seq for r in stage.heard.results] == [-1, 1, -1]
    assert stage.session.status()["hands_per_s"] == 1.0  # two inferences in the window of two seconds


def test_hands_that_were_on_their_way_when_they_were_switched_off_are_not_shown(stage):
    stage.send(0)
    pose = stage.take()
    hands = stage.job(pose.received, "hands")
    stage.session.change_settings({"hands": False})
    stage.done(hands, Estimate(hands=(a_hand("left", 0.7, 0.5),)))
    stage.done(pose)

    assert stage.heard.results[0].hands_seq == -1


# --- the join design: two halves make a result


def halves(stage: Stage, policy: object, seq: int):
    stage.send(seq)
    pose = stage.take()
    hands = stage.job(pose.received, "hands")
    pose.joined_by = hands.joined_by = policy  # type: ignore[assignment]
    return pose, hands


@pytest.mark.parametrize("first", ["pose", "hands"])
def test_a_joined_result_waits_for_both_lanes(stage, first):
    policy = object()
    stage.send(0)
    stage.done(stage.take())  # a pose, so that the hand finds its wrist
    pose, hands = halves(stage, policy, 1)
    order = (pose, hands) if first == "pose" else (hands, pose)
    found = Estimate(hands=(a_hand("left", 0.7, 0.5),))
    stage.done(order[0], found if order[0] is hands else a_pose())
    assert len(stage.heard.results) == 1
    stage.done(order[1], found if order[1] is hands else a_pose())

    assert [(r.seq, r.hands_seq) for r in stage.heard.results] == [(0, -1), (1, 1)]
    assert not stage.session._emitter._waiting


@pytest.mark.parametrize("failing", ["pose", "hands"])
@pytest.mark.parametrize("first", ["pose", "hands"])
def test_when_one_half_fails_the_other_is_not_kept_for_ever(stage, failing, first):
    jobs = dict(zip(("pose", "hands"), halves(stage, object(), 0), strict=True))
    for kind in (first, "hands" if first == "pose" else "pose"):
        if kind == failing:
            stage.session.lane_failed(jobs[kind], EstimatorError("no"))
        else:
            stage.done(jobs[kind])

    assert stage.states == {"failed": 1}
    assert not stage.session._emitter._waiting


def test_after_a_change_of_design_only_frames_of_the_old_policy_fail(stage):
    old, new = object(), object()
    waits_in_vain, _ = halves(stage, old, 0)
    waits, its_hands = halves(stage, new, 1)
    stage.done(waits_in_vain)
    stage.done(waits)
    stage.session._emitter.fail_waiting(old)  # type: ignore[arg-type]
    stage.done(its_hands)

    assert stage.states == {"failed": 1, "processed": 1}
    assert [r.seq for r in stage.heard.results] == [1]


def test_a_decoupled_result_beside_a_new_design_that_joins_leaves_at_once(stage):
    """A result of the replaced lanes is treated by the design of those lanes."""
    stage.send(0)
    old = stage.take()
    halves(stage, object(), 1)
    stage.done(old)

    assert [r.seq for r in stage.heard.results] == [0]


# --- clock, marks, receipts, memory


def test_receipts_and_marks_are_on_the_servers_clock(stage):
    stage.session.set_clock(ClockOffset(1000.0, 0.002))
    stage.session.receipts([(0, 1.5, None)])
    stage.session.mark("jump", {"height_m": 0.4}, t_client_s=2.0)

    receipt = stage.logged("receipts")[0]
    assert receipt["t_result_s"] == 1001.5
    assert math.isnan(receipt["t_paint_s"])
    assert stage.heard.named("mark", "jump")[0]["t_s"] == 1002.0
    assert stage.heard.named("clock", "offset")[0]["data"] == {"offset_s": 1000.0, "uncertainty_s": 0.002}


def test_the_list_of_ends_to_tell_does_not_grow_without_limit(stage):
    for seq in range(5000):
        stage.send(seq)

    assert len(stage.session._accounting._closed) <= 2000
    stage.done(stage.take())
    assert stage.heard.closed[-1] == (4998, "superseded")


def test_a_listener_that_fails_costs_neither_count_nor_session(stage):
    """The lane reports the listener's error as its own; the frame was closed before."""
    stage.send(0)
    job = stage.take()
    stage.session.end(1)
    stage.heard.on_result = lambda *_: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        stage.done(job)
    stage.session.lane_failed(job, EstimatorError("inference failed: ZeroDivisionError"))

    assert sum(stage.states.values()) == 1
    assert stage.session.ledger.summary()["conserved"]
    assert len(stage.logged()) == 1  # and the log has a row for it, as for every frame
    assert stage.session.ended


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_every_frame_ends_once_and_the_log_agrees(seed):
    rng = random.Random(seed)
    stage, jobs, captured = Stage(), [], 0
    for _ in range(300):
        deed = rng.random()
        if deed < 0.45:
            stage.send(captured, image=rng.choice([JPEG, JPEG, JPEG, b"", PNG_20000]))
            captured += 1
        elif deed < 0.55:
            stage.session.skipped([(captured, captured / 50)])
            captured += 1
        elif deed < 0.6:
            captured += 1  # lost on the way
        elif deed < 0.8 and stage.waiting:
            jobs.append(stage.take())
        elif deed < 0.95 and jobs:
            stage.done(jobs.pop(rng.randrange(len(jobs))))
        elif jobs:
            error = rng.choice([EstimatorError("no"), ImageError("broken", "no")])
            stage.session.lane_failed(jobs.pop(rng.randrange(len(jobs))), error)
    stage.session.end(captured)
    while stage.waiting or jobs:
        stage.done(jobs.pop() if jobs else stage.take())

    (summary,) = stage.heard.summaries
    assert summary["conserved"]
    assert summary["captured"] == captured == sum(summary["states"].values())
    rows = stage.logged()
    assert sorted(row["seq"] for row in rows) == list(range(captured))
    assert {s: sum(row["state"] == s for row in rows) for s in map(str, FrameState)} == summary["states"]
    assert len(stage.heard.results) == summary["states"]["processed"] == len(stage.logged("results"))


def test_a_frame_is_decoded_once_for_all_its_lanes():
    received = a_received_frame(0)

    assert received.pixels() is received.pixels()
    assert {"decode", "downscale"} <= received.stage_ms.keys()
