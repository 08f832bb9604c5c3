"""Decodes and encodes images.

An image from the network is checked before it is decoded: its kind by its content and its size by its header, so that
a PNG of a few bytes which claims 20000 x 20000 pixels costs nothing. Two further checks refuse a JPEG of thousands of
scans, and a PNG whose compressed parts unpack almost without end: either would keep a core busy for minutes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import ImageError, LiveDanceError

__all__ = ["MAX_PIXELS", "ImageArray", "check", "decode_rgb", "downscale", "encode_jpeg", "encode_png", "encode_webp",
           "load_cv2", "probe", "square", "warped"]  # fmt: skip

ImageArray = npt.NDArray[np.uint8]
"""ndarray of shape (H, W, 3), red green blue."""

MAX_PIXELS = 4096 * 4096
"""Most pixels that are decoded by default: more than any camera for this purpose has."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND"})  # chunks that affect the pixels
_PNG_MOST_CHUNKS = 10_000
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF markers; those three are tables
_JPEG_BEFORE = frozenset({0xC4, 0xCC, *range(0xDB, 0xDE), *range(0xE0, 0xF0), 0xFE})  # tables, APPn, comments
_JPEG_MOST_SEGMENTS = 2000  # before the frame header; a colour profile has at most 255
_JPEG_MOST_SCANS = 32  # a progressive JPEG has about ten


@cache
def load_cv2() -> Any:
    """Import OpenCV on first use and return it.

    Raises
    ------
    LiveDanceError
        If it cannot be imported; the message says what to install.
    """
    try:
        import cv2
    except ImportError as exc:
        raise LiveDanceError(
            f"OpenCV cannot be imported: {exc}. If a system library is missing (libGL, libxcb), install OpenCV without "
            "windows, which is enough: pip install --force-reinstall --no-deps opencv-python-headless"
        ) from exc
    # errors report what is wrong with an image; the terminal stays free of it
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def probe(image: bytes) -> tuple[str, int, int]:
    """Return kind and size of an encoded image from its header alone.

    Parameters
    ----------
    image : bytes
        JPEG, PNG or WebP; recognised by content.

    Returns
    -------
    kind : str
        "jpeg", "png" or "webp".
    width, height : int
        Pixels, as stored: an EXIF rotation is not applied.

    Raises
    ------
    ImageError
        Codes "empty", "kind" (none of the three) and "broken" (the header ends early).
    """
    if not image:
        raise ImageError("empty", "the image is empty: 0 bytes.")
    try:
        if image.startswith(b"\xff\xd8\xff"):
            return "jpeg", *_jpeg_size(image)
        if image.startswith(_PNG):
            return "png", *_png_size(image)
        if image.startswith(b"RIFF") and image[8:12] == b"WEBP":
            return "webp", *_webp_size(image)
    except (struct.error, IndexError) as exc:
        raise ImageError("broken", f"the image ends within its header, after {len(image)} bytes.") from exc
    raise ImageError("kind", f"an image must be JPEG, PNG or WebP; this one starts with {image[:8]!r}.")


def _jpeg_size(image: bytes) -> tuple[int, int]:
    """Walk through the segments up to the frame header (ITU-T T.81, B.2.2).

    This is stricter than decoders: one that skips something might find another frame header than this function.
    """
    at = 2
    for _ in range(_JPEG_MOST_SEGMENTS):
        if image[at] != 0xFF:
            raise ImageError("broken", f"the JPEG has no marker at byte {at}.")
        marker = image[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", image, at + 5)
            return width, height
        elif marker in _JPEG_BEFORE:
            at += 2 + max(2, *struct.unpack_from(">H", image, at + 2))
        else:
            raise ImageError("broken", f"the JPEG has marker {marker:02X} where its frame header must be.")
    raise ImageError("broken", f"the JPEG has no frame header within {_JPEG_MOST_SEGMENTS} segments.")


def _png_size(image: bytes) -> tuple[int, int]:
    name, width, height = struct.unpack_from(">4sII", image, 12)
    if name != b"IHDR":
        raise ImageError("broken", "the PNG does not begin with its header chunk.")
    return width, height


def _webp_size(image: bytes) -> tuple[int, int]:
    """Return the canvas size, for the three forms of WebP (RFC 9649, sections 2.5 to 2.7)."""
    form = image[12:16]
    if form == b"VP8X":
        low = struct.unpack_from("<HBHB", image, 24)
        return 1 + low[0] + (low[1] << 16), 1 + low[2] + (low[3] << 16)
    if form == b"VP8L":
        (bits,) = struct.unpack_from("<I", image, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"VP8 ":
        width, height = struct.unpack_from("<HH", image, 26)
        return width & 0x3FFF, height & 0x3FFF  # the upper bits are a hint for scaling
    raise ImageError("broken", f"the WebP begins with an unknown chunk {form!r}.")


def check(image: bytes, max_pixels: int = MAX_PIXELS) -> tuple[str, int, int]:
    """Return what `probe` returns, and refuse images that must not be decoded.

    Raises
    ------
    ImageError
        Codes of `probe`, "size" (no pixels, or too many) and "broken" (a JPEG whose end is missing, or with more
        scans than any encoder makes).
    """
    kind, width, height = probe(image)
    if not 0 < width * height <= max_pixels:
        raise ImageError("size", f"an image may have 1 to {max_pixels} pixels, this {kind.upper()} claims "
                                 f"{width} x {height}.")  # fmt: skip
    # some versions of OpenCV fill a truncated JPEG with grey; the end marker of a thumbnail comes before the last scan
    if kind == "jpeg" and image.rfind(b"\xff\xd9") < image.rfind(b"\xff\xda"):
        raise ImageError("broken", f"the JPEG is cut off: it has no end marker in {len(image)} bytes.")
    if kind == "jpeg" and (scans := image.count(b"\xff\xda")) > _JPEG_MOST_SCANS:
        raise ImageError("broken", f"a JPEG may have {_JPEG_MOST_SCANS} scans, this one has {scans}.")
    return kind, width, height


def _bare_png(image: bytes) -> bytes:
    """Check that the pixels unpack to no more than the header claims; return the PNG without needless chunks.

    Decoders also unpack texts and profiles that are not used here, and pixel data beyond the last row: a few MB of
    either can unpack to GB.
    """
    width, height = _png_size(image)
    kept, packed = [_PNG], []
    for name, chunk in _png_chunks(image):
        if name in _PNG_KEPT:
            kept.append(chunk)
        if name == b"IDAT":
            packed.append(chunk[8:-4])
    _unpacks_within(b"".join(packed), 8 * (width + 1) * height)  # at most 4 channels of 16 bits
    return b"".join(kept)


def _png_chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of each chunk up to the last (PNG specification, 5.3)."""
    at = len(_PNG)
    for _ in range(_PNG_MOST_CHUNKS):
        size, name = struct.unpack_from(">I4s", image, at)
        chunk = image[at : at + size + 12]
        if len(chunk) < size + 12:
            raise ImageError("broken", f"the PNG is cut off: it ends within a chunk, after {len(image)} bytes.")
        yield name, chunk
        if name == b"IEND":
            return
        at += len(chunk)
    raise ImageError("broken", f"a PNG may have {_PNG_MOST_CHUNKS} chunks, this one has more.")


def _unpacks_within(packed: bytes, most_bytes: int) -> None:
    """Refuse zlib data that unpacks to more bytes, without unpacking the rest."""
    unpacker = zlib.decompressobj()
    for start in range(0, len(packed), 4096):
        waiting = packed[start : start + 4096]
        while waiting and not unpacker.eof:
            most_bytes -= len(unpacker.decompress(waiting, 2**16))
            if most_bytes < 0:
                raise ImageError("broken", "the PNG unpacks to more pixels than its header claims.")
            waiting = unpacker.unconsumed_tail


def decode_rgb(image: bytes, max_pixels: int = MAX_PIXELS) -> ImageArray:
    """Decode an image.

    Grey, palette and CMYK images become RGB, 16 bits become 8, an alpha channel is dropped, an EXIF
    orientation is applied, and an animation gives its first image.

    Parameters
    ----------
    image : bytes
        JPEG, PNG or WebP.
    max_pixels : int
        Larger images are refused without decoding them.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8

    Raises
    ------
    ImageError
        Codes "empty", "kind", "size" and "broken" (truncated or undecodable). Damage inside a JPEG that can still be
        decoded is not detected: the format has no checksum.
    """
    kind, width, height = check(image, max_pixels)
    if kind == "png":
        try:
            image = _bare_png(image)
        except (struct.error, zlib.error) as exc:
            raise ImageError("broken", f"the {width} x {height} PNG is truncated or damaged: {exc}.") from exc
    cv2 = load_cv2()
    try:
        rgb: ImageArray | None = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as exc:
        raise ImageError("broken", f"the {width} x {height} {kind.upper()} cannot be decoded: {exc.err}.") from exc
    if rgb is None:
        raise ImageError("broken", f"the {width} x {height} {kind.upper()} of {len(image)} bytes is truncated or "
                                   "damaged.")  # fmt: skip
    return rgb


def downscale(rgb: ImageArray, short_side_px: int) -> ImageArray:
    """Shrink an image so that its short side is at most `short_side_px`; the aspect ratio stays.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3), uint8
    short_side_px : int

    Returns
    -------
    ndarray of shape (h, w, 3), uint8
        The same array if it is small enough. Pixel areas are averaged, which avoids aliasing.
    """
    height, width = rgb.shape[:2]
    scale = short_side_px / min(height, width)
    if scale >= 1:
        return rgb
    cv2 = load_cv2()
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def square(
    rgb: ImageArray, left_px: float, top_px: float, width_px: float, height_px: float, side_px: int
) -> ImageArray:
    """Scale a part of an image to a square.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3), uint8
    left_px, top_px, width_px, height_px : float
        The part, in continuous coordinates: the image's first pixel reaches from 0 to 1.
    side_px : int

    Returns
    -------
    ndarray of shape (side_px, side_px, 3), uint8
        Bilinear; black where the part reaches beyond the image's edge.
    """
    x, y = width_px / side_px, height_px / side_px
    # OpenCV's coordinates are 0 at the first pixel's centre
    return warped(rgb, np.array([[x, 0, left_px + x / 2 - 0.5], [0, y, top_px + y / 2 - 0.5]]), side_px)


def warped(
    rgb: ImageArray, to_source: npt.NDArray[np.float64], side_px: int, *, repeat_edge: bool = False
) -> ImageArray:
    """Sample a square from an image through an affine map.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3), uint8
    to_source : ndarray of shape (2, 3)
        Maps (x, y, 1) of the square to x, y of the image; both are 0 at the first pixel's centre.
    side_px : int
    repeat_edge : bool, default False
        Beyond the image's edge: True repeats the nearest pixel, False gives black.

    Returns
    -------
    ndarray of shape (side_px, side_px, 3), uint8
        Bilinear.
    """
    cv2 = load_cv2()
    edge = cv2.BORDER_REPLICATE if repeat_edge else cv2.BORDER_CONSTANT
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part: ImageArray = cv2.warpAffine(rgb, to_source, (side_px, side_px), flags=flags, borderMode=edge)
    return part


def encode_jpeg(rgb: ImageArray, quality: float = 0.8, *, full_colour: bool = False) -> bytes:
    """Encode an image (RGB, or RGBA without its alpha) as JPEG; `quality` from 0 to 1, as in browsers.

    `full_colour` stores the colour of every pixel (4:4:4), which thin coloured lines need, instead of one per four.
    """
    cv2 = load_cv2()
    params = [cv2.IMWRITE_JPEG_QUALITY, _percent(quality)]
    if full_colour:
        params += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encode(rgb, ".jpg", params)


def encode_webp(rgb: ImageArray, quality: float = 0.8) -> bytes:
    """Encode an image as lossy WebP; `quality` from 0 to 1, as in browsers. About 20 times slower than JPEG."""
    return _encode(rgb, ".webp", [load_cv2().IMWRITE_WEBP_QUALITY, _percent(quality)])


def encode_png(rgb: ImageArray) -> bytes:
    """Encode an image as PNG, without loss."""
    return _encode(rgb, ".png", [load_cv2().IMWRITE_PNG_COMPRESSION, 1])  # of 9: fast


def _percent(quality: float) -> int:
    if not 0 <= quality <= 1:
        raise ImageError("quality", f"quality must lie in 0 to 1, got {quality!r}.")
    return max(1, round(quality * 100))


def _encode(rgb: ImageArray, suffix: str, params: list[int]) -> bytes:
    cv2 = load_cv2()
    try:
        to_bgr = cv2.COLOR_RGBA2BGR if rgb.shape[-1] == 4 else cv2.COLOR_RGB2BGR
        ok, encoded = cv2.imencode(suffix, cv2.cvtColor(rgb, to_bgr), params)
    except cv2.error as exc:
        raise ImageError("encode", f"an array {rgb.dtype} {rgb.shape} cannot be encoded: {exc.err}.") from exc
    if not ok:
        raise ImageError("encode", f"an array {rgb.dtype} {rgb.shape} cannot be encoded as {suffix[1:]}.")
    return bytes(encoded)
