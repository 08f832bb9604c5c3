"""BlazePose's networks run directly, one region per person.

The networks are those of MediaPipe's pose landmarker, and each step is the same, so the landmarks are the same within
a fraction of a pixel. But nothing is hidden: no smoothing, no state, and the caller decides where to look. That makes
several people possible, each with a region that follows their own landmarks.
"""

from __future__ import annotations

import threading
import weakref

import numpy as np

from livedance_lab.errors import EstimatorError
from livedance_lab.estimators import blazepose_decoding as decoding
from livedance_lab.estimators.base import (
    Estimate,
    Estimator,
    ImageArray,
    MeasuredPerson,
    Region,
    factory,
    register,
)
from livedance_lab.estimators.litert import Network
from livedance_lab.estimators.model_store.store import network
from livedance_lab.media.images import warped
from livedance_lab.pose import FloatArray
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["BlazePose", "BlazePoseEstimator", "make"]

_K = len(BLAZEPOSE_33)
_POINTS = _K + 6  # 33 landmarks; the middle of the hips and the circle's point; four that are not used
_HIPS, _CIRCLE = _K, _K + 1
_TINY_PX = 4.0  # a region that is smaller than this holds no person


class BlazePose:
    """The pose detector and the landmark network; a `RegionEstimator`.

    The constructor runs each network once, because a first run is slow. One detector serves all objects of a process.

    Parameters
    ----------
    complexity : int, default 1
        Landmark network: 0 lite, 1 full, 2 heavy.
    detection_confidence, presence_confidence : float, default 0.5
        Least score of the detector, and of the landmark network, for a person to be found.

    Raises
    ------
    EstimatorError
        If LiteRT cannot be imported, or the networks are not BlazePose's.
    ModelError
        If a model is missing and cannot be fetched.
    """

    skeleton = BLAZEPOSE_33

    def __init__(
        self, complexity: int = 1, *, detection_confidence: float = 0.5, presence_confidence: float = 0.5
    ) -> None:
        self.detection_confidence, self.presence_confidence = detection_confidence, presence_confidence
        self._detector = _detector(complexity)
        self._landmarks = Network(network("pose", complexity, "pose_landmarks_detector.tflite"))
        self._points, self._flag, self._heat, self._world = (
            _output(self._landmarks, size) for size in (5 * _POINTS, 1, _POINTS, 3 * _POINTS)
        )
        self._landmarks(np.zeros(self._landmarks.input_shape, np.float32))

    def detect(self, image_rgb: ImageArray) -> list[Region]:
        """Find people; see `RegionEstimator.detect`."""
        to_picture = decoding.letterbox(image_rgb.shape[1], image_rgb.shape[0])
        small = warped(image_rgb, to_picture, decoding.DETECTOR_PX)
        boxes, logits = self._detector(small[None].astype(np.float32) / np.float32(127.5) - np.float32(1))
        return decoding.detections(boxes, logits, self.detection_confidence, to_picture)

    def landmarks(self, image_rgb: ImageArray, region: Region) -> MeasuredPerson | None:
        """Find the landmarks in a region; see `RegionEstimator.landmarks`."""
        if not region.side_px >= _TINY_PX:  # also NaN
            return None
        crop = warped(image_rgb, decoding.to_source(region), decoding.LANDMARKS_PX, repeat_edge=True)
        out = self._landmarks(crop[None].astype(np.float32) * np.float32(1 / 255))
        score = float(out[self._flag].reshape(-1)[0])
        if not score >= self.presence_confidence:
            return None
        points = out[self._points].reshape(_POINTS, 5)
        xyz = points[:, :3] / decoding.LANDMARKS_PX
        xyz[:, :2] = decoding.refined(xyz[:, :2], out[self._heat][0])
        px = decoding.to_picture(xyz, region)
        visibility, presence = decoding.sigmoid(points[:_K, 3:]).T
        world_m = decoding.turned(out[self._world].reshape(_POINTS, 3)[:_K], region.angle_rad)
        follow = decoding.body_region(px[_HIPS, :2], px[_CIRCLE, :2])
        return MeasuredPerson(px[:_K], world_m, visibility, presence, score, follow)

    def close(self) -> None:
        """Nothing to free: the networks go with the object."""


class _Detector:
    """The pose detector, which all lanes of a process share: it takes 28 MB, and is needed only to find somebody."""

    def __init__(self, complexity: int) -> None:
        self._network = Network(network("pose", complexity, "pose_detector.tflite"))
        self._boxes, self._logits = (_output(self._network, size) for size in (12, 1))
        self._lock = threading.Lock()
        self(np.zeros(self._network.input_shape, np.float32))

    def __call__(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Boxes of shape (2254, 12) and logits of shape (2254,)."""
        with self._lock:
            out = self._network(values)
        return out[self._boxes][0], out[self._logits][0, :, 0]


_DETECTORS: weakref.WeakValueDictionary[int, _Detector] = weakref.WeakValueDictionary()
_DETECTORS_LOCK = threading.Lock()


def _detector(complexity: int) -> _Detector:
    with _DETECTORS_LOCK:
        detector = _DETECTORS.get(complexity)
        if detector is None:
            detector = _DETECTORS[complexity] = _Detector(complexity)
        return detector


def _output(of: Network, size: int) -> int:
    """Index of the output whose last axis has this length."""
    for index, shape in enumerate(of.output_shapes):
        if shape[-1] == size:
            return index
    shapes = ", ".join(map(str, of.output_shapes))
    raise EstimatorError(f"a BlazePose network has an output of shape (..., {size}); this one has {shapes}.")


class BlazePoseEstimator:
    """One person in the pictures of one stream: an `Estimator` on top of `BlazePose`.

    The region follows the person's landmarks. Without a person the detector searches the whole picture, and the most
    certain one is taken.

    Parameters
    ----------
    blazepose : BlazePose
    """

    def __init__(self, blazepose: BlazePose) -> None:
        self._blazepose = blazepose
        self._region: Region | None = None

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:  # noqa: ARG002  (one signature for all)
        """Find the landmarks of one person; see `Estimator.estimate`."""
        if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or image_rgb.dtype != np.uint8:
            raise EstimatorError(f"an image is uint8 of shape (H, W, 3), got {image_rgb.dtype} {image_rgb.shape}.")
        person = self._blazepose.landmarks(image_rgb, self._region) if self._region is not None else None
        if person is None:
            person = next((p for region in self._blazepose.detect(image_rgb)[:1]
                           if (p := self._blazepose.landmarks(image_rgb, region)) is not None), None)  # fmt: skip
        self._region = None if person is None else person.next_region
        return Estimate() if person is None else _normalised(person, image_rgb)

    def close(self) -> None:
        """Free all resources."""
        self._blazepose.close()


def _normalised(person: MeasuredPerson, image_rgb: ImageArray) -> Estimate:
    height, width = image_rgb.shape[:2]
    size: FloatArray = np.array([width, height, width], np.float32)
    return Estimate(pose_xyz=person.keypoints_px / size, pose_world_m=person.world_m, visibility=person.visibility,
                    presence=person.presence, score=person.score)  # fmt: skip


def make(kind: str, settings: Settings) -> Estimator:
    """An estimator of a kind: poses by BlazePose, hands by MediaPipe's landmarker.

    Raises
    ------
    EstimatorError
        If the settings' design is MediaPipe's own, or the kind is unknown.
    """
    if settings.design == "live_stream" or kind == "both":
        raise EstimatorError("the design live_stream is a mode of MediaPipe: choose another design, or the estimator "
                             "mediapipe.")  # fmt: skip
    if kind != "pose":
        return factory("mediapipe")(kind, settings)
    return BlazePoseEstimator(make_regions(settings))


def make_regions(settings: Settings) -> BlazePose:
    """A region estimator with these settings."""
    return BlazePose(settings.complexity, detection_confidence=settings.detection_confidence,
                     presence_confidence=settings.presence_confidence)  # fmt: skip


register("blazepose", make, make_regions)
