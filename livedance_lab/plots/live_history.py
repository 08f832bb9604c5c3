"""The last seconds of a session, for the live plots, in ring buffers of fixed size."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from livedance_lab.analysis.angles import ANGLES, ViewQuality, view_quality
from livedance_lab.analysis.interpolation import Painter, make_painter
from livedance_lab.errors import SettingsError
from livedance_lab.pose import Array
from livedance_lab.wire.results import WireResult

__all__ = ["LiveHistory", "PlotData", "Ring"]

_RATE_WINDOW_S = 1.0
_AGE_WINDOW_S = 2.0
_SAMPLE_EVERY_S = 0.25
_QUALITY_WINDOW_S = 2.0  # the default of `livedance_lab.analysis.movement_qualities.qualities_over_time`
_QUALITY_EVERY_S = 0.5
_STATS = ("results_hz", "painted_hz", "age_p50_ms", "age_p95_ms")
_RESTART_S = 1.0  # results that are older by more than this belong to another clock


class Ring:
    """A ring buffer of rows.

    Parameters
    ----------
    rows, columns : int
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._data = np.full((rows, columns), np.nan)
        self._next = 0
        self._full = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._data) if self._full else self._next

    def add(self, row: npt.ArrayLike) -> None:
        """Add a row; it replaces the oldest if the buffer is full."""
        self._data[self._next] = row
        self._next = (self._next + 1) % len(self._data)
        self._full = self._full or self._next == 0

    def rows(self) -> Array:
        """Return a copy, oldest row first, of shape (number of rows, columns)."""
        if not self._full:
            return self._data[: self._next].copy()
        return np.roll(self._data, -self._next, axis=0)

    def blank(self, first_column: int) -> None:
        """Set the values from this column on to NaN, and keep the rows."""
        self._data[:, first_column:] = np.nan

    def clear(self) -> None:
        """Remove all rows."""
        self._next, self._full = 0, False


@dataclass(frozen=True)
class PlotData:
    """Everything that is drawn at one moment; times are seconds of the server's clock.

    Attributes
    ----------
    now_s : float
    t_s : ndarray of shape (N,)
        Capture times of the results in the window.
    raw_deg, smooth_deg : ndarray of shape (N, A)
    views : ndarray of shape (N, A)
        `livedance_lab.analysis.angles.ViewQuality` of each angle.
    qualities_t_s : ndarray of shape (Q,)
    qualities : dict of str to ndarray of shape (Q,)
        Movement qualities in the window that ends at each time.
    stats_t_s : ndarray of shape (M,)
    stats : dict of str to ndarray of shape (M,)
        "results_hz", "painted_hz", "age_p50_ms" and "age_p95_ms"; NaN where nothing was measured.
    pose_px : ndarray of shape (33, 2), or None before the first result
    pose_m : ndarray of shape (33, 3), or None
    visibility : ndarray of shape (33,), or None
    size_px : (int, int)
        Width and height of the camera's picture; (0, 0) before the first result.
    ledger : dict of str to int
        Number of captured frames, and of frames by state.
    person_id : int
        Whose values these are, if the session has shown several people; 0 otherwise.
    """

    now_s: float
    t_s: Array
    raw_deg: Array
    smooth_deg: Array
    views: Array
    qualities_t_s: Array
    qualities: dict[str, Array]
    stats_t_s: Array
    stats: dict[str, Array]
    pose_px: Array | None
    pose_m: Array | None
    visibility: Array | None
    size_px: tuple[int, int]
    ledger: dict[str, int]
    person_id: int


class LiveHistory:
    """Collects results, from any thread, and returns the data to draw at a time: those of the followed person.

    When another person is followed, the curves begin anew; rates and ages continue.

    Parameters
    ----------
    angle_names : sequence of str
    window_s : float, default 10
        How long angles are kept.
    stats_window_s : float, default 60
        How long rates and ages are kept.
    max_hz : float, default 120
        Results per second for which the buffers are sized; at a higher rate the window is shorter.
    painting : str, default "interpolate"
        How the skeleton moves between results, see `livedance_lab.analysis.interpolation.MODES`.
    qualities : sequence of str
        The movement qualities to compute: names in `livedance_lab.analysis.movement_qualities.QUALITIES`.

    Raises
    ------
    SettingsError
        If a quality is unknown.
    """

    def __init__(
        self,
        angle_names: Sequence[str],
        window_s: float = 10.0,
        stats_window_s: float = 60.0,
        max_hz: float = 120.0,
        painting: str = "interpolate",
        qualities: Sequence[str] = (),
    ) -> None:
        self.angle_names = tuple(angle_names)
        self.window_s, self.stats_window_s = window_s, stats_window_s
        self._lock = threading.Lock()
        self._known = [i for i, name in enumerate(self.angle_names) if name in ANGLES]
        self._rows = Ring(math.ceil(window_s * max_hz), 3 + 3 * len(self.angle_names))
        self._movement = _Movement(qualities, window_s, max_hz)
        self._stats = Ring(math.ceil(stats_window_s / _SAMPLE_EVERY_S), 1 + len(_STATS))
        self._painted_hz = math.nan
        self._several = False  # whether anybody but the followed person was seen
        self._newest: WireResult | None = None
        self.painting = painting
        self._painter: Painter = make_painter(painting)

    @property
    def qualities(self) -> tuple[str, ...]:
        """The movement qualities that are computed."""
        return self._movement.names

    def add_result(self, result: WireResult, t_arrival_s: float) -> None:
        """Add a result that arrived at `t_arrival_s`, server clock; ignored if it is not newer."""
        t_s = result.times.t_capture_s
        if not math.isfinite(t_s):
            return
        with self._lock:
            last_s = -math.inf if self._newest is None else self._newest.times.t_capture_s
            if last_s - t_s > _RESTART_S:  # the server was restarted, and has another clock
                self._clear()
            elif not t_s > last_s:
                return
            elif self._newest is not None and self._newest.followed_id not in (0, result.followed_id):
                self._painter.reset()  # another body, whose motion does not continue the last one's
                self._movement.clear()
                self._rows.blank(3)
            self._several = self._several or any(person.id != result.followed_id for person in result.people)
            age_ms = (t_arrival_s - t_s) * 1000
            angles = (result.angles_deg, result.angles_smooth_deg, self._views(result))
            self._rows.add(np.concatenate(([t_s, t_arrival_s, age_ms], *angles)))
            self._movement.add(t_s, result.world_m_smooth)
            self._painter.add(np.hstack((result.keypoints_px_smooth[:, :2], result.world_m_smooth)), t_s, t_arrival_s)
            self._newest = result

    def add_stats(self, stats: Mapping[str, Any]) -> None:
        """Add the statistics that a browser sent."""
        painted = stats.get("painted_fps")
        with self._lock:
            self._painted_hz = math.nan if painted is None else float(painted)

    def paint_with(self, painting: str) -> None:
        """Change how the skeleton moves between results."""
        with self._lock:
            if painting != self.painting:
                self.painting, self._painter = painting, make_painter(painting)

    def plot_data(self, now_s: float) -> PlotData:
        """Return the data to draw at `now_s`, server clock."""
        with self._lock:
            rows = self._rows.rows()
            self._sample(rows, now_s)
            self._movement.sample(now_s)
            qualities = self._movement.rows(now_s - self.window_s)
            stats = self._stats.rows()
            pose = self._painter.paint(now_s)
            newest, several = self._newest, self._several
        rows = rows[rows[:, 0] >= now_s - self.window_s]
        stats = stats[stats[:, 0] >= now_s - self.stats_window_s]
        n = len(self.angle_names)
        return PlotData(
            now_s=now_s,
            t_s=rows[:, 0],
            raw_deg=rows[:, 3 : 3 + n],
            smooth_deg=rows[:, 3 + n : 3 + 2 * n],
            views=rows[:, 3 + 2 * n :],
            qualities_t_s=qualities[:, 0],
            qualities=dict(zip(self._movement.names, qualities[:, 1:].T, strict=True)),
            stats_t_s=stats[:, 0],
            stats=dict(zip(_STATS, stats[:, 1:].T, strict=True)),
            pose_px=None if pose is None else pose[:, :2],
            pose_m=None if pose is None else pose[:, 2:],
            visibility=None if newest is None else newest.visibility.astype(np.float64),
            size_px=(0, 0) if newest is None else newest.source_size_px,
            ledger={} if newest is None else newest.ledger,
            person_id=newest.followed_id if several and newest is not None else 0,
        )

    def _views(self, result: WireResult) -> Array:
        views = np.full(len(self.angle_names), float(ViewQuality.GOOD))
        if self._known:
            names = [self.angle_names[i] for i in self._known]
            views[self._known] = view_quality(result.world_m_smooth, definitions=names)[0]
        return views

    def _clear(self) -> None:
        self._rows.clear()
        self._movement.clear()
        self._stats.clear()
        self._painter.reset()
        self._several = False

    def _sample(self, rows: Array, now_s: float) -> None:
        """Compute rates and ages, a few times a second."""
        last = self._stats.rows()[-1:, 0]
        if last.size and now_s - last[0] < _SAMPLE_EVERY_S:
            return
        arrived_s = rows[:, 1]
        results_hz = np.count_nonzero(arrived_s > now_s - _RATE_WINDOW_S) / _RATE_WINDOW_S
        ages_ms = rows[arrived_s > now_s - _AGE_WINDOW_S, 2]
        p50, p95 = np.percentile(ages_ms, (50, 95)) if ages_ms.size else (math.nan, math.nan)
        self._stats.add([now_s, results_hz if len(rows) else math.nan, self._painted_hz, p50, p95])


class _Movement:
    """Movement qualities of the last seconds, computed twice a second."""

    def __init__(self, names: Sequence[str], window_s: float, max_hz: float) -> None:
        self.names = tuple(names)
        self._measures: list[Any] = []
        if names:
            from livedance_lab.analysis.movement_qualities import QUALITIES  # here: it loads SciPy

            unknown = [name for name in names if name not in QUALITIES]
            if unknown:
                raise SettingsError(f"there is no quality {unknown[0]!r}; the qualities are {', '.join(QUALITIES)}.")
            self._measures = [QUALITIES[name] for name in names]
        self._world = Ring(math.ceil(_QUALITY_WINDOW_S * max_hz), 1 + 33 * 3)
        self._rows = Ring(math.ceil(window_s / _QUALITY_EVERY_S) + 1, 1 + len(self.names))

    def add(self, t_s: float, world_m: npt.NDArray[np.float32]) -> None:
        if self._measures:
            self._world.add(np.concatenate(([t_s], world_m.ravel())))

    def sample(self, now_s: float) -> None:
        last_s = self._rows.rows()[-1:, 0]
        if not self._measures or (last_s.size and now_s - last_s[0] < _QUALITY_EVERY_S):
            return
        rows = self._world.rows()
        rows = rows[rows[:, 0] >= now_s - _QUALITY_WINDOW_S]
        full = len(rows) > 2 and rows[-1, 0] - rows[0, 0] > _QUALITY_WINDOW_S / 2
        world = rows[:, 1:].reshape(-1, 33, 3)
        values = [measure(world, rows[:, 0]) if full else math.nan for measure in self._measures]
        self._rows.add([now_s, *values])

    def rows(self, since_s: float) -> Array:
        rows = self._rows.rows()
        return rows[rows[:, 0] >= since_s]

    def clear(self) -> None:
        self._world.clear()
        self._rows.clear()
