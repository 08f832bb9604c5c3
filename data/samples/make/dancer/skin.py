"""The skin's colours, painted in texture space by rules over rest positions.

The only pictures read are two CC0 masks that come with the body (lips, fingernails).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from dancer.body import Body
from dancer.looks import RGB, Look
from dancer.mesh import FloatArray, noise3

TEXTURE_PX = 2048
_MARGIN = 0.35  # of a triangle, painted around it so that look-ups at seams find skin


def skin_texture(body: Body, data_dir: str | Path, look: Look) -> npt.NDArray[np.float32]:
    """Paint tone, blush, lips, brows, lids and nails; linear RGB, ndarray of shape (T, T, 3)."""
    places = rest_places(body)
    painted = ~np.isnan(places[..., 0])
    coat = _Coat(places[painted], body.head_of("eye.L"), look)
    coat.paint_face(look)
    coat.paint_brows()
    rows, cols = np.nonzero(painted)

    def mask(name: str) -> FloatArray:
        grey = Image.open(Path(data_dir) / "textures" / name).convert("L")
        a = np.asarray(grey, np.float32)[::-1] / 255
        return a[rows * a.shape[0] // TEXTURE_PX, cols * a.shape[1] // TEXTURE_PX]

    coat.mix(0.75 * mask("mpfb_lips.jpg"), _scaled((0.46, 0.155, 0.125), look))
    coat.mix(0.45 * mask("mpfb_fingernails.jpg"), _scaled((0.66, 0.40, 0.32), look))
    coat.paint_lashes()
    img = np.empty((TEXTURE_PX, TEXTURE_PX, 3), np.float32)
    img[:] = look.skin
    img[painted] = coat.rgb
    return img


def _scaled(rgb: RGB, look: Look) -> RGB:
    """Colour chosen for the first look's skin, as deep as this one's."""
    depth = look.skin[0] / 0.52
    return (rgb[0] * depth, rgb[1] * depth, rgb[2] * depth)


def rest_places(body: Body) -> FloatArray:
    """Rest position under each texel, ndarray of shape (T, T, 3); NaN where there is no skin."""
    places = np.full((TEXTURE_PX, TEXTURE_PX, 3), np.nan)
    for q, corners in _triangles(body):
        x0, y0 = np.floor(q.min(0)).astype(int)
        x1, y1 = np.ceil(q.max(0)).astype(int)
        gx, gy = np.meshgrid(
            np.arange(max(0, x0), min(TEXTURE_PX, x1 + 1)), np.arange(max(0, y0), min(TEXTURE_PX, y1 + 1))
        )
        d = (q[1, 1] - q[2, 1]) * (q[0, 0] - q[2, 0]) + (q[2, 0] - q[1, 0]) * (q[0, 1] - q[2, 1])
        if abs(d) < 1e-9:
            continue
        l0 = ((q[1, 1] - q[2, 1]) * (gx - q[2, 0]) + (q[2, 0] - q[1, 0]) * (gy - q[2, 1])) / d
        l1 = ((q[2, 1] - q[0, 1]) * (gx - q[2, 0]) + (q[0, 0] - q[2, 0]) * (gy - q[2, 1])) / d
        l2 = 1 - l0 - l1
        m = (l0 > -_MARGIN) & (l1 > -_MARGIN) & (l2 > -_MARGIN)
        places[gy[m], gx[m]] = l0[m, None] * corners[0] + l1[m, None] * corners[1] + l2[m, None] * corners[2]
    return places


def _triangles(body: Body) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Texture places (pixels) and rest places of the skin's triangles."""
    for f, u, g in zip(body.faces, body.face_uvs, body.face_group, strict=True):
        if g != "body":
            continue
        for tri in ((0, 1, 2), (0, 2, 3)):
            if tri[2] < len(f):
                yield body.uvs[[u[k] for k in tri]] * TEXTURE_PX - 0.5, body.verts[[f[k] for k in tri]]


class _Coat:
    """Colours of some points on the body at rest; each `paint_` lays one over them."""

    def __init__(self, points_m: FloatArray, eye: FloatArray, look: Look) -> None:
        p, self.eye = points_m, eye
        self.ax, self.y, self.z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
        self.face = self.z > 0.06
        mottled = noise3(p, 60, 5) * 0.5 + noise3(p, 190, 6) * 0.3 + noise3(p, 500, 7) * 0.3
        self.rgb = np.tile(look.skin, (len(p), 1))
        self.rgb *= 1 + 0.07 * mottled[:, None] * [0.6, 1.0, 1.0]

    def mix(self, weight: FloatArray, rgb: RGB) -> None:
        """Lay a colour over the points."""
        w = np.clip(weight, 0, 1)[:, None]
        self.rgb = self.rgb * (1 - w) + w * np.array(rgb)

    def _blob(self, x: float, y: float, rx: float, ry: float) -> FloatArray:
        return np.exp(-(((self.ax - x) / rx) ** 2) - ((self.y - y) / ry) ** 2) * self.face

    def paint_face(self, look: Look) -> None:
        """Cheeks, nose tip, eye sockets and the shaven beard."""
        eye, y, z = self.eye, self.y, self.z
        self.mix(0.35 * self._blob(0.042, eye[1] - 0.045, 0.022, 0.018), look.blush)
        self.mix(0.25 * self._blob(0.0, eye[1] - 0.038, 0.012, 0.012), look.blush)
        self.mix(0.30 * self._blob(eye[0], eye[1], 0.022, 0.014), _scaled((0.33, 0.16, 0.11), look))
        jaw = np.clip((eye[1] - 0.062 - y) / 0.02, 0, 1) * np.clip((z - 0.02) / 0.03, 0, 1)
        jaw = jaw * np.clip((y - eye[1] + 0.16) / 0.02, 0, 1)
        self.mix(look.beard * jaw, (0.30, 0.20, 0.16))

    def paint_brows(self) -> None:
        """An arc over each eye, with hair-like streaks."""
        ax, y = self.ax, self.y
        bx = np.clip((ax - 0.010) / 0.042, 0, 1)
        by = self.eye[1] + 0.0195 + 0.0065 * np.sin(bx * 2.3) - 0.004 * bx**3
        half = 0.0050 * (1 - 0.5 * bx)
        streak = 0.75 + 0.25 * np.sin(ax * 5200 + y * 3000)
        brow = np.clip(1.6 - np.abs(y - by) / half, 0, 1) * (ax > 0.009) * (ax < 0.053) * self.face
        self.mix(0.9 * brow * streak, (0.030, 0.018, 0.012))

    def paint_lashes(self) -> None:
        """The line around each eye."""
        eye = self.eye
        d = np.sqrt(((self.ax - eye[0]) / 0.0165) ** 2 + ((self.y - eye[1]) / 0.0068) ** 2)
        line = np.clip(1 - np.abs(d - 1.0) / 0.14, 0, 1) * self.face * (self.z > eye[2] - 0.01)
        self.mix(0.45 * line, (0.05, 0.03, 0.025))
