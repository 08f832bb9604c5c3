"""What a frame's header says, made sure of when it arrives: times onto the server's clock, and its size."""

from __future__ import annotations

import math

from livedance_lab.clock import ClockOffset
from livedance_lab.errors import WireError
from livedance_lab.pose import FrameTimes
from livedance_lab.wire.frames import FrameHeader

__all__ = ["ClientClock", "check_size"]

_LARGEST_S = 1e10  # beyond any clock's seconds; a timestamp in milliseconds since 1970 is refused
_AHEAD_S = 1.0  # cameras may stamp a frame with the moment it will be shown
_SET_BACK_AFTER = 3  # frames in a row with times that increase, but lie before those of earlier ones


class ClientClock:
    """Maps one client's times.

    Times and offset are kept in whole microseconds: finer than any clock exchange, and it lets a replay
    repeat every interval exactly.
    """

    def __init__(self) -> None:
        self.offset = ClockOffset()
        self._last_capture_s = -math.inf
        self._last_mapped_s = -math.inf
        self._refused_s: list[float] = []  # capture times of the frames refused since the last good one

    def set(self, offset: ClockOffset) -> ClockOffset:
        """Use a new estimate from now on."""
        self.offset = ClockOffset(round(offset.offset_s, 6), offset.uncertainty_s)
        return self.offset

    def new_connection(self) -> None:
        """Another connection may come from another clock: its first frame may carry any time."""
        self.offset = ClockOffset()
        self._last_capture_s = -math.inf
        self._refused_s.clear()

    def stamp(self, times: FrameTimes, header: FrameHeader) -> str:
        """Fill in capture and send time.

        Before the first clock exchange the offset is taken so that the first frame took no time to arrive,
        which makes every age a lower bound. A client clock that was set back costs its first frames, then it is
        taken for a new one: a single wild time, early or late, must not move anything.

        Returns
        -------
        str
            What the log should know: "assumed", if the offset had to be just now; "set back" or "set ahead", if the
            clock was and the offset is assumed anew; else empty.

        Raises
        ------
        WireError
            Code "time": the capture time does not increase, lies after the send time, or is no time at all.
        """
        if not max(abs(header.t_capture_s), abs(header.t_send_s)) <= _LARGEST_S:
            raise WireError("time", f"frame times must be seconds, got {header.t_capture_s} and {header.t_send_s}.")
        if header.t_capture_s > header.t_send_s + _AHEAD_S:  # one wild time must not make all later ones go backwards
            raise WireError(
                "time",
                f"a frame is captured before it is sent, got {header.t_capture_s} s, sent {header.t_send_s} s.",
            )
        set_back = self._was_set_back(header.t_capture_s)
        if not set_back and not header.t_capture_s > self._last_capture_s:
            raise WireError(
                "time",
                f"capture times must increase, got {header.t_capture_s} s after {self._last_capture_s} s.",
            )
        set_ahead = not set_back and self._was_set_ahead(header, times.t_receive_s)
        if set_back:
            self.new_connection()
        elif set_ahead:
            self.offset = ClockOffset()
        self._refused_s.clear()
        self._last_capture_s = header.t_capture_s
        assumed = not self.offset.known
        if assumed:
            self.set(ClockOffset(times.t_receive_s - header.t_send_s, math.inf))
        # a new, better offset may lie a little below the old one; time must not run backwards for it
        times.t_capture_s = max(self.map(header.t_capture_s), self._last_mapped_s + 1e-6)
        self._last_mapped_s = times.t_capture_s
        times.t_send_s = self.map(header.t_send_s)
        return "set back" if set_back else "set ahead" if set_ahead else "assumed" if assumed else ""

    def _was_set_back(self, t_capture_s: float) -> bool:
        """Whether time runs on, from an earlier moment."""
        if t_capture_s > self._last_capture_s:
            return False
        if self._refused_s and not t_capture_s > self._refused_s[-1]:
            self._refused_s.clear()
        self._refused_s.append(t_capture_s)
        return len(self._refused_s) >= _SET_BACK_AFTER

    def _was_set_ahead(self, header: FrameHeader, t_receive_s: float) -> bool:
        """Whether this frame would have been sent after it came. A recording's times, which may, are sent as both."""
        if header.t_send_s == header.t_capture_s or not self.offset.known:
            return False
        unsure_s = self.offset.uncertainty_s if math.isfinite(self.offset.uncertainty_s) else 0.0
        return self.map(header.t_send_s) > t_receive_s + unsure_s + _AHEAD_S

    def map(self, t_client_s: float | None) -> float:
        """Server seconds of a client time; NaN if it or the offset is unknown."""
        if t_client_s is None or not self.offset.known:
            return math.nan
        return round(round(t_client_s, 6) + self.offset.offset_s, 6)


def check_size(header: FrameHeader) -> None:
    """Refuse a camera picture without width or height; with neither, its size is the encoded one's.

    Raises
    ------
    WireError
        Code "size".
    """
    width, height = header.source_size_px
    if (width == 0) != (height == 0):
        raise WireError("size", f"a camera's picture has a width and a height, got {width} x {height} px.")
