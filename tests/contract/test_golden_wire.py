"""Bytes and texts of the protocol are fixed in data/golden/wire.json, by which the browser twin is tested as well.

After a wanted change of the protocol: ``python -m tests.contract.test_golden_wire`` writes the file again; then change
widgets/static/frames.js accordingly.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from livedance_lab.errors import WireError
from livedance_lab.pose import Body, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21
from livedance_lab.wire.frames import FrameHeader, decode_frame, encode_frame
from livedance_lab.wire.results import ResultMessage, decode_result, encode_result
from livedance_lab.wire.results_binary import decode_binary_result, encode_binary_result
from tests.support.results import result_of_one

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "wire.json"

HEADERS = {
    "first frame at time zero": FrameHeader(0, (640, 480), 0.0, 0.0),
    "usual": FrameHeader(1234, (1280, 720), 98.765432109, 98.771),
    "largest numbers": FrameHeader(2**32 - 1, (65535, 65535), 1e9, 1e9 + 0.004),
    "size as encoded, clock before zero": FrameHeader(7, (0, 0), -3.5, -3.25),
}
IMAGE = bytes.fromhex("ffd8ffe000104a464946ffd9")

BROKEN = {
    "empty": ("", "header"),
    "cut header": ("4c440101", "header"),
    "another magic": ("5858" + "01012000" + "00" * 26, "header"),
    "future version": ("4c44" + "02012000" + "00" * 26, "version"),
    "unknown kind": ("4c44" + "01092000" + "00" * 26, "kind"),
    "header longer than the message": ("4c44" + "01014000" + "00" * 26, "header"),
    "time is NaN": ("4c440101" + "2000" + "0000" + "05000000" + "00000000" + "000000000000f87f" + "00" * 8, "time"),
}


def body(rng: np.random.Generator, *, hidden: tuple[int, ...] = ()) -> Body:
    """A body; the `hidden` keypoints are NaN."""
    keypoints_px = rng.uniform(0, 480, (33, 3)).astype(np.float32)
    keypoints_px[list(hidden)] = np.nan
    return Body(
        keypoints_px=keypoints_px,
        world_m=rng.uniform(-1, 1, (33, 3)).astype(np.float32),
        visibility=rng.uniform(0, 1, 33).astype(np.float32),
        presence=rng.uniform(0, 1, 33).astype(np.float32),
        hands_px=np.stack([rng.uniform(0, 480, (21, 3)), np.full((21, 3), np.nan)]).astype(np.float32),
        hands_world_m=rng.uniform(-0.1, 0.1, (2, 21, 3)).astype(np.float32),
        hands_score=np.array([0.973, np.nan], np.float32),
    )


def result(seq: int, *, found: bool, hands_seq: int, hidden: tuple[int, ...] = ()) -> PoseResult:
    """A result with the same numbers in every run."""
    rng = np.random.default_rng(seq)
    times = FrameTimes(t_capture_s=10.0, t_send_s=10.006, t_receive_s=10.008, t_infer_start_s=10.009,
                       t_infer_end_s=10.036, t_emit_s=10.037)  # fmt: skip
    seen = body(rng, hidden=hidden) if found else Body()
    angles = rng.uniform(0, 180, 8).astype(np.float32)
    angles[[1, 4]] = np.nan
    return result_of_one(
        seq=seq, source_size_px=(640, 480), raw=seen, smooth=seen, angles_deg=angles, angles_smooth_deg=angles,
        flags=np.zeros(33, np.uint8), found=found, hands_seq=hands_seq, settings_version=3,
        record=FrameRecord(seq, FrameState.PROCESSED, times, stage_ms={"pose": 27.1234, "wait": 1.0}),
    )  # fmt: skip


def messages() -> dict[str, ResultMessage]:
    """Result messages by name."""
    ledger = {"captured": 12, **dict.fromkeys(map(str, FrameState), 0), "processed": 3, "client_skipped": 7}
    return {
        "whole body and one hand": ResultMessage(result(8, found=True, hands_seq=6), [], ledger),
        "some keypoints not seen, no hands": ResultMessage(
            result(9, found=True, hands_seq=-1, hidden=(0, 15, 32)), [(7, "superseded"), (8, "late")], ledger
        ),
        "nobody": ResultMessage(result(11, found=False, hands_seq=-1), [], ledger),
    }  # fmt: skip


def flat(values: object) -> list[float | None]:
    """Nested lists flattened in C order, null where JSON has null."""
    if isinstance(values, list):
        return [x for value in values for x in flat(value)]
    return [values]  # type: ignore[list-item]


def read_as(text: str) -> dict[str, object]:
    """The values that a reader must find in a result message."""
    message = json.loads(text)
    pose, hands = message["pose"], message["hands"]
    return {
        "seq": message["seq"],
        "found": message["found"],
        "keypoints_px_smooth": flat(pose["px"]) if pose else None,
        "visibility": pose["visibility"] if pose else None,
        "hands_px_smooth": flat(hands["px"]) if hands else None,
        "hands_seq": hands["seq"] if hands else None,
        "angles_smooth_deg": message["angles"]["smooth_deg"],
        "closed": message["closed"],
    }


def golden() -> dict[str, object]:
    """The content of the file."""
    return {
        "about": "Written by tests/contract/test_golden_wire.py from livedance_lab/wire/ and skeletons.py.",
        "frames": [
            {"name": name, "header": asdict(h), "image_hex": IMAGE.hex(), "message_hex": encode_frame(h, IMAGE).hex()}
            for name, h in HEADERS.items()
        ],
        "broken_frames": [{"name": name, "message_hex": m, "code": code} for name, (m, code) in BROKEN.items()],
        "results": [
            {
                "name": name,
                "text": encode_result(message),
                "binary_hex": encode_binary_result(message).hex(),
                "read_as": read_as(encode_result(message)),
            }
            for name, message in messages().items()
        ],
        "skeleton": {
            "pose_landmarks": BLAZEPOSE_33.landmarks,
            "pose_bones": BLAZEPOSE_33.bone_indices,
            "hand_bones": HAND_21.bone_indices,
        },
    }


def stored() -> dict[str, list[dict[str, object]]]:
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_codec_still_writes_the_golden_file():
    assert json.loads(json.dumps(golden())) == stored()


@pytest.mark.parametrize("case", stored()["frames"], ids=lambda case: case["name"])
def test_frames_are_read_as_they_were_written(case):
    header, image = decode_frame(bytes.fromhex(case["message_hex"]))

    assert json.loads(json.dumps(asdict(header))) == case["header"]
    assert image.hex() == case["image_hex"]


@pytest.mark.parametrize("case", stored()["broken_frames"], ids=lambda case: case["name"])
def test_broken_frames_are_refused_by_name(case):
    with pytest.raises(WireError) as caught:
        decode_frame(bytes.fromhex(case["message_hex"]))
    assert caught.value.code == case["code"]


@pytest.mark.parametrize("case", stored()["results"], ids=lambda case: case["name"])
def test_a_binary_result_carries_exactly_what_its_text_does(case):
    text = decode_result(json.loads(case["text"]), 1.5)
    binary = decode_binary_result(bytes.fromhex(case["binary_hex"]), 1.5)

    for name, expected in asdict(text).items():
        got = asdict(binary)[name]
        np.testing.assert_equal(got, expected, err_msg=name)
        if isinstance(expected, np.ndarray):
            assert (got.dtype, got.shape) == (expected.dtype, expected.shape), name


@pytest.mark.parametrize("case", stored()["results"], ids=lambda case: case["name"])
def test_a_binary_result_that_is_cut_anywhere_is_refused(case):
    message = bytes.fromhex(case["binary_hex"])
    for length in range(len(message)):
        with pytest.raises(WireError):
            decode_binary_result(message[:length], 1.5)


@pytest.mark.parametrize(("start", "code"), [("5858", "header"), ("4c440202", "version"), ("4c440101", "kind")])
def test_what_is_no_binary_result_is_refused_by_name(start, code):
    with pytest.raises(WireError) as caught:
        decode_binary_result(bytes.fromhex(start).ljust(400, b"\0"), 1.5)
    assert caught.value.code == code


def test_rounding_stays_below_the_models_noise():
    """2 decimals of a pixel: the error is at most half a hundredth, and NaN stays NaN."""
    exact = result(9, found=True, hands_seq=-1, hidden=(0, 15, 32)).smooth.keypoints_px.ravel()
    told = next(c for c in stored()["results"] if c["name"].startswith("some"))["read_as"]["keypoints_px_smooth"]

    for value, sent in zip(exact, told, strict=True):
        assert (sent is None) == math.isnan(value)
        assert sent is None or abs(sent - value) <= 0.0051


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n", encoding="utf-8")
