"""Checks of a server from the client's side: it answers, a session can begin, the token is right."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
import urllib.error
from collections.abc import Iterator
from typing import Any, Literal

from livedance_lab import clock
from livedance_lab._version import __version__
from livedance_lab.cli.doctor_checks.check import Check
from livedance_lab.client import LiveClient
from livedance_lab.errors import ConnectionRefused, ServerError
from livedance_lab.launcher import LiveServer
from livedance_lab.launcher.live_server import find_servers
from livedance_lab.system.tls import Trust, direct_opener

__all__ = ["answers", "entry", "from_outside", "health", "readiness"]

_LOADED_WITHIN_S = 60.0
_NOBODY = "livedance-doctor"  # a session that is not there


def from_outside(url: str, token: str = "", trust: Trust = True) -> Iterator[Check]:
    """Check a server from the client's side: it answers, a session can begin, the token is right.

    Yields
    ------
    Check
        Ends after the first that fails, because the next ones would fail, too.
    """
    base = _base(url)
    if not token:
        known = next((own for own in find_servers() if own.url == re.sub("//localhost\\b", "//127.0.0.1", base)), None)
        token, trust = (known.token, known.trust) if known is not None else (token, trust)
    try:
        there = LiveServer(base, token, trust=trust)
    except ServerError as exc:
        yield Check("server", "fail", str(exc), "Give the file with the server's certificate: --trust FILE.")
        return
    yield (check := answers(base, there.trust))
    if check.level != "fail":
        yield (check := readiness(there))
    if check.level != "fail":
        yield entry(there)


def readiness(there: LiveServer) -> Check:
    """Check that a session can begin; on the first request a server loads its estimators."""
    give_up_s = clock.now_s() + _LOADED_WITHIN_S
    while True:
        try:
            there.get("/health/ready")
            return Check("readiness", "ok", "a session can begin")
        except ServerError as exc:
            reason = str(exc)
        if "being loaded" not in reason or clock.now_s() > give_up_s:
            return Check("readiness", "fail", reason, "Its log says more: livedance serve --log-level info.")
        time.sleep(0.2)  # it loads in a thread of another process


def entry(there: LiveServer) -> Check:
    """Check the token, over HTTP and over the WebSocket."""
    if not there.token:
        return Check("token", "info", "none given, so sessions were not checked: give --token, or set LIVEDANCE_TOKEN")
    advice = "Copy the token that the server printed when it started; each start makes a new one."
    sessions: list[dict[str, Any]] = []
    try:
        sessions = there.get("/sessions")
        asyncio.run(LiveClient(there.url, there.token, session=_NOBODY, role="viewer", trust=there.trust).open())
    except ServerError as exc:
        return Check("token", "fail", str(exc), advice)
    except ConnectionRefused as exc:
        if exc.code != "session":  # the expected answer: the token was accepted, the session does not exist
            return Check("socket", "fail", str(exc), "A proxy in between must forward WebSockets, at least /ws.")
    running = sum(session["running"] for session in sessions)
    return Check("token", "ok", f"accepted; {len(sessions)} sessions, {running} running")


def _base(url: str) -> str:
    """Return an address as an http or https URL without path and query."""
    with_scheme = url if "://" in url else f"http://{url}"
    return re.sub(r"^ws", "http", with_scheme).split("?")[0].rstrip("/").removesuffix("/ws")


def answers(url: str, trust: Trust = True) -> Check:
    """Check that a server answers at an address (http, https, ws or wss), and its version."""
    base = _base(url)
    outcome, text = health(base, trust)
    advice = {
        "ok": "",
        "refused": "No server runs there: start it with `livedance serve`, and compare address and port with what it "
        "prints. To accept other machines it needs --host 0.0.0.0 --public.",
        "silent": "The machine or a firewall in between does not answer; try from the server's own machine first.",
        "unknown": "Check the spelling of the host's name.",
        "other": "Another program uses this port: compare it with what `livedance serve` prints.",
        "untrusted": "Give the file with the certificate of the server, or of its authority: --trust FILE.",
    }[outcome]
    version = re.search(r'"livedance_lab": ?"([^"]+)"', text) if outcome == "ok" else None
    if version and version[1] != __version__:
        return Check("server", "warn", f"{base}: {text}",
                     f"This machine has version {__version__}: install the same on both.")  # fmt: skip
    return Check("server", "ok" if outcome == "ok" else "fail", f"{base}: {text}", advice)


def health(
    base: str, trust: Trust = True
) -> tuple[Literal["ok", "refused", "silent", "unknown", "other", "untrusted"], str]:
    """Return the answer of an address to ``GET /health``, classified."""
    try:
        with direct_opener(base, trust).open(f"{base}/health", timeout=3) as answer:
            content = answer.read(10_000).decode("utf-8", "replace")
    except urllib.error.HTTPError as exc:
        return "other", f"HTTP {exc.code} {exc.reason}"
    except (urllib.error.URLError, OSError, ValueError) as exc:
        reason = getattr(exc, "reason", exc)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return "untrusted", f"its certificate is not trusted: {reason.verify_message}"
        if isinstance(reason, ConnectionRefusedError):
            return "refused", "connection refused"
        if isinstance(reason, TimeoutError):
            return "silent", "no answer within 3 s"
        if isinstance(reason, socket.gaierror):
            return "unknown", "no such host"
        return "other", f"no HTTP answer: {reason}"
    return (
        ("ok", f"answers: {content.strip()[:120]}")
        if content.lstrip().startswith("{")
        else ("other", "no livedance server")
    )
