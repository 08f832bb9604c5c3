"""A server as its clients meet it: does it answer, could a session begin, does the token open it."""

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
    """A server as its clients meet it: does it answer, could a session begin, is the token right.

    Yields
    ------
    Check
        Until one fails: what comes after would fail, too.
    """
    base = _base(url)
    if not token:
        known = next((own for own in find_servers() if own.url == re.sub("//localhost\\b", "//127.0.0.1", base)), None)
        token, trust = (known.token, known.trust) if known is not None else (token, trust)
    try:
        there = LiveServer(base, token, trust=trust)
    except ServerError as exc:
        yield Check("server", "fail", str(exc), "Name the file with the server's certificate: --trust FILE.")
        return
    yield (check := answers(base, there.trust))
    if check.level != "fail":
        yield (check := readiness(there))
    if check.level != "fail":
        yield entry(there)


def readiness(there: LiveServer) -> Check:
    """Whether a session could begin; a server that is asked for the first time loads its estimators."""
    give_up_s = clock.now_s() + _LOADED_WITHIN_S
    while True:
        try:
            there.get("/health/ready")
            return Check("readiness", "ok", "a session can begin")
        except ServerError as exc:
            words = str(exc)
        if "being loaded" not in words or clock.now_s() > give_up_s:
            return Check("readiness", "fail", words, "Its log says more: livedance serve --log-level info.")
        time.sleep(0.2)  # it loads in a thread of another process


def entry(there: LiveServer) -> Check:
    """Whether the token opens the HTTP side and the socket."""
    if not there.token:
        return Check("token", "info", "none given, so sessions were not looked at: --token, or LIVEDANCE_TOKEN")
    advice = "Copy the token the server printed at its start; each start makes a new one."
    sessions: list[dict[str, Any]] = []
    try:
        sessions = there.get("/sessions")
        asyncio.run(LiveClient(there.url, there.token, session=_NOBODY, role="viewer", trust=there.trust).open())
    except ServerError as exc:
        return Check("token", "fail", str(exc), advice)
    except ConnectionRefused as exc:
        if exc.code != "session":  # said to whoever asks for a session that is not there, and may come in
            return Check("socket", "fail", str(exc), "A proxy in between must pass WebSockets on, /ws among them.")
    running = sum(session["running"] for session in sessions)
    return Check("token", "ok", f"it opens HTTP and the socket; {len(sessions)} sessions, {running} running")


def _base(url: str) -> str:
    """An address as http or https, without what stands behind it."""
    with_scheme = url if "://" in url else f"http://{url}"
    return re.sub(r"^ws", "http", with_scheme).split("?")[0].rstrip("/").removesuffix("/ws")


def answers(url: str, trust: Trust = True) -> Check:
    """Whether a server answers at an address, as http, https, ws or wss, and of which version it is."""
    base = _base(url)
    outcome, text = health(base, trust)
    advice = {
        "ok": "",
        "refused": "Nothing listens there: start it with `livedance serve`, and compare address and port with its "
        "banner. From another machine it must listen beyond 127.0.0.1: --host 0.0.0.0 --public.",
        "silent": "The machine or a firewall in between does not answer; try from the server's own machine first.",
        "unknown": "Check the spelling of the host's name.",
        "other": "Something else listens there: compare the port with the banner of `livedance serve`.",
        "untrusted": "Name the file with the server's certificate, or its authority's: --trust FILE.",
    }[outcome]
    version = re.search(r'"livedance_lab": ?"([^"]+)"', text) if outcome == "ok" else None
    if version and version[1] != __version__:
        return Check("server", "warn", f"{base}: {text}", f"Here is version {__version__}: install the same on both.")
    return Check("server", "ok" if outcome == "ok" else "fail", f"{base}: {text}", advice)


def health(
    base: str, trust: Trust = True
) -> tuple[Literal["ok", "refused", "silent", "unknown", "other", "untrusted"], str]:
    """What an address says to ``GET /health``."""
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
