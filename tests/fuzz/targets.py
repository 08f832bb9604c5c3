"""One function for each parser of bytes from outside: it accepts any bytes, or refuses them by a `LiveDanceError`.

A target raises what it finds: another exception, or a broken invariant (AssertionError).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from livedance_lab.errors import ImageError, LiveDanceError, SettingsError, WireError
from livedance_lab.estimators.replay import ReplayEstimator
from livedance_lab.media.images import check, decode_rgb
from livedance_lab.settings import Settings
from livedance_lab.wire.frames import decode_frame, decode_legacy_frame, encode_frame
from livedance_lab.wire.messages import LegacyFrame, encode_json, parse_client_message, parse_json
from livedance_lab.wire.results import decode_result
from livedance_lab.wire.results_binary import decode_binary_result
from tests.support.pipeline import Stage

__all__ = ["TARGETS"]

MAX_PIXELS = 2**16  # small, since thousands of pictures are tried


def frame(data: bytes) -> None:
    """Parse a binary message of a client."""
    try:
        header, image = decode_frame(data)
    except WireError:
        return
    assert data.endswith(image)
    assert math.isfinite(header.t_capture_s)
    assert decode_frame(encode_frame(header, image)) == (header, image)


def message(data: bytes) -> None:
    """Parse a text message of a client."""
    try:
        said = parse_client_message(data)
    except WireError:
        return
    if isinstance(said, LegacyFrame):
        try:
            decode_legacy_frame(said)
        except WireError:
            return
    else:
        assert parse_client_message(encode_json(said.model_dump())) == said


def picture(data: bytes) -> None:
    """Decode the picture of a frame."""
    try:
        kind, _, _ = check(data, MAX_PIXELS)
        rgb = decode_rgb(data, MAX_PIXELS)
    except ImageError:
        return
    assert kind in ("jpeg", "png", "webp")
    assert rgb.dtype == np.uint8
    assert 0 < rgb.shape[0] * rgb.shape[1] <= MAX_PIXELS


def landmarks(data: bytes) -> None:
    """Decode a picture that carries landmarks."""
    try:
        rgb = decode_rgb(data, MAX_PIXELS)
        ReplayEstimator().estimate(rgb, 0)
    except LiveDanceError:
        return


def settings(data: bytes) -> None:
    """Parse settings, and run a session of three frames with them."""
    try:
        chosen = Settings.parse(parse_json(data))
    except (WireError, SettingsError):
        return
    assert Settings.parse(chosen.plain()) == chosen
    try:
        stage = Stage(**chosen.plain())
    except SettingsError:  # of a filter's parameters, which only the filter knows
        return
    with np.errstate(all="ignore"):
        for seq in range(3):
            stage.send(seq)
            stage.done(stage.take())
    assert stage.states == {"processed": 3}


def result(data: bytes) -> None:
    """Parse a result, binary or text, as a client receives it."""
    for decode in (_binary_result, _text_result):
        try:
            decode(data)
        except WireError:
            continue


def _binary_result(data: bytes) -> Any:
    return decode_binary_result(data, 0.0)


def _text_result(data: bytes) -> Any:
    return decode_result(parse_json(data), 0.0)


def session(data: bytes) -> None:
    """Give a session frames, skips and ends in any order, with any numbers and times: every frame ends in one state."""
    stage = Stage(hands=False)
    waiting = []
    for step in range(0, len(data) - 4, 5):
        kind, number, low = struct.unpack_from("<BHH", data, step)
        near = number % 256  # a far leap leaves thousands of lost frames: few of them, or little else is tested
        try:
            if kind < 128:
                stage.send(near if kind < 120 else number, low / 50)
            elif kind < 160:
                stage.session.skipped([(near, low / 50), (low % 256, 0.0)])
            elif kind < 192:
                waiting += [stage.take()] if stage.session._slot.waiting is not None else []
            elif kind < 224:
                if waiting:
                    stage.done(waiting.pop(number % len(waiting)))
            elif kind < 240:
                stage.session.resolve([near, low])
            elif kind == 255:
                stage.session.end(near if low % 2 else number)
        except WireError:
            continue
    for job in waiting:
        stage.done(job)
    stage.session.abandon()
    assert stage.session.ledger.summary()["conserved"]
    assert len(stage.logged()) == stage.session.ledger.captured


TARGETS: dict[str, Callable[[bytes], None]] = {
    "frame": frame, "message": message, "picture": picture, "landmarks": landmarks, "settings": settings,
    "result": result, "session": session,
}  # fmt: skip
