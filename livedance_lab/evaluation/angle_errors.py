"""Joint angles of a session against the truth of the clip it was fed from."""

from __future__ import annotations

from typing import Any

import numpy as np

from livedance_lab.samples import ClipTruth
from livedance_lab.session_data.data import SessionData

__all__ = ["angle_errors"]


def angle_errors(data: SessionData, truth: ClipTruth, frame_of_seq: float = 1.0) -> dict[str, dict[str, float]]:
    """Mean absolute error and bias of each angle, over every result that has it.

    The clip's joints are those of its rig, not the model's, so that a constant bias is to be expected; the
    error without it is given too.

    Parameters
    ----------
    data : SessionData
        A session fed with the clip from its first frame; it may have been repeated.
    truth : ClipTruth
    frame_of_seq : float, default 1
        Clip frames per captured frame (other than 1 when it was offered at another rate by skipping).

    Returns
    -------
    dict
        Per angle, degrees: ``mae``, ``bias``, ``mae_without_bias`` of the raw angle, ``mae_smooth`` of the smoothed
        one, and ``n``, the results it was measured on.
    """
    frames = (np.round(data.seq * frame_of_seq).astype(int)) % truth.n_frames
    raw, smooth = data.array("angles_deg"), data.array("angles_smooth_deg")
    errors: dict[str, dict[str, Any]] = {}
    for column, name in enumerate(data.angle_names):
        if name not in truth.angles:
            continue
        true = truth.angles[name].to_numpy()[frames]
        off = raw[:, column] - true
        seen = np.isfinite(off)
        bias = float(off[seen].mean()) if seen.any() else float("nan")
        errors[name] = {
            "mae": _mean_abs(off),
            "bias": bias,
            "mae_without_bias": _mean_abs(off - bias),
            "mae_smooth": _mean_abs(smooth[:, column] - true),
            "n": int(seen.sum()),
        }
    return errors


def _mean_abs(values: np.ndarray[Any, Any]) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.mean()) if finite.size else float("nan")
