"""Encrypted connections: the certificate a server shows, and what its clients trust."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from livedance_lab.errors import ServerError

__all__ = ["Trust", "client_context", "pinned", "server_context"]

Trust = bool | str | Path | ssl.SSLContext
"""True: the system's authorities (``SSL_CERT_FILE`` adds yours). A path: the certificates in this PEM file.
False: encrypt, but believe anybody; only for trying things out."""

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def server_context(certfile: Path, keyfile: Path | None = None) -> ssl.SSLContext:
    """What a server needs to speak TLS, version 1.2 or newer.

    Parameters
    ----------
    certfile : Path
        PEM: the server's certificate, then those between it and the authority.
    keyfile : Path, optional
        PEM: its private key, if that does not stand in `certfile`.

    Raises
    ------
    ServerError
        If they cannot be read or do not belong together.
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
    """How to speak to an address: None where it is not encrypted.

    Raises
    ------
    ServerError
        If the file with the certificates to trust cannot be read.
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


def pinned(certfile: Path) -> ssl.SSLContext:
    """Trust exactly one certificate, whoever signed it and whatever host it names.

    For a server on this machine whose certificate file is at hand: it proves more than a name would.

    Raises
    ------
    ServerError
        If the file holds none.
    """
    try:
        first = _CERTIFICATE.search(certfile.read_text(encoding="ascii"))
        if first is None:
            raise ValueError("no certificate in it")
        context = ssl.create_default_context(cadata=first.group())
    except (OSError, ValueError) as exc:
        raise ServerError(f"the certificate of the server cannot be read from {certfile}: {exc}.") from exc
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be its own authority
    return context
