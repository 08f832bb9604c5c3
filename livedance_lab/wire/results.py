"""A result as the server sends it, as JSON text, and as a client receives it.

The binary form is in `livedance_lab.wire.results_binary`. The keys of version 1 of the protocol name smoothed values
without a suffix (``px``, ``world_m``) and raw ones with ``raw_``; the attributes of `WireResult` follow the rule of
the whole package: an unsuffixed name is as measured, ``_smooth`` is smoothed. The browser twin is
``widgets/static/results.js``; both are tested against ``data/golden/wire.json``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import ShapeError, WireError
from livedance_lab.pose import Body, BodyArrays, Flag, FloatArray, FrameTimes, PoseResult
from livedance_lab.skeletons import BLAZEPOSE_33
from livedance_lab.wire.messages import encode_json

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
    raw, smooth = result.raw, result.smooth
    return encode_json(
        {
            "type": "result",
            "seq": result.seq,
            "found": result.found,
            "size_px": result.source_size_px,
            "settings_version": result.settings_version,
            "times": {name: getattr(result.record.times, name) for name in FrameTimes.names()},
            "stage_ms": {k: round(v, 3) for k, v in result.record.stage_ms.items()},
            "pose": {
                "px": smooth.keypoints_px.round(2),
                "raw_px": raw.keypoints_px.round(2),
                "world_m": smooth.world_m.round(4),
                "raw_world_m": raw.world_m.round(4),
                "visibility": raw.visibility.round(3),
                "flags": result.flags,
            }
            if result.found
            else None,
            "hands": {
                "seq": result.hands_seq,
                "px": smooth.hands_px.round(2),
                "raw_px": raw.hands_px.round(2),
                "world_m": smooth.hands_world_m.round(4),
                "score": raw.hands_score.round(3),
            }
            if result.hands_seq >= 0
            else None,
            "angles": {"smooth_deg": result.angles_smooth_deg.round(2), "raw_deg": result.angles_deg.round(2)},
            "closed": message.closed,
            "ledger": message.ledger,
        }
    )


@dataclass(frozen=True)
class WireResult(BodyArrays):
    """A result as a client receives it; body arrays by name as in `livedance_lab.pose.BodyArrays`.

    Attributes
    ----------
    seq : int
    source_size_px : (int, int)
        Width and height of the camera image; the image landmarks are pixels of it.
    raw, smooth : Body
        As the model gave it, and after smoothing. The protocol carries neither `presence` nor the raw world landmarks
        of hands: they are NaN here, the log has them.
    angles_deg, angles_smooth_deg : ndarray of shape (A,), float32
        In the order of the session's angle names.
    flags : ndarray of shape (33,), uint8
        `livedance_lab.pose.Flag`.
    found : bool
        Whether a person was detected.
    hands_seq : int
        `seq` of the frame the hands belong to; -1 without hands.
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
    raw: Body
    smooth: Body
    angles_deg: FloatArray
    angles_smooth_deg: FloatArray
    flags: npt.NDArray[np.uint8]
    found: bool
    hands_seq: int
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
        Code "result": a part is missing or of another type.
    """
    try:
        return _result(data, t_result_s)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ShapeError) as exc:
        raise WireError("result", f"not a result of this protocol: {exc!r}."[:300]) from exc


def _result(data: dict[str, Any], t_result_s: float) -> WireResult:
    pose, hands = data["pose"] or {}, data["hands"] or {}

    def body(prefix: str) -> Body:
        return Body(**{
            name: np.array(source[key], dtype=np.float32)
            for name, source, key in (
                ("keypoints_px", pose, f"{prefix}px"),
                ("world_m", pose, f"{prefix}world_m"),
                ("visibility", pose, "visibility"),
                ("hands_px", hands, f"{prefix}px"),
                ("hands_world_m", hands, f"{prefix}world_m"),
                ("hands_score", hands, "score"),
            )
            if key in source
        })  # fmt: skip

    return WireResult(
        seq=data["seq"],
        source_size_px=tuple(data["size_px"]),
        raw=body("raw_"),
        smooth=body(""),
        angles_deg=np.array(data["angles"]["raw_deg"], dtype=np.float32),
        angles_smooth_deg=np.array(data["angles"]["smooth_deg"], dtype=np.float32),
        flags=np.array(pose.get("flags", [Flag.MISSING] * len(BLAZEPOSE_33)), dtype=np.uint8),
        found=data["found"],
        hands_seq=hands.get("seq", -1),
        settings_version=data["settings_version"],
        times=FrameTimes(**{k: math.nan if v is None else v for k, v in data["times"].items()}),
        t_result_s=t_result_s,
        stage_ms=data["stage_ms"],
        ledger=data["ledger"],
        closed=[(seq, state) for seq, state in data["closed"]],
    )
