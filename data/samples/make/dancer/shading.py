"""Compiled shading: what colour each sample of the drawn figure has."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float64]
_SKIN, _SHIRT, _TROUSERS, _SHOES, _HAIR = range(5)  # places in figure.PARTS; eyes follow
_RELIEF_STEP_M = 0.004


class Samples(NamedTuple):
    """What `kernels.draw` found: triangle (H, W) and two barycentric weights (H, W, 2) of each sample."""

    ids: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]


class Paint(NamedTuple):
    """Colours of the figure: rest places and vertex colours (V, 3), texture, noise volume, cloth and hair."""

    rest: FloatArray
    colors: npt.NDArray[np.float32]
    tri_uv: npt.NDArray[np.float32]
    texture: npt.NDArray[np.float32]
    noise: npt.NDArray[np.float32]
    shirt: FloatArray
    stripe: FloatArray
    stripe_y_m: FloatArray
    trousers: FloatArray
    hair: FloatArray
    hair_shine: FloatArray


class Highlights(NamedTuple):
    """Directions and strengths of the lights that make highlights, and the camera's place, each (3,)."""

    key: FloatArray
    key_rgb: FloatArray
    fill: FloatArray
    fill_rgb: FloatArray
    camera: FloatArray


@njit(cache=True, fastmath=True)
def _vol(noise, x, y, z):
    """Trilinear look-up in a tiling noise volume (one unit is a feature, 3 voxels)."""
    N = noise.shape[0]
    x, y, z = 3.0 * x, 3.0 * y, 3.0 * z
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    tx, ty, tz = x - fx, y - fy, z - fz
    i, j, k = int(fx) % N, int(fy) % N, int(fz) % N
    i1, j1, k1 = (i + 1) % N, (j + 1) % N, (k + 1) % N
    a0 = noise[i, j, k] * (1 - tx) + noise[i1, j, k] * tx
    a1 = noise[i, j1, k] * (1 - tx) + noise[i1, j1, k] * tx
    b0 = noise[i, j, k1] * (1 - tx) + noise[i1, j, k1] * tx
    b1 = noise[i, j1, k1] * (1 - tx) + noise[i1, j1, k1] * tx
    return (a0 * (1 - ty) + a1 * ty) * (1 - tz) + (b0 * (1 - ty) + b1 * ty) * tz


@njit(cache=True, fastmath=True)
def _fold(noise, part, x, y, z):
    """Height of cloth folds or hair strands at a rest position."""
    if part == _SHIRT:
        return 1.0 * _vol(noise, x * 22, y * 13, z * 22) + 0.4 * _vol(noise, x * 60 + 7, y * 42, z * 60)
    if part == _TROUSERS:
        return 1.0 * _vol(noise, x * 26, y * 11, z * 26) + 0.4 * _vol(noise, x * 60 + 7, y * 40, z * 60)
    if part == _HAIR:
        return 1.2 * _vol(noise, x * 200, y * 60, z * 45) + 0.8 * _vol(noise, x * 90, y * 40, z * 30)
    return 0.0


@njit(cache=True, fastmath=True)
def _mix(a, i, j, k, w0, w1, w2, c):
    """Value of column c between three rows."""
    return w0 * a[i, c] + w1 * a[j, c] + w2 * a[k, c]


@njit(cache=True, fastmath=True)
def _texel(tex, u, t, c):
    """Bilinear look-up of one channel; u and t in pixels."""
    T = tex.shape[0]
    iu, it = math.floor(u), math.floor(t)
    fu, ft = u - iu, t - it
    iu, it = min(max(iu, 0), T - 2), min(max(it, 0), T - 2)
    low = tex[it, iu, c] * (1 - fu) + tex[it, iu + 1, c] * fu
    high = tex[it + 1, iu, c] * (1 - fu) + tex[it + 1, iu + 1, c] * fu
    return low * (1 - ft) + high * ft


@njit(cache=True, fastmath=True)
def _surface(paint, part, tri, k, w0, w1, w2, x, y, z):
    """Colour (r, g, b), highlight strength and sharpness, and relief of the surface at rest place x, y, z."""
    a, b, c = tri
    noise = paint.noise
    if part == _SKIN:
        tex, uv = paint.texture, paint.tri_uv
        T = tex.shape[0]
        u = (w0 * uv[k, 0, 0] + w1 * uv[k, 1, 0] + w2 * uv[k, 2, 0]) * T - 0.5
        t = (w0 * uv[k, 0, 1] + w1 * uv[k, 1, 1] + w2 * uv[k, 2, 1]) * T - 0.5
        return _texel(tex, u, t, 0), _texel(tex, u, t, 1), _texel(tex, u, t, 2), 0.10, 14.0, 0.0
    if part == _SHIRT:
        rgb = paint.stripe if paint.stripe_y_m[0] < y < paint.stripe_y_m[1] else paint.shirt
        w = 1.0 + 0.05 * _vol(noise, x * 420, y * 420, z * 420)
        return rgb[0] * w, rgb[1] * w, rgb[2] * w, 0.015, 8.0, 2.6
    if part == _TROUSERS:
        w = 1.0 + 0.06 * _vol(noise, x * 420, y * 700, z * 420)
        rgb = paint.trousers
        return rgb[0] * w, rgb[1] * w, rgb[2] * w, 0.012, 8.0, 2.6
    if part == _HAIR:
        w = _vol(noise, x * 260, y * 70, z * 50) * 0.5 + 0.5
        d, s = paint.hair, paint.hair_shine
        return d[0] + s[0] * w, d[1] + s[1] * w, d[2] + s[2] * w, 0.07, 22.0, 0.45
    r = _mix(paint.colors, a, b, c, w0, w1, w2, 0)
    g = _mix(paint.colors, a, b, c, w0, w1, w2, 1)
    bl = _mix(paint.colors, a, b, c, w0, w1, w2, 2)
    if part == _SHOES:
        return r, g, bl, 0.04, 12.0, 0.0
    return r, g, bl, 0.55, 90.0, 0.0


@njit(cache=True, fastmath=True)
def _bumped(noise, part, relief, rest, n):
    """Normal n tilted by the slope of folds or strands at a rest place."""
    h = _RELIEF_STEP_M
    x, y, z = rest
    nx, ny, nz = n
    f0 = _fold(noise, part, x, y, z)
    gx = _fold(noise, part, x + h, y, z) - f0
    gy = _fold(noise, part, x, y + h, z) - f0
    gz = _fold(noise, part, x, y, z + h) - f0
    d = gx * nx + gy * ny + gz * nz
    mx, my, mz = nx - relief * (gx - d * nx), ny - relief * (gy - d * ny), nz - relief * (gz - d * nz)
    q = 1.0 / math.sqrt(mx * mx + my * my + mz * mz)
    return mx * q, my * q, mz * q


@njit(cache=True, fastmath=True)
def _dot(d, x, y, z):
    """Cosine, not below 0."""
    return max(0.0, x * d[0] + y * d[1] + z * d[2])


@njit(cache=True, fastmath=True)
def _glint(d, view, m, shine):
    """Blinn highlight of a light in direction d, seen from direction `view` on normal m."""
    hx, hy, hz = d[0] + view[0], d[1] + view[1], d[2] + view[2]
    q = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz)
    return max(0.0, (m[0] * hx + m[1] * hy + m[2] * hz) * q) ** shine


@njit(cache=True, fastmath=True)
def _point(a, tri, w0, w1, w2):
    """Value of a (V, 3) array between the corners of a triangle."""
    i, j, k = tri
    return _mix(a, i, j, k, w0, w1, w2, 0), _mix(a, i, j, k, w0, w1, w2, 1), _mix(a, i, j, k, w0, w1, w2, 2)


@njit(cache=True, fastmath=True)
def _scaled(x, y, z, q):
    """Three numbers times a fourth."""
    return x * q, y * q, z * q


@njit(cache=True, fastmath=True)
def _relit(glow, key_seen, e, m, n):
    """Light e on normal n, changed by what the bumped normal m sees of the key and fill lights."""
    dk = (_dot(glow.key, m[0], m[1], m[2]) - _dot(glow.key, n[0], n[1], n[2])) * key_seen
    df = _dot(glow.fill, m[0], m[1], m[2]) - _dot(glow.fill, n[0], n[1], n[2])
    up = 0.25 * (m[1] - n[1])
    e0 = max(0.25 * e[0], e[0] + dk * glow.key_rgb[0] + df * glow.fill_rgb[0] + up)
    e1 = max(0.25 * e[1], e[1] + dk * glow.key_rgb[1] + df * glow.fill_rgb[1] + up)
    e2 = max(0.25 * e[2], e[2] + dk * glow.key_rgb[2] + df * glow.fill_rgb[2] + up)
    return e0, e1, e2


@njit(cache=True, fastmath=True)
def _sample(k, bar, surface, light, paint, glow, inv_z):
    """Linear RGB of one sample of triangle k."""
    tri = surface.tris[k]
    a, b, c = tri
    # perspective-correct weights
    w0, w1, w2 = bar[0] * inv_z[a], bar[1] * inv_z[b], (1 - bar[0] - bar[1]) * inv_z[c]
    w0, w1, w2 = _scaled(w0, w1, w2, 1.0 / (w0 + w1 + w2))
    rest = _point(paint.rest, tri, w0, w1, w2)
    nx, ny, nz = _point(surface.n, tri, w0, w1, w2)
    n = _scaled(nx, ny, nz, 1.0 / (math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12))
    vx, vy, vz = _point(surface.v, tri, w0, w1, w2)
    vx, vy, vz = glow.camera[0] - vx, glow.camera[1] - vy, glow.camera[2] - vz
    view = _scaled(vx, vy, vz, 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz))
    facing = n[0] * view[0] + n[1] * view[1] + n[2] * view[2]
    e = _point(light.rgb, tri, w0, w1, w2)
    key_seen = w0 * light.key[a] + w1 * light.key[b] + w2 * light.key[c]
    part = surface.part[a]
    r, g, bl, spec, shine, relief = _surface(paint, part, tri, k, w0, w1, w2, rest[0], rest[1], rest[2])
    m = n
    if relief > 0.0:
        m = _bumped(paint.noise, part, relief, rest, n)
    if facing < 0:  # the inside of a sleeve or hem
        e, spec = (0.35 * e[0] + 0.22, 0.35 * e[1] + 0.22, 0.35 * e[2] + 0.22), 0.0
    else:
        e = _relit(glow, key_seen, e, m, n)
    r, g, bl = r * e[0], g * e[1], bl * e[2]
    if spec > 0.0:
        s = key_seen * _glint(glow.key, view, m, shine)
        s2 = 0.35 * _glint(glow.fill, view, m, shine)
        rim = 0.35 * (1 - max(0.0, facing)) ** 4 * (e[0] + e[1] + e[2]) / 3
        r += spec * (s * glow.key_rgb[0] + s2 + rim)
        g += spec * (s * glow.key_rgb[1] + s2 + rim)
        bl += spec * (s * glow.key_rgb[2] + s2 + rim)
    return r, g, bl


@njit(cache=True, fastmath=True)
def shade(samples, surface, light, paint, glow, inv_z, per_pixel, rgb, cover):
    """Write linear RGB (H, W, 3) and coverage (H, W) from per_pixel x per_pixel samples a pixel."""
    H, W = samples.ids.shape
    rgb[:] = 0
    cover[:] = 0
    share = 1.0 / (per_pixel * per_pixel)
    for Y in range(H):
        for X in range(W):
            k = samples.ids[Y, X]
            if k < 0:
                continue
            r, g, b = _sample(k, samples.weights[Y, X], surface, light, paint, glow, inv_z)
            y, x = Y // per_pixel, X // per_pixel
            rgb[y, x, 0] += r * share
            rgb[y, x, 1] += g * share
            rgb[y, x, 2] += b * share
            cover[y, x] += share
