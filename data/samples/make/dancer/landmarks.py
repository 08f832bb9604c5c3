"""Where the joints are: 33 BlazePose landmarks and 21 landmarks per hand, read off the rig.

They are the joints of the MakeHuman default rig and points of its mesh, not a learned landmark
definition: expect a constant offset per landmark against any pose model.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dancer.body import Body, Pose

FloatArray = npt.NDArray[np.float64]

_THREE = ("mcp", "pip", "dip", "tip")
FINGERS = {
    "thumb": (1, ("cmc", "mcp", "ip", "tip")),
    "index_finger": (2, _THREE),
    "middle_finger": (3, _THREE),
    "ring_finger": (4, _THREE),
    "pinky": (5, _THREE),
}
# (landmark, bone whose near end it is)
LIMBS = (
    ("shoulder", "upperarm01"),
    ("elbow", "lowerarm01"),
    ("wrist", "wrist"),
    ("pinky", "finger5-1"),
    ("index", "finger2-1"),
    ("thumb", "finger1-2"),
    ("hip", "upperleg01"),
    ("knee", "lowerleg01"),
    ("ankle", "foot"),
)
# How deep (m) a joint may lie behind the nearest drawn surface and still count as visible: about
# the thickness of what it lies in, clothes included.  The first key found in the name counts.
DEPTH_M = {
    "hand_wrist": 0.07,
    "_hand_": 0.035,
    "foot_index": 0.06,
    "pinky": 0.04,
    "index": 0.04,
    "thumb": 0.04,
    "shoulder": 0.14,
    "elbow": 0.10,
    "wrist": 0.07,
    "hip": 0.18,
    "knee": 0.13,
    "ankle": 0.10,
    "heel": 0.09,
    "ear": 0.03,
    "eye": 0.03,
    "nose": 0.02,
    "mouth": 0.02,
}
# included angle at the middle joint; straight is 180
ANGLES = {
    "elbow": ("shoulder", "elbow", "wrist"),
    "knee": ("hip", "knee", "ankle"),
    "shoulder": ("elbow", "shoulder", "hip"),
    "hip": ("shoulder", "hip", "knee"),
}
ANGLE_COLUMNS = {f"{s}_{k}": tuple(f"{s}_{j}" for j in v) for k, v in ANGLES.items() for s in ("left", "right")}


class Landmark(NamedTuple):
    """A point that moves with a bone: its rest place, ndarray of shape (3,)."""

    name: str
    bone: str
    rest: FloatArray


def landmarks_of(body: Body) -> list[Landmark]:
    """The 75 landmarks of a body: the face, then body and hand of the left and of the right side."""
    mirror = np.array([-1, 1, 1])
    face = _left_face(body)
    out = [Landmark("nose", "head", _nose(body))]
    for s, m in (("left", np.ones(3)), ("right", mirror)):
        out += [Landmark(f"{s}_{name}", "head", p * m) for name, p in face.items()]
    mouth = body.tail_of("oris03.L")  # the corner of the mouth
    out += [Landmark("mouth_left", "head", mouth), Landmark("mouth_right", "head", mouth * mirror)]
    for s, S in (("left", "L"), ("right", "R")):
        out += [Landmark(f"{s}_{name}", f"{bone}.{S}", body.head_of(f"{bone}.{S}")) for name, bone in LIMBS]
        out.append(Landmark(f"{s}_heel", f"foot.{S}", _heel(body, S)))
        out.append(Landmark(f"{s}_foot_index", f"toe2-3.{S}", body.tail_of(f"toe2-3.{S}")))
        out += _hand(body, s, S)
    return out


def _nose(body: Body) -> FloatArray:
    """The front-most point of the face's middle line below the eyes."""
    v, eye = body.verts[body.group_verts("body")], body.head_of("eye.L")
    middle = v[(np.abs(v[:, 0]) < 0.01) & (np.abs(v[:, 1] - eye[1] + 0.035) < 0.03)]
    return middle[middle[:, 2].argmax()] * [0, 1, 1]


def _left_face(body: Body) -> dict[str, FloatArray]:
    v, eye = body.verts[body.group_verts("body")], body.head_of("eye.L")
    sides = v[(v[:, 1] > eye[1] - 0.05) & (v[:, 0] > 0)]
    iris = eye + np.array([0, 0, 0.012])
    return {
        "eye_inner": iris + np.array([-0.0125, -0.001, -0.003]),
        "eye": iris,
        "eye_outer": iris + np.array([0.0145, 0.001, -0.008]),
        "ear": sides[sides[:, 0].argmax()],
    }


def _heel(body: Body, side: str) -> FloatArray:
    """The rear-most point of the sole."""
    v = body.verts[body.group_verts("body")]
    sole = v[(v[:, 1] < 0.05) & ((v[:, 0] > 0) == (side == "L"))]
    return sole[sole[:, 2].argmin()]


def _hand(body: Body, s: str, side: str) -> list[Landmark]:
    out = [Landmark(f"{s}_hand_wrist", f"wrist.{side}", body.head_of(f"wrist.{side}"))]
    for finger, (k, joints) in FINGERS.items():
        for j, name in enumerate(joints):
            bone = f"finger{k}-{min(j + 1, 3)}.{side}"
            rest = body.head_of(bone) if j < 3 else body.tail_of(bone)
            out.append(Landmark(f"{s}_hand_{finger}_{name}", bone, rest))
    return out


def depth_tolerance_m(name: str) -> float:
    """How far behind the drawn surface this landmark may lie and still be visible."""
    return next(v for k, v in DEPTH_M.items() if k in name)


def places(body: Body, landmarks: list[Landmark], pose: Pose) -> FloatArray:
    """Posed landmarks, ndarray of shape (K, 3)."""
    R, t = pose
    bones = [body.bone_index[k.bone] for k in landmarks]
    return np.array([R[b] @ k.rest + t[b] for b, k in zip(bones, landmarks, strict=True)])


def included_angle_deg(a: FloatArray, b: FloatArray, c: FloatArray) -> float:
    """Angle at b between a and c, 0 to 180 degrees."""
    u, v = a - b, c - b
    return float(np.degrees(np.arccos(np.clip(np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v), -1, 1))))
