"""Names of the landmarks and the bones between them, which every other module uses.

Source: MediaPipe Pose Landmarker and Hand Landmarker documentation (BlazePose GHUM 33 topology, 21 hand
landmarks). Left and right are the person's own. The browser's twin is ``widgets/static/skeletons.js``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BLAZEPOSE_33", "HAND_21", "HAND_LANDMARKS", "HAND_SIDES", "Skeleton", "side_of"]


@dataclass(frozen=True)
class Skeleton:
    """A named set of landmarks and the bones between them.

    Attributes
    ----------
    name : str
    landmarks : tuple of str
        In the model's order.
    bones : tuple of (str, str)
        Pairs of landmarks that a line connects in drawings.
    """

    name: str
    landmarks: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        """Number of landmarks."""
        return len(self.landmarks)

    def index(self, landmark: str) -> int:
        """Position of a landmark in the model's order.

        Raises
        ------
        KeyError
            If the skeleton has no such landmark.
        """
        try:
            return self.landmarks.index(landmark)
        except ValueError:
            raise KeyError(f"{self.name} has no landmark {landmark!r}; it has {', '.join(self.landmarks)}.") from None

    @property
    def bone_indices(self) -> tuple[tuple[int, int], ...]:
        """The bones as pairs of positions."""
        return tuple((self.index(a), self.index(b)) for a, b in self.bones)


def _pairs(*chains: str) -> tuple[tuple[str, str], ...]:
    """Return the bones of chains that are written as 'a-b-c'."""
    return tuple((a, b) for chain in chains for a, b in zip(chain.split("-"), chain.split("-")[1:], strict=False))


BLAZEPOSE_33 = Skeleton(
    "blazepose_33",
    (
        "nose",
        *("left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer"),
        *("left_ear", "right_ear", "mouth_left", "mouth_right"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
        *("left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb"),
        *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
        *("left_heel", "right_heel", "left_foot_index", "right_foot_index"),
    ),
    _pairs(
        "left_ear-left_eye_outer-left_eye-left_eye_inner-nose-right_eye_inner-right_eye-right_eye_outer-right_ear",
        "mouth_left-mouth_right",
        "left_shoulder-right_shoulder-right_hip-left_hip-left_shoulder",
        *(
            chain.replace("S_", f"{side}_")
            for side in ("left", "right")
            for chain in (
                "S_shoulder-S_elbow-S_wrist-S_pinky-S_index-S_wrist-S_thumb",
                "S_hip-S_knee-S_ankle-S_heel-S_foot_index-S_ankle",
            )
        ),
    ),
)

_FINGERS = {
    "thumb": ("cmc", "mcp", "ip", "tip"),
    **{f"{f}_finger": ("mcp", "pip", "dip", "tip") for f in ("index", "middle", "ring")},
    "pinky": ("mcp", "pip", "dip", "tip"),
}

HAND_21 = Skeleton(
    "hand_21",
    ("wrist", *(f"{finger}_{joint}" for finger, joints in _FINGERS.items() for joint in joints)),
    _pairs(
        *("-".join(f"{finger}_{joint}" for joint in joints) for finger, joints in _FINGERS.items()),
        "wrist-thumb_cmc",
        "wrist-index_finger_mcp-middle_finger_mcp-ring_finger_mcp-pinky_mcp-wrist",
    ),
)

HAND_SIDES = ("left", "right")
"""Order of the first axis of every array that holds both hands."""

HAND_LANDMARKS = tuple(f"{side}_hand_{landmark}" for side in HAND_SIDES for landmark in HAND_21.landmarks)
"""Names of both hands' landmarks in tables that hold body and hands: left hand, then right hand."""


def side_of(*landmarks: str) -> str:
    """Return "left" or "right" if all landmarks are on that side of the body, else "middle"."""
    sides = {next((side for side in HAND_SIDES if side in name.split("_")), "middle") for name in landmarks}
    return sides.pop() if len(sides) == 1 else "middle"
