"""One session on the server and the connections that belong to it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Protocol

from livedance_lab.pipeline.session import Session
from livedance_lab.server.recorder import Recorder

__all__ = ["Connection", "HostedSession"]


class Connection(Protocol):
    """One client's WebSocket, as the session manager and the broadcaster use it; its methods run on the event loop."""

    results: str
    """The encoding of results that the client requested: "json" or "binary"."""

    def send(self, message: str) -> None:
        """Queue a control message. It is never dropped."""
        ...

    def send_newest(self, kind: str, message: str | bytes) -> None:
        """Queue a message that a newer message of the same kind replaces while it waits."""
        ...

    def close_with_reason(self, code: str, message: str) -> None:
        """Send the reason, then close the connection."""
        ...


class HostedSession:
    """A session, its producer, its viewers and its recording.

    Attributes
    ----------
    session : Session
    producer : Connection or None
        The connection that sends frames. None while there is none.
    viewers : set of Connection
    recorder : Recorder or None
        The recording in progress.
    recording_lock : threading.RLock
        Held while a recording starts or stops, which several threads may try at once.
    producer_stats : dict
        The newest statistics that the producer's browser reported.
    expiry : asyncio.TimerHandle or None
        Runs while the producer is away; the session ends when it fires.
    holds_slot : bool
        Whether the session occupies one of `ServerConfig.max_sessions` slots: from its first producer on, until
        its end has begun.
    expired : bool
        Whether the manager has begun to end the session.
    released : bool
        Whether the estimators are freed and the recording is closed: the session may be forgotten.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.producer: Connection | None = None
        self.viewers: set[Connection] = set()
        self.recorder: Recorder | None = None
        self.recording_lock = threading.RLock()
        self.producer_stats: dict[str, str | float | int | bool | None] = {}
        self.expiry: asyncio.TimerHandle | None = None
        self.holds_slot = False
        self.expired = False
        self.released = False

    @property
    def connections(self) -> list[Connection]:
        """The producer, if there is one, and all viewers."""
        producer = self.producer  # read once: lane threads call this while the event loop may set it to None
        return [*([producer] if producer else []), *self.viewers]

    def cancel_expiry(self) -> None:
        """Stop the timer that ends a session without a producer, if it runs."""
        if self.expiry is not None:
            self.expiry.cancel()
            self.expiry = None

    def status(self) -> dict[str, Any]:
        """Return the session's numbers and its connections as plain values for JSON.

        Returns
        -------
        dict
            `id`; `running`, whether there are lanes or they are being made; `ready`, whether their estimators are warm;
            `lanes_given_up`, whose estimator hung; `ended`; `age_s` of the session; `results_per_s` and `hands_per_s`
            (inferences); `age_ms`, capture to emission: p50, p95, p99, NaN without a result; `settings` and
            `settings_version`; `angles`, the names; `clock`, the client clock's `offset_s` and `uncertainty_s`;
            `hands`, see `HandsTally.plain`; `ledger`, see `LedgerSummary`; `log_bytes`, memory of the log; `producer`,
            whether one is connected; `viewers`, their number; `stats`, the browser's newest.
        """
        connections = {
            "producer": self.producer is not None,
            "viewers": len(self.viewers),
            "stats": self.producer_stats,
        }
        return {**self.session.status(), **connections}
