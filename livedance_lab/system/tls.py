"""TLS: the certificate a server presents, the certificates its clients trust, and an HTTP opener that uses them."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

from livedance_lab.errors import ServerError

__all__ = ["Trust", "client_context", "direct_opener", "pinned", "server_context"]

Trust = bool | str | Path | ssl.SSLContext
"""Which certificates a client trusts.

True: those of the system's authorities (the variable ``SSL_CERT_FILE`` adds others). A path: those in this PEM file.
False: any; the connection is encrypted, but anybody could be at the other end, so use it for trials only."""

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def server_context(certfile: Path, keyfile: Path | None = None) -> ssl.SSLContext:
    """Return the TLS context of a server, for TLS 1.2 or newer.

    Parameters
    ----------
    certfile : Path
        PEM: the server's certificate, followed by those between it and the authority.
    keyfile : Path, optional
        PEM: the private key, if it is not in `certfile`.

    Raises
    ------
    ServerError
        If the files cannot be read or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certfile, keyfile)
    except OSError as exc:  # ssl.SSLError is one
        key = f"key {keyfile}" if keyfile else "the key in it"
        raise ServerError(f"certificate {certfile} and {key} (both PEM) cannot be used: {exc}.") from exc
    return context


def client_context(url: str, trust: Trust = True) -> ssl.SSLContext | None:
    """Return the TLS context for connections to a URL; None for http and ws, which are not encrypted.

    Raises
    ------
    ServerError
        If the file with the trusted certificates cannot be read.
    """
    if urlsplit(url).scheme not in ("https", "wss"):
        return None
    if isinstance(trust, ssl.SSLContext):
        return trust
    if isinstance(trust, bool):
        context = ssl.create_default_context()
        if not trust:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=str(trust))
    except OSError as exc:
        raise ServerError(f"certificates to trust cannot be read from {trust} (a PEM file): {exc}.") from exc


def direct_opener(url: str, trust: Trust = True) -> OpenerDirector:
    """Return a urllib opener for HTTP requests to a URL that ignores proxies, as WebSocket connections do.

    Raises
    ------
    ServerError
        As `client_context`.
    """
    context = client_context(url, trust)
    https = [HTTPSHandler(context=context)] if context is not None else []
    return build_opener(ProxyHandler({}), *https)


def pinned(certfile: Path) -> ssl.SSLContext:
    """Return a TLS context that trusts exactly one certificate, whatever host it names and whoever signed it.

    It is meant for a server on this machine whose certificate file can be read: the exact certificate proves more than
    the name in it would.

    Raises
    ------
    ServerError
        If the file holds no certificate.
    """
    try:
        first = _CERTIFICATE.search(certfile.read_text(encoding="ascii"))
        if first is None:
            raise ValueError("no certificate in it")
        context = ssl.create_default_context(cadata=first.group())
    except (OSError, ValueError) as exc:
        raise ServerError(f"the certificate of the server cannot be read from {certfile}: {exc}.") from exc
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate need not be its own authority
    return context
