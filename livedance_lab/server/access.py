"""Access control: which addresses the server binds to, and which origins, host names and token it accepts.

A web page anywhere may try to open a socket to this machine, and a page whose DNS name was rebound to it appears to
come from here. The token keeps both out; the checks of origin and host refuse them before the token is read.
"""

from __future__ import annotations

import secrets
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from livedance_lab.errors import ServerError
from livedance_lab.server.config import ServerConfig

__all__ = ["check_exposure", "is_allowed_host", "is_allowed_origin", "is_valid_token", "local_url"]

_MIN_PUBLIC_TOKEN_LENGTH = 16

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LOOPBACK_OF = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # for a server bound to all addresses


def check_exposure(config: ServerConfig) -> None:
    """Refuse a server without a token, and one that other machines reach without `public` or with a short token.

    Raises
    ------
    ServerError
        Names the option that is missing.
    """
    if not config.token:
        raise ServerError("a server needs a token: without one, any program on this machine could watch.")
    if _is_loopback(config.host):
        return
    if not config.public:
        raise ServerError(
            f"{config.host or 'every address'} can be reached from other machines. If you want that, add --public; "
            "add --certfile and --keyfile as well, or images and token travel unencrypted."
        )
    if len(config.token) < _MIN_PUBLIC_TOKEN_LENGTH:
        raise ServerError(
            f"a public server needs a token of {_MIN_PUBLIC_TOKEN_LENGTH} characters or more, got one of "
            f"{len(config.token)}; without --token the server generates one."
        )


def _is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address; all addresses that a name stands for must be loopback."""
    try:
        found = socket.getaddrinfo(host or None, None, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return all(ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)


def local_url(config: ServerConfig, port: int) -> str:
    """Return the server's URL as seen from this machine."""
    host = _LOOPBACK_OF.get(config.host, config.host)
    return f"{'https' if config.certfile else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def is_valid_token(token: str, config: ServerConfig) -> bool:
    """Return whether a token is the server's; the time this takes does not depend on how much of it is right."""
    return secrets.compare_digest(token.encode("utf-8", "replace"), config.token.encode())


def is_allowed_origin(origin: str, config: ServerConfig) -> bool:
    """Return whether a page of this origin may connect: pages of this machine and of the allow-list may."""
    if config.behind_proxy or origin in config.origins:
        return True
    try:
        return urlsplit(origin).hostname in _LOOPBACK
    except ValueError:  # not a URL
        return False


def is_allowed_host(host: str, config: ServerConfig) -> bool:
    """Return whether the server answers a request that names this host.

    A page that rebinds its DNS name to this machine still sends that name; a bare address cannot be rebound. With
    TLS a browser has checked the name against the certificate before it sends anything.
    """
    name = host.strip("[]").lower()
    configured = (name.lower() for name in (config.host, *config.hosts))  # a host name has no case
    allowed = {*_LOOPBACK, *configured, *(urlsplit(origin).hostname for origin in config.origins)}
    if config.behind_proxy or config.certfile is not None or name in allowed:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
