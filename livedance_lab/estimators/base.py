"""The interface between this package and the pose models (estimators).

An estimator is any object with `estimate` and `close`. Each family of estimators registers a factory under a name. The
module of a built-in family is imported when its factory is first requested, so importing this module loads no model
runtime.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
import numpy.typing as npt

from livedance_lab.errors import EstimatorError, SettingsError
from livedance_lab.pose import FloatArray
from livedance_lab.settings import Settings, Smoothing

__all__ = ["ESTIMATORS", "Estimate", "Estimator", "EstimatorFactory", "ImageArray", "MeasuredPerson", "MonotonicMs",
           "Region", "RegionEstimator", "RegionEstimatorFactory", "SMOOTHING_PARAMS", "factory", "region_factory",
           "register", "settings_for"]  # fmt: skip

ImageArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Estimate:
    """What one estimator found in one image. A part that it does not search for, or did not find, is None or empty.

    Attributes
    ----------
    pose_xyz : ndarray of shape (33, 3), float32, or None
        Normalised image landmarks: x, y from 0 to 1 of width and height, z on the scale of x.
    pose_world_m : ndarray of shape (33, 3), float32, or None
    visibility, presence : ndarray of shape (33,), float32, or None
    hands : tuple of HandEstimate
    normalised : bool
        False: x, y, z of every image landmark are already pixels of the original frame (replay).
    score : float
        How certain the model is that it sees a person, 0 to 1; NaN if it does not say.
    """

    pose_xyz: FloatArray | None = None
    pose_world_m: FloatArray | None = None
    visibility: FloatArray | None = None
    presence: FloatArray | None = None
    hands: tuple[HandEstimate, ...] = ()
    normalised: bool = True
    score: float = math.nan


@dataclass(frozen=True)
class HandEstimate:
    """One hand.

    Attributes
    ----------
    side : str
        "left" or "right": the person's own side, as the model classifies it.
    score : float
        The model's certainty of the side, 0 to 1.
    xyz : ndarray of shape (21, 3), float32
        Normalised image landmarks.
    world_m : ndarray of shape (21, 3), float32
    """

    side: str
    score: float
    xyz: FloatArray
    world_m: FloatArray


class Estimator(Protocol):
    """Finds a body, or hands, or both, in the images of one stream.

    It is used from one thread only. It may keep tracking state from image to image.
    """

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:
        """Find landmarks in one image.

        Parameters
        ----------
        image_rgb : ndarray of shape (H, W, 3), uint8
        t_ms : int
            Strictly increasing from call to call.

        Raises
        ------
        EstimatorError
            If inference fails; the next call may succeed.
        """
        ...

    def close(self) -> None:
        """Free all resources; call it once, from the thread that used the estimator."""
        ...


@dataclass(frozen=True)
class Region:
    """A square of a picture, in any orientation, that holds one person.

    Attributes
    ----------
    x_px, y_px : float
        Its middle, in pixels of the picture (x right, y down).
    side_px : float
    angle_rad : float
        How far it is turned clockwise, -pi to pi; 0 if the person's head points upwards in the picture.
    score : float
        The detector's certainty that a person is there, 0 to 1; NaN if the region follows from landmarks.
    """

    x_px: float
    y_px: float
    side_px: float
    angle_rad: float
    score: float = math.nan


@dataclass(frozen=True)
class MeasuredPerson:
    """A person whose landmarks were found in a region.

    Attributes
    ----------
    keypoints_px : ndarray of shape (K, 3), float32
        Pixels of the picture; z on the scale of x.
    world_m : ndarray of shape (K, 3), float32
        Metres, origin between the hips, x right in the picture, y down, z away from the camera.
    visibility, presence : ndarray of shape (K,), float32, 0 to 1
    score : float
        The network's certainty that the region shows a person, 0 to 1.
    next_region : Region
        Where this person will be in the next picture if it follows soon.
    """

    keypoints_px: FloatArray
    world_m: FloatArray
    visibility: FloatArray
    presence: FloatArray
    score: float
    next_region: Region


class RegionEstimator(Protocol):
    """Finds people in a picture, and landmarks in a region of it. It keeps no state from picture to picture.

    Whoever calls it decides where to look and who is who. Only one thread may use it at a time.
    """

    def detect(self, image_rgb: ImageArray) -> list[Region]:
        """Find people in a whole picture.

        Parameters
        ----------
        image_rgb : ndarray of shape (H, W, 3), uint8

        Returns
        -------
        list of Region
            The most certain first.

        Raises
        ------
        EstimatorError
            If inference fails.
        """
        ...

    def landmarks(self, image_rgb: ImageArray, region: Region) -> MeasuredPerson | None:
        """Find the landmarks of the person in a region; None if the region shows nobody.

        Raises
        ------
        EstimatorError
            If inference fails.
        """
        ...

    def close(self) -> None:
        """Free all resources."""
        ...


EstimatorFactory = Callable[[str, Settings], Estimator]
"""Makes an estimator of a kind, "pose", "hands" or "both", for the given settings."""

ESTIMATORS = ("mediapipe", "blazepose")
"""The families for sessions of pictures, which load the store's models; the default first."""

SMOOTHING_PARAMS: dict[str, dict[str, float]] = {"blazepose": {"measurement_noise": 0.02}}
"""Parameters of the default filter by family, where they differ from the filter's own: MediaPipe smooths landmarks a
little before anybody sees them, blazepose does not. With twice the noise, jitter at rest and the error in motion are
those of mediapipe (`livedance evaluate --estimator blazepose`)."""

_FACTORIES: dict[str, EstimatorFactory] = {}
_BUILT_IN = {
    "blazepose": "livedance_lab.estimators.blazepose",
    "mediapipe": "livedance_lab.estimators.mediapipe_tasks",
    "mediapipe_published": "livedance_lab.estimators.mediapipe_tasks",
    "replay": "livedance_lab.estimators.replay",
}


RegionEstimatorFactory = Callable[[Settings], RegionEstimator]

_REGION_FACTORIES: dict[str, RegionEstimatorFactory] = {}


def register(name: str, make: EstimatorFactory, make_regions: RegionEstimatorFactory | None = None) -> None:
    """Make an estimator family available under `name`; one with `make_regions` can follow several people."""
    _FACTORIES[name] = make
    if make_regions is not None:
        _REGION_FACTORIES[name] = make_regions


def region_factory(name: str) -> RegionEstimatorFactory:
    """The factory of region estimators registered under `name`.

    Raises
    ------
    EstimatorError
        If there is no such family.
    SettingsError
        If it follows one person only.
    """
    factory(name)  # imports it
    if name not in _REGION_FACTORIES:
        raise SettingsError(f"the estimator {name} follows one person; to follow several, choose the "
                             "estimator blazepose (--estimator blazepose on the command line).")  # fmt: skip
    return _REGION_FACTORIES[name]


def factory(name: str) -> EstimatorFactory:
    """The factory registered under `name`; a built-in one is imported on first use.

    Raises
    ------
    EstimatorError
        If there is none of that name.
    """
    if name not in _FACTORIES and name in _BUILT_IN:
        import_module(_BUILT_IN[name])  # registers itself
    try:
        return _FACTORIES[name]
    except KeyError:
        known = ", ".join(sorted(_FACTORIES.keys() | _BUILT_IN.keys()))
        raise EstimatorError(f"there is no estimator {name!r}; the estimators are {known}.") from None


def settings_for(family: str, settings: Settings) -> Settings:
    """The settings with the default smoothing that suits an estimator family; smoothing that was chosen stays."""
    params = SMOOTHING_PARAMS.get(family)
    if params is None or settings.smoothing != Smoothing():
        return settings
    return settings.changed({"smoothing": Smoothing(params=params)})


class MonotonicMs:
    """Converts times to strictly increasing integer milliseconds.

    MediaPipe refuses a timestamp that does not increase, but a client's clock may stand still, jump or run backwards.
    """

    def __init__(self) -> None:
        self._last_ms = -1

    def __call__(self, t_s: float) -> int:
        """Milliseconds for `t_s`; one more than the last value if the time did not increase, or is NaN."""
        wanted_ms = int(t_s * 1000) if np.isfinite(t_s) else 0
        self._last_ms = max(self._last_ms + 1, wanted_ms)
        return self._last_ms
