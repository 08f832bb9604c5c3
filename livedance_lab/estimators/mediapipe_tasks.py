"""MediaPipe's pose and hand landmarkers (Tasks API) as estimators; the only user of MediaPipe's runtime.

A landmarker processes one stream and keeps tracking state, so each estimator has its own. One inference runs on one
core and cannot be split; speed comes from running several estimators at once (`livedance_lab.pipeline`).

The labels "Left" and "Right" of the hand landmarker are taken as the person's own side in an image that is not
mirrored. This was measured for the Tasks API, on real photographs and on the sample clip, against the pose landmarker
and the known wrists. The older solutions API assumed mirrored images.
"""

from __future__ import annotations

import atexit
import os
import queue
import weakref
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from livedance_lab.errors import EstimatorError
from livedance_lab.estimators import model_store
from livedance_lab.estimators.base import Estimate, Estimator, HandEstimate, ImageArray, register
from livedance_lab.estimators.hand_crops import Crop, mosaic, to_frame_coordinates
from livedance_lab.settings import Settings
from livedance_lab.system.memory import release_mapped_file

__all__ = ["LiveStreamEstimator", "SeveralPoses", "TasksEstimator", "make"]

_KINDS = {"pose": ("pose",), "hands": ("hands",), "both": ("pose", "hands")}
# the exceptions into which MediaPipe turns its status codes, and those that ctypes raises for wrong arguments
_MEDIAPIPE_ERRORS = (ValueError, RuntimeError, OSError, IndexError, NotImplementedError, TypeError)
_WARM_UP_MS = 0  # timestamp of the warm-up call; those of the stream are later

_TIME_STRETCH = 10
"""Factor by which the timestamps that MediaPipe gets are stretched.

In VIDEO and LIVE_STREAM mode MediaPipe smooths the landmarks of a pose itself, and no option turns this off. Its
One-Euro filters have a cut-off of 0.05 Hz at rest, which rises with speed; in motion they lag by 11 ms, and no later
filter can remove that lag. The stretch multiplies the cut-off at rest and leaves the part that rises with speed as it
is. With 0.5 Hz or more at rest only 3 ms of lag remain, and the session's own filter determines the smoothing.
(MediaPipe does not smooth hands.)
"""


class TasksEstimator:
    """Pose, hands, or both, in the Tasks API's VIDEO mode: one image in, its landmarks out.

    The constructor runs one inference on a black image, because the first one is slow and must not be measured.

    Parameters
    ----------
    kind : str
        "pose", "hands" or "both" (one after the other).
    settings : Settings
        Complexity, confidences and number of hands.
    upstream_model : bool, default False
        Run the bundle as MediaPipe publishes it, with its segmentation branch and with MediaPipe's own smoothing; for
        comparison.

    Raises
    ------
    EstimatorError
        If the kind is unknown, MediaPipe cannot be imported or a landmarker cannot be made.
    ModelError
        If a model is missing and cannot be fetched.
    """

    _mode = "VIDEO"
    _num_poses = 1

    def __init__(self, kind: str, settings: Settings, *, upstream_model: bool = False) -> None:
        self._upstream_model = upstream_model
        self._time_stretch = 1 if upstream_model else _TIME_STRETCH
        if kind not in _KINDS:
            raise EstimatorError(f"an estimator finds {', '.join(_KINDS)}; got {kind!r}.")
        self._mp = _mediapipe()
        self._landmarkers: dict[str, Any] = {}  # "pose", "hands"; empty once they are closed
        try:
            for part in _KINDS[kind]:
                self._landmarkers[part] = self._make(part, settings)
            self._call(np.zeros((64, 64, 3), np.uint8), _WARM_UP_MS)
        except _MEDIAPIPE_ERRORS as exc:
            self.close()
            raise EstimatorError(f"the {kind} landmarker could not be made: {exc}.") from exc
        _OPEN.add(self)

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:
        """Find landmarks in one image.

        Parameters
        ----------
        image_rgb : ndarray of shape (H, W, 3), uint8
        t_ms : int
            From 0, strictly increasing from call to call.

        Returns
        -------
        Estimate
            Only the parts that this estimator's kind searches for.

        Raises
        ------
        EstimatorError
            If inference fails, or the estimator is closed.
        """
        if not self._landmarkers:
            raise EstimatorError("this estimator is closed.")
        if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or image_rgb.dtype != np.uint8:
            raise EstimatorError(f"an image is uint8 of shape (H, W, 3), got {image_rgb.dtype} {image_rgb.shape}.")
        try:
            results = self._call(image_rgb, self._time_stretch * (t_ms + 1) + _WARM_UP_MS)
        except _MEDIAPIPE_ERRORS as exc:
            raise EstimatorError(f"MediaPipe failed at {t_ms} ms: {exc}.") from exc
        return _estimate(results.get("pose"), results.get("hands"))

    def estimate_crops(self, image_rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...]) -> Estimate:
        """Find hands inside the crops only; parameters and errors are otherwise those of `estimate`.

        Returns
        -------
        Estimate
            In coordinates of the whole frame.
        """
        return to_frame_coordinates(self.estimate(mosaic(image_rgb, crops), t_ms), crops)

    def close(self) -> None:
        """Free the landmarkers; a second call does nothing."""
        landmarkers, self._landmarkers = self._landmarkers, {}
        for landmarker in landmarkers.values():
            landmarker.close()
        _OPEN.discard(self)

    def _call(self, image_rgb: ImageArray, t_ms: int) -> dict[str, Any]:
        """MediaPipe's own results of the parts that this estimator searches for."""
        image = self._image(image_rgb)
        return {part: landmarker.detect_for_video(image, t_ms) for part, landmarker in self._landmarkers.items()}

    def _image(self, image_rgb: ImageArray) -> Any:
        # MediaPipe copies the pixels, so the array may be reused at once
        return self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(image_rgb))

    def _make(self, part: str, settings: Settings, **more: Any) -> Any:
        vision = self._mp.tasks.vision
        if part == "pose":
            options = vision.PoseLandmarkerOptions(
                base_options=self._base_options("pose", settings.complexity),
                running_mode=vision.RunningMode[self._mode],
                num_poses=self._num_poses,
                min_pose_detection_confidence=settings.detection_confidence,
                min_pose_presence_confidence=settings.presence_confidence,
                min_tracking_confidence=settings.tracking_confidence,
                **more,
            )
            return self._created(vision.PoseLandmarker, options)
        options = vision.HandLandmarkerOptions(
            base_options=self._base_options("hands"),
            running_mode=vision.RunningMode[self._mode],
            num_hands=settings.num_hands * settings.max_people,
            min_hand_detection_confidence=settings.hand_confidence,
            min_hand_presence_confidence=settings.hand_confidence,
            min_tracking_confidence=settings.hand_confidence,
            **more,
        )
        return self._created(vision.HandLandmarker, options)

    def _base_options(self, kind: str, complexity: int = 1) -> Any:
        if self._upstream_model:
            return self._mp.tasks.BaseOptions(model_asset_buffer=model_store.upstream_bundle(kind, complexity))
        path = model_store.ensure(kind, complexity)
        if os.name == "nt":  # MediaPipe's C calls cannot open paths with non-ASCII names there
            return self._mp.tasks.BaseOptions(model_asset_buffer=path.read_bytes())
        return self._mp.tasks.BaseOptions(model_asset_path=str(path))

    def _created(self, landmarker: Any, options: Any) -> Any:
        made = landmarker.create_from_options(options)
        if options.base_options.model_asset_path:  # MediaPipe has copied the weights and does not read the file again
            release_mapped_file(options.base_options.model_asset_path)
        return made


class LiveStreamEstimator(TasksEstimator):
    """The same estimator in LIVE_STREAM mode, which returns results through callbacks; for comparison.

    It was measured to be slower than VIDEO mode: each image costs a thread switch and a copy, and the only gain is that
    pose and hands of one image run at the same time. Each call waits for its own result. With one image in flight
    MediaPipe's flow limiter has nothing to drop, and pose and hands always belong to the same frame.
    """

    _mode = "LIVE_STREAM"
    _RESULT_TIMEOUT_S = 10.0

    def __init__(self, kind: str, settings: Settings, *, upstream_model: bool = False) -> None:
        self._results: dict[str, queue.SimpleQueue[tuple[int, Any]]] = {}
        super().__init__(kind, settings, upstream_model=upstream_model)

    def _call(self, image_rgb: ImageArray, t_ms: int) -> dict[str, Any]:
        image = self._image(image_rgb)
        for landmarker in self._landmarkers.values():
            landmarker.detect_async(image, t_ms)
        return {part: self._result_of(self._results[part], t_ms) for part in self._landmarkers}

    def _result_of(self, results: queue.SimpleQueue[tuple[int, Any]], t_ms: int) -> Any:
        while True:
            try:
                result_ms, result = results.get(timeout=self._RESULT_TIMEOUT_S)
            except queue.Empty:
                raise TimeoutError(f"no result within {self._RESULT_TIMEOUT_S:g} s") from None
            if result_ms == t_ms:  # else it is the late result of a call that timed out
                return result

    def _make(self, part: str, settings: Settings, **more: Any) -> Any:
        results = self._results[part] = queue.SimpleQueue()
        return super()._make(part, settings, **more,
                             result_callback=lambda result, _image, t_ms: results.put((t_ms, result)))  # fmt: skip


class SeveralPoses(TasksEstimator):
    """Several poses at once by the Tasks API's own option, for comparison: it does not say who is who.

    Parameters
    ----------
    settings : Settings
    num_poses : int
    """

    def __init__(self, settings: Settings, num_poses: int) -> None:
        self._num_poses = num_poses
        super().__init__("pose", settings)

    def estimates(self, image_rgb: ImageArray, t_ms: int) -> list[Estimate]:
        """Every pose in one image, in MediaPipe's order; parameters and errors are those of `estimate`."""
        self.estimate(image_rgb, t_ms)
        return [_estimate_of(self._last, index) for index in range(len(self._last.pose_landmarks))]

    def _call(self, image_rgb: ImageArray, t_ms: int) -> dict[str, Any]:
        found = super()._call(image_rgb, t_ms)
        self._last = found["pose"]
        return found


def make(kind: str, settings: Settings, *, upstream_model: bool = False) -> Estimator:
    """An estimator of a kind; in LIVE_STREAM mode if the settings' design is "live_stream"."""
    chosen = LiveStreamEstimator if settings.design == "live_stream" else TasksEstimator
    return chosen(kind, settings, upstream_model=upstream_model)


def _mediapipe() -> Any:
    try:
        import mediapipe
    except (ImportError, OSError) as exc:  # OSError: its shared library cannot be loaded
        raise EstimatorError(f"MediaPipe cannot be imported: {exc}. Try: pip install 'mediapipe>=0.10.30,<0.10.32'."
                             ) from exc  # fmt: skip
    return mediapipe


def _estimate(pose: Any, hands: Any) -> Estimate:
    """MediaPipe's results as an `Estimate`."""
    found = Estimate() if pose is None or not pose.pose_landmarks else _estimate_of(pose, 0)
    if hands is None:
        return found
    return replace(found, hands=tuple(
        HandEstimate(side[0].category_name.lower(), float(side[0].score), _xyz(image), _xyz(world))
        for side, image, world in zip(hands.handedness, hands.hand_landmarks, hands.hand_world_landmarks, strict=True)
    ))  # fmt: skip


def _estimate_of(pose: Any, index: int) -> Estimate:
    """One of MediaPipe's poses."""
    values = np.array([(p.x, p.y, p.z, p.visibility, p.presence) for p in pose.pose_landmarks[index]], np.float32)
    return Estimate(values[:, :3], _xyz(pose.pose_world_landmarks[index]), values[:, 3], values[:, 4])


def _xyz(landmarks: Any) -> Any:
    return np.array([(p.x, p.y, p.z) for p in landmarks], np.float32)


_OPEN: weakref.WeakSet[TasksEstimator] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close the estimators before the interpreter shuts down: MediaPipe's destructors print tracebacks then."""
    for estimator in list(_OPEN):
        estimator.close()


register("mediapipe", make)
register("mediapipe_published", partial(make, upstream_model=True))
