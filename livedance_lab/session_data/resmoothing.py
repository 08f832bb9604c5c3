"""Smooths a logged session again: with the settings it had, bit for bit as live, or with others.

The result is the same as live because the same `BodySmoother` receives the same float32 landmarks at the same
microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.smoothing import BodySmoother
from livedance_lab.errors import RecordingError
from livedance_lab.pose import BODY_SHAPES, Body, Flag, FloatArray
from livedance_lab.progress import Progress, no_progress
from livedance_lab.session_data.data import SessionData
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33

__all__ = ["Smoothed", "resmooth", "settings_by_version"]

_SMOOTHED = ("keypoints_px", "world_m", "hands_px", "hands_world_m")


@dataclass(frozen=True)
class Smoothed:
    """Smoothed values of T results, in order of `seq`.

    Attributes
    ----------
    keypoints_px, world_m : ndarray of shape (T, 33, 3), float32
    hands_px, hands_world_m : ndarray of shape (T, 2, 21, 3), float32
    angles_deg : ndarray of shape (T, A), float32
    flags : ndarray of shape (T, 33), uint8
    """

    keypoints_px: FloatArray
    world_m: FloatArray
    hands_px: FloatArray
    hands_world_m: FloatArray
    angles_deg: FloatArray
    flags: npt.NDArray[np.uint8]


def resmooth(data: SessionData, settings: Settings | None = None, progress: Progress = no_progress) -> Smoothed:
    """Run a session's raw landmarks through the smoother again, everybody through their own.

    Parameters
    ----------
    data : SessionData
        From its first result on; if the log has dropped rows at the start, the filters start later than live.
    settings : Settings, optional
        Used for every row. By default each row gets the settings that were in force, and the result equals
        the logged smoothed values bit for bit.
    progress : Progress, optional

    Returns
    -------
    Smoothed
        In the order of `data`'s rows. People are told apart by the logged ids.

    Raises
    ------
    RecordingError
        If the log lacks the events with the settings that were in force.
    """
    known = {} if settings is not None else settings_by_version(data)
    shapes = {name: BODY_SHAPES[name] for name in _SMOOTHED}
    arrays = {name: np.full((len(data.seq), *shape), np.nan, np.float32) for name, shape in shapes.items()}
    angles_deg = np.full((len(data.seq), len(data.angle_names)), np.nan, np.float32)
    flags = np.full((len(data.seq), len(BLAZEPOSE_33)), Flag.MISSING, np.uint8)
    done = 0
    for one, rows in _people(data):
        for row, (body, angles, flag) in zip(rows.tolist(), _smooth_one(one, settings, known), strict=True):
            if row >= 0:
                for name, array in arrays.items():
                    array[row] = getattr(body, name)
                angles_deg[row], flags[row] = angles, flag
            done += 1
            if done % 256 == 0:
                progress(min(done / (len(data.seq) + 1), 1.0), "smoothing")
    progress(1.0, "smoothing")
    return Smoothed(**arrays, angles_deg=angles_deg, flags=flags)


def _people(data: SessionData) -> Iterator[tuple[SessionData, npt.NDArray[np.intp]]]:
    """Yield everybody with a row for each processed frame, and the rows of `data` that these are, or -1."""
    if not data.has_people:  # its one smoother was given frames without anybody from the first one on
        yield data, np.arange(len(data.seq))
        return
    for id, mine in zip(data.people, data.rows_of_people(), strict=True):
        one = data.individual(id)
        rows = np.full(len(one.seq), -1)
        rows[np.searchsorted(one.seq, data.seq[mine])] = mine
        yield one, rows


def _smooth_one(
    data: SessionData, settings: Settings | None, known: dict[int, Settings]
) -> Iterator[tuple[Body, FloatArray, npt.NDArray[np.uint8]]]:
    """Smooth one person, who has a row in every processed frame."""
    versions = data.column("settings_version")
    smoother: BodySmoother | None = None
    in_force: Settings | None = None
    unseen = np.full(len(BLAZEPOSE_33), Flag.MISSING, np.uint8)
    begins = int(np.argmax(~data.person.isna())) if data.has_people else 0
    for row, (raw, angles, t_s, hands_t_s, fresh) in enumerate(_inputs(data)):
        if row < begins:  # live, a person's filters are made when they appear
            yield raw, angles, unseen
            continue
        wanted = settings or _version(known, int(versions[row]))
        if smoother is None:
            smoother = BodySmoother(wanted.smoothing, wanted.gap_reset_s, data.angle_names)
        elif in_force is not wanted:
            passed = (known.get(v, wanted) for v in range(int(versions[row - 1]) + 1, int(versions[row])))
            for each in (*passed, wanted):  # live, every change counts, also one that no frame was built with
                smoother.reconfigure(each.smoothing, each.gap_reset_s)
            if in_force is not None and in_force.mirrored != wanted.mirrored:
                smoother.reset()
        in_force = wanted
        yield smoother(raw, angles, t_s, wanted.visibility_threshold, hands_t_s=hands_t_s, hands_fresh=fresh)


def settings_by_version(data: SessionData) -> dict[int, Settings]:
    """Return the settings of each version, from the session's events.

    Raises
    ------
    RecordingError
        If the first event, which holds the settings at the start, is missing.
    """
    versions: dict[int, Settings] = {}
    current: Settings | None = None
    for event in data.events[["kind", "name", "data"]].to_dict("records"):
        content: dict[str, Any] = event["data"]
        if (event["kind"], event["name"]) == ("session", "created"):
            current = versions[1] = Settings.parse(content["settings"])
        elif event["kind"] == "settings" and current is not None:
            current = versions[content["version"]] = current.changed(content["changes"])
    if not versions:
        raise RecordingError("the log does not hold the first settings; give the settings to smooth with.")
    return versions


def _version(known: dict[int, Settings], version: int) -> Settings:
    try:
        return known[version]
    except KeyError:
        raise RecordingError(f"the log does not hold version {version} of the settings.") from None


def _inputs(data: SessionData) -> Iterator[tuple[Body, FloatArray, float, float, bool]]:
    """Yield the smoother's input for each result: body, angles, time, the hands' time, whether the hands are new."""
    arrays = {name: data.array(name) for name in BODY_SHAPES}
    angles, hands_seq = data.array("angles_deg"), data.column("hands_seq")
    frames = data.frames
    captured_s = dict(zip(frames["seq"].to_numpy(), frames["t_capture_s"].to_numpy(), strict=True))
    before = -1
    for row, t_s in enumerate(data.t_capture_s):
        seq = int(hands_seq[row])
        fresh = seq >= 0 and seq != before
        before = seq if seq >= 0 else before
        raw = Body(**{name: array[row] for name, array in arrays.items()})
        yield raw, angles[row], float(t_s), float(captured_s.get(seq, np.nan)), fresh
