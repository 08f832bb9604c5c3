"""What smoothing gains and costs at this moment: the same measures as for recordings, over the last seconds."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Final

import numpy as np

from livedance_lab.analysis.paint_evaluation import BODY_JOINTS
from livedance_lab.analysis.smoothing import body_size
from livedance_lab.analysis.tuning import Reading, reading
from livedance_lab.wire.results import WireResult

__all__ = ["SmoothingNow"]

_JOINTS: Final = list(BODY_JOINTS)


class SmoothingNow:
    """Takes in results, from any thread, and says what the smoothing in force does to them.

    After a change of the settings it begins anew: what it says is about one smoothing only.

    Parameters
    ----------
    window_s : float, default 4
        How far back it looks.
    """

    def __init__(self, window_s: float = 4.0) -> None:
        self.window_s = window_s
        self._lock = threading.Lock()
        self._results: deque[WireResult] = deque()

    def add(self, result: WireResult) -> None:
        """Take in a result; one without a person counts for nothing, and one not newer begins anew."""
        t_s = result.times.t_capture_s
        if not result.found or not math.isfinite(t_s):
            return
        with self._lock:
            newest = self._results[-1] if self._results else result
            another = result.settings_version != newest.settings_version
            if self._results and (another or t_s <= newest.times.t_capture_s):
                self._results.clear()
            self._results.append(result)
            while t_s - self._results[0].times.t_capture_s > self.window_s:
                self._results.popleft()

    def measure(self) -> tuple[Reading, float]:
        """The reading of twelve body joints, px, and the torso's length, px; NaN while there are too few results."""
        with self._lock:
            results = list(self._results)
        times_s = np.array([r.times.t_capture_s for r in results])
        raw, smooth = (np.array([getattr(r, name)[_JOINTS, :2] for r in results]).reshape(-1, len(_JOINTS), 2)
                       for name in ("keypoints_px", "keypoints_px_smooth"))  # fmt: skip
        return reading(raw, smooth, times_s), body_size(results[-1].keypoints_px[:, :2]) if results else math.nan

    def words(self) -> str:
        """The same in words, as HTML."""
        now, torso_px = self.measure()
        if math.isnan(now.jitter):
            return f"measuring: {self.window_s:.0f} s of the person are needed"
        lag = "lag unknown while nothing moves" if math.isnan(now.lag_ms) else f"lag <b>{now.lag_ms:.0f} ms</b>"
        loss = "" if math.isnan(now.rom_loss) else f", range lost <b>{max(now.rom_loss, 0.0):.1%}</b>"
        return (
            f"last {self.window_s:.0f} s: jitter <b>{now.jitter:.2f} px</b>, {now.jitter / torso_px:.2%} of the torso "
            f"(raw {now.jitter_raw:.2f} px), {lag}{loss}"
        )
