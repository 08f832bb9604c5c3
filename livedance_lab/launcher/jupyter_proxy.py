"""Gives pages that are not on this machine, or are served over HTTPS, access to the server through their own Jupyter.

When Jupyter starts, jupyter-server-proxy finds `setup` by its entry point; from then on it forwards
``<jupyter>/livedance/`` to one port of this machine, WebSockets included. `setup` chooses the port once and puts it
into the environment variable ``LIVEDANCE_PORT``, which all processes that Jupyter starts (kernels, terminals) inherit.
Both `LiveServer.start()` in a cell and ``livedance serve`` in a terminal start the server on this port. Kernels get
address and token from the server's registration file, as they do without a proxy.
"""

from __future__ import annotations

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from livedance_lab.launcher.discovery import PORT_VARIABLE, default_port
from livedance_lab.launcher.live_server import find_servers

__all__ = ["setup"]


def setup() -> dict[str, Any]:
    """Return the configuration for jupyter-server-proxy, which calls this once when Jupyter starts.

    Jupyter admits only pages of its own user, and checks the origin of WebSockets. Our server would refuse these pages,
    because their host is not this machine, so the proxy replaces host and origin by the address the server expects.
    The server's token is needed nevertheless.
    """
    port = _port()
    os.environ[PORT_VARIABLE] = str(port)
    address = f"127.0.0.1:{port}"
    return {
        "command": [],  # nothing to launch: users start the server
        "port": port,
        "request_headers_override": {"Host": address, "Origin": f"http://{address}"},
        "launcher_entry": {"enabled": False},  # the server has no page to open
    }


def _port() -> int:
    """Return the configured port, else that of a running server, else a free one."""
    if PORT_VARIABLE in os.environ:
        return default_port()
    ports = [port for server in find_servers() if (port := urlsplit(server.url).port) is not None]
    if ports:
        return ports[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
