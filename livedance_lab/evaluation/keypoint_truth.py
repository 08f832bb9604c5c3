"""The true positions of a clip's landmarks, from the file beside the clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from livedance_lab.analysis.paint_evaluation import BODY_JOINTS
from livedance_lab.analysis.smoothing import body_size
from livedance_lab.errors import LiveDanceError
from livedance_lab.pose import Array
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["KeypointTruth", "keypoint_truth"]

_AXES: Final = ("u_px", "v_px", "x_m", "z_m")
_ACROSS: Final = [(BLAZEPOSE_33.index(f"left_{part}"), BLAZEPOSE_33.index(f"right_{part}")) for part in
                  ("shoulder", "hip")]  # fmt: skip


@dataclass(frozen=True)
class KeypointTruth:
    """True positions of the landmarks, frame by frame.

    Attributes
    ----------
    times_s : ndarray of shape (T,)
    px : ndarray of shape (T, 33, 2)
        Pixels of the clip; NaN for landmarks that the truth lacks.
    facing : ndarray of shape (T, 2)
        Direction from the person's right to their left seen from above, x and z, of length 1: (1, 0) facing the
        camera, (-1, 0) with the back to it.
    """

    times_s: Array
    px: Array
    facing: Array

    @property
    def rate_hz(self) -> float:
        """Frames per second."""
        return 1 / float(np.median(np.diff(self.times_s)))

    @property
    def body_size_px(self) -> float:
        """Median torso length."""
        return float(np.nanmedian([body_size(frame) for frame in self.px]))

    @property
    def stillest(self) -> int:
        """The frame in the middle of the half second with the least motion."""
        steps = np.linalg.norm(np.diff(self.px[:, BODY_JOINTS], axis=0), axis=-1).sum(axis=1)
        width = max(round(0.5 * self.rate_hz), 1)
        return int(np.argmin(np.convolve(steps, np.ones(width), "valid"))) + width // 2

    @property
    def turns_round(self) -> bool:
        """Whether the clip shows the person both from the front and from the back."""
        return bool(self.facing[:, 0].min() < 0 < self.facing[:, 0].max())


def keypoint_truth(clip: Path) -> KeypointTruth:
    """Read the truth of a clip from ``NAME_truth.parquet`` beside it.

    Columns: frame, time_s, joint (BlazePose names), u_px, v_px, x_m, z_m.

    Raises
    ------
    LiveDanceError
        If there is no such file, if it lacks a column, or if it holds several people.
    """
    path = clip.with_name(f"{clip.stem}_truth.parquet")
    if not path.is_file():
        raise LiveDanceError(f"an evaluation needs the truth of {clip.name}: there is no {path}.")
    try:
        table = pd.read_parquet(path, columns=["frame", "time_s", "joint", *_AXES])
    except (KeyError, ValueError) as exc:
        raise LiveDanceError(f"{path} must have columns frame, time_s, joint, {', '.join(_AXES)}: {exc}") from exc
    if table.duplicated(["frame", "joint"]).any():
        raise LiveDanceError(f"{path} holds several people; this evaluation compares one.")
    wide = [table.pivot(index="frame", columns="joint", values=axis).reindex(columns=list(BLAZEPOSE_33.landmarks))
            for axis in _AXES]  # fmt: skip
    values = np.stack([w.to_numpy(dtype=np.float64) for w in wide], axis=-1)
    across = sum(values[:, left, 2:] - values[:, right, 2:] for left, right in _ACROSS)
    times_s = table.groupby("frame")["time_s"].first().to_numpy(dtype=np.float64)
    return KeypointTruth(times_s, values[..., :2], across / np.linalg.norm(across, axis=-1, keepdims=True))
