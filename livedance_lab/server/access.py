"""Which pages and which host names may reach the server.

A web page anywhere may try to open a socket to this machine, and a page whose DNS name was rebound to it looks
as if it came from here. The token keeps both out; these checks do so before it is even asked for.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from livedance_lab.server.config import ServerConfig

__all__ = ["known_host", "known_origin"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def known_origin(origin: str, config: ServerConfig) -> bool:
    """Whether a page of this origin may connect: pages of this machine and of the allow-list."""
    if config.behind_proxy or origin in config.origins:
        return True
    try:
        return urlsplit(origin).hostname in _LOOPBACK
    except ValueError:  # not even an address
        return False


def known_host(host: str, config: ServerConfig) -> bool:
    """Whether a request that names this host can be meant for us.

    A page that rebinds its DNS name to this machine still sends that name; a bare address cannot be rebound.
    """
    name = host.strip("[]")
    known = {*_LOOPBACK, config.host, *(urlsplit(origin).hostname for origin in config.origins)}
    if config.behind_proxy or name in known:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
