"""Whatever comes from outside is taken or refused by an error of ours, and costs no more than its size allows."""

from __future__ import annotations

import json
import math
import tracemalloc
from contextlib import suppress
from dataclasses import asdict, replace

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livedance_lab.errors import SettingsError, WireError
from livedance_lab.media.images import decode_rgb, encode_jpeg, encode_png, encode_webp
from livedance_lab.pose import BODY_SHAPES, Body, Person
from livedance_lab.settings import Settings
from livedance_lab.wire.frames import FrameHeader, decode_frame, encode_frame, encode_legacy_frame
from livedance_lab.wire.messages import Hello, Mark, Receipts, Skipped, encode_json, parse_client_message, parse_json
from livedance_lab.wire.results import ResultMessage, decode_result, encode_result
from livedance_lab.wire.results_binary import decode_binary_result, encode_binary_result
from tests.fuzz import mutations
from tests.fuzz.properties import damaged, jsons, repeatable
from tests.fuzz.targets import TARGETS
from tests.support import pictures, wire_results
from tests.support.pipeline import LANDMARKS, Stage

FINITE = st.floats(allow_nan=False, allow_infinity=False)
HEADERS = st.builds(
    FrameHeader,
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1)),
    FINITE,
    FINITE,
)
A_FRAME = encode_frame(FrameHeader(7, (640, 480), 1.5, 1.6), LANDMARKS)
TEXTS = [
    b'{"type":"ping","t_s":1.5}', b'{"type":"hello","version":2,"token":"t","session":"s","settings":{"hands":false}}',
    b'{"type":"mark","name":"m","data":{"a":[1,{"b":null}]},"t_s":1}', b'{"type":"receipts","frames":[[1,2.5,null]]}',
    b'{"type":"skipped","frames":[[1,2.5]]}', b'{"type":"settings","changes":{"complexity":1},"by":"x"}',
    b'{"type":"clock","offset_s":1,"uncertainty_s":0.1}', b'{"type":"end","captured":5}',
    b'{"type":"follow","person":1}', encode_legacy_frame(FrameHeader(3, (0, 0), 1.5, 1.5), b"picture").encode(),
]  # fmt: skip
SMALL_PICTURES = [case.image for case in [*pictures.usual(), *pictures.hostile()] if 0 < len(case.image) < 5000]


def a_result(hands: bool = True):
    stage = Stage(hands=hands)
    stage.send(0)
    stage.done(stage.take("both"))
    return stage.heard.results[-1]


@repeatable
@given(HEADERS, st.binary(max_size=100))
def test_a_frame_comes_back_as_it_was_sent(header, image):
    assert decode_frame(encode_frame(header, image)) == (header, image)


SEQS = st.integers(0, 2**32 - 1)
CLOSED = st.lists(st.tuples(SEQS, st.sampled_from(["lost", "late", "rejected"])), max_size=20)
PEOPLE = st.lists(
    st.tuples(st.integers(1, 2**32 - 1), SEQS | st.just(-1), st.floats(0, 1) | st.just(math.nan)),
    max_size=6, unique_by=lambda person: person[0],
)  # fmt: skip
"""Of each person: id, seq of the hands, score."""


@repeatable
@given(PEOPLE, st.integers(0, 20), st.integers(0, 2**32 - 1), CLOSED, st.sampled_from([1.0, 1e-6, 1e30, math.inf]))
def test_a_result_comes_back_the_same_in_both_forms(drawn, n_angles, followed_id, closed, size):
    result, rng = a_result(), np.random.default_rng(len(closed))
    people = tuple(
        Person(
            person_id, *(Body(**{name: size * rng.normal(size=shape).astype(np.float32)
                                 for name, shape in BODY_SHAPES.items()}) for _ in range(2)),
            *(180 * rng.uniform(size=(2, n_angles)).astype(np.float32)), rng.integers(0, 6, 33).astype(np.uint8),
            hands_seq, score,
        )
        for person_id, hands_seq, score in drawn
    )  # fmt: skip
    result = replace(result, people=people, followed_id=followed_id, n_angles=n_angles)
    ledger = {"captured": 1, **Stage().session.ledger.summary()["states"]}
    text = decode_result(parse_json(encode_result(ResultMessage(result, closed, ledger))), 1.0)
    binary = decode_binary_result(encode_binary_result(ResultMessage(result, closed, ledger)), 1.0)
    assert text.closed == binary.closed == closed
    assert [(p.id, p.hands_seq) for p in binary.people] == [(p.id, p.hands_seq) for p in people]
    if size < math.inf:  # JSON has no infinity
        np.testing.assert_equal(asdict(binary), asdict(text))


GOOD = {
    "frame": [A_FRAME], "message": TEXTS, "picture": SMALL_PICTURES, "landmarks": [LANDMARKS],
    "settings": [json.dumps(Settings().plain()).encode(), *(json.dumps(s).encode() for s in mutations.SETTINGS)],
    "result": [encode_result(ResultMessage(a_result(), [(3, "lost")], {"captured": 1})).encode(),
               encode_binary_result(ResultMessage(a_result(), [(3, "lost")], {"captured": 1})),
               encode_binary_result(ResultMessage(wire_results.a_result(1, 2), [], {"captured": 1}))],
    "session": [bytes([0, 0, 0, 1, 0, 170, 0, 0, 0, 0, 200, 0, 0, 0, 0, 1, 1, 0, 2, 0, 255, 2, 0, 0, 0])],
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_taken_or_refused_in_words(name):
    @repeatable
    @given(damaged(GOOD[name]))
    def holds(data):
        TARGETS[name](data)

    holds()


@pytest.mark.parametrize("name", ["message", "settings", "result"])
def test_any_json_is_taken_or_refused_in_words(name):
    kinds = st.sampled_from([json.loads(text).get("type") for text in TEXTS])

    @repeatable
    @given(jsons, kinds, st.sampled_from(list(Settings.model_fields)))
    def holds(value, kind, field):
        for said in (value, {"type": kind, "frames": value, "changes": value, "t_s": value}, {field: value}):
            TARGETS[name](json.dumps(said).encode())  # not orjson's: it would write null for NaN

    holds()


@repeatable
@given(jsons | st.sampled_from(mutations.SETTINGS))
@example({"smoothing": {"filter": "ema", "params": {"alpha": 1e-320}}})
@example({"hands": True})
def test_a_change_leaves_the_settings_it_was_made_from_as_they_were(value):
    """Settings are frozen, but the parameters in them are a dict: the two must not share it."""
    changes = value if isinstance(value, dict) else {"smoothing": value}
    smoothing = {"filter": "one_euro", "params": {"beta": 9.0}, "groups": {"hands": {"filter": "ema"}}}
    before, same = Settings(smoothing=smoothing), Settings(smoothing=smoothing)
    with suppress(SettingsError):
        after = before.changed(changes)
        assert Settings().changed(after.plain()) == after
        after.smoothing.params["beta"] = 1.0
        after.smoothing.groups.clear()
    assert before == same


@pytest.mark.parametrize("encode", [encode_jpeg, encode_png, encode_webp])
def test_pictures_of_any_size_come_back_in_their_size(encode):
    @repeatable
    @given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 255))
    def holds(width, height, grey):
        rgb = np.full((height, width, 3), grey, np.uint8)
        assert np.abs(decode_rgb(encode(rgb)).astype(int) - rgb).max() <= 3

    holds()


@pytest.mark.parametrize(
    "said",
    [Hello(type="hello", version=2, unanswered=list(range(10_000))),
     Mark(type="mark", name="m", data={"a": "x" * 10**6}),
     Receipts(type="receipts", frames=[(n, 1.5, 2.5) for n in range(10_000)]),
     Skipped(type="skipped", frames=[(n, 1.5) for n in range(10_000)])],
    ids=lambda said: said.type,
)  # fmt: skip
def test_the_largest_messages_there_are_pass(said):
    assert parse_client_message(encode_json(said.model_dump())) == said


BLOWN_UP = {
    "lists": b'{"type":"mark","name":"m","data":{"a":[' + b"[]," * 2_000_000 + b"[]]}}",
    "objects": b'{"type":"mark","name":"m","data":{"a":[' + b"{}," * 2_000_000 + b"{}]}}",
    "depth": b'{"a":' * 500_000,
    "brackets": b"[" * 5_000_000,
    "numbers": b'{"type":"receipts","frames":[' + b"[1,1,1]," * 500_000 + b"[1,1,1]]}",
    "keys": b"{" + b",".join(b'"%d":0' % n for n in range(300_000)) + b"}",
    "one number": b'{"type":"ping","t_s":' + b"9" * 5_000_000 + b"}",
    "one word": b'{"type":"' + b"x" * 5_000_000 + b'"}',
}


@pytest.mark.parametrize("name", BLOWN_UP)
def test_no_text_takes_much_more_memory_than_its_size(name):
    text = BLOWN_UP[name]
    tracemalloc.start()
    try:
        with pytest.raises(WireError) as caught:
            parse_client_message(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * len(text) + 2**20  # reading JSON takes twelve times its size, whatever is in it
    assert len(str(caught.value)) < 1000


def test_a_frame_takes_no_more_memory_than_its_picture_again():
    message = A_FRAME + bytes(8_000_000)
    tracemalloc.start()
    try:
        decode_frame(message)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * len(message)


def test_orjson_is_as_strict_as_the_protocol_says():
    """Which of these it refuses is what the server's answers rest on."""
    for text in (b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'"\\ud800"', b'{"a":"\xff"}', b'{"a":01}'):
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(text)
