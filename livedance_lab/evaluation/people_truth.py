"""The truth of a clip with several people: landmarks, and how much of each silhouette is visible."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from livedance_lab.errors import LiveDanceError
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["JOINTS", "PeopleTruth", "people_truth", "truth_similarity"]

Array = npt.NDArray[np.float64]

JOINTS: Final = [k for k, name in enumerate(BLAZEPOSE_33.landmarks) if name.split("_")[-1] in
                 ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")]  # fmt: skip
"""The joints that are compared: shoulders, elbows, wrists, hips, knees, ankles, left before right."""

_SIGMAS: Final = np.repeat([0.079, 0.072, 0.062, 0.107, 0.087, 0.089], 2)  # COCO's, of `JOINTS`
_NARROWEST: Final = 0.4  # width of a body over its height: seen from the side it is narrower than its own width
_FILLED: Final = 0.53  # share of a person's box that the person fills, as in COCO


@dataclass(frozen=True)
class PeopleTruth:
    """True positions of several people, frame by frame.

    Attributes
    ----------
    times_s : ndarray of shape (T,)
    px : ndarray of shape (T, P, 33, 2)
        Pixels of the clip, also where a landmark is hidden.
    visible : ndarray of shape (T, P, 33), bool
    share : ndarray of shape (T, P)
        Share of each silhouette that is in the picture with nobody in front of it.
    """

    times_s: Array
    px: Array
    visible: npt.NDArray[np.bool_]
    share: Array

    @property
    def people(self) -> int:
        """How many people the clip shows."""
        return int(self.px.shape[1])


def people_truth(clip: Path) -> PeopleTruth:
    """Read ``NAME_truth.parquet`` and ``NAME_people.csv`` beside a clip.

    Columns: frame, time_s, person, joint, u_px, v_px, visible; frame, person, visible_share.

    Raises
    ------
    LiveDanceError
        If a file is missing, or lacks a column.
    """
    paths = [clip.with_name(f"{clip.stem}_{end}") for end in ("truth.parquet", "people.csv")]
    try:
        joints = pd.read_parquet(paths[0], columns=["frame", "time_s", "person", "joint", "u_px", "v_px", "visible"])
        people = pd.read_csv(paths[1], usecols=["frame", "person", "visible_share"])
    except (OSError, KeyError, ValueError) as exc:
        raise LiveDanceError(f"{clip.name} needs the truth of several people, {paths[0].name} and {paths[1].name} "
                             f"beside it: {exc}") from exc  # fmt: skip
    names, order = list(BLAZEPOSE_33.landmarks), sorted(people["person"].unique())
    frames = range(int(people["frame"].max()) + 1)
    rows = joints.set_index(["frame", "person", "joint"]).reindex(pd.MultiIndex.from_product([frames, order, names]))
    shape = len(frames), len(order), len(names)
    px = rows[["u_px", "v_px"]].to_numpy(dtype=np.float64).reshape(*shape, 2)
    visible = rows["visible"].eq(True).to_numpy().reshape(shape)
    share = people.pivot(index="frame", columns="person", values="visible_share").to_numpy(dtype=np.float64)
    times_s = joints.groupby("frame")["time_s"].first().to_numpy(dtype=np.float64)
    return PeopleTruth(times_s, px, visible, share)


def truth_similarity(truth_px: Array, found_px: Array) -> float:
    """Object keypoint similarity of a true and a found body, both of shape (33, 2), over `JOINTS`."""
    from livedance_lab.analysis.tracking_metrics import keypoint_similarity

    width, height = np.nanmax(truth_px, axis=0) - np.nanmin(truth_px, axis=0)
    area_px = _FILLED * max(width, _NARROWEST * height) * height
    return keypoint_similarity(truth_px[JOINTS], found_px[JOINTS], _SIGMAS, area_px)
