"""Whose hands they are, where they will be, and what finding them costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from livedance_lab.estimators.base import HandEstimate
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.pose import Body, FloatArray
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_SIDES

__all__ = ["HandsTally", "WristFollower", "sides", "torso_px", "visible_wrists"]

_WRISTS = [BLAZEPOSE_33.index(f"{side}_wrist") for side in HAND_SIDES]
_ELBOWS = [BLAZEPOSE_33.index(f"{side}_elbow") for side in HAND_SIDES]
_FINGERS = [[BLAZEPOSE_33.index(f"{side}_{finger}") for finger in ("pinky", "index", "thumb")] for side in HAND_SIDES]
_WRIST_VISIBILITY = 0.3
_REACH_TORSOS = 0.6  # a hand farther than this from a wrist is not its hand
_TO_THE_PALM = 0.7  # of the way from the wrist to the middle of the pose's three finger points
_SIDE_TORSOS, _SIDE_FOREARMS = 0.9, 1.6  # a torso bent towards the camera is no scale; a forearm may be one then
_LOOK_AHEAD_S = 0.1  # a wrist's velocity says little about where it is later than that


@dataclass
class HandsTally:
    """What looking for hands has cost and brought so far.

    Attributes
    ----------
    looks : int
        Inferences.
    at_wrists : int
        Hands found at a wrist of the person.
    away : int
        Hands found elsewhere, and not used: somebody else's, a face, or one that was seen twice.
    inference_ms : float
        Time of all looks.
    """

    looks: int = 0
    at_wrists: int = 0
    away: int = 0
    inference_ms: float = 0.0

    def add(self, seen: int, at_wrists: int, inference_ms: float) -> None:
        """One look."""
        self.looks += 1
        self.at_wrists += at_wrists
        self.away += seen - at_wrists
        self.inference_ms += inference_ms if np.isfinite(inference_ms) else 0.0

    def plain(self) -> dict[str, float | None]:
        """Counts, and per look and per hand; None before there was one."""
        return {
            "looks": self.looks,
            "at_wrists": self.at_wrists,
            "away": self.away,
            "at_wrists_per_look": self.at_wrists / self.looks if self.looks else None,
            "ms_per_look": self.inference_ms / self.looks if self.looks else None,
            "ms_per_hand": self.inference_ms / self.at_wrists if self.at_wrists else None,
        }


def visible_wrists(pose: Body, size_px: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Whether the left and the right wrist are seen inside the picture; shape (2,)."""
    x, y = pose.keypoints_px[_WRISTS, 0], pose.keypoints_px[_WRISTS, 1]
    inside = (x >= 0) & (x <= size_px[0]) & (y >= 0) & (y <= size_px[1])
    return np.asarray(inside & (pose.visibility[_WRISTS] > _WRIST_VISIBILITY))


class WristFollower:
    """Where the hands will be, from the last two poses."""

    def __init__(self) -> None:
        self._poses: list[tuple[float, Body]] = []

    def note(self, t_capture_s: float, pose: Body) -> None:
        """A new pose; one without landmarks makes it forget."""
        known = np.isfinite(pose.keypoints_px[_WRISTS, :2]).all()
        self._poses = [*self._poses[-1:], (t_capture_s, pose)] if known else []

    def crops(self, t_capture_s: float, size_px: tuple[int, int]) -> tuple[Crop, ...]:
        """A square around each hand that may be seen at a time; none where the whole picture is as good a place.

        Parameters
        ----------
        t_capture_s : float
            Of the frame to look at; the hands are taken to move on evenly since the last pose.
        size_px : (int, int)
            Width and height of the original frame, in whose pixels the poses are.
        """
        if not self._poses:
            return ()
        t_s, pose = self._poses[-1]
        centres = _palms_px(pose)
        before_s, before = self._poses[0]
        if before_s < t_s:
            ahead_s = min(max(t_capture_s - t_s, -_LOOK_AHEAD_S), _LOOK_AHEAD_S)
            centres = centres + (centres - _palms_px(before)) * (ahead_s / (t_s - before_s))
        forearms = np.linalg.norm(pose.keypoints_px[_WRISTS, :2] - pose.keypoints_px[_ELBOWS, :2], axis=1)
        side_px = max(_SIDE_TORSOS * torso_px(pose), _SIDE_FOREARMS * float(np.max(forearms)))
        if not 0 < side_px < min(size_px):
            return ()
        seen = pose.visibility[_WRISTS] > _WRIST_VISIBILITY
        near = np.all((centres > -side_px / 2) & (centres < np.array(size_px) + side_px / 2), axis=1)
        width, height = size_px
        return tuple(
            Crop(float(x / width), float(y / height), side_px / width, side_px / height)
            for x, y in centres[seen & near] - side_px / 2
        )


def _palms_px(pose: Body) -> FloatArray:
    """Middles of the hands, shape (2, 2), by the pose alone, which knows three points beyond each wrist."""
    xy = pose.keypoints_px[:, :2].astype(float)
    wrists = xy[_WRISTS]
    fingers = np.array([xy[points].mean(axis=0) for points in _FINGERS])
    palms: FloatArray = wrists + _TO_THE_PALM * (fingers - wrists)
    return palms


def sides(hands: tuple[HandEstimate, ...], px: list[FloatArray], pose: Body, *, mirrored: bool) -> dict[int, int]:
    """Which hand (position in `hands`) is which side (0 left, 1 right).

    With a known pose: pairs of hand and wrist, nearest first, no farther apart than 0.6 torso lengths.
    Without: the model's own label, the surer one first; of a mirrored picture, the other side.
    """
    wrists = pose.keypoints_px[_WRISTS, :2]
    chosen: dict[int, int] = {}
    if np.isfinite(wrists).all():
        reach_px = _REACH_TORSOS * torso_px(pose)
        pairs = sorted(
            (float(np.hypot(*(p[0, :2] - wrists[side]))), i, side) for i, p in enumerate(px) for side in (0, 1)
        )
        pairs = [pair for pair in pairs if not np.isfinite(reach_px) or pair[0] <= reach_px]
    else:
        pairs = sorted((-h.score, i, HAND_SIDES.index(h.side) ^ mirrored) for i, h in enumerate(hands))
    for _, i, side in pairs:
        if i not in chosen and side not in chosen.values():
            chosen[i] = side
    return chosen


def torso_px(pose: Body) -> float:
    """Distance between the middles of the shoulders and of the hips, px; at least the shoulders' width."""
    points = {n: pose.keypoints_px[BLAZEPOSE_33.index(n), :2] for n in
              ("left_shoulder", "right_shoulder", "left_hip", "right_hip")}  # fmt: skip
    shoulders = (points["left_shoulder"] + points["right_shoulder"]) / 2
    hips = (points["left_hip"] + points["right_hip"]) / 2
    width = np.hypot(*(points["left_shoulder"] - points["right_shoulder"]))
    return float(max(np.hypot(*(shoulders - hips)), width))
