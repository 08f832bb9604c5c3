"""MediaPipe's pose and hand landmarkers (Tasks API) as estimators; the only user of MediaPipe's runtime.

A landmarker follows one stream and keeps tracking state, so each estimator has its own. One inference runs on
one core and cannot be split; speed comes from running several estimators at once (`livedance_lab.pipeline`).

The labels "Left" and "Right" of the hand landmarker are taken as the person's own side in a picture that is
not mirrored. That holds for the Tasks API, measured on real pictures and on the sample clip against the pose
landmarker and the known wrists; the older solutions API assumed mirrored pictures.
"""

from __future__ import annotations

import atexit
import os
import queue
import weakref
from functools import partial
from typing import Any

import numpy as np

from livedance_lab.errors import EstimatorError
from livedance_lab.estimators import model_store
from livedance_lab.estimators.base import Estimate, Estimator, HandEstimate, ImageArray, register
from livedance_lab.estimators.hand_crops import Crop, back, mosaic
from livedance_lab.settings import Settings
from livedance_lab.system.memory import release_mapped_file

__all__ = ["LiveStreamEstimator", "TasksEstimator", "make"]

_KINDS = {"pose": (True, False), "hands": (False, True), "both": (True, True)}
# all that MediaPipe makes of its status codes, and what ctypes raises for arguments
_MEDIAPIPE_ERRORS = (ValueError, RuntimeError, OSError, IndexError, NotImplementedError, TypeError)
_WARM_UP_MS = 0  # the stream's own times start after it

_STRETCH = 10
"""How many times slower than it is MediaPipe is told that time passes.

In VIDEO and LIVE_STREAM mode it smooths a pose's landmarks itself, unasked and whatever follows: One-Euro filters whose
cut-off begins at 0.05 Hz and rises with speed. That costs 11 ms of lag in motion, which no filter behind it can take
back. Their cut-off at rest grows with the stretch and the part that rises with speed stays: from 0.5 Hz on there are 3
ms left, and smoothing is the business of one filter, the session's. (Hands are not smoothed there.)
"""


class TasksEstimator:
    """Pose, hands, or both, in the Tasks API's VIDEO mode: one picture in, its landmarks out.

    The constructor makes one call on a black picture, which is slow and never counted.

    Parameters
    ----------
    kind : str
        "pose", "hands" or "both" (one after the other).
    settings : Settings
        Complexity, confidences and number of hands.
    published : bool, default False
        Run MediaPipe's own networks, with the outline of the person that nobody here reads, and its own smoothing:
        for comparison.

    Raises
    ------
    EstimatorError
        If the kind is unknown, MediaPipe cannot be imported or a landmarker cannot be made.
    ModelError
        If a model is not there and cannot be fetched.
    """

    _mode = "VIDEO"

    def __init__(self, kind: str, settings: Settings, *, published: bool = False) -> None:
        self._published = published
        self._stretch = 1 if published else _STRETCH
        try:
            wants_pose, wants_hands = _KINDS[kind]
        except KeyError:
            raise EstimatorError(f"an estimator finds {', '.join(_KINDS)}; got {kind!r}.") from None
        self._mp = _mediapipe()
        self._pose: Any = None
        self._hands: Any = None
        try:
            if wants_pose:
                self._pose = self._make_pose(settings)
            if wants_hands:
                self._hands = self._make_hands(settings)
            self._call(np.zeros((64, 64, 3), np.uint8), _WARM_UP_MS)
        except _MEDIAPIPE_ERRORS as exc:
            self.close()
            raise EstimatorError(f"the {kind} landmarker could not be made: {exc}.") from exc
        _OPEN.add(self)

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:
        """Look at one picture.

        Parameters
        ----------
        image_rgb : ndarray of shape (H, W, 3), uint8
        t_ms : int
            From 0, strictly increasing.

        Returns
        -------
        Estimate
            Only the parts of this estimator's kind.

        Raises
        ------
        EstimatorError
            If inference fails, or the estimator is closed.
        """
        if self._pose is None and self._hands is None:
            raise EstimatorError("this estimator is closed.")
        if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or image_rgb.dtype != np.uint8:
            raise EstimatorError(f"a picture is uint8 of shape (H, W, 3), got {image_rgb.dtype} {image_rgb.shape}.")
        try:
            pose, hands = self._call(image_rgb, self._stretch * (t_ms + 1) + _WARM_UP_MS)
        except _MEDIAPIPE_ERRORS as exc:
            raise EstimatorError(f"MediaPipe failed at {t_ms} ms: {exc}.") from exc
        return _estimate(pose, hands)

    def estimate_close_ups(self, image_rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...]) -> Estimate:
        """Look for hands inside crops only; parameters and errors are otherwise those of `estimate`.

        Returns
        -------
        Estimate
            In coordinates of the whole picture.
        """
        return back(self.estimate(mosaic(image_rgb, crops), t_ms), crops)

    def close(self) -> None:
        """Free the landmarkers; closing twice is harmless."""
        pose, hands, self._pose, self._hands = self._pose, self._hands, None, None
        for landmarker in (pose, hands):
            if landmarker is not None:
                landmarker.close()
        _OPEN.discard(self)

    def _call(self, image_rgb: ImageArray, t_ms: int) -> tuple[Any, Any]:
        """MediaPipe's own results, None for what is not looked for."""
        image = self._image(image_rgb)
        pose = self._pose.detect_for_video(image, t_ms) if self._pose is not None else None
        hands = self._hands.detect_for_video(image, t_ms) if self._hands is not None else None
        return pose, hands

    def _image(self, image_rgb: ImageArray) -> Any:
        # MediaPipe copies the pixels, so the array may be reused at once
        return self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(image_rgb))

    def _make_pose(self, settings: Settings, **more: Any) -> Any:
        vision = self._mp.tasks.vision
        options = vision.PoseLandmarkerOptions(
            base_options=self._base_options("pose", settings.complexity),
            running_mode=vision.RunningMode[self._mode],
            num_poses=1,
            min_pose_detection_confidence=settings.detection_confidence,
            min_pose_presence_confidence=settings.presence_confidence,
            min_tracking_confidence=settings.tracking_confidence,
            **more,
        )
        return self._created(vision.PoseLandmarker, options)

    def _make_hands(self, settings: Settings, **more: Any) -> Any:
        vision = self._mp.tasks.vision
        options = vision.HandLandmarkerOptions(
            base_options=self._base_options("hands"),
            running_mode=vision.RunningMode[self._mode],
            num_hands=settings.num_hands,
            min_hand_detection_confidence=settings.hand_confidence,
            min_hand_presence_confidence=settings.hand_confidence,
            min_tracking_confidence=settings.hand_confidence,
            **more,
        )
        return self._created(vision.HandLandmarker, options)

    def _base_options(self, kind: str, complexity: int = 1) -> Any:
        if self._published:
            return self._mp.tasks.BaseOptions(model_asset_buffer=model_store.published(kind, complexity))
        path = model_store.ensure(kind, complexity)
        if os.name == "nt":  # MediaPipe opens paths with C calls that fail on Windows' non-ASCII names
            return self._mp.tasks.BaseOptions(model_asset_buffer=path.read_bytes())
        return self._mp.tasks.BaseOptions(model_asset_path=str(path))

    def _created(self, landmarker: Any, options: Any) -> Any:
        made = landmarker.create_from_options(options)
        if options.base_options.model_asset_path:  # its weights have been copied, and are not read there again
            release_mapped_file(options.base_options.model_asset_path)
        return made


class LiveStreamEstimator(TasksEstimator):
    """The same in LIVE_STREAM mode, which answers through callbacks: for comparison, slower than VIDEO.

    Measured, it costs a thread hop and a copy of each picture, and gains only that pose and hands of one
    picture are looked for at the same time. Each call waits for its own answer: with one picture under way
    MediaPipe's flow limiter has nothing to drop, and the pose and the hands always belong to the same frame.
    """

    _mode = "LIVE_STREAM"
    _PATIENCE_S = 10.0

    def _call(self, image_rgb: ImageArray, t_ms: int) -> tuple[Any, Any]:
        image = self._image(image_rgb)
        if self._pose is not None:
            self._pose.detect_async(image, t_ms)
        if self._hands is not None:
            self._hands.detect_async(image, t_ms)
        pose = self._answer(self._pose_answers, t_ms) if self._pose is not None else None
        hands = self._answer(self._hand_answers, t_ms) if self._hands is not None else None
        return pose, hands

    def _answer(self, answers: queue.SimpleQueue[tuple[int, Any]], t_ms: int) -> Any:
        while True:
            try:
                answered_ms, result = answers.get(timeout=self._PATIENCE_S)
            except queue.Empty:
                raise TimeoutError(f"no answer within {self._PATIENCE_S:g} s") from None
            if answered_ms == t_ms:  # an older one was given up on
                return result

    def _make_pose(self, settings: Settings, **more: Any) -> Any:
        self._pose_answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        return super()._make_pose(settings, result_callback=_putting_into(self._pose_answers), **more)

    def _make_hands(self, settings: Settings, **more: Any) -> Any:
        self._hand_answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        return super()._make_hands(settings, result_callback=_putting_into(self._hand_answers), **more)


def make(kind: str, settings: Settings, *, published: bool = False) -> Estimator:
    """An estimator of a kind; in LIVE_STREAM mode if the settings' design is "live_stream"."""
    chosen = LiveStreamEstimator if settings.design == "live_stream" else TasksEstimator
    return chosen(kind, settings, published=published)


def _putting_into(answers: queue.SimpleQueue[tuple[int, Any]]) -> Any:
    def on_result(result: Any, _image: Any, t_ms: int) -> None:
        answers.put((t_ms, result))

    return on_result


def _mediapipe() -> Any:
    try:
        import mediapipe
    except (ImportError, OSError) as exc:  # OSError: its shared library does not load
        raise EstimatorError(f"MediaPipe cannot be imported: {exc}. Try: pip install 'mediapipe>=0.10.30,<0.10.32'."
                             ) from exc  # fmt: skip
    return mediapipe


def _estimate(pose: Any, hands: Any) -> Estimate:
    found: dict[str, Any] = {}
    if pose is not None and pose.pose_landmarks:
        values = np.array([(p.x, p.y, p.z, p.visibility, p.presence) for p in pose.pose_landmarks[0]], np.float32)
        found = {
            "pose_xyz": values[:, :3],
            "visibility": values[:, 3],
            "presence": values[:, 4],
            "pose_world_m": _xyz(pose.pose_world_landmarks[0]),
        }
    if hands is not None:
        found["hands"] = tuple(
            HandEstimate(side[0].category_name.lower(), float(side[0].score), _xyz(image), _xyz(world))
            for side, image, world in zip(
                hands.handedness, hands.hand_landmarks, hands.hand_world_landmarks, strict=True
            )
        )
    return Estimate(**found)


def _xyz(landmarks: Any) -> Any:
    return np.array([(p.x, p.y, p.z) for p in landmarks], np.float32)


_OPEN: weakref.WeakSet[TasksEstimator] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """MediaPipe's destructors print tracebacks if they run while the interpreter is being taken down."""
    for estimator in list(_OPEN):
        estimator.close()


register("mediapipe", make)
register("mediapipe_published", partial(make, published=True))
