"""Compiled loops: normals, the z-buffer, and light with one soft shadow map per direction."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from dancer.lights import Lights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

NO_IDS = np.empty((0, 0), np.int32)  # given to `draw` when only depth is wanted
NO_WEIGHTS = np.empty((0, 0, 2), np.float32)
_SKIN, _EYE = 0, 5  # places in figure.PARTS; eyes are the last two


class Surface(NamedTuple):
    """The posed figure: vertices (V, 3), normals (V, 3), triangles (F, 3), part of each vertex (V,)."""

    v: FloatArray
    n: FloatArray
    tris: IntArray
    part: IntArray


class VertexLight(NamedTuple):
    """Light that arrives at each vertex: RGB (V, 3), and the share of the key light that is seen (V,)."""

    rgb: FloatArray
    key: FloatArray


class Ground(NamedTuple):
    """Points of the room (P, 3) with normals, and the light they get with and without the figure (P, 3)."""

    points: FloatArray
    normals: FloatArray
    lit: FloatArray
    unlit: FloatArray


class ShadowMap(NamedTuple):
    """Square depth buffer around a centre (3,); half_m from its middle to its edge."""

    depth: FloatArray
    centre: FloatArray
    half_m: float


@njit(cache=True, fastmath=True)
def normals(v, tris, out):
    """Write unit vertex normals, weighted by the triangles' areas."""
    out[:] = 0
    for k in range(len(tris)):
        a, b, c = tris[k]
        ux, uy, uz = v[b, 0] - v[a, 0], v[b, 1] - v[a, 1], v[b, 2] - v[a, 2]
        wx, wy, wz = v[c, 0] - v[a, 0], v[c, 1] - v[a, 1], v[c, 2] - v[a, 2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(len(out)):
        n = math.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2) + 1e-20
        out[i] /= n


@njit(cache=True, fastmath=True)
def draw(px, py, pz, tris, zbuf, ids, weights):
    """Draw triangles into a z-buffer; larger pz is nearer.

    `ids` gets the nearest triangle of each sample and `weights` its first two barycentric
    weights, unless they are `NO_IDS` and `NO_WEIGHTS`.
    """
    H, W = zbuf.shape
    full = ids.shape[0] > 0
    for k in range(len(tris)):
        a, b, c = tris[k]
        x0, y0, x1, y1, x2, y2 = px[a], py[a], px[b], py[b], px[c], py[c]
        lo_x, hi_x = max(0, math.ceil(min(x0, x1, x2) - 0.5)), min(W - 1, math.floor(max(x0, x1, x2) - 0.5))
        lo_y, hi_y = max(0, math.ceil(min(y0, y1, y2) - 0.5)), min(H - 1, math.floor(max(y0, y1, y2) - 0.5))
        if lo_x > hi_x or lo_y > hi_y:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-12:
            continue
        inv = 1.0 / area
        for y in range(lo_y, hi_y + 1):
            fy = y + 0.5
            for x in range(lo_x, hi_x + 1):
                fx = x + 0.5
                w0 = ((x1 - fx) * (y2 - fy) - (x2 - fx) * (y1 - fy)) * inv
                w1 = ((x2 - fx) * (y0 - fy) - (x0 - fx) * (y2 - fy)) * inv
                w2 = 1.0 - w0 - w1
                if w0 < -1e-9 or w1 < -1e-9 or w2 < -1e-9:
                    continue
                z = w0 * pz[a] + w1 * pz[b] + w2 * pz[c]
                if z > zbuf[y, x]:
                    zbuf[y, x] = z
                    if full:
                        ids[y, x] = k
                        weights[y, x, 0] = w0
                        weights[y, x, 1] = w1


@njit(cache=True, fastmath=True)
def _seen(shadow, sx, sy, depth, bias, spread):
    """Share of 4 x 4 soft taps that see the light."""
    S = shadow.shape[0]
    s = 0.0
    for j in range(4):
        for i in range(4):
            x, y = int(sx + (i - 1.5) * spread), int(sy + (j - 1.5) * spread)
            if x < 0 or y < 0 or x >= S or y >= S or shadow[y, x] <= depth + bias:
                s += 1.0
    return s / 16.0


@njit(cache=True, fastmath=True)
def _axes(dx, dy, dz):
    """Two unit axes across a direction, and the direction: rows of a (3, 3) array."""
    if abs(dy) < 0.95:
        ux, uy, uz = dz, 0.0, -dx
    else:
        ux, uy, uz = 1.0, 0.0, 0.0
    d = ux * dx + uy * dy + uz * dz
    ux, uy, uz = ux - d * dx, uy - d * dy, uz - d * dz
    m = math.sqrt(ux * ux + uy * uy + uz * uz)
    ux, uy, uz = ux / m, uy / m, uz / m
    wx, wy, wz = dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux
    return np.array([[ux, uy, uz], [wx, wy, wz], [dx, dy, dz]])


@njit(cache=True, fastmath=True)
def _to_map(axes, x, y, z, scale, size):
    """Place of a point (relative to the map's centre) in a shadow map, and its depth."""
    sx = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) * scale + size / 2
    sy = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) * scale + size / 2
    return sx, sy, axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z


@njit(cache=True, fastmath=True)
def _light_vertices(surface, axes, rgb, key_share, shadow, scale, out):
    """Add one light to the vertices it reaches."""
    v, n, part, centre = surface.v, surface.n, surface.part, shadow.centre
    size = shadow.depth.shape[0]
    for i in range(len(v)):
        nd = n[i, 0] * axes[2, 0] + n[i, 1] * axes[2, 1] + n[i, 2] * axes[2, 2]
        wrap_r, wrap_g, wrap_b = 0.0, 0.0, 0.0
        if part[i] == _SKIN:  # skin lets some light around the edge
            wrap_r, wrap_g, wrap_b = 0.28, 0.12, 0.08
        if nd <= -wrap_r:
            continue
        k = 0.012 if part[i] < _EYE else 0.035  # step off the surface before looking; eyes out of their sockets
        x, y = v[i, 0] + k * n[i, 0] - centre[0], v[i, 1] + k * n[i, 1] - centre[1]
        sx, sy, depth = _to_map(axes, x, y, v[i, 2] + k * n[i, 2] - centre[2], scale, size)
        s = _seen(shadow.depth, sx, sy, depth, 0.006, 0.9)
        out.rgb[i, 0] += rgb[0] * s * max(0.0, (nd + wrap_r) / (1 + wrap_r))
        out.rgb[i, 1] += rgb[1] * s * max(0.0, (nd + wrap_g) / (1 + wrap_g))
        out.rgb[i, 2] += rgb[2] * s * max(0.0, (nd + wrap_b) / (1 + wrap_b))
        out.key[i] += s * key_share


@njit(cache=True, fastmath=True)
def _light_ground(ground, axes, rgb, shadow, scale):
    """Add one light to the room's points, with and without the figure's shadow."""
    p, n, centre = ground.points, ground.normals, shadow.centre
    size = shadow.depth.shape[0]
    for i in range(len(p)):
        nd = n[i, 0] * axes[2, 0] + n[i, 1] * axes[2, 1] + n[i, 2] * axes[2, 2]
        if nd <= 0:
            continue
        x, y, z = p[i, 0] - centre[0], p[i, 1] - centre[1], p[i, 2] - centre[2]
        sx, sy, depth = _to_map(axes, x, y, z, scale, size)
        s = _seen(shadow.depth, sx, sy, depth, 0.004, 2.6)
        for c in range(3):
            ground.unlit[i, c] += rgb[c] * nd
            ground.lit[i, c] += rgb[c] * nd * s


@njit(cache=True, fastmath=True)
def light_all(surface: Surface, lights: Lights, shadow: ShadowMap, out: VertexLight, ground: Ground):
    """Write the light of all directions at the vertices and at the ground's points."""
    v, centre, size = surface.v, shadow.centre, shadow.depth.shape[0]
    out.rgb[:] = 0
    out.key[:] = 0
    ground.lit[:] = 0
    ground.unlit[:] = 0
    sx, sy, sz = np.empty(len(v)), np.empty(len(v)), np.empty(len(v))
    no_ids = np.empty((0, 0), np.int32)
    no_weights = np.empty((0, 0, 2), np.float32)
    scale = size / (2 * shadow.half_m)
    n_key = 0
    for g in lights.group:
        if g == 0:
            n_key += 1
    for k in range(len(lights.dirs)):
        axes = _axes(lights.dirs[k, 0], lights.dirs[k, 1], lights.dirs[k, 2])
        for i in range(len(v)):
            x, y, z = v[i, 0] - centre[0], v[i, 1] - centre[1], v[i, 2] - centre[2]
            sx[i], sy[i], sz[i] = _to_map(axes, x, y, z, scale, size)
        shadow.depth[:] = -1e9
        draw(sx, sy, sz, surface.tris, shadow.depth, no_ids, no_weights)
        key_share = 1.0 / n_key if lights.group[k] == 0 else 0.0
        _light_vertices(surface, axes, lights.cols[k], key_share, shadow, scale, out)
        _light_ground(ground, axes, lights.cols[k], shadow, scale)
