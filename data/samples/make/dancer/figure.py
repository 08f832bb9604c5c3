"""All parts of the figure in one triangle mesh, ready to be skinned and drawn."""

from pathlib import Path

import numpy as np

from dancer.body import Body, Pose
from dancer.clothes import Tailor
from dancer.looks import Look
from dancer.mesh import FloatArray, Part
from dancer.skin import skin_texture

# the shader knows parts by their place in this list
PARTS = ("skin", "shirt", "trousers", "shoes", "hair", "eyeL", "eyeR")
BONES_PER_VERTEX = 8


class Figure:
    """The dressed dancer at rest.

    Attributes
    ----------
    rest : ndarray of shape (V, 3)
        Vertices in metres.
    part : ndarray of shape (V,)
        Index into `PARTS`.
    colors : ndarray of shape (V, 3)
        Linear RGB of parts coloured by vertex.
    tris, tri_uv : ndarray of shape (F, 3) and (F, 3, 2)
        Triangles and the places of their corners in `texture`.
    """

    def __init__(self, body: Body, data_dir: str | Path, look: Look) -> None:
        self.look = look
        parts = Tailor(body).parts()
        self.rest = np.concatenate([p.verts for p in parts])
        grey = [np.full((len(p.verts), 3), 0.5) if p.colors is None else p.colors for p in parts]
        self.colors = np.concatenate(grey).astype(np.float32)
        self.part = np.concatenate([np.full(len(p.verts), PARTS.index(p.name)) for p in parts]).astype(np.int32)
        self._triangulate(parts)
        self.texture = skin_texture(body, data_dir, look)
        W = np.concatenate([p.W for p in parts])
        self.bone_ids = np.argsort(-W, axis=1)[:, :BONES_PER_VERTEX].astype(np.int32)
        self.bone_w = np.take_along_axis(W, self.bone_ids, 1)
        self.bone_w /= self.bone_w.sum(1, keepdims=True)

    def _triangulate(self, parts: list[Part]) -> None:
        tris, tri_uv, n = [], [], 0
        for p in parts:
            for k, f in enumerate(p.faces):
                textured = p.uvs is not None and p.face_uvs is not None
                uv = p.uvs[p.face_uvs[k]] if textured else np.zeros((len(f), 2))
                for i in range(1, len(f) - 1):
                    tris.append([f[0] + n, f[i] + n, f[i + 1] + n])
                    tri_uv.append([uv[0], uv[i], uv[i + 1]])
            n += len(p.verts)
        self.tris = np.array(tris, np.int32)
        self.tri_uv = np.array(tri_uv, np.float32)

    def skin(self, pose: Pose) -> FloatArray:
        """Vertices posed by bone transforms, ndarray of shape (V, 3)."""
        R, t = pose
        M = np.einsum("vk,vkij->vij", self.bone_w, R[self.bone_ids])
        return np.einsum("vij,vj->vi", M, self.rest) + np.einsum("vk,vki->vi", self.bone_w, t[self.bone_ids])
