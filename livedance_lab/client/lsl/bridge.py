"""Sends a session's results and marks to LSL, and LSL's markers to the session."""

from __future__ import annotations

import logging
import math
import threading
import time
from importlib import import_module
from types import TracebackType
from typing import Any

from livedance_lab.client.lsl.clock import LslClock
from livedance_lab.client.lsl.markers import MarkerInlet
from livedance_lab.client.lsl.streams import angle_stream, marker_stream, pose_sample, pose_stream
from livedance_lab.client.session import LiveSession
from livedance_lab.clock import now_s
from livedance_lab.errors import ConnectionLost, LiveDanceError
from livedance_lab.wire.results import WireResult

__all__ = ["LslBridge"]

_log = logging.getLogger(__name__)

_CLOCK_WITHIN_S = 5.0
_STEP_S = 1e-6


class LslBridge:
    """Publishes a session as LSL streams until `close`; the package's docstring describes the streams.

    Parameters
    ----------
    session : LiveSession
    name : str, default "livedance"
        Prefix of the streams' names.
    markers : str, optional
        Name of a stream of type "Markers" whose markers become marks of the session; it may appear at any time.

    Attributes
    ----------
    pushed : int
        Results sent to LSL.
    skipped : int
        Results that the server emitted in between: a viewer receives only the newest.
    unmapped : int
        Results and marks that were not sent because the server's clock was unknown, just after a reconnection.
    marks_pushed : int
        Marks sent to LSL.
    inlet : MarkerInlet or None
        Receives the markers, and counts them.
    ended : bool
        Whether the session has ended.
    clock : LslClock
        Its `uncertainty_s` is that of the samples' times, in addition to the producer's
        (`session.manifest["clock"]`).

    Raises
    ------
    LiveDanceError
        If pylsl or the LSL library cannot be loaded; the message says how to install it.
    ConnectionLost
        If the server's clock cannot be measured.
    """

    def __init__(self, session: LiveSession, name: str = "livedance", markers: str | None = None) -> None:
        lsl = _load_lsl()
        self.pushed = self.skipped = self.unmapped = self.marks_pushed = 0
        self.ended = False
        self._session = session
        self._wait_for_clock()
        self.clock = LslClock(lambda: session.clock_offset, lsl.local_clock)
        about = session.manifest
        ids = {kind: f"{name}-{session.id}-{kind}" for kind in ("pose", "angles", "markers")}
        self._pose, self._angles, self._markers = (
            lsl.StreamOutlet(info)
            for info in (
                pose_stream(lsl, f"{name}_pose", ids["pose"], about),
                angle_stream(lsl, f"{name}_angles", ids["angles"], about),
                marker_stream(lsl, f"{name}_markers", ids["markers"]),
            )
        )
        self._last_time_s = -math.inf
        self._last_processed: int = about["ledger"]["states"]["processed"]
        self._closed = False
        self._lock = threading.Lock()  # nothing may be pushed into an outlet that is being closed
        self._stops = [session.on_result(self._take_result), session.on_message(self._take_message)]
        self.inlet = MarkerInlet(lsl, markers, self.clock, session.mark, ids["markers"]) if markers else None

    @property
    def listened_to(self) -> bool:
        """Whether any program receives the pose or the angles."""
        with self._lock:
            return not self._closed and any(outlet.have_consumers() for outlet in (self._pose, self._angles))

    def close(self) -> None:
        """Remove the streams from the network and end the threads; the session continues."""
        for stop in self._stops:
            stop()
        if self.inlet is not None:
            self.inlet.close()
        with self._lock:
            self._closed = True
            self._pose = self._angles = self._markers = None  # pylsl closes an outlet without references

    def __enter__(self) -> LslBridge:
        """Use it in a `with` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        parts = [f"{self.pushed} results pushed", f"{self.skipped} skipped", f"{self.marks_pushed} marks out"]
        if self.inlet is not None:
            parts.append(f"{self.inlet.taken} in" + (f" ({self.inlet.lost} lost)" if self.inlet.lost else ""))
        if self.unmapped:
            parts.append(f"{self.unmapped} without a known time")
        parts.append(f"times ± {self.clock.uncertainty_s * 1e3:.2f} ms")
        return f"<LSL bridge of {self._session.id}: {', '.join(parts)}>"

    def _wait_for_clock(self) -> None:
        give_up_s = now_s() + _CLOCK_WITHIN_S
        while not self._session.clock_offset.known:
            if now_s() > give_up_s:
                raise ConnectionLost(f"the server's clock could not be measured: {self._session.error or 'no answer'}.")
            time.sleep(0.01)  # the clock exchange runs in the session's thread

    # --- called in the session's thread

    def _take_result(self, result: WireResult) -> None:
        with self._lock:
            if self._closed:
                return
            self._count_skipped(result.ledger["processed"])
            t_s = self.clock.from_server(result.times.t_capture_s)
            if math.isnan(t_s):
                self.unmapped += 1
                return
            # a new estimate of the offset may be a little lower than the last one; times must still increase
            self._last_time_s = max(t_s, self._last_time_s + _STEP_S)
            self._pose.push_sample(pose_sample(result), self._last_time_s)
            self._angles.push_sample(result.angles_smooth_deg.tolist(), self._last_time_s)
            self.pushed += 1

    def _count_skipped(self, n_processed: int) -> None:
        """Count the results in between: each result's ledger says how many there were; a new server's begins at 0."""
        self.skipped += max(n_processed - self._last_processed - 1, 0)
        self._last_processed = n_processed

    def _take_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "ended":
            self.ended = True
        if message["type"] != "event" or message["kind"] != "mark":
            return
        with self._lock:
            if self._closed:
                return
            t_s = self.clock.from_server(message["t_s"])
            if math.isnan(t_s):
                self.unmapped += 1
                _log.warning("the mark %r was not sent to LSL: the server's clock is unknown", message["name"])
                return
            self._markers.push_sample([message["name"]], t_s)
            self.marks_pushed += 1


def _load_lsl() -> Any:
    try:
        return import_module("pylsl")
    except (ImportError, RuntimeError, OSError) as exc:  # RuntimeError: pylsl without its library, liblsl
        raise LiveDanceError(
            f"Lab Streaming Layer cannot be loaded ({str(exc).strip()}): pip install 'livedance-lab[lsl]'; "
            "if that does not include liblsl: conda install -c conda-forge liblsl"
        ) from exc
