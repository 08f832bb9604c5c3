"""One session on the server, and who is connected to it."""

from __future__ import annotations

import asyncio
import threading
from typing import Protocol

from livedance_lab.pipeline.session import Session
from livedance_lab.server.recorder import Recorder

__all__ = ["Connection", "Room"]


class Connection(Protocol):
    """One socket, as the hub sees it."""

    results: str  # the form in which it wants them: "json" or "binary"

    def say(self, message: str) -> None:
        """Send for certain."""
        ...

    def show(self, kind: str, message: str | bytes) -> None:
        """Send unless a newer one of its kind comes first."""
        ...

    def dismiss(self, code: str, message: str) -> None:
        """Say why, and close."""
        ...


class Room:
    """A session with its producer and viewers."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.producer: Connection | None = None
        self.viewers: set[Connection] = set()
        self.recorder: Recorder | None = None
        self.recording = threading.RLock()  # held while a recording begins or ends: several threads may want to
        self.producer_stats: dict[str, str | float | int | bool | None] = {}
        self.farewell: asyncio.TimerHandle | None = None
        self.holds_place = False  # one of `max_sessions`, from the first hello until the end is in sight
        self.left = False  # its producer stayed away too long: the session is being ended

    @property
    def connections(self) -> list[Connection]:
        """Everyone connected."""
        producer = self.producer  # read once: a lane's thread asks while the loop may just now set it to None
        return [*([producer] if producer else []), *self.viewers]
