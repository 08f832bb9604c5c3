"""The known models, the parts of each, and where the parts are published.

All parts are MediaPipe's, Apache-2.0. Parts that a wheel contains are downloaded with pip, so that pip's configuration
(index, mirror, proxy, certificates) applies. The others are downloaded from the address in MediaPipe's own build
(``third_party/external_files.bzl``). Every part is identified by its SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "PARTS_WHEEL", "Model", "Part"]

PARTS_WHEEL = "mediapipe==0.10.21"
"""The last release whose wheel contains the models; only its data files are read, it is never installed."""

_SEGMENTATION = 2  # index of the pose networks' segmentation mask among their outputs

_ASSETS = "https://storage.googleapis.com/mediapipe-assets/"


@dataclass(frozen=True)
class Part:
    """One network of a model.

    Attributes
    ----------
    file : str
        File name, unique among all parts.
    sha256 : str
        Of the file as published.
    wheel_path : str
        Its path inside `PARTS_WHEEL`; empty if the wheel does not contain it.
    url : str
        Address of the single file; empty if it comes from the wheel.
    input_mean, input_std : float or None
        How the Tasks API must normalise its input; None if the file itself contains the numbers.
    unused_output : int or None
        Index of an output that this package does not use; our bundles omit the operators that only it needs.
    """

    file: str
    sha256: str
    wheel_path: str = ""
    url: str = ""
    input_mean: float | None = None
    input_std: float | None = None
    unused_output: int | None = None

    @property
    def source(self) -> str:
        """Where the part comes from, as text for messages and records."""
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
        0 lite, 1 full, 2 heavy; None if the kind has only one model.
    file : str
        File name of the assembled bundle.
    parts : tuple of (str, Part)
        Member name inside the bundle, and the part.
    """

    name: str
    kind: str
    complexity: int | None
    file: str
    parts: tuple[tuple[str, Part], ...]

    @property
    def from_wheel(self) -> bool:
        """Whether all parts come from the package index (PyPI or a mirror)."""
        return all(part.wheel_path for _, part in self.parts)


def _pose(name: str, complexity: int, sha256: str, generation: str = "") -> Model:
    """Define a pose model; with a generation number its landmark network is published under an address of its own."""
    file = f"pose_landmark_{name}.tflite"
    landmarks = Part(
        file,
        sha256,
        wheel_path="" if generation else f"mediapipe/modules/pose_landmark/{file}",
        url=f"{_ASSETS}{file}?generation={generation}" if generation else "",
        input_mean=0.0,
        input_std=255.0,
        unused_output=_SEGMENTATION,
    )
    members = (("pose_detector.tflite", _POSE_DETECTOR), ("pose_landmarks_detector.tflite", landmarks))
    return Model(f"pose_{name}", "pose", complexity, f"pose_landmarker_{name}.task", members)


_POSE_DETECTOR = Part(
    "pose_detection.tflite",
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    wheel_path="mediapipe/modules/pose_detection/pose_detection.tflite",
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
    _pose("lite", 0, "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61", "1661875901231143"),
    _pose("full", 1, "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"),
    _pose("heavy", 2, "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe", "1661875897944151"),
    Model("hands", "hands", None, "hand_landmarker.task",
          (("hand_detector.tflite", _PALM), ("hand_landmarks_detector.tflite", _HAND))),
)  # fmt: skip
