"""Shirt, trousers, shoes, hair and eyes, cut from the body's own surfaces, smoothed and grown."""

import math

import numpy as np

from dancer.body import Body
from dancer.mesh import (
    FloatArray,
    Part,
    border_neighbours,
    grow,
    noise3,
    smooth,
    smooth_border,
    subdivide,
)

# (angle from the pupil's middle in degrees up to which the colour holds, colour)
EYE_COLOURS = ((12.5, (0.01, 0.008, 0.008)), (27.5, (0.10, 0.055, 0.025)), (181.0, (0.78, 0.76, 0.74)))
EYE_RINGS_DEG = (0, 6, 12, 13, 18, 24, 27, 28, 40, 60, 90, 130, 180)
EYE_SPOKES = 24


class Tailor:
    """Cuts the parts of the figure from a body at rest."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.tights = body.group_faces("helper-tights")
        self.shoulder, self.elbow = body.head_of("upperarm01.L"), body.head_of("lowerarm01.L")
        self.hip_y, self.neck_y = body.head_of("upperleg01.L")[1], body.head_of("neck01")[1]
        self.eye = body.head_of("eye.L")
        self.centre = {i: body.verts[f].mean(0) for i, f in enumerate(body.faces)}
        self._dominant = np.array(body.bones)[body.W.argmax(1)]

    def parts(self) -> list[Part]:
        """All parts, skin among them."""
        dressed = [self.shirt(), self.trousers(), self.shoes(), self.skin(), self.hair()]
        return [*dressed, self.eye_ball("L"), self.eye_ball("R")]

    # -- where a face lies

    def _bone(self, i: int) -> str:
        return str(self._dominant[self.body.faces[i][0]])

    def _is_arm(self, i: int) -> bool:
        return any(k in self._bone(i) for k in ("arm", "wrist", "finger", "metacarpal"))

    def _along_arm(self, p: FloatArray) -> float:
        """0 at the shoulder, 1 at the elbow, on either side."""
        q, arm = np.array([abs(p[0]), p[1], p[2]]), self.elbow - self.shoulder
        return float(np.dot(q - self.shoulder, arm) / np.dot(arm, arm))

    def _cut(self, name: str, faces: list[int]) -> Part:
        return Part.cut(name, self.body.verts, [self.body.faces[i] for i in faces], self.body.W)

    # -- the parts

    def shirt(self) -> Part:
        """From the hip to the collar and half-way down the upper arms."""

        def below_collar(p: FloatArray) -> bool:
            return bool(p[1] < self.neck_y - 0.012 + 0.55 * max(0.0, -(p[2] - 0.0)) - 0.10 * max(0.0, p[2]))

        def inside(i: int) -> bool:
            c, arm = self.centre[i], self._is_arm(i)
            return c[1] > self.hip_y - 0.045 and (self._along_arm(c) < 0.62 if arm else below_collar(c))

        p = subdivide(self._cut("shirt", [i for i in self.tights if inside(i)]))
        v = smooth(smooth_border(p.verts, p.faces, 25), p.faces, 14)
        t = np.array([self._along_arm(q) for q in v])
        side = np.abs(v[:, 0]) > self.shoulder[0] * 0.9
        low = np.clip((self.body.head_of("spine03")[1] + 0.05 - v[:, 1]) / 0.25, 0, 1)
        loose = 0.010 + 0.014 * low + np.where(side, 0.004 + 0.022 * np.clip(t, 0, 0.7), 0)
        loose += 0.004 * noise3(v, 28, 1) * (0.4 + low)
        self._hang_from_pelvis(p)
        p.verts = grow(v, p.faces, loose)
        return p

    def _hang_from_pelvis(self, p: Part) -> None:
        """A hem hangs from the pelvis more than it follows the thighs."""
        index = self.body.bone_index
        for side in "LR":
            for leg in ("upperleg01.", "upperleg02."):
                i = index[leg + side]
                p.W[:, index["root"]] += 0.7 * p.W[:, i]
                p.W[:, i] *= 0.3

    def trousers(self) -> Part:
        """Below the waist, wider towards the ankle."""
        waist, hem = self.hip_y + 0.07, 0.085
        faces = [i for i in self.tights if hem < self.centre[i][1] < waist and not self._is_arm(i)]
        p = subdivide(self._cut("trousers", faces))
        v = smooth(smooth_border(p.verts, p.faces, 15), p.faces, 12)
        down = np.clip((0.80 - v[:, 1]) / 0.70, 0, 1)
        p.verts = grow(v, p.faces, 0.006 + 0.016 * down + 0.004 * noise3(v, 24, 2) * (0.3 + down))
        return p

    def shoes(self) -> Part:
        """Feet, smoothed and grown, with a flat light sole."""
        p = subdivide(self._cut("shoes", [i for i in self.tights if self.centre[i][1] < 0.115]))
        v = grow(smooth(p.verts, p.faces, 10), p.faces, 0.009)
        v[:, 1] = np.maximum(v[:, 1], -0.004)
        sole = np.clip((0.020 - v[:, 1]) / 0.006, 0, 1)[:, None]
        p.colors = sole * [0.75, 0.74, 0.72] + (1 - sole) * [0.045, 0.05, 0.06]
        p.verts = v
        return p

    def skin(self) -> Part:
        """What the clothes leave open (a margin stays under their edges)."""

        def shown(i: int) -> bool:
            c = self.centre[i]
            return self._along_arm(c) > 0.45 if self._is_arm(i) else c[1] > self.neck_y - 0.05

        b = self.body
        faces = [i for i in b.group_faces("body") if shown(i)]
        p = self._cut("skin", faces)
        p.uvs, p.face_uvs = b.uvs, [b.face_uvs[i] for i in faces]
        return p

    def hair(self) -> Part:
        """The scalp, grown, with strand-like relief."""
        eye = self.eye
        p = subdivide(self._cut("hair", [i for i in self.body.group_faces("body") if self._has_hair(i)]))
        edge = np.zeros(len(p.verts))
        edge[list(border_neighbours(p.faces))] = 1
        v = smooth(smooth_border(p.verts, p.faces, 10), p.faces, 6, keep=edge > 0)
        up = np.clip((v[:, 1] - eye[1]) / 0.10, 0, 1)
        front = np.clip((v[:, 2] - 0.02) / 0.08, 0, 1)
        thick = (0.010 + 0.016 * up + 0.012 * up * front) * np.where(edge > 0, 0.15, 1.0)
        p.verts = grow(v, p.faces, thick * (1 + 0.18 * noise3(v, 70, 3)))
        return p

    def _has_hair(self, i: int) -> bool:
        c, eye_y = self.centre[i], self.eye[1]
        if "arm" in self._bone(i) or c[1] <= self.body.head_of("head")[1] - 0.06:
            return False
        if abs(c[0]) > 0.070 and c[1] < eye_y + 0.012 and c[2] > -0.005:
            return False  # the ears stay free
        if c[2] > 0.085:  # the hairline above the brow
            return bool(c[1] > eye_y + 0.052 + 0.012 - 2.0 * max(0.0, 0.10 - c[2]))
        if c[2] > 0.035:  # temples and sideburns
            return bool(c[1] > eye_y + 0.004 + (c[2] - 0.035) * 0.9)
        return bool(c[1] > eye_y - 0.055 + max(0.0, c[2]) * 1.6)

    def eye_ball(self, side: str) -> Part:
        """A sphere with rings for pupil, iris and white; it looks along z at rest."""
        b = self.body
        g = b.verts[b.group_verts("helper-l-eye" if side == "L" else "helper-r-eye")]
        c, r = (g.min(0) + g.max(0)) / 2, np.ptp(g, axis=0).max() / 2 * 0.97
        verts, colors = [], []
        for a_deg in EYE_RINGS_DEG:
            a = np.radians(a_deg)
            colour = next(rgb for limit_deg, rgb in EYE_COLOURS if a_deg < limit_deg)
            for k in range(EYE_SPOKES):
                q = 2 * math.pi * k / EYE_SPOKES
                verts.append(c + r * np.array([math.sin(a) * math.cos(q), math.sin(a) * math.sin(q), math.cos(a)]))
                colors.append(colour)
        n = EYE_SPOKES
        faces = [
            [i * n + k, i * n + (k + 1) % n, (i + 1) * n + (k + 1) % n, (i + 1) * n + k]
            for i in range(len(EYE_RINGS_DEG) - 1)
            for k in range(n)
        ]
        W = np.zeros((len(verts), len(b.bones)))
        W[:, b.bone_index["head"]] = 1
        return Part("eye" + side, np.array(verts), faces, W, colors=np.array(colors))
