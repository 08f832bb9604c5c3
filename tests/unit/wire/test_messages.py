"""Valid messages are parsed; all others raise a `WireError` with an explanation, and no other exception."""

from __future__ import annotations

import json

import pytest

from livedance_lab.errors import WireError
from livedance_lab.wire import messages as m

NESTED = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"type": "hello", "version": 2}', m.Hello),
        ('{"type": "ping", "t_s": 1.5}', m.Ping),
        ('{"type": "clock", "offset_s": -2, "uncertainty_s": 0}', m.Clock),
        ('{"type": "receipts", "frames": [[1, 2.5, null]]}', m.Receipts),
        ('{"type": "skipped", "frames": [[7, 0.1]]}', m.Skipped),
        ('{"type": "settings", "changes": {"complexity": 0}}', m.SettingsChange),
        ('{"type": "follow", "person": 2}', m.Follow),
        ('{"type": "mark", "name": "jump", "data": {"height_m": 0.3}}', m.Mark),
        ('{"type": "stats", "values": {"camera_hz": 29.97, "codec": null}}', m.Stats),
        ('{"type": "end", "captured": 0}', m.End),
        ('{"image": "data:,", "timestamp": 12, "sequence": 3, "more": "as the demo liked"}', m.LegacyFrame),
    ],
)
def test_every_message_is_understood(text, kind):
    assert isinstance(m.parse_client_message(text), kind)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "json", "JSON object was expected"),
        ("hello", "json", "JSON object was expected"),
        ("[1, 2]", "json", "got list"),
        ('{"type": "ping", "t_s": NaN}', "json", "JSON object was expected"),
        ('{"type": "ping", "t_s": 1e999}', "json", "JSON object was expected"),
        ('{"type": "wave"}', "message", "wave.*expected tags: 'hello', 'ping'"),
        ('{"type": null}', "message", "expected tags"),
        ("{}", "message", "type"),
        ('{"type": "ping", "t_s": 1, "x": 2}', "message", r"ping\.x"),
        ('{"type": "ping"}', "message", r"ping\.t_s"),
        ('{"type": "hello", "version": 2, "session": "../etc/passwd"}', "message", r"hello\.session"),
        ('{"type": "hello", "version": 2, "session": "a\\n"}', "message", r"hello\.session"),
        ('{"type": "skipped", "frames": [[-1, 0]]}', "message", r"skipped\.frames"),
        ('{"type": "skipped", "frames": [[4294967296, 0]]}', "message", r"skipped\.frames"),
        ('{"type": "clock", "offset_s": 1e300, "uncertainty_s": 0}', "message", r"clock\.offset_s"),
        ('{"type": "follow", "person": 0}', "message", r"follow\.person"),
        ('{"type": "follow", "person": "first"}', "message", r"follow\.person"),
        ('{"type": "mark", "name": ""}', "message", r"mark\.name"),
        ('{"image": 1, "timestamp": 2, "sequence": 3}', "message", "image"),
        ('{"type": "mark", "name": "a", "data": {"x": DEEP}}', "message", "nested deeper than 20"),
        ('{"type": "settings", "changes": {"x": DEEP}}', "message", "nested deeper than 20"),
        ('{"type": "hello", "version": 2, "settings": {"x": DEEP}}', "message", "nested deeper than 20"),
        ('{"type": DEEP}', "message", "not understood"),
        ("[" * 100_000, "json", "JSON object was expected"),
    ],
)
def test_what_is_not_understood_is_refused_in_words(text, code, words):
    with pytest.raises(WireError, match=words) as caught:
        m.parse_client_message(text.replace("DEEP", NESTED))

    assert caught.value.code == code
    assert len(str(caught.value)) <= 500


def test_a_message_may_be_an_object_already():
    assert m.parse_client_message({"type": "ping", "t_s": 1.0}) == m.Ping(type="ping", t_s=1.0)


def test_invalid_utf8_is_no_json():
    with pytest.raises(WireError) as caught:
        m.parse_json(b'{"type": "\xff"}')
    assert caught.value.code == "json"


def test_twenty_levels_are_enough_for_anybody():
    data: dict = {}
    for _ in range(18):
        data = {"in": data}
    mark = m.parse_client_message(json.dumps({"type": "mark", "name": "a", "data": data}))

    assert mark.data == data
