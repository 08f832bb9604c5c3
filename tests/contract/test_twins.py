"""Modules that exist in Python and in JavaScript have equal names, and each JavaScript module names its twin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livedance_lab.widgets.camera import CAMERA_SIZE_PX

PACKAGE = Path(__file__).resolve().parents[2] / "livedance_lab"
STATIC = PACKAGE / "widgets" / "static"

TWINS: dict[str, tuple[str, str]] = {
    "clock.js": ("clock.py", "OffsetEstimator add best round_trip_s"),
    "connection.js": ("client/connection.py", "open"),
    "frame_credit.js": (
        "client/frame_credit.py",
        "pacing window gauge captured unanswered capture may_send is_paced reconsider send skip answer take_skipped "
        "connected",
    ),
    "frames.js": ("wire/frames.py", "FrameHeader HEADER_BYTES PROTOCOL_VERSION encode_frame"),
    "interpolation.js": (
        "analysis/interpolation.py",
        "MAX_GAP_S linear hermite Painter LatestPainter BufferedPainter PredictivePainter ShownError add paint reset "
        "delay_s painted compare make_painter",
    ),
    "kalman.js": ("analysis/filters/kalman.py", "KalmanCa jerk_noise"),
    "pacing.js": ("client/pacing.py", "Measured AutoPacing PacingGauge offered result restart judge"),
    "blocks.js": ("wire/blocks.py", "Layout read_table"),
    "results.js": ("wire/results.py", "decode_result version_refusal"),
    "results_binary.js": ("wire/results_binary.py", "decode_binary_result"),
    "skeletons.js": ("skeletons.py", "side_of"),
}
"""JavaScript module: its Python twin, and names that both have, as Python writes them."""


def in_javascript(name: str) -> str:
    """A Python name as JavaScript writes it: only functions and variables differ."""
    if name.isupper() or name[0].isupper():
        return name
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


@pytest.mark.parametrize("module", TWINS)
def test_twins_have_equal_names(module):
    path, names = TWINS[module]
    script, python = (STATIC / module).read_text(), (PACKAGE / path).read_text()
    for name in names.split():
        assert re.search(rf"\b{name}\b", python), f"{path} has no {name}"
        assert re.search(rf"\b{in_javascript(name)}\b", script), f"{module} has no {in_javascript(name)}"


def test_each_module_names_its_twin():
    named = {
        path.name: found[1]
        for path in STATIC.glob("*.js")
        if (found := re.search(r"Twin of (?:`\w+` in )?livedance_lab/([\w/]+\.py)", path.read_text()))
    }
    assert named == {module: path for module, (path, _) in TWINS.items()}


@pytest.mark.parametrize(("name", "expected"), [("may_send", "maySend"), ("delay_s", "delayS"), ("MAX_GAP_S",) * 2])
def test_names_are_written_as_javascript_does(name, expected):
    assert in_javascript(name) == expected


def test_the_notebook_and_the_view_ask_the_camera_for_the_same_size():
    script = (STATIC / "camera_source.js").read_text()
    assert re.search(r"width: \{ ideal: (\d+) \}, height: \{ ideal: (\d+) \}", script).groups() == tuple(
        str(side_px) for side_px in CAMERA_SIZE_PX
    )
