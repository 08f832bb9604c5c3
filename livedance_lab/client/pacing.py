"""When `auto` pacing holds frames back: by the round trip and by how many frames the server can take.

With frames every *F* seconds, *W* unanswered at most and a server that is behind, free running keeps the newest frame
waiting in the server's slot for F/2 on average. Pacing saves that wait and the upload of every overtaken frame, but
leaves the server idle for a round trip *R* and, on average, F/2 after each result, which ages what the viewer sees by
(R + F/2) / 2W. With one lane that pays while R < F/2 if every frame takes the same time; with times that scatter as
measured ones do, `livedance_lab.benchmarks.simulation` puts the limit at a third of F (the newest result's age is
0.9 times that of free running at R = 1 ms and 60 frames/s, 1.04 times at 12 ms). With more lanes little is gained or
lost beside the upload. Where the server keeps up with the camera no frame is overtaken: there is nothing to save.

Where a core is shared, with hands or with other sessions, a paced frame grows old until it is its turn, and a free one
would have been overtaken meanwhile: if the newest result is older on average than before pacing, that is given up.

Its browser twin is ``widgets/static/pacing.js``; both are held to ``data/golden/pacing.json``.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass

__all__ = ["AutoPacing", "Measured", "PacingGauge"]

LOOK_EVERY_S = 1.0
PACED_BELOW, FREE_ABOVE = 0.3, 0.5  # round trip, in intervals between frames
OLDER_ABOVE = 1.05  # age of the newest result, in those of running free
BEHIND_ABOVE, KEEPS_UP_BELOW = 1.25, 1.1  # load
_OLDER = "results are older than without"
_LOOKS = 2  # in a row that must ask for a switch
_HOLD_S = (5.0, 80.0)  # after a switch, none for this long: first, and longest; doubled with each


@dataclass(frozen=True)
class Measured:
    """One second of a stream, as its producer sees it; NaN where unknown.

    Attributes
    ----------
    round_trip_s : float
        Of the network alone, seconds.
    offered_hz, results_hz : float
        Frames per second that could be sent (captured, encoded in time, the socket free), and results received.
    server_s : float
        Median time from a frame's arrival at the server to its result's leaving.
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
        """Age of the newest result averaged over time, without the way: that of a result, and half the interval."""
        return self.server_s + 0.5 / self.results_hz if self.results_hz > 0 else math.nan

    def load(self, *, paced: bool) -> float:
        """Frames offered for each that the server can take."""
        if paced:  # nothing waits in the slot: the server's time is all work
            return self.offered_hz * self.server_s / self.window
        return self.offered_hz / self.results_hz if self.results_hz > 0 else math.nan


class AutoPacing:
    """The rule, with two thresholds each and some patience, so that it does not flutter.

    Attributes
    ----------
    paced : bool
        What is in force; free-running at first.
    """

    def __init__(self) -> None:
        self.paced = False
        self._free_age_s = math.inf  # as it was before pacing
        self._looks = 0
        self._hold_s = _HOLD_S[0]
        self._held_until_s = -math.inf

    def look(self, now_s: float, seen: Measured) -> str:
        """Judge one more second; the reason in words if that switched, else empty."""
        reason = self._reason_to_switch(seen)
        self._looks = self._looks + 1 if reason else 0
        if self._looks < _LOOKS or (now_s < self._held_until_s and reason != _OLDER):
            return ""
        if reason == _OLDER:  # it does harm: leave it at once, and for long
            self._hold_s = _HOLD_S[1]
        self.paced = not self.paced
        self._looks = 0
        self._held_until_s = now_s + self._hold_s
        self._hold_s = min(2 * self._hold_s, _HOLD_S[1])
        return reason

    def _reason_to_switch(self, seen: Measured) -> str:
        """Empty where nothing speaks for it, or too little is known."""
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
    """Gathers what `AutoPacing` judges, and says what the log should know of a switch.

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
        """One more frame could be sent; pacing may hold it back."""
        self._offered += 1

    def result(self, server_s: float) -> None:
        """One more result came; `server_s` from its frame's arrival to its leaving."""
        self._server_s.append(server_s)

    def look(self, now_s: float, round_trip_s: float, window: int) -> dict[str, str | float] | None:
        """Judge when a second is over; the wire's "pacing" message if that switched."""
        if math.isnan(self._since_s):
            self._since_s = now_s
        elapsed_s = now_s - self._since_s
        if elapsed_s < LOOK_EVERY_S:
            return None
        paced = self.auto.paced
        seen = Measured(round_trip_s, self._offered / elapsed_s, len(self._server_s) / elapsed_s,
                        statistics.median(self._server_s) if self._server_s else math.nan, window)  # fmt: skip
        self._since_s, self._offered, self._server_s = now_s, 0, []
        reason = self.auto.look(now_s, seen)
        if not reason:
            return None
        return {"type": "pacing", "to": "paced" if self.auto.paced else "free", "reason": reason,
                **asdict(seen), "load": seen.load(paced=paced)}  # fmt: skip
