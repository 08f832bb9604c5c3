"""Malicious images are refused before they cost anything; unusual but valid ones are decoded correctly."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from livedance_lab.errors import ImageError
from livedance_lab.media import images
from tests.support import pictures

HOSTILE, USUAL = pictures.hostile(), pictures.usual()


@pytest.mark.parametrize("case", HOSTILE, ids=[case.name for case in HOSTILE])
def test_a_picture_that_means_harm_is_refused_in_words(case):
    with pytest.raises(ImageError) as caught:
        images.decode_rgb(case.image)
    assert caught.value.code == case.code
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize("case", [c for c in HOSTILE if c.code != "broken"], ids=lambda case: case.name)
def test_what_says_too_much_is_never_given_to_the_decoder(case, monkeypatch):
    monkeypatch.setattr(images, "load_cv2", lambda: pytest.fail("the decoder was asked"))
    with pytest.raises(ImageError, match=r"pixels|JPEG, PNG or WebP|empty"):
        images.decode_rgb(case.image)


@pytest.mark.parametrize("case", USUAL, ids=[case.name for case in USUAL])
def test_an_unusual_but_honest_picture_decodes_right(case):
    rgb = images.decode_rgb(case.image)
    expected = pictures.quarters().astype(float)
    if case.grey:
        expected = np.repeat((expected @ (0.299, 0.587, 0.114))[..., None], 3, axis=2)
    assert rgb.shape == expected.shape
    assert rgb.dtype == np.uint8
    for rows in (slice(4, 20), slice(28, 44)):
        for columns in (slice(4, 28), slice(36, 60)):
            assert np.abs(rgb[rows, columns].mean((0, 1)) - expected[rows, columns].mean((0, 1))).max() < 8


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", pictures.STORED_AS)
def test_every_way_to_hold_a_phone_is_seen_upright(form, orientation):
    upright = pictures.quarters()
    rgb = images.decode_rgb(pictures.turned(form, orientation, upright))
    assert rgb.shape == upright.shape
    assert np.abs(rgb.astype(int) - upright).mean() < 6


@pytest.mark.parametrize(("width", "height"), [(1, 300), (2, 301), (8, 8), (9, 9), (300, 1), (64, 48)])
def test_an_interlaced_png_is_not_taken_for_one_that_unpacks_to_too_much(width, height):
    """Each of its shorter rows has a byte more."""
    np.testing.assert_array_equal(images.decode_rgb(pictures.interlaced(width, height)), np.zeros((height, width, 3)))


PEAK = """
import resource, sys
sys.path.insert(0, {root!r})
import cv2, numpy, pandas  # these need memory independently of the images
from livedance_lab.media import images
from livedance_lab.errors import ImageError
from tests.support import pictures

cases = [case.image for case in pictures.hostile() + pictures.usual()]
images.decode_rgb(pictures.encoded("JPEG"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for image in cases:
    try:
        images.decode_rgb(image)
    except ImageError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in KiB on Linux")
def test_none_of_them_takes_memory(repository):
    """The largest image that is decoded has 64 x 48 pixels; those refused by their size would need GB."""
    done = subprocess.run([sys.executable, "-c", PEAK.format(root=str(repository))], capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert int(done.stdout) < 64  # MiB
