"""Finds the sample clips and their ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from livedance_lab.errors import LiveDanceError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EVALUATED", "GROUPS", "SAMPLE_CLIP", "angle_truth", "sample_path"]

SAMPLE_CLIP = "dancer.mp4"
EVALUATED = (SAMPLE_CLIP, "dancer2.mp4")
"""Clips with the true position of every landmark: two bodies, dances and cameras."""

GROUPS = ("duet.mp4", "duet_costume.mp4", "trio.mp4")
"""Clips of several people with the truth of each: they cross, hide each other, leave and return."""

_FOLDERS = (
    Path(__file__).resolve().parents[1] / "data" / "samples",  # in a checkout
    Path(__file__).resolve().parents[0] / "_samples",  # in an installed wheel
)


def sample_path(name: str = SAMPLE_CLIP) -> Path:
    """Return the path of a sample file.

    Raises
    ------
    LiveDanceError
        If there is no such file.
    """
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    folders = " nor ".join(str(folder) for folder in _FOLDERS)
    raise LiveDanceError(f"the sample {name} is neither in {folders}; give a video of your own with --source.")


def angle_truth(clip: Path) -> pd.DataFrame | None:
    """Read the true joint angles of a clip from ``NAME_angles.csv`` beside it; None if there is no such file.

    Returns
    -------
    DataFrame
        One row per frame of the clip: frame, time_s, joint angles in degrees, segment.
    """
    import pandas as pd

    path = clip.with_name(f"{clip.stem}_angles.csv")
    return pd.read_csv(path) if path.is_file() else None
