"""How well several people are found and kept apart, against the truth, beside MediaPipe's own `num_poses`.

All methods get the same pictures, encoded as a client does, frame by frame and without a server. Figures other than
the time do not depend on the machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.tracking_metrics import FOUND, FramePairs, tracking_scores
from livedance_lab.clock import now_s
from livedance_lab.estimators.base import ImageArray
from livedance_lab.estimators.blazepose import BlazePose
from livedance_lab.estimators.mediapipe_tasks import SeveralPoses
from livedance_lab.evaluation.people_truth import JOINTS, PeopleTruth, people_truth, truth_similarity
from livedance_lab.media.images import decode_rgb, downscale, encode_jpeg
from livedance_lab.media.video import VideoSource
from livedance_lab.pipeline.people.follower import PeopleFollower
from livedance_lab.pipeline.people.measurement import PeopleMeasurer
from livedance_lab.pipeline.people.tracker import PeopleTracker
from livedance_lab.progress import Progress, no_progress
from livedance_lab.settings import Settings

__all__ = ["COLUMNS", "METHODS", "Found", "evaluate_people", "judge_people"]

Array = npt.NDArray[np.float64]
Found = dict[int, Array]
"""People of one frame: id to landmarks of shape (33, 2), pixels of the clip."""

METHODS: Final = {"followed": "blazepose, followed", "num_poses": "mediapipe, num_poses"}

COLUMNS: Final = {
    "method": "method",
    "every": "of n frames",
    "found": "found",
    "false": "false",
    "rms_px": "RMS px",
    "switches": "switches",
    "ids": "ids",
    "idf1": "IDF1",
    "hota": "HOTA",
    "ms": "ms/frame",
}
"""Keys and headings of a row of `evaluate_people`."""

_COUNTED_SHARE: Final = 0.5  # people of whom less is visible need not be found, and are not false if they are


@dataclass(frozen=True)
class _Picture:
    index: int
    t_s: float
    rgb: ImageArray
    scale: float  # from its pixels to those of the clip


def evaluate_people(
    clip: Path, *, every: Iterable[int] = (1, 3), seconds: float | None = None, progress: Progress = no_progress
) -> list[dict[str, Any]]:
    """Compare the methods on a clip.

    Parameters
    ----------
    clip : Path
        A video with its truth beside it (`livedance_lab.evaluation.people_truth.people_truth`).
    every : iterable of int
        The methods see every n-th frame: the others are dropped, as on a slow machine.
    seconds : float, optional
        How much of the clip; by default all.
    progress : Progress, optional

    Returns
    -------
    list of dict
        One row for each method and each of `every`, with the keys of `COLUMNS`.

    Raises
    ------
    LiveDanceError
        If the clip has no truth, or an estimator cannot be made.
    """
    truth = people_truth(clip)
    rows = []
    for n in every:
        pictures = [p for p in _pictures(clip, seconds) if p.index % n == 0]
        for method, description in METHODS.items():
            progress(math.nan, f"{description}, every {n}. frame" if n > 1 else description)
            found, took_s = _run(method, pictures, truth.people)
            figures = judge_people(truth, [p.index for p in pictures], found)
            rows.append({"method": description, "every": n, **figures, "ms": float(np.median(took_s)) * 1000})
    return rows


def _pictures(clip: Path, seconds: float | None) -> Iterable[_Picture]:
    settings = Settings()
    with VideoSource(clip) as video:
        for frame in video:
            if seconds is not None and frame.t_s >= seconds:
                return
            small = downscale(frame.rgb, settings.short_side_px)
            sent = decode_rgb(encode_jpeg(small, settings.jpeg_quality))
            yield _Picture(frame.index, frame.t_s, sent, frame.rgb.shape[1] / sent.shape[1])


def _run(method: str, pictures: list[_Picture], people: int) -> tuple[list[Found], list[float]]:
    """What a method finds in each picture, and the time that each takes."""
    if method == "num_poses":
        with closing(SeveralPoses(Settings(), people)) as tasks:
            return _timed(pictures, lambda p: _by_index(tasks, p))
    with closing(BlazePose()) as blazepose:
        measurer, follower = PeopleMeasurer(blazepose), PeopleFollower(PeopleTracker(people))

        def follow(p: _Picture) -> Found:
            size_px = (round(p.rgb.shape[1] * p.scale), round(p.rgb.shape[0] * p.scale))
            found = measurer.measure(p.rgb, follower.wanted(p.t_s), size_px)
            return {one.id: one.person.keypoints_px[:, :2].astype(np.float64) for one in follower.follow(p.t_s, found)}

        return _timed(pictures, follow)


def _timed(pictures: list[_Picture], find: Callable[[_Picture], Found]) -> tuple[list[Found], list[float]]:
    found, took_s = [], []
    for picture in pictures:
        start_s = now_s()
        found.append(find(picture))
        took_s.append(now_s() - start_s)
    return found, took_s


def _by_index(tasks: SeveralPoses, picture: _Picture) -> Found:
    height, width = picture.rgb.shape[:2]
    size = np.array([width, height]) * picture.scale
    estimates = tasks.estimates(picture.rgb, round(picture.t_s * 1000))
    poses = [e.pose_xyz for e in estimates if e.pose_xyz is not None]
    return {index: pose[:, :2] * size for index, pose in enumerate(poses)}


def judge_people(truth: PeopleTruth, frames: list[int], found: list[Found]) -> dict[str, Any]:
    """Compare what was found with the truth.

    Parameters
    ----------
    truth : PeopleTruth
    frames : list of int
        Index of each frame in the truth.
    found : list of Found

    Returns
    -------
    dict
        `found`: share of the person-frames with half of the silhouette visible; `false`: share of what was found that
        is nobody; `rms_px` of the visible joints, each person's constant bias of each joint removed; `switches`,
        `ids` (how many there were), `idf1`, `hota`.
    """
    pairs, errors, false, all_found = [], [], 0, 0
    for index, people in zip(frames, found, strict=True):
        counted, ids, alike = _compare(truth, index, people)
        false += int((alike.max(axis=0, initial=0) < FOUND).sum())
        all_found += len(ids)
        hidden = [person for person in range(truth.people) if person not in counted]
        # who matches somebody that need not be found is left out: neither right nor wrong
        best = alike[hidden].max(axis=0, initial=0)
        kept = [c for c in range(len(ids)) if best[c] < FOUND or best[c] < alike[:, c].max()]
        pairs.append(FramePairs(tuple(counted), tuple(ids[c] for c in kept), alike[np.ix_(counted, kept)]))
        errors += [_errors(truth, index, person, people[ids[int(alike[person].argmax())]])
                   for person in counted if alike[person].max(initial=0) >= FOUND]  # fmt: skip
    expected = sum(len(pair.truth) for pair in pairs)
    hits = sum(int((pair.similarity.max(axis=1, initial=0) >= FOUND).sum()) for pair in pairs)
    scores = tracking_scores(pairs)
    return {"found": hits / max(expected, 1), "false": false / max(all_found, 1), "rms_px": _rms(errors),
            "switches": scores.switches, "ids": len({i for people in found for i in people}), "idf1": scores.idf1,
            "hota": scores.hota, "expected": expected}  # fmt: skip


def _compare(truth: PeopleTruth, index: int, people: Found) -> tuple[list[int], list[int], Array]:
    """Who must be found, the ids of who was, and the similarity of all true people with them."""
    counted = [person for person in range(truth.people) if truth.share[index, person] >= _COUNTED_SHARE]
    ids = list(people)
    alike = np.array([[truth_similarity(truth.px[index, person], people[i]) for i in ids]
                      for person in range(truth.people)]).reshape(truth.people, len(ids))  # fmt: skip
    return counted, ids, alike


def _errors(truth: PeopleTruth, index: int, person: int, found_px: Array) -> tuple[int, Array]:
    """The person, and the error of each visible joint; NaN for others."""
    error = (found_px - truth.px[index, person])[JOINTS]
    return person, np.where(truth.visible[index, person][JOINTS, None], error, np.nan)


def _rms(errors: list[tuple[int, Array]]) -> float:
    unbiased = []
    for person in {person for person, _ in errors}:
        own = np.array([error for p, error in errors if p == person])
        means = np.nansum(own, axis=0) / np.maximum(np.isfinite(own).sum(axis=0), 1)
        unbiased.append((own - means).reshape(-1, 2))
    if not unbiased:
        return math.nan
    return float(np.sqrt(np.nanmean(np.sum(np.concatenate(unbiased) ** 2, axis=1))))
