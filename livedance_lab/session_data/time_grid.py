"""Assigns results to rows at a constant rate, for file formats that store a frame rate instead of times.

A session's rows are one per frame and person; here a result is that of a frame, whomever it shows, so that everybody in
`SessionData.individuals` is on the same grid.

A file with one row per result would be 15 % too short for a session that lost 15 % of its frames. On the nominal grid
the rows are the instants k / fps from the first captured frame to the last, and each result is in the row of its own
capture time. Rows without a result are NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from livedance_lab.errors import ExportError
from livedance_lab.session_data.data import SessionData

__all__ = ["Grid", "TrueTimes", "camera_fps", "nominal_grid", "true_times"]

_SNAP = 5e-4  # a measured rate this near to a whole number is rounded to it; 29.97 is not

_LEFT_OUT = 10.0  # cost of a result without a row; a displacement costs less than 1
_Way = tuple[float, int, Any]
"""Cost so far, last row used, and the rows used as a linked list from the last to the first."""

_NOTHING = "the session has no frame with a known capture time: there is nothing to export."


@dataclass(frozen=True)
class Grid:
    """Rows at a constant rate, and the row of each result.

    Attributes
    ----------
    fps : float
        Rows per second.
    n_rows : int
    t_result_s : ndarray of shape (T,), float64
        True capture time of each result, seconds after the session's first captured frame.
    row_of : ndarray of shape (T,), int64
        Row of each result, at most one frame from its true time; -1 if none was free there, or if its capture
        time is unknown.
    fill : "nan" or "linear"
        Whether rows without a result stay NaN or are interpolated.
    max_gap_s : float
        With "linear", the widest gap between known values that is interpolated.
    """

    fps: float
    n_rows: int
    t_result_s: npt.NDArray[np.float64]
    row_of: npt.NDArray[np.int64]
    fill: Literal["nan", "linear"] = "nan"
    max_gap_s: float = 0.25

    @property
    def t_s(self) -> npt.NDArray[np.float64]:
        """Time of each row, seconds; shape (n_rows,)."""
        return np.arange(self.n_rows) / self.fps

    @property
    def measured(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a result; shape (n_rows,)."""
        rows = np.zeros(self.n_rows, dtype=bool)
        rows[self.row_of[self.row_of >= 0]] = True
        return rows

    @property
    def unplaced(self) -> int:
        """Number of results without a row."""
        return int((self.row_of < 0).sum())

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn values of the results into values of the rows.

        Parameters
        ----------
        values : ndarray of shape (T, ...), floating
            Of one of `SessionData.individuals`.

        Returns
        -------
        ndarray of shape (n_rows, ...), same type
            NaN in rows without a result (or without results near enough to interpolate).

        Raises
        ------
        ExportError
            If there is not one value for each processed frame.
        """
        _check_one_each(values, len(self.row_of))
        if self.fill == "linear":
            return self._interpolated(values)
        rows = np.full((self.n_rows, *values.shape[1:]), np.nan, dtype=values.dtype)
        placed = self.row_of >= 0
        rows[self.row_of[placed]] = values[placed]
        return rows

    def _interpolated(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Interpolate each column between the neighbouring results in which it is known; never extrapolate."""
        columns = values.reshape(len(values), -1)
        rows = np.full((self.n_rows, columns.shape[1]), np.nan, dtype=values.dtype)
        order = np.argsort(self.t_result_s, kind="stable")
        t_s, columns = self._snapped(self.t_result_s[order]), columns[order]
        for i in range(columns.shape[1]):
            known = np.isfinite(columns[:, i]) & np.isfinite(t_s)
            if known.any():
                rows[:, i] = self._between(t_s[known], columns[known, i])
        return rows.reshape(self.n_rows, *values.shape[1:])

    def _snapped(self, t_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Move times within 1/1000 frame of a row onto it: rounding must not leave the row empty."""
        row = np.round(t_s * self.fps)
        return np.where(np.abs(t_s * self.fps - row) < 1e-3, row / self.fps, t_s)

    def _between(self, t_s: npt.NDArray[np.float64], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        after = np.minimum(np.searchsorted(t_s, self.t_s, "left"), len(t_s) - 1)
        before = np.where(t_s[after] == self.t_s, after, np.maximum(after - 1, 0))
        near = t_s[after] - t_s[before] <= self.max_gap_s
        return np.where(near, np.interp(self.t_s, t_s, values, left=np.nan, right=np.nan), np.nan)

    def sidecar(self, data: SessionData) -> pd.DataFrame:
        """Return one row per captured frame: `seq, state, t_capture_s, row, t_row_s`.

        Times are seconds after the session's first captured frame; `row` counts from 0 and is empty for
        frames without a row.
        """
        frames = data.frames.drop_duplicates("seq", keep="last")
        row = pd.Series(self.row_of, index=data.seq[data.first_rows]).reindex(frames["seq"]).to_numpy()
        row = np.where(row >= 0, row, np.nan)
        return pd.DataFrame({
            "seq": frames["seq"].to_numpy(), "state": frames["state"].to_numpy(),
            "t_capture_s": frames["t_capture_s"].to_numpy() - data.t0_s,
            "row": pd.array(row, dtype="Int64"), "t_row_s": row / self.fps})  # fmt: skip


@dataclass(frozen=True)
class TrueTimes:
    """Rows at true capture times, one per captured frame, for formats that store irregular times.

    Attributes
    ----------
    frames : DataFrame
        The ledger's rows in order of capture time, without frames whose capture time is unknown.
    t_s : ndarray of shape (n_rows,), float64
        Seconds after the session's first captured frame.
    result_of : ndarray of shape (n_rows,), int64
        Position of each row's result; -1 if the frame has none.
    n_results : int
        Number of processed frames.
    """

    frames: pd.DataFrame
    t_s: npt.NDArray[np.float64]
    result_of: npt.NDArray[np.int64]
    n_results: int

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn values of one of `SessionData.individuals`, shape (T, ...), into values of the rows; NaN without."""
        _check_one_each(values, self.n_results)
        rows = np.full((len(self.frames), *values.shape[1:]), np.nan, dtype=values.dtype)
        known = self.result_of >= 0
        rows[known] = values[self.result_of[known]]
        return rows


def _check_one_each(values: npt.NDArray[Any], n_frames: int) -> None:
    if len(values) != n_frames:
        raise ExportError(
            f"there are {len(values)} values for {n_frames} processed frames: a session of several people is exported "
            "from its individuals()."
        )


def true_times(data: SessionData) -> TrueTimes:
    """Return one row per captured frame of a session.

    Raises
    ------
    ExportError
        If no frame has a known capture time.
    """
    frames = data.frames.drop_duplicates("seq", keep="last")
    frames = frames[frames["t_capture_s"].notna()].sort_values("t_capture_s", kind="stable", ignore_index=True)
    if frames.empty:
        raise ExportError(_NOTHING)
    processed = data.seq[data.first_rows]
    result_of = pd.Series(np.arange(len(processed)), index=processed).reindex(frames["seq"], fill_value=-1).to_numpy()
    return TrueTimes(frames, frames["t_capture_s"].to_numpy() - data.t0_s, result_of, len(processed))


def camera_fps(t_capture_s: npt.ArrayLike) -> float:
    """Return the camera's rate from the capture times of all captured frames, lost ones included.

    Parameters
    ----------
    t_capture_s : array-like of shape (N,)
        Seconds, any order; NaN is left out.

    Returns
    -------
    float
        Hertz: frames divided by time, where an interval counts as its nearest multiple of the median interval, so
        that neither jitter nor frames that the camera left out bias it. NaN with fewer than two times.
    """
    t_s = np.asarray(t_capture_s, dtype=np.float64)
    steps_s = np.diff(np.unique(t_s[np.isfinite(t_s)]))
    if not steps_s.size:
        return math.nan
    frames = np.round(steps_s / np.median(steps_s))
    regular = (frames >= 1) & (frames <= 10)
    fps = float(frames[regular].sum() / steps_s[regular].sum())
    return float(round(fps)) if round(fps) and abs(fps / round(fps) - 1) < _SNAP else round(fps, 3)


def nominal_grid(
    data: SessionData, fps: float | None = None, fill: Literal["nan", "linear"] = "nan", max_gap_s: float = 0.25
) -> Grid:
    """Return the grid of a session, from its first captured frame to its last.

    Parameters
    ----------
    data : SessionData
    fps : float, optional
        By default the camera's (`camera_fps`).
    fill, max_gap_s
        See `Grid`.

    Returns
    -------
    Grid

    Raises
    ------
    ExportError
        If no frame was captured, or too few to measure the rate.
    """
    captured_s = data.frames["t_capture_s"].to_numpy()
    if not np.isfinite(captured_s).any():
        raise ExportError(_NOTHING)
    rate = camera_fps(captured_s) if fps is None else fps
    if math.isnan(rate):
        raise ExportError("the camera's rate cannot be measured from one captured frame: give fps.")
    t_s = data.t_capture_s[data.first_rows] - data.t0_s
    row_of = _rows(t_s * rate)
    last = round((np.nanmax(captured_s) - data.t0_s) * rate)
    n_rows = int(max(last, row_of.max(initial=0))) + 1
    return Grid(rate, n_rows, t_s, row_of, fill, max_gap_s)


def _rows(wanted: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Assign each result a row of its own, less than one row from its true place; -1 if there is none.

    Each result may use the row before or after its true place. Of all assignments that keep the order, dynamic
    programming finds the one with the least squared displacement; leaving a result out costs more than any
    displacement.
    """
    rows = np.full(len(wanted), -1, dtype=np.int64)
    order = [i for i in np.argsort(wanted, kind="stable") if math.isfinite(wanted[i])]
    ways: list[_Way] = [(0.0, -1, None)]
    for place in wanted[order].tolist():
        below, near = math.floor(place) - 1, {math.floor(place), math.ceil(place)}
        best: dict[int, _Way] = {}  # the cheapest way for each last row that still matters: at most three
        for cost, last, chain in ways:
            choices = [(cost + _LEFT_OUT, max(last, below), (-1, chain))]
            choices += [(cost + (row - place) ** 2, row, (row, chain)) for row in near if row > last]
            for choice in choices:
                if choice[1] not in best or choice[0] < best[choice[1]][0]:
                    best[choice[1]] = choice
        ways = list(best.values())
    chain = min(ways, key=itemgetter(0))[2]
    for i in reversed(order):
        rows[i], chain = chain
    return rows
