"""Geometry of polygon meshes: normals, smoothing, borders, subdivision, noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Faces = list[list[int]]


@dataclass
class Part:
    """One mesh of the figure.

    Attributes
    ----------
    name : str
    verts : ndarray of shape (V, 3)
        Rest vertices in metres.
    faces : list of list of int
    W : ndarray of shape (V, B)
        Skin weights.
    uvs, face_uvs : ndarray of shape (U, 2) and list of list of int, optional
        Texture places and their indices by face.
    colors : ndarray of shape (V, 3), optional
        Linear RGB.
    """

    name: str
    verts: FloatArray
    faces: Faces
    W: FloatArray
    uvs: FloatArray | None = None
    face_uvs: Faces | None = None
    colors: FloatArray | None = None

    @classmethod
    def cut(cls, name: str, verts: FloatArray, faces: Faces, W: FloatArray) -> "Part":
        """Make a part from some faces of a larger mesh, keeping only the vertices they use."""
        used = np.unique([v for f in faces for v in f])
        new = -np.ones(len(verts), int)
        new[used] = np.arange(len(used))
        return cls(name, verts[used], [[int(new[v]) for v in f] for f in faces], W[used])


def edges_of(face: list[int]) -> list[tuple[int, int]]:
    """Pairs of vertices around a face."""
    return list(zip(face, face[1:] + face[:1], strict=True))


def vertex_normals(verts: FloatArray, faces: Faces) -> FloatArray:
    """Outward unit normals, ndarray of shape (V, 3)."""
    n = np.zeros_like(verts)
    for f in faces:
        p = verts[f]
        n[f] += np.cross(p[2 % len(f)] - p[0], p[-1] - p[1])
    return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12)


def grow(verts: FloatArray, faces: Faces, amount_m: float | FloatArray) -> FloatArray:
    """Move vertices out along their normals, by one amount or one per vertex."""
    return verts + vertex_normals(verts, faces) * np.reshape(amount_m, (-1, 1))


def smooth(
    verts: FloatArray, faces: Faces, rounds: int, keep: npt.NDArray[np.bool_] | None = None, amount: float = 0.5
) -> FloatArray:
    """Laplacian smoothing; vertices in the mask `keep` stay."""
    edges = {(min(a, b), max(a, b)) for f in faces for a, b in edges_of(f)}
    i, j = np.array(sorted(edges)).T
    n = np.bincount(i, minlength=len(verts)) + np.bincount(j, minlength=len(verts))
    v = verts.copy()
    for _ in range(rounds):
        m = np.zeros_like(v)
        np.add.at(m, i, v[j])
        np.add.at(m, j, v[i])
        new = v + amount * (m / np.maximum(n, 1)[:, None] - v)
        if keep is not None:
            new[keep] = v[keep]
        v = new
    return v


def border_neighbours(faces: Faces) -> dict[int, list[int]]:
    """Vertices of the open border, each with its neighbours along it."""
    seen: dict[tuple[int, int], int] = {}
    for f in faces:
        for a, b in edges_of(f):
            k = (min(a, b), max(a, b))
            seen[k] = seen.get(k, 0) + 1
    out: dict[int, list[int]] = {}
    for (a, b), n in seen.items():
        if n == 1:
            out.setdefault(a, []).append(b)
            out.setdefault(b, []).append(a)
    return out


def smooth_border(verts: FloatArray, faces: Faces, rounds: int) -> FloatArray:
    """Straighten jagged open borders."""
    neighbours = border_neighbours(faces)
    ids = np.array([k for k, v in neighbours.items() if len(v) == 2])
    pair = np.array([neighbours[k] for k in ids])
    v = verts.copy()
    for _ in range(rounds):
        v[ids] = 0.5 * v[ids] + 0.25 * (v[pair[:, 0]] + v[pair[:, 1]])
    return v


def subdivide(part: Part) -> Part:
    """Split each face into quads (linear), with skin weights; smoothing follows separately."""
    verts, W = list(part.verts), list(part.W)
    middles: dict[tuple[int, int], int] = {}

    def middle(a: int, b: int) -> int:
        k = (a, b) if a < b else (b, a)
        if k not in middles:
            middles[k] = len(verts)
            verts.append((verts[a] + verts[b]) / 2)
            W.append((W[a] + W[b]) / 2)
        return middles[k]

    faces = []
    for f in part.faces:
        c = len(verts)
        verts.append(np.mean([verts[i] for i in f], 0))
        W.append(np.mean([W[i] for i in f], 0))
        m = [middle(p, q) for p, q in edges_of(f)]
        faces += [[f[i], m[i], c, m[i - 1]] for i in range(len(f))]
    return Part(part.name, np.array(verts), faces, np.array(W))


def noise3(points_m: FloatArray, per_m: float, seed: int) -> FloatArray:
    """Cheap smooth noise in about [-1, 1] from sums of sines, one value per point."""
    r = np.random.default_rng(seed)
    out = np.zeros(len(points_m))
    for _ in range(6):
        d = r.normal(size=3)
        out += np.sin(points_m @ (d * per_m) + r.uniform(0, 6.28))
    return out / 6**0.5 / 1.2
