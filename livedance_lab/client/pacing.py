"""Decides when `auto` pacing holds frames back: by the round trip and by how many frames the server can take.

With frames every *F* seconds, at most *W* unanswered and a server that is slower than the camera, free running lets
the newest frame wait in the server's slot for F/2 on average. Pacing saves that wait and the upload of every frame
that a newer one would have overtaken, but leaves the server idle for a round trip *R* and, on average, F/2 after each
result, which makes what the viewer sees older by (R + F/2) / 2W. With one lane pacing is better while R < F/2 if every
frame takes the same time; with the scatter of measured times, `livedance_lab.benchmarks.simulation` puts the limit at
a third of F (the newest result's age is 0.9 times that of free running at R = 1 ms and 60 frames/s, 1.04 times at
12 ms). With more lanes pacing changes little but the upload. A server as fast as the camera overtakes no frame, so
that pacing has nothing to save.

Where hands or other sessions share a core, a paced frame ages until its turn comes, while free running would have
replaced it by a newer one: if the newest result is older on average than before pacing, pacing is switched off.

The browser twin is ``widgets/static/pacing.js``; tests hold both to ``data/golden/pacing.json``.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass

__all__ = ["AutoPacing", "Measured", "PacingGauge"]

JUDGE_EVERY_S = 1.0
PACED_BELOW, FREE_ABOVE = 0.3, 0.5  # round trip, in intervals between frames
OLDER_ABOVE = 1.05  # age of the newest result, as a multiple of its age when running free
BEHIND_ABOVE, KEEPS_UP_BELOW = 1.25, 1.1  # load: frames offered for each that the server can take
_OLDER = "results are older than without"
_SECONDS_TO_SWITCH = 2  # consecutive seconds that must give a reason to switch
_HOLD_S = (5.0, 80.0)  # shortest and longest time from a switch to the next; doubled with each


@dataclass(frozen=True)
class Measured:
    """One second of a stream, as its producer sees it; NaN where unknown.

    Attributes
    ----------
    round_trip_s : float
        Of the network alone.
    offered_hz, results_hz : float
        Frames per second that could be sent (captured, encoded in time, socket free), and results received.
    server_s : float
        Median time from a frame's arrival at the server to the emission of its result.
    window : int
        Frames that may be unanswered when paced.
    """

    round_trip_s: float
    offered_hz: float
    results_hz: float
    server_s: float
    window: int

    @property
    def newest_age_s(self) -> float:
        """Age of the newest result averaged over time, without transport: a result's age plus half the interval."""
        return self.server_s + 0.5 / self.results_hz if self.results_hz > 0 else math.nan

    def load(self, *, paced: bool) -> float:
        """Frames offered for each that the server can take."""
        if paced:  # nothing waits in the slot, so that the server's time is work alone
            return self.offered_hz * self.server_s / self.window
        return self.offered_hz / self.results_hz if self.results_hz > 0 else math.nan


class AutoPacing:
    """Switches between free running and pacing, with hysteresis: two thresholds each and a dwell time.

    Attributes
    ----------
    paced : bool
        The present state; False at first.
    """

    def __init__(self) -> None:
        self.paced = False
        self._free_age_s = math.inf  # age of the newest result before pacing
        self._seconds = 0
        self._hold_s = _HOLD_S[0]
        self._held_until_s = -math.inf

    def judge(self, now_s: float, seen: Measured) -> str:
        """Judge one more second; return the reason if that switched, else an empty text."""
        reason = self._reason_to_switch(seen)
        self._seconds = self._seconds + 1 if reason else 0
        if self._seconds < _SECONDS_TO_SWITCH or (now_s < self._held_until_s and reason != _OLDER):
            return ""
        if reason == _OLDER:  # pacing does harm: stop it at once, and for long
            self._hold_s = _HOLD_S[1]
        self.paced = not self.paced
        self._seconds = 0
        self._held_until_s = now_s + self._hold_s
        self._hold_s = min(2 * self._hold_s, _HOLD_S[1])
        return reason

    def _reason_to_switch(self, seen: Measured) -> str:
        """The reason to switch; empty if there is none or too little is known."""
        round_trips, load = seen.round_trip_s * seen.offered_hz, seen.load(paced=self.paced)
        if not self.paced:
            self._free_age_s = seen.newest_age_s
            return "frames are overtaken, the round trip is short" if (
                round_trips < PACED_BELOW and load > BEHIND_ABOVE) else ""  # fmt: skip
        if round_trips > FREE_ABOVE:
            return "the round trip is long"
        if seen.newest_age_s > OLDER_ABOVE * self._free_age_s:
            return _OLDER
        return "the server keeps up" if load < KEEPS_UP_BELOW else ""


class PacingGauge:
    """Collects the measurements for `AutoPacing`, and describes each switch for the log.

    Attributes
    ----------
    auto : AutoPacing
    """

    def __init__(self) -> None:
        self.auto = AutoPacing()
        self._since_s = math.nan
        self._offered = 0
        self._server_s: list[float] = []

    def offered(self) -> None:
        """Count a frame that could be sent; pacing may hold it back."""
        self._offered += 1

    def result(self, server_s: float) -> None:
        """Count a result; `server_s` is the time from its frame's arrival at the server to its emission."""
        self._server_s.append(server_s)

    def restart(self, now_s: float) -> None:
        """Start a new measurement."""
        self._since_s, self._offered, self._server_s = now_s, 0, []

    def judge(self, now_s: float, round_trip_s: float, window: int) -> dict[str, str | float] | None:
        """Judge once a second; return the protocol's "pacing" message if that switched."""
        if math.isnan(self._since_s):
            self._since_s = now_s
        elapsed_s = now_s - self._since_s
        if elapsed_s < JUDGE_EVERY_S:
            return None
        paced = self.auto.paced
        seen = Measured(round_trip_s, self._offered / elapsed_s, len(self._server_s) / elapsed_s,
                        statistics.median(self._server_s) if self._server_s else math.nan, window)  # fmt: skip
        self.restart(now_s)
        reason = self.auto.judge(now_s, seen)
        if not reason:
            return None
        return {"type": "pacing", "to": "paced" if self.auto.paced else "free", "reason": reason,
                **asdict(seen), "load": seen.load(paced=paced)}  # fmt: skip
