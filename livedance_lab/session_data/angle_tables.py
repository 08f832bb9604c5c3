"""Tables of a session's joint angles: raw, smoothed, how well the camera saw each, and how fast each changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from livedance_lab.analysis.angles import ANGLES, ViewQuality, angular_velocity_deg_s, view_quality

__all__ = ["VIEWS", "angle_columns", "velocity_columns", "views_of"]

VIEWS: tuple[str, ...] = tuple(view.name.lower() for view in ViewQuality)
"""Names of `ViewQuality` in tables, by its value."""


def views_of(
    angle_names: Sequence[str], world_m: npt.ArrayLike, angles_deg: npt.NDArray[np.floating]
) -> npt.NDArray[np.uint8]:
    """Judge how well the camera saw each angle.

    Parameters
    ----------
    angle_names : sequence of str
    world_m : array-like of shape (T, 33, 3)
        Raw world landmarks.
    angles_deg : ndarray of shape (T, A)
        Raw angles. An angle is "hidden" if it is NaN although its landmarks are known: they were less visible than
        the current threshold.

    Returns
    -------
    ndarray of shape (T, A), uint8
        `ViewQuality`. An angle that this version does not know is "good" where it has a value, else "missing".
    """
    unknown = np.isnan(angles_deg)
    views = np.where(unknown, ViewQuality.MISSING, ViewQuality.GOOD).astype(np.uint8)
    known = [i for i, name in enumerate(angle_names) if name in ANGLES]
    if known:
        seen, _ = view_quality(world_m, definitions=[angle_names[i] for i in known])
        hidden = unknown[:, known] & (seen != ViewQuality.MISSING)
        views[:, known] = np.where(hidden, ViewQuality.HIDDEN, seen)
    return views


def angle_columns(
    angle_names: Sequence[str],
    raw_deg: npt.NDArray[np.floating],
    smooth_deg: npt.NDArray[np.floating],
    views: npt.NDArray[np.uint8],
) -> pd.DataFrame:
    """Return all raw angles, then all smoothed ones (`<name>_smooth`), then all views (`<name>_view`, of `VIEWS`)."""
    raw = pd.DataFrame(raw_deg, columns=list(angle_names))
    smooth = pd.DataFrame(smooth_deg, columns=[f"{name}_smooth" for name in angle_names])
    kinds = pd.CategoricalDtype(list(VIEWS))
    view = pd.DataFrame(
        {f"{n}_view": pd.Categorical.from_codes(views[:, i].astype(np.int8), dtype=kinds)
         for i, n in enumerate(angle_names)})  # fmt: skip
    return pd.concat([raw, smooth, view], axis=1)


def velocity_columns(
    angle_names: Sequence[str], raw_deg: npt.NDArray[np.floating], t_s: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Return how fast each angle changes, degrees per second, as `<name>_deg_s`; see `angular_velocity_deg_s`."""
    columns = [f"{name}_deg_s" for name in angle_names]
    if len(t_s) < 2:
        return pd.DataFrame(np.full((len(t_s), len(columns)), np.nan), columns=columns)
    return pd.DataFrame(angular_velocity_deg_s(raw_deg, t_s, angle_names), columns=columns)
