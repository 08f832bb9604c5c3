"""Assigns hands to the person's sides, predicts where they will be, and counts what finding them costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from livedance_lab.estimators.base import HandEstimate
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.pose import Body, FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_SIDES

__all__ = ["HandsTally", "WristTracker", "assign_hands", "torso_px", "visible_wrists"]

_WRISTS = [BLAZEPOSE_33.index(f"{side}_wrist") for side in HAND_SIDES]
_ELBOWS = [BLAZEPOSE_33.index(f"{side}_elbow") for side in HAND_SIDES]
_FINGERS = [[BLAZEPOSE_33.index(f"{side}_{finger}") for finger in ("pinky", "index", "thumb")] for side in HAND_SIDES]
_WRIST_VISIBILITY = 0.3
_MAX_DISTANCE_TORSOS = 0.6  # a hand farther than this from a wrist does not belong to it
_PALM_FRACTION = 0.7  # of the distance from the wrist to the mean of the pose's three finger points
_SIDE_TORSOS, _SIDE_FOREARMS = 0.9, 1.6  # two scales: a torso that is bent towards the camera looks too short
_MAX_EXTRAPOLATION_S = 0.1  # a wrist's velocity predicts its position for no longer than that


@dataclass
class HandsTally:
    """Counts of hands inferences and their results.

    Attributes
    ----------
    inferences : int
    at_wrists : int
        Hands found at a wrist of the person.
    away : int
        Hands found elsewhere, which are not used: another person's hand, a face, or a hand that was found twice.
    inference_ms : float
        Duration of all inferences together.
    """

    inferences: int = 0
    at_wrists: int = 0
    away: int = 0
    inference_ms: float = 0.0

    def add(self, found: int, at_wrists: int, inference_ms: float) -> None:
        """Count one inference."""
        self.inferences += 1
        self.at_wrists += at_wrists
        self.away += found - at_wrists
        self.inference_ms += inference_ms if np.isfinite(inference_ms) else 0.0

    def plain(self) -> dict[str, float | None]:
        """Counts, and means per inference and per hand; None before the first."""
        return {
            "inferences": self.inferences,
            "at_wrists": self.at_wrists,
            "away": self.away,
            "at_wrists_per_inference": self.at_wrists / self.inferences if self.inferences else None,
            "ms_per_inference": self.inference_ms / self.inferences if self.inferences else None,
            "ms_per_hand": self.inference_ms / self.at_wrists if self.at_wrists else None,
        }


def visible_wrists(pose: Body, size_px: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Whether the left and the right wrist are visible and inside the frame; shape (2,)."""
    x, y = pose.keypoints_px[_WRISTS, 0], pose.keypoints_px[_WRISTS, 1]
    inside = (x >= 0) & (x <= size_px[0]) & (y >= 0) & (y <= size_px[1])
    return np.asarray(inside & (pose.visibility[_WRISTS] > _WRIST_VISIBILITY))


class WristTracker:
    """Predicts where the hands will be, from the last two poses."""

    def __init__(self) -> None:
        self._poses: list[tuple[float, Body]] = []

    def update(self, t_capture_s: float, pose: Body) -> None:
        """Add a pose; one without landmarks deletes the earlier ones."""
        known = np.isfinite(pose.keypoints_px[_WRISTS, :2]).all()
        self._poses = [*self._poses[-1:], (t_capture_s, pose)] if known else []

    def crops(self, t_capture_s: float, size_px: tuple[int, int], *, alone: bool = True) -> tuple[Crop, ...]:
        """A square around each hand that may be visible in a frame.

        Parameters
        ----------
        t_capture_s : float
            Capture time of that frame; the hands are assumed to move with constant velocity.
        size_px : (int, int)
            Width and height of the original frame, in whose pixels the poses are.
        alone : bool, default True
            Whether only this person's crops are searched. Then the whole frame is as good as squares of its size.

        Returns
        -------
        tuple of Crop
            Empty if no pose is known, if no wrist is visible, or if the person is alone and the squares would be as
            large as the frame.
        """
        if not self._poses:
            return ()
        t_s, pose = self._poses[-1]
        centres = _palms_px(pose)
        before_s, before = self._poses[0]
        if before_s < t_s:
            ahead_s = min(max(t_capture_s - t_s, -_MAX_EXTRAPOLATION_S), _MAX_EXTRAPOLATION_S)
            centres = centres + (centres - _palms_px(before)) * (ahead_s / (t_s - before_s))
        forearms = np.linalg.norm(pose.keypoints_px[_WRISTS, :2] - pose.keypoints_px[_ELBOWS, :2], axis=1)
        side_px = max(_SIDE_TORSOS * torso_px(pose), _SIDE_FOREARMS * float(np.max(forearms)))
        if not side_px > 0 or (alone and side_px >= min(size_px)):
            return ()
        side_px = min(side_px, min(size_px))
        visible = pose.visibility[_WRISTS] > _WRIST_VISIBILITY
        near = np.all((centres > -side_px / 2) & (centres < np.array(size_px) + side_px / 2), axis=1)
        width, height = size_px
        return tuple(
            Crop(float(x / width), float(y / height), side_px / width, side_px / height)
            for x, y in centres[visible & near] - side_px / 2
        )


def _palms_px(pose: Body) -> FloatArray:
    """Centres of the palms, shape (2, 2), estimated from the pose: it has three points beyond each wrist."""
    xy = pose.keypoints_px[:, :2].astype(float)
    wrists = xy[_WRISTS]
    fingers = np.array([xy[points].mean(axis=0) for points in _FINGERS])
    return np.asarray(wrists + _PALM_FRACTION * (fingers - wrists))


def assign_hands(
    hands: tuple[HandEstimate, ...], px: list[FloatArray], poses: Mapping[int, Body], *, mirrored: bool
) -> dict[int, tuple[int, int]]:
    """Assign hands to people and their sides.

    Pairs of hand and wrist are formed, nearest first in torso lengths of the person, at most 0.6 apart. If there is one
    person only, whose pose is unknown, the model's own label decides, the hand with the higher score first.

    Parameters
    ----------
    hands : tuple of HandEstimate
    px : list of ndarray of shape (21, 3)
        Their landmarks in pixels.
    poses : mapping of int to Body
        Everybody's newest pose by id.
    mirrored : bool
        Whether the image is mirrored: the model's label then means the other side.

    Returns
    -------
    dict of int to (int, int)
        Index in `hands` to the person's id and the side (0 left, 1 right).
    """
    pairs: list[tuple[float, int, tuple[int, int]]] = []
    for id, pose in poses.items():
        wrists, torso = pose.keypoints_px[_WRISTS, :2], torso_px(pose)
        if np.isfinite(wrists).all():
            scale = torso if torso > 0 else 1.0  # also False for NaN
            apart = [(float(np.hypot(*(p[0, :2] - wrists[side]))) / scale, i, (id, side))
                     for i, p in enumerate(px) for side in (0, 1)]  # fmt: skip
            pairs += [pair for pair in apart if not np.isfinite(torso) or pair[0] <= _MAX_DISTANCE_TORSOS]
        elif len(poses) == 1:
            pairs = [(-h.score, i, (id, HAND_SIDES.index(h.side) ^ mirrored)) for i, h in enumerate(hands)]
    chosen: dict[int, tuple[int, int]] = {}
    for _, i, owner in sorted(pairs):
        if i not in chosen and owner not in chosen.values():
            chosen[i] = owner
    return chosen


def torso_px(pose: Body) -> float:
    """Distance between the midpoints of shoulders and hips, px; at least the distance between the shoulders."""
    points = {n: pose.keypoints_px[BLAZEPOSE_33.index(n), :2] for n in
              ("left_shoulder", "right_shoulder", "left_hip", "right_hip")}  # fmt: skip
    shoulders = (points["left_shoulder"] + points["right_shoulder"]) / 2
    hips = (points["left_hip"] + points["right_hip"]) / 2
    width = np.hypot(*(points["left_shoulder"] - points["right_shoulder"]))
    return float(max(np.hypot(*(shoulders - hips)), width))
