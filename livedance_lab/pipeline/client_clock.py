"""Validates a frame's header: maps the client's times to the server's clock, and checks the image size."""

from __future__ import annotations

import math

from livedance_lab.clock import ClockOffset
from livedance_lab.errors import WireError
from livedance_lab.pose import FrameTimes
from livedance_lab.wire.frames import FrameHeader

__all__ = ["ClientClock", "check_size"]

_MAX_S = 1e10  # greater than the seconds of any clock: a timestamp in milliseconds since 1970 is refused
_AHEAD_S = 1.0  # a camera may stamp a frame with its presentation time, which is in the future
_SET_BACK_AFTER = 3  # successive frames whose times increase, but are earlier than those of frames before them


class ClientClock:
    """Maps the times of one client to the server's clock.

    Times and offset are rounded to whole microseconds. That is finer than any measured offset, and a replay repeats
    every interval exactly.

    Attributes
    ----------
    offset : ClockOffset
    """

    def __init__(self) -> None:
        self.offset = ClockOffset()
        self._last_capture_s = -math.inf
        self._last_mapped_s = -math.inf
        self._refused_s: list[float] = []  # capture times of the frames refused since the last valid one

    def set(self, offset: ClockOffset) -> ClockOffset:
        """Use a new estimate of the offset from now on; return it as rounded."""
        self.offset = ClockOffset(round(offset.offset_s, 6), offset.uncertainty_s)
        return self.offset

    def new_connection(self) -> None:
        """Forget the offset and the last time, because another connection may come from another clock."""
        self.offset = ClockOffset()
        self._last_capture_s = -math.inf
        self._refused_s.clear()

    def stamp(self, times: FrameTimes, header: FrameHeader) -> str:
        """Fill in capture and send time of a frame.

        As long as no offset is measured, it is assumed such that the first frame had no transit time; every age is then
        a lower bound. If the client's clock was set back, its first frames are refused, and then an offset is assumed
        anew. A single wrong time, early or late, changes nothing.

        Returns
        -------
        str
            Name of the clock event to log: "assumed" if the offset was assumed now, "set back" or "set ahead" if the
            client's clock was changed and the offset was assumed anew; else empty.

        Raises
        ------
        WireError
            Code "time": the capture time does not increase, is later than the send time, or is not a valid time.
        """
        if not max(abs(header.t_capture_s), abs(header.t_send_s)) <= _MAX_S:
            raise WireError("time", f"frame times must be seconds, got {header.t_capture_s} and {header.t_send_s}.")
        if header.t_capture_s > header.t_send_s + _AHEAD_S:  # else all valid times after it would be refused
            raise WireError(
                "time",
                f"a frame is captured before it is sent, got {header.t_capture_s} s, sent {header.t_send_s} s.",
            )
        set_back = self._is_set_back(header.t_capture_s)
        if not set_back and not header.t_capture_s > self._last_capture_s:
            raise WireError(
                "time",
                f"capture times must increase, got {header.t_capture_s} s after {self._last_capture_s} s.",
            )
        set_ahead = not set_back and self._is_set_ahead(header, times.t_receive_s)
        if set_back:
            self.new_connection()
        elif set_ahead:
            self.offset = ClockOffset()
        self._refused_s.clear()
        self._last_capture_s = header.t_capture_s
        assumed = not self.offset.known
        if assumed:
            self.set(ClockOffset(times.t_receive_s - header.t_send_s, math.inf))
        # a new, better offset may be a little smaller than the old one; times must still increase
        times.t_capture_s = max(self.map(header.t_capture_s), self._last_mapped_s + 1e-6)
        self._last_mapped_s = times.t_capture_s
        times.t_send_s = self.map(header.t_send_s)
        return "set back" if set_back else "set ahead" if set_ahead else "assumed" if assumed else ""

    def _is_set_back(self, t_capture_s: float) -> bool:
        """Whether the last refused frames have increasing times: then the client's clock was set back."""
        if t_capture_s > self._last_capture_s:
            return False
        if self._refused_s and not t_capture_s > self._refused_s[-1]:
            self._refused_s.clear()
        self._refused_s.append(t_capture_s)
        return len(self._refused_s) >= _SET_BACK_AFTER

    def _is_set_ahead(self, header: FrameHeader, t_receive_s: float) -> bool:
        """Whether a frame was sent after it arrived, by its times; a replayed recording, with equal times, may be."""
        if header.t_send_s == header.t_capture_s or not self.offset.known:
            return False
        uncertainty_s = self.offset.uncertainty_s if math.isfinite(self.offset.uncertainty_s) else 0.0
        return self.map(header.t_send_s) > t_receive_s + uncertainty_s + _AHEAD_S

    def map(self, t_client_s: float | None) -> float:
        """Seconds on the server's clock of a client time; NaN if it or the offset is unknown."""
        if t_client_s is None or not self.offset.known:
            return math.nan
        return round(round(t_client_s, 6) + self.offset.offset_s, 6)


def check_size(header: FrameHeader) -> None:
    """Refuse a source size with only one side known; (0, 0) means that the encoded image has the camera's size.

    Raises
    ------
    WireError
        Code "size".
    """
    width, height = header.source_size_px
    if (width == 0) != (height == 0):
        raise WireError("size", f"a camera's picture has a width and a height, got {width} x {height} px.")
