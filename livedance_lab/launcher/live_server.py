"""A server process, as a client on any machine sees it: where it is, HTTP calls to it, start and stop."""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from livedance_lab.clock import now_s
from livedance_lab.errors import ServerError
from livedance_lab.launcher.discovery import PORT_VARIABLE, default_port, read_record, registration_files
from livedance_lab.launcher.supervisor import ServerCommand, Supervisor
from livedance_lab.system.tls import Trust, client_context, direct_opener, pinned

__all__ = ["LiveServer", "find_servers"]

_START_WITHIN_S = 60.0
_DESCRIBE_WITHIN_S = 1.0  # a representation must not keep a notebook waiting
_NO_ANSWER = (ServerError, ValueError, KeyError, TypeError)  # also the answer of another program at the address


def find_servers() -> list[LiveServer]:
    """Return every server of this user on this machine that answers."""
    found = []
    for path in registration_files():
        # a file that is damaged, or whose certificate is missing, belongs to no running server
        with contextlib.suppress(OSError, *_NO_ANSWER):
            server = LiveServer._from_file(path)
            if server.alive():
                found.append(server)
    return found


def _as_arguments(options: dict[str, Any]) -> list[str]:
    """Return options of ``livedance serve`` as arguments, from names with underscores."""
    arguments = []
    for name, value in options.items():
        flag = f"--{'no-' if value is False else ''}{name.replace('_', '-')}"
        arguments += [flag] if isinstance(value, bool) else [flag, str(value)]
    return arguments


@dataclass(repr=False)
class LiveServer:
    """A server: its address, HTTP calls to it, and its process if this object started it.

    `LiveServer.start` starts a server or finds a running one. A server on another machine is reached by its URL and
    token: ``LiveServer("https://lab.example.org:8000", token)``.

    Attributes
    ----------
    url : str
        For example ``http://127.0.0.1:8000``.
    token : str
    pid : int
        Process id; 0 for a server on another machine.
    trust : bool, str, Path or ssl.SSLContext
        For an https URL: the certificates to trust. True: those of the system's authorities; a path: those in this
        PEM file.
    record_dir : Path or None
        The folder below which a server on this machine records every session.

    Raises
    ------
    ServerError
        If the file with the trusted certificates cannot be read.
    """

    url: str
    token: str
    pid: int = 0
    trust: Trust = True
    record_dir: Path | None = None
    _process: subprocess.Popen[bytes] | None = None
    _command: ServerCommand | None = None
    _supervisor: Supervisor | None = None

    def __post_init__(self) -> None:
        """Read the trusted certificates once, not for every call."""
        self.trust = client_context(self.url, self.trust) or self.trust

    @classmethod
    def _from_file(cls, path: Path) -> LiveServer:
        """Return the server that a registration file describes; it trusts the server's own certificate only."""
        record = read_record(path)
        trust = pinned(record.certfile) if record.certfile is not None else True
        return cls(record.url, record.token, record.pid, trust, record.record_dir)

    # --- start and stop

    @classmethod
    def start(cls, *, reuse: bool = True, port: int | None = None, **options: Any) -> LiveServer:
        """Find the server that is running, or start one.

        A server started here is restarted, at the same address, if its native code crashes; see `crashes`.

        Parameters
        ----------
        reuse : bool, default True
            Return a server of this user that already runs on this machine; of several the one on the default port.
        port : int, optional
            Port to listen on, or the next free one if it is taken. 0: any free port. Default: the value of the
            environment variable ``LIVEDANCE_PORT``, else 8000.
        **options
            Further options of ``livedance serve``, with underscores: ``max_sessions=2``, ``certfile="lab.pem"``.

        Returns
        -------
        LiveServer

        Raises
        ------
        ServerError
            If the process ends or does not answer; the message holds the end of its log.
        """
        if reuse:
            running = find_servers()
            if running:
                return next((server for server in running if server.proxy_url), running[0])
        port = default_port() if port is None else port
        token = str(options.pop("token", ""))
        command = ServerCommand(_as_arguments(options), Path(tempfile.mkdtemp(prefix="livedance-")) / "server.json")
        process = command.start(port, token)
        try:
            server = cls._wait_for(process, command)
        except BaseException:  # also an interrupted cell must leave neither a process nor a folder behind
            process.kill()
            process.wait()
            shutil.rmtree(command.registration_file.parent, ignore_errors=True)
            raise
        bound_port = urlsplit(server.url).port or port
        server._supervisor = Supervisor(process, lambda crash: command.start(bound_port, server.token, crash),
                                        server._adopt)  # fmt: skip
        return server

    @classmethod
    def _wait_for(cls, process: subprocess.Popen[bytes], command: ServerCommand) -> LiveServer:
        deadline_s = now_s() + _START_WITHIN_S
        while now_s() < deadline_s:
            if command.registration_file.exists():
                server = cls._from_file(command.registration_file)
                server._process, server._command = process, command
                if server.alive():
                    return server
            if process.poll() is not None:
                break
            time.sleep(0.05)  # the process registers itself by a file, which cannot be waited for
        log = command.log_path.read_text(errors="replace").strip()[-1500:]
        raise ServerError(f"the server did not start (exit code {process.poll()}). The end of its log:\n{log}")

    def _adopt(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self.pid = process, process.pid

    def stop(self, timeout_s: float = 15.0) -> None:
        """Stop the process if this object started it; sessions are ended in order."""
        if self._supervisor is not None:
            self._supervisor.stop_watching()
        if self._process is None:
            return
        if sys.platform == "win32":  # terminate() would kill it there, and its sessions would not be ended in order
            self._process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._command is not None:
            shutil.rmtree(self._command.registration_file.parent, ignore_errors=True)
        self._process = None

    def __enter__(self) -> LiveServer:
        """Return the server itself: a `with` block stops it at its end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop the server."""
        self.stop()

    # --- state

    @property
    def crashes(self) -> list[str]:
        """Descriptions of the crashes of its native code since the start; the server was restarted after each.

        Always empty for a server that another process started, because that process supervises it.
        """
        return list(self._supervisor.crashes) if self._supervisor is not None else []

    @property
    def log_path(self) -> Path | None:
        """The log of the process, until `stop`. None for a server that another process started."""
        return self._command.log_path if self._command is not None else None

    @property
    def proxy_url(self) -> str:
        """The path below Jupyter's address that is forwarded to this server; empty if there is none."""
        address = urlsplit(self.url)
        forwarded = PORT_VARIABLE in os.environ and address.port == default_port()
        return "livedance/" if forwarded and address.scheme == "http" else ""  # the proxy forwards plain HTTP only

    def alive(self) -> bool:
        """Return whether the server answers."""
        try:
            return bool(self.get("/health")["status"] == "ok")
        except _NO_ANSWER:
            return False

    def _describe(self) -> dict[str, str]:
        """Return what a user wants to know, by label, never the token. Asks the server, for a second or two at most."""
        facts = {"address": self.url, "state": "does not answer"}
        with contextlib.suppress(*_NO_ANSWER):  # what was learnt before an error is kept
            facts["version"] = f"livedance_lab {self.get('/health', _DESCRIBE_WITHIN_S)['livedance_lab']}"
            facts |= {"state": "alive", "sessions": "sessions unknown"}  # unless the server accepts the token
            sessions = self.get("/sessions", _DESCRIBE_WITHIN_S)
            facts["sessions"] = f"{len(sessions)} sessions, {sum(session['running'] for session in sessions)} running"
        if self.record_dir is not None:
            facts["recordings"] = f"records to {self.record_dir}"
        return facts

    def __repr__(self) -> str:
        """Describe the server on one line, without the token."""
        return f"<LiveServer {', '.join(self._describe().values())}>"

    def _repr_html_(self) -> str:
        """Describe the server as a table for notebooks, without the token."""
        rows = (f"<tr><th>{label}</th><td>{html.escape(text)}</td></tr>" for label, text in self._describe().items())
        return f"<table>{''.join(rows)}</table>"

    # --- HTTP

    def get(self, path: str, timeout_s: float = 10.0) -> Any:
        """Return the JSON answer to a GET request.

        Raises
        ------
        ServerError
            As `call`.
        """
        return json.loads(self.call("GET", path, timeout_s=timeout_s)[0])

    def call(self, method: str, path: str, body: Any = None, timeout_s: float = 10.0) -> tuple[bytes, dict[str, str]]:
        """Send an HTTP request; return content and headers of the answer.

        Parameters
        ----------
        method, path : str
        body : JSON value, optional
        timeout_s : float, default 10

        Raises
        ------
        ServerError
            If the server does not answer, or refuses; the message holds its reason.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with direct_opener(self.url, self.trust).open(request, timeout=timeout_s) as answer:
                return answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as exc:
            message = f"status {exc.code}"
            with exc, contextlib.suppress(ValueError, KeyError):  # another program answers in its own form
                message = json.loads(exc.read())["message"]
            raise ServerError(f"the server refused {method} {path}: {message}") from exc
        except (OSError, TimeoutError) as exc:
            reason = getattr(exc, "reason", exc)
            raise ServerError(f"no server answers at {self.url}: {reason}. Is it running? `livedance serve`") from exc
        except http.client.HTTPException as exc:  # another program has taken the port of a server that has stopped
            raise ServerError(f"the program at {self.url} is not a livedance_lab server: no HTTP answer.") from exc
