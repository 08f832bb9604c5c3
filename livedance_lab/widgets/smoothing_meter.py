"""Jitter, lag and loss of range of the smoothing in use, measured over the last seconds of a session."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np

from livedance_lab.analysis.filter_trials import SmoothingEffect, smoothing_effect
from livedance_lab.analysis.paint_evaluation import BODY_JOINTS
from livedance_lab.analysis.smoothing import body_size
from livedance_lab.wire.results import WireResult

if TYPE_CHECKING:
    from livedance_lab.client.session import LiveSession

__all__ = ["SmoothingMeter"]

_JOINTS: Final = list(BODY_JOINTS)


class SmoothingMeter:
    """Collects results, from any thread, and measures the effect of smoothing on them.

    It restarts when the settings or the followed person change, so that a measurement is about one smoothing only.

    Parameters
    ----------
    window_s : float, default 4
        Length of the window of results.
    """

    def __init__(self, window_s: float = 4.0) -> None:
        self.window_s = window_s
        self._lock = threading.Lock()
        self._results: deque[WireResult] = deque()

    @classmethod
    def of(cls, session: LiveSession) -> SmoothingMeter:
        """Return the meter of a session, which all its widgets share."""
        if session not in _METERS:
            _METERS[session] = cls()
            session.on_result(_METERS[session].add)
        return _METERS[session]

    def add(self, result: WireResult) -> None:
        """Add a result; one without the followed person is ignored, one that is not newer restarts the window."""
        t_s = result.times.t_capture_s
        if not result.found or not math.isfinite(t_s):
            return
        with self._lock:
            newest = self._results[-1] if self._results else result
            changed = (result.settings_version, result.followed_id) != (newest.settings_version, newest.followed_id)
            if self._results and (changed or t_s <= newest.times.t_capture_s):
                self._results.clear()
            self._results.append(result)
            while t_s - self._results[0].times.t_capture_s > self.window_s:
                self._results.popleft()

    def measure(self) -> tuple[SmoothingEffect, float]:
        """Return the effect on twelve body joints, px, and the torso length, px; NaN if there are too few results."""
        with self._lock:
            results = list(self._results)
        times_s = np.array([r.times.t_capture_s for r in results])
        raw, smooth = (np.array([getattr(r, name)[_JOINTS, :2] for r in results]).reshape(-1, len(_JOINTS), 2)
                       for name in ("keypoints_px", "keypoints_px_smooth"))  # fmt: skip
        torso_px = body_size(results[-1].keypoints_px[:, :2]) if results else math.nan
        return smoothing_effect(raw, smooth, times_s), torso_px

    def summary(self) -> str:
        """Return the measurement as text; asterisks mark the main values (`livedance_lab.widgets.markup.message`)."""
        effect, torso_px = self.measure()
        if math.isnan(effect.jitter):
            return f"measuring, needs {self.window_s:.0f} s with a person"
        lag = "lag unknown without motion" if math.isnan(effect.lag_ms) else f"lag *{effect.lag_ms:.0f} ms*"
        loss = "" if math.isnan(effect.rom_loss) else f", loss of range *{max(effect.rom_loss, 0.0):.1%}*"
        return (
            f"jitter *{effect.jitter:.2f} px* ({effect.jitter / torso_px:.2%} of the torso; raw "
            f"{effect.jitter_raw:.2f} px), {lag}{loss}; last {self.window_s:.0f} s"
        )


_METERS: WeakKeyDictionary[LiveSession, SmoothingMeter] = WeakKeyDictionary()
