"""The configuration of a server. What a session can change is in `livedance_lab.settings`.

``livedance serve`` takes its defaults from here each time the command line starts, so nothing heavy is imported.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livedance_lab.pipeline.latest_slot import LatestSlot
    from livedance_lab.settings import Settings

__all__ = ["ServerConfig", "new_token"]


def new_token() -> str:
    """Return a new random token: 192 bits, URL-safe."""
    return secrets.token_urlsafe(24)


def _default_settings() -> Settings:
    from livedance_lab.settings import Settings

    return Settings()


@dataclass
class ServerConfig:
    """All options of a server, with their defaults.

    Attributes
    ----------
    host : str
        Address to bind to; it must be a loopback address unless `public`.
    public : bool
        Whether other machines may reach the server.
    certfile, keyfile : Path or None
        PEM files. With a certificate the server speaks TLS only (https, wss).
    port : int
        0: any free port.
    token : str
        Secret that every WebSocket and every HTTP call except /health needs.
    origins : tuple of str
        Web origins (scheme://host[:port]) that may connect, in addition to pages of this machine.
    hosts : tuple of str
        Names of this machine that requests may use, in addition to its addresses; with TLS any name may be used.
    behind_proxy : bool
        A proxy in front of the server checks origin and host (JupyterHub does); the token is still needed.
    max_sessions : int
        Sessions with a producer at the same time; one more is refused as "busy". 0: as many as `workers` can serve,
        see `livedance_lab.pipeline.scheduler.default_session_slots`.
    max_message_bytes : int
        Larger frames are rejected.
    max_messages_per_s, max_bytes_per_s : float
        Limits of one connection, averaged over a few seconds; it is closed when it exceeds one. 0: no limit.
    max_pixels : int
        Images with more pixels are rejected before they are decoded. 0: `livedance_lab.media.images.MAX_PIXELS`.
    resume_s : float
        Seconds for which a session waits for its producer to come back.
    workers : int
        Estimator calls at the same time, over all sessions. 0: one per core.
    hang_s : float
        An estimator counts as hung if it does not answer for this many seconds and for many times its usual time.
    estimator : str
        Registered estimator family.
    make_slot : callable or None
        Makes the buffer in which a session's frames wait for inference; None: the latest-wins slot. Benchmarks pass
        other buffers to compare with.
    settings : Settings
        The settings new sessions start with.
    after_crash : str
        Why the server process that this one replaces ended; logged in every session. Empty: it replaces none.
    complexity_reason : str
        Why the server chose the pose model itself; logged in every session. Empty: the user chose it.
    record_dir : Path or None
        Folder below which every session is recorded.
    record_root : Path
        Folder below which clients may start recordings, and nowhere else.
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
    max_messages_per_s: float = 4000.0  # a camera at 240 frames/s sends 250 with all its reports
    max_bytes_per_s: float = 256e6  # the same camera at full HD and best quality sends about half
    max_pixels: int = 0
    resume_s: float = 10.0
    workers: int = 0
    hang_s: float = 10.0
    estimator: str = "mediapipe"
    make_slot: Callable[[], LatestSlot[Any]] | None = None
    settings: Settings = field(default_factory=_default_settings)
    after_crash: str = ""
    complexity_reason: str = ""
    record_dir: Path | None = None
    record_root: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        """Replace zeros by the defaults that depend on the machine, and smoothing by that of the estimator."""
        from livedance_lab.estimators.base import settings_for
        from livedance_lab.media.images import MAX_PIXELS
        from livedance_lab.pipeline.scheduler import default_session_slots
        from livedance_lab.system.resources import core_count

        self.settings = settings_for(self.estimator, self.settings)
        self.workers = self.workers or core_count()
        self.max_sessions = self.max_sessions or default_session_slots(self.workers)
        self.max_pixels = self.max_pixels or MAX_PIXELS
