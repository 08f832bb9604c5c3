"""Passes what sessions report (results, refusals, events, their end) to the connections of each session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from livedance_lab.pipeline.ledger import LedgerSummary
from livedance_lab.pipeline.policies import pose_lane_count
from livedance_lab.pose import FrameRecord, FrameState, PoseResult
from livedance_lab.server.hosted_session import Connection, HostedSession
from livedance_lab.system.program_logs import session_context
from livedance_lab.wire.messages import encode_json
from livedance_lab.wire.results import ResultMessage, encode_result
from livedance_lab.wire.results_binary import encode_binary_result

__all__ = ["ResultBroadcaster"]

_log = logging.getLogger(__name__)

_EVENT_LEVELS = {"error": logging.WARNING, "clock": logging.DEBUG}  # log level by kind of event; all others: info
_LOGGED_KEYS = ("reason", "captured", "states", "conserved", "version", "lanes", "path")  # of an event's data
_ENCODERS: dict[str, Callable[[ResultMessage], str | bytes]] = {"json": encode_result, "binary": encode_binary_result}


class ResultBroadcaster:
    """The `SessionListener` of all sessions of a server.

    Sessions call the `on_*` methods from lane threads and from the event loop. Each method encodes its messages in
    the calling thread and posts them to the event loop, which alone uses the connections.

    Parameters
    ----------
    sessions : mapping of str to HostedSession
        The sessions by id, as the session manager keeps them.
    workers : int
        Estimator calls that the server runs at once.
    on_end : callable
        Called on the event loop with the id of each session that has ended.

    Attributes
    ----------
    on_record : callable
        Called with the `FrameRecord` of each result, in the thread that computed it. Does nothing until it is set.
    """

    def __init__(self, sessions: Mapping[str, HostedSession], workers: int, on_end: Callable[[str], None]) -> None:
        self.on_record: Callable[[FrameRecord], None] = lambda _record: None
        self._sessions, self._workers, self._on_end = sessions, workers, on_end
        self._loop = asyncio.get_running_loop()

    # --- SessionListener; called in any thread

    def on_result(
        self, session_id: str, result: PoseResult, closed: list[tuple[int, str]], summary: LedgerSummary
    ) -> None:
        """Encode a result once for each encoding that a connection requested, and post it.

        The session calls this in the lane's thread and holds its own lock meanwhile, so that results are posted in
        the order in which they left the pipeline.
        """
        hosted = self._sessions.get(session_id)
        if hosted is None:
            return
        message = ResultMessage(result, closed, {"captured": summary["captured"], **summary["states"]})
        wanted = {connection.results for connection in hosted.connections}
        self._post(self._send_result, session_id, {encoding: _ENCODERS[encoding](message) for encoding in wanted})
        self.on_record(result.record)

    def on_refused(self, session_id: str, seq: int, state: FrameState, code: str, message: str) -> None:
        """Tell the producer that frame `seq` was rejected or failed."""
        text = encode_json({"type": "refused", "seq": seq, "state": str(state), "code": code, "message": message})
        self._post(self._send_to_producer, session_id, text)

    def on_event(self, session_id: str, event: dict[str, Any]) -> None:
        """Log an event and send it to all connections; new settings are sent as a "settings" message as well."""
        kind, data = event["kind"], event["data"]
        name = "" if kind == "mark" else f" {event['name']}"  # marks may name people: only their number is logged
        logged = {key: data[key] for key in _LOGGED_KEYS if key in data} if name else {}
        _log.log(_EVENT_LEVELS.get(kind, logging.INFO), "%s%s", kind, name, extra=session_context(session_id, **logged))
        hosted = self._sessions.get(session_id)  # None while the session is being created
        if kind == "settings" and hosted is not None:
            settings = hosted.session.settings
            message = {"type": "settings", "settings": settings.plain(), "version": hosted.session.settings_version,
                       "pose_lanes": pose_lane_count(settings, self._workers), "by": data.get("by", "")}  # fmt: skip
            self._post(self._send_to_all, session_id, encode_json(message))
        self._post(self._send_to_all, session_id, encode_json({"type": "event", **event}))

    def on_ended(self, session_id: str, summary: LedgerSummary) -> None:
        """Report the end to the session manager, and the final ledger to all connections."""
        self._post(self._on_end, session_id)
        self._post(self._send_to_all, session_id, encode_json({"type": "ended", "ledger": summary}))

    # --- on the event loop

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop has stopped: no connection is left
            _log.debug("the event loop is closed; a message was not sent")

    def _send_result(self, session_id: str, encoded: dict[str, str | bytes]) -> None:
        for connection in self._connections(session_id):
            if connection.results in encoded:  # a connection that came during the encoding receives the next result
                connection.send_newest("result", encoded[connection.results])

    def _send_to_producer(self, session_id: str, message: str) -> None:
        hosted = self._sessions.get(session_id)
        if hosted is not None and hosted.producer is not None:
            hosted.producer.send(message)

    def _send_to_all(self, session_id: str, message: str) -> None:
        for connection in self._connections(session_id):
            connection.send(message)

    def _connections(self, session_id: str) -> list[Connection]:
        hosted = self._sessions.get(session_id)
        return hosted.connections if hosted is not None else []
