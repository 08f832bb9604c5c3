"""A small software renderer for the figure, drawn over a fixed background.

Light is a set of directions, each with its own orthographic shadow map; that gives soft shadows,
ambient occlusion and the figure's shadow on floor and wall.  The figure is drawn with a z-buffer
at SAMPLES x SAMPLES samples a pixel.
"""

import cv2
import numpy as np
import numpy.typing as npt

from dancer.body import Pose
from dancer.camera import WALL_Z_M, Camera
from dancer.figure import Figure
from dancer.kernels import NO_IDS, NO_WEIGHTS, Ground, ShadowMap, Surface, VertexLight, draw, light_all, normals
from dancer.lights import FILL, KEY, room_lights
from dancer.shading import Highlights, Paint, Samples, shade

FloatArray = npt.NDArray[np.float64]
SAMPLES = 3
SHADOW_MAP_PX = 352
SHADOW_MAP_HALF_M = 1.25
EXPOSURE = 0.45
BACKGROUND_GAIN = 0.85


def tone(linear: FloatArray) -> FloatArray:
    """Linear light to sRGB in [0, 1] with a soft shoulder (a fitted filmic curve, K. Narkowicz 2015)."""
    x = np.maximum(linear, 0)
    x = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def noise_volume(n: int = 96, seed: int = 11) -> npt.NDArray[np.float32]:
    """Tiling smooth noise in about [-1, 1], ndarray of shape (n, n, n)."""
    a = np.random.default_rng(seed).normal(size=(n, n, n))
    f = [np.fft.fftfreq(n)] * 3
    k2 = sum(g**2 for g in np.meshgrid(*f, indexing="ij"))
    a = np.fft.ifftn(np.fft.fftn(a) * np.exp(-k2 * 155)).real
    return (a / (2.2 * a.std())).astype(np.float32)


def _ground(camera: Camera) -> tuple[Ground, tuple[int, int]]:
    """Points of floor and wall behind every second pixel, and the shape of their grid."""
    u, v = np.meshgrid(np.arange(1, camera.width_px, 2.0), np.arange(1, camera.height_px, 2.0))
    x, y = (u - camera.width_px / 2) / camera.focal_px, -(v - camera.height_px / 2) / camera.focal_px
    ray = np.stack([x, y, -np.ones_like(u)], -1).reshape(-1, 3)
    with np.errstate(divide="ignore"):
        to_floor = np.where(ray[:, 1] < 0, -camera.above_floor_m / ray[:, 1], np.inf)
    to_wall = camera.distance_m - WALL_Z_M
    on_floor = to_floor < to_wall
    points = camera.place_m + ray * np.where(on_floor, to_floor, to_wall)[:, None]
    facing = np.where(on_floor[:, None], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    return Ground(points, facing, np.empty((len(points), 3)), np.empty((len(points), 3))), u.shape


def _paint(figure: Figure) -> Paint:
    look = figure.look
    cloth = (look.shirt, look.stripe, look.stripe_y_m, look.trousers, look.hair, look.hair_shine)
    colours = [np.array(c, float) for c in cloth]
    return Paint(figure.rest, figure.colors, figure.tri_uv, figure.texture, noise_volume(), *colours)


class Renderer:
    """Draws the posed figure over the background; keeps its buffers between frames.

    Parameters
    ----------
    figure : Figure
    background : ndarray of shape (height_px, width_px, 3)
        The empty room, linear RGB, as the same camera sees it.
    camera : Camera
    """

    def __init__(self, figure: Figure, background: npt.NDArray[np.float32], camera: Camera) -> None:
        h, w = camera.height_px, camera.width_px
        if background.shape != (h, w, 3):
            raise ValueError(f"background must be {(h, w, 3)} for this camera, got {background.shape}.")
        self.figure, self.camera = figure, camera
        self.background = background.astype(np.float32) * BACKGROUND_GAIN
        self.lights = room_lights()
        self.paint = _paint(figure)
        key, fill = ((self.lights.mean_dir(g), self.lights.total_rgb(g)) for g in (KEY, FILL))
        self.glow = Highlights(*key, *fill, camera.place_m)
        self.ground, self.ground_shape = _ground(camera)
        n = len(figure.rest)
        self.normals = np.empty((n, 3))
        self.light = VertexLight(np.empty((n, 3)), np.empty(n))
        self.shadow_px = np.empty((SHADOW_MAP_PX, SHADOW_MAP_PX))
        fine = (h * SAMPLES, w * SAMPLES)
        self.zbuf = np.empty(fine)
        self.samples = Samples(np.empty(fine, np.int32), np.empty((*fine, 2), np.float32))
        self.rgb, self.cover = np.empty((h, w, 3)), np.empty((h, w))

    def linear(self, pose: Pose) -> FloatArray:
        """Linear RGB picture of the posed figure, ndarray of shape (height_px, width_px, 3)."""
        figure, camera = self.figure, self.camera
        v = figure.skin(pose)
        normals(v, figure.tris, self.normals)
        surface = Surface(v, self.normals, figure.tris, figure.part)
        centre = np.array([v[:, 0].mean(), 0.95, v[:, 2].mean()])
        shadow = ShadowMap(self.shadow_px, centre, SHADOW_MAP_HALF_M)
        light_all(surface, self.lights, shadow, self.light, self.ground)
        uv = camera.project(v) * SAMPLES
        inv_z = 1.0 / camera.depth_m(v)
        self.zbuf[:] = 0
        self.samples.ids[:] = -1
        draw(uv[:, 0].copy(), uv[:, 1].copy(), inv_z, figure.tris, self.zbuf, *self.samples)
        shade(self.samples, surface, self.light, self.paint, self.glow, inv_z, SAMPLES, self.rgb, self.cover)
        lit_share = (self.ground.lit / np.maximum(self.ground.unlit, 1e-9)).reshape(*self.ground_shape, 3)
        size = (camera.width_px, camera.height_px)
        lit_share = cv2.resize(cv2.GaussianBlur(lit_share, (0, 0), 1.6), size, interpolation=cv2.INTER_LINEAR)
        return self.background * lit_share * (1 - self.cover[..., None]) + self.rgb * EXPOSURE


class DepthMap:
    """Depth of the figure as the camera sees it, without a picture: for the visible flags."""

    def __init__(self, figure: Figure, camera: Camera) -> None:
        self.figure, self.camera = figure, camera
        self.zbuf = np.empty((camera.height_px, camera.width_px))

    def draw(self, pose: Pose) -> None:
        """Draw the figure posed by bone transforms."""
        v = self.figure.skin(pose)
        uv = self.camera.project(v)
        self.zbuf[:] = 0
        inv_z = 1.0 / self.camera.depth_m(v)
        draw(uv[:, 0].copy(), uv[:, 1].copy(), inv_z, self.figure.tris, self.zbuf, NO_IDS, NO_WEIGHTS)

    def depth_m(self, uv_px: FloatArray) -> FloatArray:
        """Depth of the nearest surface at pixel positions of shape (N, 2); inf where there is none."""
        x, y = np.floor(uv_px[:, 0]).astype(int), np.floor(uv_px[:, 1]).astype(int)
        ok = (x >= 0) & (y >= 0) & (x < self.camera.width_px) & (y < self.camera.height_px)
        d = np.full(len(uv_px), np.inf)
        z = self.zbuf[y[ok], x[ok]]
        d[ok] = np.where(z > 0, 1 / np.maximum(z, 1e-9), np.inf)
        return d
