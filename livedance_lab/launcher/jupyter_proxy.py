"""How a page that is not on this machine, or is served over HTTPS, reaches the server: through its own Jupyter.

jupyter-server-proxy finds `setup` by its entry point when Jupyter starts, and from then on passes
``<jupyter>/livedance/`` on to one port of this machine, sockets included. Which port is decided once, here, and
told to everything Jupyter starts (kernels, terminals) in the environment variable ``LIVEDANCE_PORT``: whoever
starts the server, `LiveServer.start()` in a cell or ``livedance serve`` in a terminal, starts it there. Address
and token reach kernels by the note every server leaves for its user, as without a proxy.
"""

from __future__ import annotations

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from livedance_lab.launcher.live_server import PORT_VARIABLE, find_servers, usual_port

__all__ = ["setup"]


def setup() -> dict[str, Any]:
    """What jupyter-server-proxy needs to know; called once when Jupyter starts.

    Jupyter lets only its own user's pages through, and checks where a socket's page comes from; our server would
    refuse these pages, whose host is not this machine, so it is told the address it knows. Its token is asked all
    the same.
    """
    port = _port()
    os.environ[PORT_VARIABLE] = str(port)
    here = f"127.0.0.1:{port}"
    return {
        "command": [],  # nothing to launch: the server is started by whoever needs it
        "port": port,
        "request_headers_override": {"Host": here, "Origin": f"http://{here}"},
        "launcher_entry": {"enabled": False},  # it is an interface for programs: there is no page to open
    }


def _port() -> int:
    """Where the server is, or will be."""
    if PORT_VARIABLE in os.environ:
        return usual_port()
    for server in find_servers():
        port = urlsplit(server.url).port
        if port is not None:
            return port
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bound: int = free.getsockname()[1]
        return bound
