"""MediaPipe is pinned: later wheels send usage metrics. These tests keep the pin from being lifted unnoticed.

From 0.10.35 on the wheels' library contains a network client (google-ai-edge/mediapipe#6291). The check
below finds it there; it was tried on that wheel.
"""

from __future__ import annotations

from importlib import metadata, resources

import pytest

from tests.support.network_marks import NETWORK_MARKS, network_marks


def libraries() -> dict[str, bytes]:
    """MediaPipe's own shared libraries, by name."""
    folder = resources.files("mediapipe.tasks.c")
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.name.endswith((".so", ".dylib", ".dll"))}


def test_the_installed_version_is_one_that_was_looked_at():
    version = tuple(int(n) for n in metadata.version("mediapipe").split(".")[:3])
    assert (0, 10, 30) <= version < (0, 10, 32)


def test_the_pin_is_what_users_get():
    assert "mediapipe<0.10.32,>=0.10.30" in (metadata.requires("livedance-lab") or [])


def test_the_library_has_no_network_client():
    found = libraries()
    assert len(found) == 1, "where is MediaPipe's library?"
    for name, content in found.items():
        assert len(content) > 10_000_000, f"{name} is too small to be the library"
        assert network_marks(content) == []


@pytest.mark.parametrize("mark", NETWORK_MARKS)
def test_a_network_client_would_be_found(mark):
    assert network_marks(b"\0" * 5000 + mark + b"\0" * 5000) == [mark]


def test_what_is_there_anyway_is_not_taken_for_one():
    """Names and addresses in error messages of the present library."""
    assert (
        network_marks(b"See instructions: https://www.tensorflow.org/lite type.googleapis.com/ left-curly-bracket")
        == []
    )
