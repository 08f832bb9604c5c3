"""Finds the sample clips and their ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from livedance_lab.errors import LiveDanceError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EVALUATED", "GROUPS", "SAMPLE_CLIP", "angle_truth", "joint_truth", "people_truth", "sample_path"]

SAMPLE_CLIP = "dancer.mp4"
EVALUATED = (SAMPLE_CLIP, "dancer2.mp4")
"""Clips of one person with the true position of every landmark: two bodies, dances and cameras."""
GROUPS = ("duet.mp4", "duet_costume.mp4", "trio.mp4")
"""Clips of two and three people with the truth of each: they cross, hide each other, leave and return."""

GROUPS = ("duet.mp4", "duet_costume.mp4", "trio.mp4")
"""Clips of several people with the truth of each: they cross, hide each other, leave and return."""

_FOLDERS = (
    Path(__file__).resolve().parents[1] / "data" / "samples",  # in a checkout
    Path(__file__).resolve().parents[0] / "_samples",  # in an installed wheel
)


def sample_path(name: str = SAMPLE_CLIP) -> Path:
    """Return the path of a sample file; a name without a suffix is a clip's: ``sample_path("duet")``.

    Raises
    ------
    LiveDanceError
        If there is no such file.
    """
    name = name if Path(name).suffix else f"{name}.mp4"
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


def people_truth(clip: Path) -> pd.DataFrame | None:
    """Read what is true of each person in each frame from ``NAME_people.csv`` beside the clip; None without one.

    Returns
    -------
    DataFrame
        One row per frame and person: frame, time_s, person (1, 2, ...), visible_share (of the silhouette's pixels,
        0 to 1), box of the visible pixels (box_left_px, box_top_px, box_right_px, box_bottom_px; NaN where nothing is
        visible), joint angles in degrees, segment.
    """
    import pandas as pd

    path = clip.with_name(f"{clip.stem}_people.csv")
    return pd.read_csv(path) if path.is_file() else None


def joint_truth(clip: Path) -> pd.DataFrame | None:
    """Read the true places of all joints from ``NAME_truth.parquet`` beside the clip; None if there is no such file.

    Returns
    -------
    DataFrame
        One row per frame, person and joint: frame, time_s, person (1, 2, ...; 1 in a clip of one person), joint,
        x_m, y_m, z_m (from the middle of the person's hips; x right in the picture, y down, z away from the camera),
        u_px, v_px, visible.
    """
    import pandas as pd

    path = clip.with_name(f"{clip.stem}_truth.parquet")
    if not path.is_file():
        return None
    table = pd.read_parquet(path)
    if "person" not in table:
        table.insert(2, "person", 1)
    return table
