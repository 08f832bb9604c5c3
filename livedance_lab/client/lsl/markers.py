"""Turns the markers of an LSL stream into marks of a session."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Callable
from typing import Any

from livedance_lab.client.lsl.clock import LslClock
from livedance_lab.clock import now_s
from livedance_lab.errors import LiveDanceError

__all__ = ["MarkerInlet"]

_log = logging.getLogger(__name__)

_CHECK_EVERY_S = 0.2
_ANSWER_WITHIN_S = 5.0
_RETRY_FOR_S = 60.0
_LONGEST_NAME = 200  # of a mark


class MarkerInlet:
    """Receives the markers of one stream in a thread; the stream may appear later.

    Parameters
    ----------
    lsl : module
        pylsl.
    name : str
        The stream's name; its type must be "Markers".
    clock : LslClock
    mark : callable
        ``mark(name, t_s=..., **data)``, as `LiveSession.mark`.
    not_from : str
        Source id of a stream that is ignored: the bridge's own, whose marks would otherwise return again and again.

    Attributes
    ----------
    connected : bool
        Whether the stream is connected.
    taken, lost : int
        Markers that became marks, and those that could not.
    error : str
        Why the last one could not.
    waiting_for : str
        Why a marker has to wait at present; empty if none does.
    """

    def __init__(self, lsl: Any, name: str, clock: LslClock, mark: Callable[..., None], not_from: str) -> None:
        self.connected = False
        self.taken = self.lost = 0
        self.error = self.waiting_for = ""
        self._lsl, self._name, self._clock, self._mark, self._not_from = lsl, name, clock, mark, not_from
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="livedance-lsl-markers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(2 * _ANSWER_WITHIN_S)

    def _work(self) -> None:
        resolver = self._lsl.ContinuousResolver(prop="type", value="Markers")
        while not self._stop.wait(_CHECK_EVERY_S):
            found = [s for s in resolver.results() if s.name() == self._name and s.source_id() != self._not_from]
            if not found:
                continue
            if len(found) > 1:
                _log.warning("%d marker streams are called %r; one of them is used", len(found), self._name)
            try:
                self._take(found[0])
            except RuntimeError as exc:  # pylsl's LostError and TimeoutError: the stream may come back
                _log.warning("the marker stream %r was lost: %s", self._name, exc)
            finally:
                self.connected = False

    def _take(self, stream: Any) -> None:
        """Turn markers into marks until the stream is lost or this is closed."""
        inlet = self._lsl.StreamInlet(stream)
        inlet.open_stream(timeout=_ANSWER_WITHIN_S)
        correction_s = inlet.time_correction(timeout=_ANSWER_WITHIN_S)  # only the first one takes long
        self.connected = True
        while not self._stop.is_set():
            try:
                sample, t_sent_s = inlet.pull_sample(timeout=_CHECK_EVERY_S)
            except UnicodeDecodeError as exc:
                self._lose(f"a marker is not UTF-8 text: {exc}")
                continue
            if sample is not None:
                with contextlib.suppress(RuntimeError):  # the sender is gone: the last estimate still holds
                    correction_s = inlet.time_correction(timeout=_ANSWER_WITHIN_S)
                self._mark_marker(", ".join(str(value) for value in sample), t_sent_s, correction_s)

    def _mark_marker(self, text: str, t_sent_s: float, correction_s: float) -> None:
        """Make a mark; while the server or its clock is not available, wait for it, and let LSL queue the markers."""
        data: dict[str, Any] = {"lsl_stream": self._name, "lsl_time_s": t_sent_s, "lsl_correction_s": correction_s}
        if len(text) > _LONGEST_NAME:
            data["text"] = text
        name, give_up_s = text[:_LONGEST_NAME] or "(empty)", now_s() + _RETRY_FOR_S
        while why := self._try_to_mark(name, t_sent_s + correction_s, data):
            self.waiting_for = why
            if now_s() > give_up_s or self._stop.wait(_CHECK_EVERY_S):
                self._lose(f"the marker {name!r} could not be put into the log: {why}")
                break
        self.waiting_for = ""

    def _try_to_mark(self, name: str, t_lsl_s: float, data: dict[str, Any]) -> str:
        """Make a mark; return why that failed, or an empty text."""
        t_s = self._clock.to_server(t_lsl_s)
        if math.isnan(t_s):
            return "the server's clock is unknown"
        try:
            self._mark(name, t_s=t_s, **data)
        except LiveDanceError as exc:
            return str(exc)
        self.taken += 1
        return ""

    def _lose(self, why: str) -> None:
        self.lost += 1
        self.error = why
        _log.error("%s", why)
