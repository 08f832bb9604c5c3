"""Where the sample clips and their ground truth are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from livedance_lab.errors import LiveDanceError

__all__ = ["EVALUATED", "SAMPLE_CLIP", "ClipTruth", "sample_path", "truth_of"]

SAMPLE_CLIP = "dancer.mp4"
EVALUATED = (SAMPLE_CLIP, "dancer2.mp4")
"""Clips with the truth of every landmark: two bodies, dances and cameras."""

_PLACES = (
    Path(__file__).resolve().parents[1] / "data" / "samples",  # a checkout
    Path(__file__).resolve().parents[0] / "_samples",  # an installed wheel
)


def sample_path(name: str = SAMPLE_CLIP) -> Path:
    """A sample file by name.

    Raises
    ------
    LiveDanceError
        If it is in none of the places.
    """
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    places = " nor ".join(str(place) for place in _PLACES)
    raise LiveDanceError(f"the sample {name} is neither in {places}; give a video of your own with --source.")


@dataclass
class ClipTruth:
    """What is known to be true of a clip.

    Attributes
    ----------
    angles : pandas.DataFrame
        One row per frame: frame, time_s, joint angles in degrees, segment.
    n_frames : int
        Frames of the clip.
    """

    angles: pd.DataFrame

    @property
    def n_frames(self) -> int:
        """Frames of the clip."""
        return len(self.angles)


def truth_of(clip: Path) -> ClipTruth | None:
    """The ground truth that lies beside a clip as ``NAME_angles.csv``; None if there is none."""
    path = clip.with_name(f"{clip.stem}_angles.csv")
    return ClipTruth(pd.read_csv(path)) if path.is_file() else None
