"""What encodings cost, measured in a real browser: that the numbers are of what they say, not how large they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from livedance_lab.benchmarks import encodings
from livedance_lab.benchmarks.result_formats import measure_result_forms
from tests.browser.conftest import CLIP


def in_a_thread(work, *args, **more):
    """Playwright allows one of itself in a thread, and these tests' fixtures hold one already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *args, **more).result()


def test_pictures_are_encoded_as_asked_and_compared_with_the_lossless_one(chromium, monkeypatch):
    monkeypatch.setenv("LIVEDANCE_CHROMIUM", chromium)
    monkeypatch.setattr(encodings, "_SHORT_SIDES_PX", (256, 384))
    monkeypatch.setattr(encodings, "_QUALITIES", (0.3, 0.9))
    rows = in_a_thread(encodings.measure_encodings, CLIP, stills=3, timed=3)

    by_way = {(row["short_side_px"], row["format"], row["quality"]): row for row in rows}
    assert list(by_way) == [("full", "jpeg", 0.8), *((side, kind, quality) for side in (256, 384)
                            for kind in ("jpeg", "webp") for quality in (0.3, 0.9))]  # fmt: skip
    assert rows[0]["of_original"] == 1
    for side in (256, 384):
        sizes = [by_way[side, kind, q]["bytes_up"] for kind, q in (("webp", 0.3), ("jpeg", 0.3), ("jpeg", 0.9))]
        assert 1000 < sizes[0] < sizes[1] < sizes[2] < rows[0]["bytes_up"]
    for row in rows:
        assert 0 < row["encode_p50_ms"] <= row["encode_p95_ms"], row
        assert 0 < row["moved_p50_px"] <= row["moved_p95_px"], row
    assert by_way[384, "jpeg", 0.9]["moved_p50_px"] < 4  # of 854: the same person, in the camera's own pixels


def test_both_forms_of_a_result_are_read(chromium, monkeypatch):
    monkeypatch.setenv("LIVEDANCE_CHROMIUM", chromium)
    rows = in_a_thread(measure_result_forms)

    assert [(row["form"], row["people"]) for row in rows] == [("json", 1), ("binary", 1), ("json", 2), ("binary", 2)]
    for text, binary in (rows[:2], rows[2:]):
        assert 2000 < binary["bytes_down"] < 0.6 * text["bytes_down"]
        assert min(*list(text.values())[2:], *list(binary.values())[2:]) > 0
