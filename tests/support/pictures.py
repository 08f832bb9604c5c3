"""Pictures that mean harm, and pictures of unusual but honest forms, each made here and named."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 64, 48
JPEG_END = b"\xff\xd9"


class Hostile(NamedTuple):
    """A picture that must be refused, and the code it is refused with."""

    name: str
    image: bytes
    code: str


class Usual(NamedTuple):
    """A picture that must decode to `quarters()`, turned upright; in grey where the form has no colour."""

    name: str
    image: bytes
    grey: bool = False


def quarters(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Red, green, blue and white quarters: orientation and colour order survive any lossy coding."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2] = (220, 30, 30)
    rgb[: height // 2, width // 2 :] = (30, 220, 30)
    rgb[height // 2 :, : width // 2] = (30, 30, 220)
    rgb[height // 2 :, width // 2 :] = (220, 220, 220)
    return rgb


def encoded(form: str, mode: str = "RGB", **options: object) -> bytes:
    """`quarters()` as Pillow writes it."""
    out = io.BytesIO()
    Image.fromarray(quarters()).convert(mode).save(out, form, **options)
    return out.getvalue()


def palette() -> bytes:
    """`quarters()` as a PNG of four colours."""
    out = io.BytesIO()
    Image.fromarray(quarters()).quantize(4).save(out, "PNG")
    return out.getvalue()


def animated(form: str) -> bytes:
    """An animation whose first picture is `quarters()`."""
    out, first = io.BytesIO(), Image.fromarray(quarters())
    first.save(out, form, save_all=True, append_images=[first.rotate(180)], duration=100, lossless=True)
    return out.getvalue()


# The EXIF orientation and how the upright picture is stored under it (Exif 3.0, 4.6.5.1.6).
STORED_AS = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}  # fmt: skip


def turned(form: str, orientation: int, upright: np.ndarray) -> bytes:
    """A picture stored as a phone held that way stores it: seen upright, it is `upright`."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x112] = orientation
    stored = np.ascontiguousarray(STORED_AS[orientation](upright))
    options = {"lossless": True} if form == "WEBP" else {"quality": 95} if form == "JPEG" else {}
    Image.fromarray(stored).save(out, form, exif=exif, **options)
    return out.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int,
    height: int,
    packed: bytes,
    *,
    before: bytes = b"",
    bits: int = 8,
    colour: int = 2,
    interlaced: bool = False,
) -> bytes:
    """A PNG of these sizes with these packed rows, whether they fit or not."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    body = chunk(b"IHDR", head) + before + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def rows(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Packed black rows of an 8-bit RGB PNG."""
    return zlib.compress(height * (b"\0" + bytes(3 * width)))


def endless(megabytes: int) -> bytes:
    """Correct rows, then `megabytes` of zeros: a thousandth in size.

    A megabyte is packed once, on its own, and repeated.
    """
    black, zeros = HEIGHT * (b"\0" + bytes(3 * WIDTH)), bytes(2**20)
    packer = zlib.compressobj(9, wbits=-15)  # without header and checksum
    begin = packer.compress(black) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.adler32(black)
    for _ in range(megabytes):
        checksum = zlib.adler32(zeros, checksum)
    return b"\x78\xda" + begin + megabytes * middle + packer.flush() + struct.pack(">I", checksum)


def sixteen_bit() -> bytes:
    """`quarters()` with 16 bits a channel, which Pillow does not write."""
    wide = quarters().astype(">u2") * 257
    return png(WIDTH, HEIGHT, zlib.compress(b"".join(b"\0" + row.tobytes() for row in wide)), bits=16)


def interlaced(width: int, height: int) -> bytes:
    """A black PNG of the largest form, 4 channels of 16 bits, in the seven passes of Adam7."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    raw = 0
    for x, y, step_x, step_y in passes:
        columns, lines = len(range(x, width, step_x)), len(range(y, height, step_y))
        raw += lines * (1 + 8 * columns) if columns else 0
    return png(width, height, zlib.compress(bytes(raw)), bits=16, colour=6, interlaced=True)


def jpeg_of(width: int, height: int) -> bytes:
    """A small JPEG that says it is of another size."""
    image = bytearray(encoded("JPEG"))
    struct.pack_into(">HH", image, image.index(b"\xff\xc0") + 5, height, width)
    return bytes(image)


def webp_of(width: int, height: int) -> bytes:
    """A small extended WebP that says its canvas is of another size."""
    image = bytearray(encoded("WEBP", exif=Image.Exif().tobytes() + bytes(8)))
    image[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(image)


def many_passes(times: int) -> bytes:
    """A progressive JPEG whose last pass is painted again and again."""
    image = encoded("JPEG", progressive=True)[:-2]
    return image + image[image.rfind(b"\xff\xda") :] * times + JPEG_END


def hidden_header() -> bytes:
    """A JPEG of 64 x 48 for who takes stray bytes for a segment, of 30000 x 30000 for decoders, which pass over them.

    ``FF 00`` and a length that covers the large frame header and the head of a comment; in the comment, the small one.
    """
    image = encoded("JPEG")
    at = image.index(b"\xff\xc0")
    small = image[at : at + 19]
    large = small[:5] + struct.pack(">HH", 30_000, 30_000) + small[9:]
    stray = b"\xff\0" + struct.pack(">H", 2 + len(large) + 4)
    return image[:at] + stray + large + b"\xff\xfe" + struct.pack(">H", 2 + len(small)) + small + image[at + 19 :]


def without_scan() -> bytes:
    """A JPEG with its header and its end, and nothing between."""
    image = encoded("JPEG")
    return image[: image.index(b"\xff\xda")] + JPEG_END


@cache
def hostile() -> list[Hostile]:
    """Every picture that must be refused."""
    jpeg, progressive, webp, good_png = (
        encoded("JPEG"),
        encoded("JPEG", progressive=True),
        encoded("WEBP"),
        encoded("PNG"),
    )
    return [
        Hostile("JPEG bomb", jpeg_of(65_500, 65_500), "size"),
        Hostile("PNG bomb", png(20_000, 20_000, rows()), "size"),
        Hostile("largest PNG", png(2**31 - 1, 2**31 - 1, b""), "size"),
        Hostile("one row too long for any decoder", png(4096 * 4096, 1, rows()), "broken"),
        Hostile("WebP bomb", webp_of(2**24, 2**24), "size"),
        Hostile("JPEG without width", jpeg_of(0, 48), "size"),
        Hostile("JPEG without height", jpeg_of(64, 0), "size"),
        Hostile("PNG without pixels", png(0, 0, rows()), "size"),
        Hostile("JPEG with a hidden header", hidden_header(), "broken"),
        Hostile("WebP canvas unlike its picture", webp_of(640, 480), "broken"),
        Hostile("WebP picture larger than its canvas", webp_of(16, 16), "broken"),
        Hostile("PNG larger than its pixels", png(64, 480, rows()), "broken"),
        Hostile("PNG that unpacks without end", png(64, 48, endless(500)), "broken"),
        Hostile("PNG of very many chunks", png(64, 48, rows(), before=chunk(b"tEXt", b"a\0b") * 20_000), "broken"),
        Hostile("JPEG of very many passes", many_passes(20_000), "broken"),
        Hostile("fill bytes without end", b"\xff\xd8" + b"\xff" * 8_000_000, "broken"),
        Hostile("comments without end", b"\xff\xd8" + b"\xff\xfe\0\2" * 2_000_000, "broken"),
        Hostile("JPEG within a JPEG", b"\xff\xd8" + jpeg, "broken"),
        Hostile("JPEG without picture", without_scan(), "broken"),
        Hostile("cut JPEG", jpeg[: len(jpeg) * 3 // 4], "broken"),
        Hostile("cut progressive JPEG", progressive[: len(progressive) // 2], "broken"),
        Hostile("cut PNG", good_png[: len(good_png) * 3 // 4], "broken"),
        Hostile("PNG without end", good_png[:-12], "broken"),
        Hostile("cut WebP", webp[: len(webp) * 3 // 4], "broken"),
        Hostile("PNG with a wrong checksum", good_png[:-13] + bytes([good_png[-13] ^ 1]) + good_png[-12:], "broken"),
        Hostile("PNG of unknown colours", png(64, 48, rows(), colour=5), "broken"),
        Hostile("GIF", encoded("GIF", "P"), "kind"),
        Hostile("TIFF", encoded("TIFF"), "kind"),
        Hostile("BMP", encoded("BMP"), "kind"),
        Hostile("SVG", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "kind"),
        Hostile("PDF with a JPEG in it", b"%PDF-1.7\n" + jpeg, "kind"),
        Hostile("nothing", b"", "empty"),
    ]  # fmt: skip


@cache
def usual() -> list[Usual]:
    """Every picture that must decode."""
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(7_900_000), 9)) * 300
    good_png = encoded("PNG")
    return [
        Usual("JPEG", encoded("JPEG", quality=95)),
        Usual("progressive JPEG", encoded("JPEG", quality=95, progressive=True)),
        Usual("grey JPEG", encoded("JPEG", "L"), grey=True),
        Usual("CMYK JPEG", encoded("JPEG", "CMYK", quality=95)),
        Usual("PNG", good_png),
        Usual("16-bit PNG", sixteen_bit()),
        Usual("grey PNG", encoded("PNG", "L"), grey=True),
        Usual("grey and alpha PNG", encoded("PNG", "LA"), grey=True),
        Usual("RGBA PNG", encoded("PNG", "RGBA")),
        Usual("palette PNG", palette()),
        Usual("PNG whose texts unpack to GB", good_png[:33] + text + good_png[33:]),
        Usual("animated PNG", animated("PNG")),
        Usual("WebP", encoded("WEBP", quality=95)),
        Usual("lossless WebP with alpha", encoded("WEBP", "RGBA", lossless=True)),
        Usual("animated WebP", animated("WEBP")),
        Usual("JPEG that is a web page too", encoded("JPEG", quality=95, comment=b"<script>alert(1)</script>")),
        Usual("JPEG that is a ZIP too", encoded("JPEG", quality=95) + b"PK\5\6" + bytes(18)),
        Usual("PNG that is a PDF too", good_png + b"%PDF-1.7\n%%EOF"),
    ]  # fmt: skip
