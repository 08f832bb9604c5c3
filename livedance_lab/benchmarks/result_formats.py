"""Measures both forms of a result: size, and the time to write and to read it, in Python and in a browser."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from livedance_lab.benchmarks.browser import page_with
from livedance_lab.clock import now_s
from livedance_lab.pose import Body, FrameRecord, FrameState, FrameTimes, Person, PoseResult
from livedance_lab.wire.messages import parse_json
from livedance_lab.wire.results import ResultMessage, decode_result, encode_result
from livedance_lab.wire.results_binary import decode_binary_result, encode_binary_result

__all__ = ["RESULT_COLUMNS", "measure_result_forms"]

RESULT_COLUMNS = {
    "form": "form",
    "people": "people",
    "bytes_down": "bytes/result",
    "write_us": "written (Python) µs",
    "read_us": "read (Python) µs",
    "read_in_browser_us": "read (browser) µs",
}
_REPEATS = 2000


def measure_result_forms() -> list[dict[str, str | float]]:
    """Measure a result of one person and of two, with all hands, in both forms; each time is the best of nine rounds.

    Returns
    -------
    list of dict
        One row of `RESULT_COLUMNS` for each form and number of people.

    Raises
    ------
    LiveDanceError
        If Playwright or Chromium is missing.
    """
    with page_with("result_formats.js") as page:
        return [row for n_people in (1, 2) for row in _measure(page, n_people)]


def _measure(page: Any, n_people: int) -> list[dict[str, str | float]]:
    ledger = {"captured": 900, **dict.fromkeys(map(str, FrameState), 128)}
    message = ResultMessage(_whole_bodies(n_people), [(898, str(FrameState.SUPERSEDED))], ledger)
    text, binary = encode_result(message), encode_binary_result(message)
    in_browser = page.evaluate(
        "([text, base64, n]) => read(text, base64, n)", [text, base64.b64encode(binary).decode(), _REPEATS]
    )
    forms: list[tuple[str, int, Callable[[], object], Callable[[], object]]] = [
        ("json", len(text), lambda: encode_result(message), lambda: decode_result(parse_json(text), 1.0)),
        ("binary", len(binary), lambda: encode_binary_result(message), lambda: decode_binary_result(binary, 1.0)),
    ]  # fmt: skip
    return [
        dict(zip(RESULT_COLUMNS, (form, n_people, n_bytes, _best_us(write), _best_us(read), in_page), strict=True))
        for (form, n_bytes, write, read), in_page in zip(forms, in_browser, strict=True)
    ]


def _best_us(work: Callable[[], object]) -> float:
    """Shortest mean duration of a call, microseconds."""
    best_s = np.inf
    for _ in range(9):
        start_s = now_s()
        for _ in range(_REPEATS // 10):
            work()
        best_s = min(best_s, (now_s() - start_s) / (_REPEATS // 10))
    return best_s * 1e6


def _whole_bodies(n_people: int) -> PoseResult:
    """A result whose numbers have as many digits as real ones; everybody has both hands."""
    rng = np.random.default_rng(0)

    def body() -> Body:
        return Body(
            keypoints_px=rng.uniform(0, 1280, (33, 3)).astype(np.float32),
            world_m=rng.uniform(-1, 1, (33, 3)).astype(np.float32),
            visibility=rng.uniform(0, 1, 33).astype(np.float32),
            presence=rng.uniform(0, 1, 33).astype(np.float32),
            hands_px=rng.uniform(0, 1280, (2, 21, 3)).astype(np.float32),
            hands_world_m=rng.uniform(-0.1, 0.1, (2, 21, 3)).astype(np.float32),
            hands_score=rng.uniform(0, 1, 2).astype(np.float32),
        )

    times = FrameTimes(*(1234.567891 + 0.0123456 * n for n in range(6)))
    stages = {
        "wait": 1.2345,
        "decode": 1.2345,
        "pose": 23.4567,
        "hands": 34.5678,
        "angles": 0.1234,
        "smoothing": 0.4567,
    }
    people = []
    for n in range(n_people):
        angles_deg = rng.uniform(0, 180, (2, 12)).astype(np.float32)
        people.append(Person(
            id=n + 1, raw=body(), smooth=body(), angles_deg=angles_deg[0], angles_smooth_deg=angles_deg[1],
            flags=np.zeros(33, np.uint8), hands_seq=897, score=rng.uniform(),
        ))  # fmt: skip
    return PoseResult(
        seq=899, source_size_px=(1280, 720), people=tuple(people), followed_id=1, n_angles=12, settings_version=3,
        record=FrameRecord(899, FrameState.PROCESSED, times, stage_ms=stages),
    )  # fmt: skip
