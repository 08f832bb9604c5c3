"""Errors of a session's joint angles against the truth of the clip that was streamed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from livedance_lab.analysis.statistics import finite_mean
from livedance_lab.session_data.data import SessionData

__all__ = ["angle_errors"]


def angle_errors(data: SessionData, truth: pd.DataFrame, frame_of_seq: float = 1.0) -> dict[str, dict[str, float]]:
    """Return mean absolute error and bias of each angle, over every result that has it.

    The joints of the truth are those of the clip's rig, not the model's, so that a constant bias is to be expected;
    the error without it is returned too.

    Parameters
    ----------
    data : SessionData
        A session into which the clip was streamed from its first frame on, once or repeatedly.
    truth : DataFrame
        As `livedance_lab.samples.angle_truth` returns it.
    frame_of_seq : float, default 1
        Clip frames per captured frame (not 1 if frames of the clip were skipped to offer it at another rate).

    Returns
    -------
    dict
        Per angle, degrees: ``mae``, ``bias``, ``mae_without_bias`` of the raw angle, ``mae_smooth`` of the smoothed
        one, and ``n``, the number of results with a raw angle.
    """
    frames = (np.round(data.seq * frame_of_seq).astype(int)) % len(truth)
    raw, smooth = data.array("angles_deg"), data.array("angles_smooth_deg")
    errors: dict[str, dict[str, Any]] = {}
    for column, name in enumerate(data.angle_names):
        if name not in truth:
            continue
        true = truth[name].to_numpy()[frames]
        off = raw[:, column] - true
        bias = finite_mean(off)
        errors[name] = {
            "mae": finite_mean(np.abs(off)),
            "bias": bias,
            "mae_without_bias": finite_mean(np.abs(off - bias)),
            "mae_smooth": finite_mean(np.abs(smooth[:, column] - true)),
            "n": int(np.isfinite(off).sum()),
        }
    return errors
