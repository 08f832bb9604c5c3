"""How the server is set up, as opposed to what a session is tuned to."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livedance_lab.media.images import MAX_PIXELS
from livedance_lab.pipeline.latest_slot import LatestSlot
from livedance_lab.pipeline.scheduler import default_session_slots
from livedance_lab.settings import Settings
from livedance_lab.system.resources import core_count

__all__ = ["ServerConfig"]


def new_token() -> str:
    """A fresh secret: 192 bits, URL-safe."""
    return secrets.token_urlsafe(24)


@dataclass
class ServerConfig:
    """Everything `livedance serve` can be told.

    Attributes
    ----------
    host : str
        Address to bind to; loopback unless `public`.
    public : bool
        Other machines may reach it: `host` need not be loopback.
    certfile, keyfile : Path or None
        PEM files; with a certificate the server speaks TLS only (https, wss).
    port : int
        0: any free one.
    token : str
        Every socket and every HTTP call but /health needs it.
    origins : tuple of str
        Web origins (scheme://host[:port]) that may connect besides pages on this machine.
    hosts : tuple of str
        Names of this machine by which clients may call it, besides its addresses; with TLS any.
    behind_proxy : bool
        A proxy in front checks origin and host (JupyterHub does); the token is still needed.
    max_sessions : int
        Producers at once; one more is told "busy". 0: what `default_session_slots` the workers gives.
    max_message_bytes : int
        A larger frame is rejected.
    max_messages_per_s, max_bytes_per_s : float
        Of one socket, averaged over some seconds; more ends the connection. 0: no limit.
    max_pixels : int
        A picture with more is rejected before it is decoded.
    resume_s : float
        How long a session waits for its producer to come back.
    workers : int
        Estimator calls at once, over all sessions.
    hang_s : float
        An estimator that is silent for this long, and for many times what it usually takes, is given up.
    estimator : str
        Registered estimator family.
    make_slot : callable
        Makes the buffer in which a session's frames wait for inference; a benchmark passes another one.
    settings : Settings
        What new sessions start with.
    after_crash : str
        What became of the process this one was started in place of, in words; every session's log says it.
    record_dir : Path or None
        Record every session below this folder.
    record_root : Path
        Clients may start recordings below this folder and nowhere else.
    """

    host: str = "127.0.0.1"
    public: bool = False
    certfile: Path | None = None
    keyfile: Path | None = None
    port: int = 8000
    token: str = field(default_factory=new_token, repr=False)
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    behind_proxy: bool = False
    max_sessions: int = 0
    max_message_bytes: int = 8 * 2**20
    max_messages_per_s: float = 4000.0  # a camera at 240 pictures/s with all its reports sends 250
    max_bytes_per_s: float = 256e6  # the same camera at full HD and best quality sends about half
    max_pixels: int = MAX_PIXELS
    resume_s: float = 10.0
    workers: int = field(default_factory=core_count)
    hang_s: float = 10.0
    estimator: str = "mediapipe"
    make_slot: Callable[[], LatestSlot[Any]] = LatestSlot
    settings: Settings = field(default_factory=Settings)
    after_crash: str = ""
    record_dir: Path | None = None
    record_root: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        """Settle what depends on other fields."""
        self.max_sessions = self.max_sessions or default_session_slots(self.workers)
