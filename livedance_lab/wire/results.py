"""A result as the server sends it, as JSON text, and as a client receives it.

The binary form is in `livedance_lab.wire.results_binary`; both have the same names and values, and the same rule as the
whole package: an unsuffixed name is as measured, ``_smooth`` is smoothed. The browser twin is
``widgets/static/results.js``; both are tested against ``data/golden/wire.json``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from livedance_lab.errors import ShapeError, WireError
from livedance_lab.pose import Body, FloatArray, FrameTimes, PeopleOfFrame, Person, PoseResult
from livedance_lab.wire.messages import PROTOCOL_VERSION, encode_json, version_refusal

__all__ = ["ResultMessage", "WireResult", "decode_result", "encode_result"]


@dataclass(frozen=True)
class ResultMessage:
    """The content of a "result" message.

    Attributes
    ----------
    result : PoseResult
    closed : list of (seq, state)
        Frames that ended without a result of their own since the last result.
    ledger : dict of str to int
        Number of frames captured so far, and by state.
    """

    result: PoseResult
    closed: list[tuple[int, str]]
    ledger: dict[str, int]


def encode_result(message: ResultMessage) -> str:
    """Return a "result" message as JSON text.

    Pixel values keep 2 decimals, metres 4, degrees 2: the rounding is far below the model's own noise. The log keeps
    all digits.
    """
    result = message.result
    return encode_json(
        {
            "type": "result",
            "version": PROTOCOL_VERSION,
            "seq": result.seq,
            "size_px": result.source_size_px,
            "settings_version": result.settings_version,
            "times": {name: getattr(result.record.times, name) for name in FrameTimes.names()},
            "stage_ms": {k: round(v, 3) for k, v in result.record.stage_ms.items()},
            "n_angles": result.n_angles,
            "followed_id": result.followed_id,
            "people": [_encode_person(person) for person in result.people],
            "closed": message.closed,
            "ledger": message.ledger,
        }
    )


def _encode_person(person: Person) -> dict[str, Any]:
    raw, smooth = person.raw, person.smooth
    return {
        "id": person.id,
        "score": round(person.score, 3),
        "keypoints_px": raw.keypoints_px.round(2),
        "keypoints_px_smooth": smooth.keypoints_px.round(2),
        "world_m": raw.world_m.round(4),
        "world_m_smooth": smooth.world_m.round(4),
        "visibility": raw.visibility.round(3),
        "flags": person.flags,
        "angles_deg": person.angles_deg.round(2),
        "angles_smooth_deg": person.angles_smooth_deg.round(2),
        "hands": {
            "seq": person.hands_seq,
            "px": raw.hands_px.round(2),
            "px_smooth": smooth.hands_px.round(2),
            "world_m_smooth": smooth.hands_world_m.round(4),
            "score": raw.hands_score.round(3),
        }
        if person.hands_seq >= 0
        else None,
    }


@dataclass(frozen=True)
class WireResult(PeopleOfFrame):
    """A result as a client receives it; `PeopleOfFrame` names the values of the followed person.

    The protocol carries neither `presence` nor the raw world landmarks of hands: they are NaN here, the log has them.

    Attributes
    ----------
    seq : int
    source_size_px : (int, int)
        Width and height of the camera image; the image landmarks are pixels of it.
    people : tuple of Person
        Everybody whom the frame shows, in order of their ids.
    followed_id : int
        The person whose values the result itself has; 0 before anybody was seen.
    n_angles : int
        Number of the session's joint angles.
    settings_version : int
    times : FrameTimes
        Server clock; `t_result_s` and `t_paint_s` are NaN here.
    t_result_s : float
        When the message arrived, client clock.
    stage_ms : dict of str to float
        Duration of each processing stage, milliseconds.
    ledger, closed
        As in `ResultMessage`.
    """

    seq: int
    source_size_px: tuple[int, int]
    people: tuple[Person, ...]
    followed_id: int
    n_angles: int
    settings_version: int
    times: FrameTimes
    t_result_s: float
    stage_ms: dict[str, float]
    ledger: dict[str, int]
    closed: list[tuple[int, str]]


def decode_result(data: dict[str, Any], t_result_s: float) -> WireResult:
    """Decode a "result" message that `encode_result` wrote; null becomes NaN.

    Parameters
    ----------
    data : dict
        The message's JSON object.
    t_result_s : float
        When the message arrived, client clock.

    Raises
    ------
    WireError
        Code "version": the message has another version. Code "result": a part is missing or of another type.
    """
    version = data.get("version", 1)  # version 1 did not write it
    if version != PROTOCOL_VERSION:
        raise WireError("version", version_refusal(version))
    try:
        return _result(data, t_result_s)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ShapeError) as exc:
        raise WireError("result", f"not a result of this protocol: {exc!r}."[:300]) from exc


def _result(data: dict[str, Any], t_result_s: float) -> WireResult:
    return WireResult(
        seq=data["seq"],
        source_size_px=tuple(data["size_px"]),
        people=tuple(_decode_person(person, data["n_angles"]) for person in data["people"]),
        followed_id=data["followed_id"],
        n_angles=data["n_angles"],
        settings_version=data["settings_version"],
        times=FrameTimes(**{k: math.nan if v is None else v for k, v in data["times"].items()}),
        t_result_s=t_result_s,
        stage_ms=data["stage_ms"],
        ledger=data["ledger"],
        closed=[(seq, state) for seq, state in data["closed"]],
    )


def _decode_person(data: dict[str, Any], n_angles: int) -> Person:
    hands, visibility, score = data["hands"], _floats(data["visibility"]), data["score"]
    raw = {"keypoints_px": _floats(data["keypoints_px"]), "world_m": _floats(data["world_m"])}
    smooth = {"keypoints_px": _floats(data["keypoints_px_smooth"]), "world_m": _floats(data["world_m_smooth"])}
    if hands is not None:
        raw["hands_px"], smooth["hands_px"] = _floats(hands["px"]), _floats(hands["px_smooth"])
        smooth["hands_world_m"] = _floats(hands["world_m_smooth"])
        raw["hands_score"] = smooth["hands_score"] = _floats(hands["score"])
    return Person(
        id=data["id"],
        raw=Body(**raw, visibility=visibility),
        smooth=Body(**smooth, visibility=visibility),
        angles_deg=_floats(data["angles_deg"]).reshape(n_angles),
        angles_smooth_deg=_floats(data["angles_smooth_deg"]).reshape(n_angles),
        flags=np.array(data["flags"], dtype=np.uint8).reshape(visibility.shape),
        hands_seq=-1 if hands is None else hands["seq"],
        score=math.nan if score is None else score,
    )


def _floats(values: list[Any]) -> FloatArray:
    return np.array(values, dtype=np.float32)
