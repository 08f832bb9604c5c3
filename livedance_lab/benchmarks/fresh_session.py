"""A session on its own server, for one measurement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from livedance_lab.client.session import LiveSession
from livedance_lab.launcher import LiveServer

__all__ = ["fresh_session"]


@contextmanager
def fresh_session(
    server_options: Mapping[str, Any] | None = None, **settings: Any
) -> Iterator[tuple[LiveServer, LiveSession]]:
    """Start a server process on any free port and open a session on it; both end with the block.

    Parameters
    ----------
    server_options : mapping, optional
        Options of ``livedance serve``, with underscores.
    **settings
        Changes to the default settings.
    """
    with (
        LiveServer.start(reuse=False, port=0, **(server_options or {})) as server,
        LiveSession.open(server, **settings) as session,
    ):
        yield server, session
