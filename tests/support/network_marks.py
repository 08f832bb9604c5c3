"""Recognises a shared library that uses the network."""

from __future__ import annotations

__all__ = ["NETWORK_MARKS", "network_marks"]

NETWORK_MARKS = (
    b"curl_easy_",  # Linux and macOS: libcurl, built in
    b"SSL_CTX_new",
    b"getaddrinfo",
    b"User-Agent",
    b"NSURLSession",  # macOS
    b"WinHttpOpen",  # Windows
    b"InternetOpenA",
    b"InternetOpenW",
    b"mediapipe_log_extension",  # the message it sends
    b"https://play.goo",  # and the address
)
"""Bytes in a library that uses the network, or writes MediaPipe's usage log."""


def network_marks(library: bytes) -> list[bytes]:
    """Return the marks found in a library's bytes."""
    return [mark for mark in NETWORK_MARKS if mark in library]
