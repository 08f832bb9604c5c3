"""Bytes and texts of the protocol are fixed in data/golden/wire.json, by which the browser twin is tested as well.

After a wanted change of the protocol: ``python -m tests.contract.test_golden_wire`` writes the file again; then change
the JavaScript twins in widgets/static accordingly.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from livedance_lab.errors import WireError
from livedance_lab.pose import Body, FrameRecord, FrameState, FrameTimes, Person, PoseResult
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21
from livedance_lab.wire.frames import FrameHeader, decode_frame, encode_frame
from livedance_lab.wire.results import ResultMessage, decode_result, encode_result
from livedance_lab.wire.results_binary import decode_binary_result, encode_binary_result
from tests.support.wire_results import Blocks, with_blocks

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "wire.json"

HEADERS = {
    "first frame at time zero": FrameHeader(0, (640, 480), 0.0, 0.0),
    "usual": FrameHeader(1234, (1280, 720), 98.765432109, 98.771),
    "largest numbers": FrameHeader(2**32 - 1, (65535, 65535), 1e9, 1e9 + 0.004),
    "size as encoded, clock before zero": FrameHeader(7, (0, 0), -3.5, -3.25),
}
HIDDEN = (0, 15, 32)
IMAGE = bytes.fromhex("ffd8ffe000104a464946ffd9")

BROKEN = {
    "empty": ("", "header"),
    "cut header": ("4c440201", "header"),
    "another magic": ("5858" + "02012000" + "00" * 26, "header"),
    "version 1": ("4c44" + "01012000" + "00" * 26, "version"),
    "future version": ("4c44" + "03012000" + "00" * 26, "version"),
    "unknown kind": ("4c44" + "02092000" + "00" * 26, "kind"),
    "header longer than the message": ("4c44" + "02014000" + "00" * 26, "header"),
    "time is NaN": ("4c440201" + "2000" + "0000" + "05000000" + "00000000" + "000000000000f87f" + "00" * 8, "time"),
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


def person(rng: np.random.Generator, person_id: int, *, hands_seq: int, hidden: tuple[int, ...] = ()) -> Person:
    """A person; the `hidden` keypoints are NaN."""
    raw, smooth = body(rng, hidden=hidden), body(rng, hidden=hidden)
    angles = rng.uniform(0, 180, (2, 8)).astype(np.float32)
    angles[:, [1, 4]] = np.nan
    flags = rng.integers(0, 6, 33).astype(np.uint8)
    return Person(person_id, raw, smooth, *angles, flags, hands_seq, rng.uniform() if person_id > 1 else math.nan)


def result(seq: int, *people: Person, followed_id: int = 1) -> PoseResult:
    """A result with the same numbers in every run."""
    times = FrameTimes(t_capture_s=10.0, t_send_s=10.006, t_receive_s=10.008, t_infer_start_s=10.009,
                       t_infer_end_s=10.036, t_emit_s=10.037)  # fmt: skip
    return PoseResult(
        seq=seq, source_size_px=(640, 480), people=people, followed_id=followed_id, n_angles=8, settings_version=3,
        record=FrameRecord(seq, FrameState.PROCESSED, times, stage_ms={"pose": 27.1234, "wait": 1.0}),
    )  # fmt: skip


def messages() -> dict[str, ResultMessage]:
    """Result messages by name."""
    ledger = {"captured": 12, **dict.fromkeys(map(str, FrameState), 0), "processed": 3, "client_skipped": 7}
    rng = np.random.default_rng(8)
    return {
        "one person with one hand": ResultMessage(result(8, person(rng, 1, hands_seq=6)), [], ledger),
        "some keypoints not seen, no hands": ResultMessage(
            result(9, person(rng, 1, hands_seq=-1, hidden=HIDDEN)), [(7, "superseded"), (8, "late")], ledger
        ),
        "nobody": ResultMessage(result(11), [], ledger),
        "two people, one without hands": ResultMessage(
            result(12, person(rng, 2, hands_seq=11), person(rng, 5, hands_seq=-1), followed_id=5), [], ledger
        ),
        "the followed person is not there": ResultMessage(result(13, person(rng, 2, hands_seq=-1)), [], ledger),
    }  # fmt: skip


def with_unknown_blocks(blocks: Blocks) -> Blocks:
    """Blocks as a later server may send them: some that a reader of today does not know."""
    return [("odd", "u1", (3,), b"abc"), *blocks, ("lifted_m", "f4", (2, 33, 3), bytes(792)), ("n", "i8", (), bytes(8))]


def flat(values: object) -> list[float | None]:
    """Nested lists flattened in C order, null where JSON has null."""
    if isinstance(values, list):
        return [x for value in values for x in flat(value)]
    return [values]  # type: ignore[list-item]


def read_as(text: str) -> dict[str, object]:
    """The values that a reader must find in a result message."""
    message = json.loads(text)
    return {
        "seq": message["seq"],
        "followed_id": message["followed_id"],
        "people": [
            {
                "id": person["id"],
                "score": person["score"],
                "keypoints_px_smooth": flat(person["keypoints_px_smooth"]),
                "visibility": person["visibility"],
                "flags": person["flags"],
                "angles_smooth_deg": person["angles_smooth_deg"],
                "hands_seq": person["hands"] and person["hands"]["seq"],
                "hands_px_smooth": person["hands"] and flat(person["hands"]["px_smooth"]),
            }
            for person in message["people"]
        ],
        "closed": message["closed"],
    }


def of_result(name: str, message: ResultMessage, change: Callable[[Blocks], Blocks] = list) -> dict[str, object]:
    """A case of the file."""
    text, binary = encode_result(message), with_blocks(encode_binary_result(message), change)
    return {"name": name, "text": text, "binary_hex": binary.hex(), "read_as": read_as(text)}


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
            *(of_result(name, message) for name, message in messages().items()),
            of_result("unknown blocks", messages()["two people, one without hands"], with_unknown_blocks),
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

    np.testing.assert_equal(asdict(binary), asdict(text))
    for got, expected in zip(binary.people, text.people, strict=True):
        for name, array in asdict(expected.raw).items():
            assert (asdict(got.raw)[name].dtype, asdict(got.raw)[name].shape) == (array.dtype, array.shape), name


@pytest.mark.parametrize("case", stored()["results"], ids=lambda case: case["name"])
def test_a_binary_result_that_is_cut_anywhere_is_refused(case):
    message = bytes.fromhex(case["binary_hex"])
    for length in range(len(message)):
        with pytest.raises(WireError):
            decode_binary_result(message[:length], 1.5)


@pytest.mark.parametrize(("start", "code"), [("5858", "header"), ("4c440102", "version"), ("4c440201", "kind")])
def test_what_is_no_binary_result_is_refused_by_name(start, code):
    with pytest.raises(WireError) as caught:
        decode_binary_result(bytes.fromhex(start).ljust(400, b"\0"), 1.5)
    assert caught.value.code == code


def test_rounding_stays_below_the_models_noise():
    """2 decimals of a pixel: the error is at most half a hundredth, and NaN stays NaN."""
    exact = messages()["some keypoints not seen, no hands"].result.keypoints_px_smooth.ravel()
    told = next(c for c in stored()["results"] if c["name"].startswith("some"))["read_as"]["people"][0]

    for value, sent in zip(exact, told["keypoints_px_smooth"], strict=True):
        assert (sent is None) == math.isnan(value)
        assert sent is None or abs(sent - value) <= 0.0051


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n", encoding="utf-8")
