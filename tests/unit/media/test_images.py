"""Images: recognised by content, refused before decoding where necessary, otherwise decoded correctly."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from livedance_lab.errors import ImageError
from livedance_lab.media import images
from tests.support.pictures import encoded, quarters


def png_header(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (encoded("JPEG"), "jpeg"),
        (encoded("JPEG", progressive=True), "jpeg"),
        (encoded("JPEG", exif=turned(6)), "jpeg"),
        (encoded("JPEG", comment=b"\xff\xc0 looks like a frame header"), "jpeg"),
        (encoded("PNG"), "png"),
        (encoded("WEBP"), "webp"),
        (encoded("WEBP", lossless=True), "webp"),
        (encoded("WEBP", exif=turned(1)), "webp"),
    ],
    ids=["jpeg", "progressive", "exif", "comment", "png", "webp", "webp lossless", "webp extended"],
)
def test_kind_and_size_come_from_the_header(image, kind):
    assert images.probe(image) == (kind, 64, 48)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": turned(1)}], ids=["VP8", "VP8L", "VP8X"])
def test_large_webp_sizes_are_read_whole(options):
    out = io.BytesIO()
    Image.new("RGB", (5000, 300)).save(out, "WEBP", **options)
    assert images.probe(out.getvalue()) == ("webp", 5000, 300)


def test_the_largest_webp_is_refused_by_its_header():
    """24-bit sizes, as only the extended form has them."""
    head = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\x9f\x86\x01" + b"\xff\xff\xff"
    assert images.probe(head) == ("webp", 100_000, 2**24)
    with pytest.raises(ImageError, match="100000 x 16777216") as caught:
        images.decode_rgb(head)
    assert caught.value.code == "size"


@pytest.mark.parametrize(
    ("image", "mode"),
    [
        (encoded("JPEG", quality=95), "colour"),
        (encoded("JPEG", quality=95, progressive=True), "colour"),
        (encoded("JPEG", "CMYK", quality=95), "colour"),
        (encoded("JPEG", "L"), "grey"),
        (encoded("PNG"), "colour"),
        (encoded("PNG", "RGBA"), "colour"),
        (encoded("PNG", "P"), "colour"),
        (encoded("PNG", "L"), "grey"),
        (encoded("WEBP", quality=95), "colour"),
        (encoded("WEBP", "RGBA", lossless=True), "colour"),
    ],
)
def test_every_usual_form_decodes(image, mode):
    rgb = images.decode_rgb(image)

    expected = quarters()
    if mode == "grey":
        expected = np.repeat(np.array(Image.fromarray(expected).convert("L"))[..., None], 3, axis=2)
    assert rgb.shape == (48, 64, 3)
    assert rgb.dtype == np.uint8
    assert np.abs(rgb[4:20, 4:28].astype(int) - expected[4:20, 4:28]).max() < 40
    assert np.abs(rgb[28:44, 36:60].astype(int) - expected[28:44, 36:60]).max() < 40


def test_sixteen_bit_becomes_eight():
    out = io.BytesIO()
    Image.fromarray(np.full((10, 12), 0x8123, np.uint16)).save(out, "PNG")
    rgb = images.decode_rgb(out.getvalue())
    assert rgb.dtype == np.uint8
    assert np.unique(rgb).tolist() in ([0x80], [0x81])


def test_a_phones_rotation_is_applied():
    rgb = images.decode_rgb(encoded("JPEG", quality=95, exif=turned(6)))  # stored sideways, shown upright
    assert rgb.shape == (64, 48, 3)
    assert rgb[10, 10].argmax() == 2  # the blue quarter, stored bottom left, is seen top left


def test_an_animation_gives_its_first_picture():
    out = io.BytesIO()
    first = Image.fromarray(quarters())
    first.save(out, "WEBP", save_all=True, append_images=[first.rotate(180)], duration=100, lossless=True)
    np.testing.assert_array_equal(images.decode_rgb(out.getvalue()), quarters())


def cut(image: bytes, kept: float) -> bytes:
    return image[: int(len(image) * kept)]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"", "empty"),
        (b"hello, this is text", "kind"),
        (b"GIF89a" + bytes(20), "kind"),
        (b"\xff\xd8\xff", "broken"),
        (b"\xff\xd8\xff\xd9" + bytes(10), "broken"),
        (b"\x89PNG\r\n\x1a\n", "broken"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "broken"),
        (b"RIFF\x10\x00\x00\x00WEBPabcd" + bytes(30), "broken"),
        (encoded("JPEG")[:-2], "broken"),
        (cut(encoded("JPEG"), 0.9), "broken"),
        (cut(encoded("JPEG", progressive=True), 0.9), "broken"),
        (cut(encoded("JPEG", exif=turned(6)), 0.3), "broken"),
        (cut(encoded("PNG"), 0.8), "broken"),
        (cut(encoded("WEBP"), 0.8), "broken"),
        (png_header(64, 48), "broken"),
        (png_header(20_000, 20_000), "size"),
        (png_header(0, 20), "size"),
        (png_header(2**31, 2**31), "size"),
    ],
)
def test_what_cannot_be_used_says_why(image, code):
    with pytest.raises(ImageError) as caught:
        images.decode_rgb(image)
    assert caught.value.code == code


def test_too_many_pixels_are_refused_by_the_header():
    with pytest.raises(ImageError, match="64 x 48") as caught:
        images.decode_rgb(encoded("PNG"), max_pixels=64 * 48 - 1)
    assert caught.value.code == "size"
    assert images.decode_rgb(encoded("PNG"), max_pixels=64 * 48).shape == (48, 64, 3)


def test_a_cut_jpeg_is_refused_whatever_the_decoder_makes_of_it():
    """Some versions of OpenCV return it with grey below the cut."""
    with pytest.raises(ImageError, match="cut off"):
        images.check(encoded("JPEG")[:-2])


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [
        ((540, 960), 384, (384, 683)),
        ((960, 540), 384, (683, 384)),
        ((300, 200), 384, (300, 200)),
        ((4, 4000), 2, (2, 2000)),
    ],
)
def test_the_short_side_is_made_smaller_never_larger(size, short_side, expected):
    width, height = size
    small = images.downscale(quarters(width, height), short_side)
    assert small.shape == (expected[1], expected[0], 3)


def test_downscaling_averages():
    stripes = np.zeros((100, 100, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.abs(images.downscale(stripes, 50).astype(int) - 100).max() <= 1


@pytest.mark.parametrize("encode", [images.encode_jpeg, images.encode_webp])
def test_what_is_encoded_decodes_and_quality_counts(encode):
    rgb = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    assert len(encode(rgb, 0.2)) < len(encode(rgb, 0.9))
    assert np.abs(images.decode_rgb(encode(quarters(), 1.0))[4:20, 4:28].astype(int) - (220, 30, 30)).max() < 12


def test_png_keeps_every_value():
    rgb = np.random.default_rng(0).integers(0, 255, (21, 32, 3)).astype(np.uint8)
    np.testing.assert_array_equal(images.decode_rgb(images.encode_png(rgb)), rgb)


@pytest.mark.parametrize("quality", [-0.1, 1.1, float("nan"), 80])
def test_quality_lies_in_0_to_1(quality):
    with pytest.raises(ImageError, match="quality"):
        images.encode_jpeg(quarters(), quality)


def test_what_is_no_picture_is_not_encoded():
    with pytest.raises(ImageError, match="cannot be encoded"):
        images.encode_jpeg(np.zeros((0, 0, 3), np.uint8))


@pytest.mark.process
def test_a_missing_system_library_names_the_line_that_helps(tmp_path):
    """A cv2 whose import fails as it does where libGL is missing."""
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from livedance_lab.media import images; images.load_cv2()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "LiveDanceError" in done.stderr
    assert "libGL.so.1" in done.stderr
    assert "pip install --force-reinstall --no-deps opencv-python-headless" in done.stderr
