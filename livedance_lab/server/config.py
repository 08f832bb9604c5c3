"""How the server is set up, as opposed to what a session is tuned to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from livedance_lab.imaging import MAX_PIXELS
from livedance_lab.pipeline.scheduler import core_count
from livedance_lab.settings import Settings

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
        Address to bind to; loopback unless the user insists.
    port : int
        0: any free one.
    token : str
        Every socket and every HTTP call but /health needs it.
    origins : tuple of str
        Web origins (scheme://host[:port]) that may connect besides pages on this machine.
    behind_proxy : bool
        A proxy in front checks origin and host (JupyterHub does); the token is still needed.
    max_sessions : int
        Producers at once; one more is told "busy".
    max_message_bytes : int
        A larger frame is rejected.
    max_pixels : int
        A picture with more is rejected before it is decoded.
    resume_s : float
        How long a session waits for its producer to come back.
    workers : int
        Estimator calls at once, over all sessions.
    estimator : str
        Registered estimator family.
    queue : str
        How frames wait: "latest", or what it is compared with ("fifo", "keep-oldest").
    settings : Settings
        What new sessions start with.
    record_dir : Path or None
        Record every session below this folder.
    record_root : Path
        Clients may start recordings below this folder and nowhere else.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = field(default_factory=new_token, repr=False)
    origins: tuple[str, ...] = ()
    behind_proxy: bool = False
    max_sessions: int = 4
    max_message_bytes: int = 8 * 2**20
    max_pixels: int = MAX_PIXELS
    resume_s: float = 10.0
    workers: int = field(default_factory=core_count)
    estimator: str = "mediapipe"
    queue: str = "latest"
    settings: Settings = field(default_factory=Settings)
    record_dir: Path | None = None
    record_root: Path = field(default_factory=Path.cwd)
