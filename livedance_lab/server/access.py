"""Who may reach the server: which addresses it binds to, which pages, which host names, which token.

A web page anywhere may try to open a socket to this machine, and a page whose DNS name was rebound to it looks
as if it came from here. The token keeps both out; the checks of origin and host do so before it is even asked for.
"""

from __future__ import annotations

import secrets
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from livedance_lab.errors import ServerError
from livedance_lab.server.config import ServerConfig

__all__ = ["address", "check_exposure", "known_host", "known_origin", "knows_token"]

_SHORTEST_PUBLIC_TOKEN = 16

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # bound to all addresses: where it is reached from here


def check_exposure(config: ServerConfig) -> None:
    """Let a server be reached from other machines only if that is said outright, and never without a token.

    Raises
    ------
    ServerError
        What is missing, in words.
    """
    if not config.token:
        raise ServerError("a server needs a token: without one any program on this machine could watch.")
    if _is_loopback(config.host):
        return
    if not config.public:
        raise ServerError(
            f"{config.host or 'every address'} can be reached from other machines. If that is meant, say --public; "
            "with --certfile and --keyfile, or pictures and token travel unencrypted."
        )
    if len(config.token) < _SHORTEST_PUBLIC_TOKEN:
        raise ServerError(
            f"a public server needs a token of {_SHORTEST_PUBLIC_TOKEN} characters or more, got one of "
            f"{len(config.token)}; give none, and a good one is made."
        )


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name must mean nothing else."""
    try:
        found = socket.getaddrinfo(host or None, None, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return all(ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)


def address(config: ServerConfig, port: int) -> str:
    """Where the server is, as seen from this machine."""
    host = _ANY.get(config.host, config.host)
    return f"{'https' if config.certfile else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def knows_token(given: str, config: ServerConfig) -> bool:
    """Whether it is the server's token, compared in a time that does not tell how much of it was right."""
    return secrets.compare_digest(given.encode("utf-8", "replace"), config.token.encode())


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

    A page that rebinds its DNS name to this machine still sends that name; a bare address cannot be rebound. With
    TLS a browser has checked the name against the certificate before it sends anything.
    """
    name = host.strip("[]").lower()
    given = (name.lower() for name in (config.host, *config.hosts))  # as `host` is
    known = {*_LOOPBACK, *given, *(urlsplit(origin).hostname for origin in config.origins)}
    if config.behind_proxy or config.certfile is not None or name in known:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
