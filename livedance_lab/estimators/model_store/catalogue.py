"""Which models there are, of which parts each is made, and where the parts are published.

All parts are MediaPipe's, Apache-2.0. The parts of a wheel come through pip, so that its configuration
(index, mirror, proxy, certificates) holds; the others stand at the address that MediaPipe's own build
names (``third_party/external_files.bzl``). A part is known by its SHA-256, wherever it came from.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "PARTS_WHEEL", "Model", "Part", "by_kind"]

PARTS_WHEEL = "mediapipe==0.10.21"
"""The last release whose wheel held the models; only its data files are read, it is never installed."""

_SEGMENTATION = 2  # of the pose networks' outputs: the person's outline

_ASSETS = "https://storage.googleapis.com/mediapipe-assets/"


@dataclass(frozen=True)
class Part:
    """One network of a model.

    Attributes
    ----------
    file : str
        File name, unique among all parts.
    sha256 : str
        Of the part as published.
    wheel_path : str
        Where it stands in `PARTS_WHEEL`; empty if it is not in there.
    url : str
        Where it is published on its own; empty if it comes from the wheel.
    input_mean, input_std : float or None
        How the Tasks API must normalise its input, where the file itself does not say it.
    unread_output : int or None
        Position of an output that nobody here reads; what leads to it alone is left out of our bundles.
    """

    file: str
    sha256: str
    wheel_path: str = ""
    url: str = ""
    input_mean: float | None = None
    input_std: float | None = None
    unread_output: int | None = None

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        return self.url or f"{self.wheel_path} of the {PARTS_WHEEL} wheel"


@dataclass(frozen=True)
class Model:
    """A model bundle, as the Tasks API loads it.

    Attributes
    ----------
    name : str
    kind : str
        "pose" or "hands".
    complexity : int or None
        0 lite, 1 full, 2 heavy; None where there is only one.
    file : str
        Name of the assembled bundle.
    parts : tuple of (str, Part)
        Member name in the bundle, and the part.
    """

    name: str
    kind: str
    complexity: int | None
    file: str
    parts: tuple[tuple[str, Part], ...]

    @property
    def from_wheel(self) -> bool:
        """Whether all parts come from the package index."""
        return all(part.wheel_path for _, part in self.parts)


def _pose(name: str, complexity: int, landmarks: Part) -> Model:
    members = (("pose_detector.tflite", _POSE_DETECTOR), ("pose_landmarks_detector.tflite", landmarks))
    return Model(f"pose_{name}", "pose", complexity, f"pose_landmarker_{name}.task", members)


_POSE_DETECTOR = Part(
    "pose_detection.tflite",
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    wheel_path="mediapipe/modules/pose_detection/pose_detection.tflite",
)
_POSE_LITE = Part(
    "pose_landmark_lite.tflite",
    "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
    url=_ASSETS + "pose_landmark_lite.tflite?generation=1661875901231143",
    input_mean=0.0,
    input_std=255.0,
    unread_output=_SEGMENTATION,
)
_POSE_FULL = Part(
    "pose_landmark_full.tflite",
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    wheel_path="mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
    input_mean=0.0,
    input_std=255.0,
    unread_output=_SEGMENTATION,
)
_POSE_HEAVY = Part(
    "pose_landmark_heavy.tflite",
    "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
    url=_ASSETS + "pose_landmark_heavy.tflite?generation=1661875897944151",
    input_mean=0.0,
    input_std=255.0,
    unread_output=_SEGMENTATION,
)
_PALM = Part(
    "palm_detection_full.tflite",
    "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    wheel_path="mediapipe/modules/palm_detection/palm_detection_full.tflite",
)
_HAND = Part(
    "hand_landmark_full.tflite",
    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
    wheel_path="mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
)

CATALOGUE: tuple[Model, ...] = (
    _pose("lite", 0, _POSE_LITE),
    _pose("full", 1, _POSE_FULL),
    _pose("heavy", 2, _POSE_HEAVY),
    Model("hands", "hands", None, "hand_landmarker.task",
          (("hand_detector.tflite", _PALM), ("hand_landmarks_detector.tflite", _HAND))),
)  # fmt: skip


def by_kind(kind: str, complexity: int) -> Model | None:
    """The model of a kind ("pose" or "hands"); complexity counts for poses only."""
    for model in CATALOGUE:
        if model.kind == kind and model.complexity in (None, complexity):
            return model
    return None
