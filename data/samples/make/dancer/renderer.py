"""A small software renderer for figures, drawn over a fixed background.

Light is a set of directions, each with its own orthographic shadow map; that gives soft shadows,
ambient occlusion and a figure's shadow on floor and wall.  Figures are drawn with a z-buffer
at SAMPLES x SAMPLES samples a pixel.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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


class _Layer:
    """One figure's buffers: its light, its samples and its colours; kept between frames."""

    def __init__(self, figure: Figure, camera: Camera) -> None:
        self.figure, self.paint = figure, _paint(figure)
        n = len(figure.rest)
        self.normals = np.empty((n, 3))
        self.light = VertexLight(np.empty((n, 3)), np.empty(n))
        h, w = camera.height_px, camera.width_px
        fine = (h * SAMPLES, w * SAMPLES)
        self.samples = Samples(np.empty(fine, np.int32), np.empty((*fine, 2), np.float32))
        self.rgb, self.cover = np.empty((h, w, 3)), np.empty((h, w))

    def pose(self, pose: Pose) -> None:
        """Put the figure into a pose."""
        v = self.figure.skin(pose)
        normals(v, self.figure.tris, self.normals)
        self.surface = Surface(v, self.normals, self.figure.tris, self.figure.part)


class Renderer:
    """Draws posed figures over the background; keeps its buffers between frames.

    The nearest surface wins at each sample, whoever it belongs to.  Every figure throws its shadow on
    the room and on itself, none on another figure.

    Parameters
    ----------
    figures : sequence of Figure
    background : ndarray of shape (height_px, width_px, 3)
        The empty room, linear RGB, as the same camera sees it.
    camera : Camera
    """

    def __init__(self, figures: Sequence[Figure], background: npt.NDArray[np.float32], camera: Camera) -> None:
        h, w = camera.height_px, camera.width_px
        if background.shape != (h, w, 3):
            raise ValueError(f"background must be {(h, w, 3)} for this camera, got {background.shape}.")
        self.camera = camera
        self.background = background.astype(np.float32) * BACKGROUND_GAIN
        self.lights = room_lights()
        key, fill = ((self.lights.mean_dir(g), self.lights.total_rgb(g)) for g in (KEY, FILL))
        self.glow = Highlights(*key, *fill, camera.place_m)
        self.ground, self.ground_shape = _ground(camera)
        self.shadow_px = np.empty((SHADOW_MAP_PX, SHADOW_MAP_PX))
        self.zbuf = np.empty((h * SAMPLES, w * SAMPLES))
        self.layers = [_Layer(f, camera) for f in figures]

    def linear(self, poses: Sequence[Pose]) -> FloatArray:
        """Linear RGB picture of the figures in their poses, ndarray of shape (height_px, width_px, 3)."""
        picture: FloatArray = self.background
        self.zbuf[:] = 0
        for k, (layer, pose) in enumerate(zip(self.layers, poses, strict=True)):
            layer.pose(pose)
            picture = picture * self._lit_share(layer)
            self._sample(layer, self.layers[:k])
        for layer in self.layers:
            inv_z = 1.0 / self.camera.depth_m(layer.surface.v)
            buffers = (layer.rgb, layer.cover)
            shade(layer.samples, layer.surface, layer.light, layer.paint, self.glow, inv_z, SAMPLES, *buffers)
        picture = picture * (1 - sum(layer.cover for layer in self.layers)[..., None])
        return picture + sum(layer.rgb for layer in self.layers) * EXPOSURE

    def _lit_share(self, layer: _Layer) -> FloatArray:
        """Light the figure; the share of its light that the room keeps, ndarray of shape (height_px, width_px, 3)."""
        v = layer.surface.v
        centre = np.array([v[:, 0].mean(), 0.95, v[:, 2].mean()])
        shadow = ShadowMap(self.shadow_px, centre, SHADOW_MAP_HALF_M)
        light_all(layer.surface, self.lights, shadow, layer.light, self.ground)
        share = (self.ground.lit / np.maximum(self.ground.unlit, 1e-9)).reshape(*self.ground_shape, 3)
        size = (self.camera.width_px, self.camera.height_px)
        return cv2.resize(cv2.GaussianBlur(share, (0, 0), 1.6), size, interpolation=cv2.INTER_LINEAR)

    def _sample(self, layer: _Layer, drawn: Sequence[_Layer]) -> None:
        """Find the figure's samples in front of those drawn before it; they lose theirs behind it."""
        v, ids = layer.surface.v, layer.samples.ids
        uv = self.camera.project(v) * SAMPLES
        ids[:] = -1
        inv_z = 1.0 / self.camera.depth_m(v)
        draw(uv[:, 0].copy(), uv[:, 1].copy(), inv_z, layer.figure.tris, self.zbuf, *layer.samples)
        for other in drawn:
            other.samples.ids[ids >= 0] = -1


class DepthMap:
    """Depth of a figure as the camera sees it, without a picture: for what is visible.

    The map is larger than the picture, by its width to the left and right and half its height above
    and below, so that it holds a figure that has left the picture too.
    """

    def __init__(self, figure: Figure, camera: Camera) -> None:
        self.figure = figure
        self.margin_px = np.array([camera.width_px, camera.height_px // 2])
        wide, high = np.array([camera.width_px, camera.height_px]) + 2 * self.margin_px
        self.camera = replace(camera, width_px=int(wide), height_px=int(high))
        self.zbuf = np.empty((self.camera.height_px, self.camera.width_px))

    def draw(self, pose: Pose) -> None:
        """Draw the figure posed by bone transforms."""
        v = self.figure.skin(pose)
        uv = self.camera.project(v)
        self.zbuf[:] = 0
        inv_z = 1.0 / self.camera.depth_m(v)
        draw(uv[:, 0].copy(), uv[:, 1].copy(), inv_z, self.figure.tris, self.zbuf, NO_IDS, NO_WEIGHTS)

    def in_picture(self, a: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The picture's part of an array of this map's shape."""
        x, y = self.margin_px
        return a[y:-y, x:-x]


def depth_at_m(uv_px: FloatArray, maps: Sequence[DepthMap]) -> FloatArray:
    """Depth of the nearest surface of all maps at picture positions of shape (N, 2); inf where there is none."""
    x, y = np.floor(uv_px + maps[0].margin_px).astype(int).T
    height, width = maps[0].zbuf.shape
    ok = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    d = np.full(len(uv_px), np.inf)
    z = np.max([m.zbuf[y[ok], x[ok]] for m in maps], axis=0)
    d[ok] = np.where(z > 0, 1 / np.maximum(z, 1e-9), np.inf)
    return d
