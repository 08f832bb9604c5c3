"""The server as its own process, started, found and stopped from Python.

A server writes down where it is (address, token, process id) in a file only its user can read, under the
user's runtime folder; that is how a restarted kernel finds the server that is still capturing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from livedance_lab.clock import now_s
from livedance_lab.errors import ServerError
from livedance_lab.launcher.supervisor import Guard, Launch
from livedance_lab.system.tls import Trust, client_context, pinned

__all__ = ["PORT_VARIABLE", "LiveServer", "find_servers", "forget_server", "note_server", "usual_port"]

PORT_VARIABLE = "LIVEDANCE_PORT"
"""Environment variable: the port the server belongs on, see `livedance_lab.launcher.jupyter_proxy`."""


_START_WITHIN_S = 60.0


def usual_port() -> int:
    """The port the environment names, else 8000.

    Raises
    ------
    ServerError
        If the environment names none.
    """
    named = os.environ.get(PORT_VARIABLE, "8000")
    if not (named.isascii() and named.isdigit() and int(named) < 65536):
        raise ServerError(f"{PORT_VARIABLE} must be a port number, got {named[:40]!r}.")
    return int(named)


def _folder() -> Path:
    """The user's runtime folder; systems without one (containers, cron) get a folder in the user's cache."""
    wanted = os.environ.get("LIVEDANCE_RUNTIME")
    if wanted:
        return Path(wanted)
    if sys.platform.startswith("linux") and not os.environ.get("XDG_RUNTIME_DIR"):
        return Path(platformdirs.user_cache_dir("livedance_lab")) / "run"
    return Path(platformdirs.user_runtime_dir("livedance_lab"))


def note_server(url: str, token: str, port: int, path: Path | None = None, certfile: Path | None = None) -> Path:
    """Write down where this process's server is; only the user can read it. Returns the file."""
    note: dict[str, Any] = {"url": url, "token": token, "pid": os.getpid()}
    if certfile is not None:
        note["certfile"] = str(certfile.absolute())
    path = path or _folder() / f"server-{port}.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".server-")  # made with mode 600
    with os.fdopen(handle, "w") as file:
        json.dump(note, file)
    os.replace(temporary, path)
    return path


def forget_server(path: Path) -> None:
    """Remove the note of a server that has stopped."""
    path.unlink(missing_ok=True)


def find_servers() -> list[LiveServer]:
    """Every server of this user on this machine that answers."""
    found = []
    for path in sorted(_folder().glob("server-*.json")):
        # a note half gone, or of a certificate that is, belongs to no live server
        with contextlib.suppress(OSError, ValueError, KeyError, ServerError):
            server = _noted(path)
            if server.alive():
                found.append(server)
    return found


def _as_arguments(options: dict[str, Any]) -> list[str]:
    """Options of ``livedance serve``, from names with underscores."""
    arguments = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            arguments += [f"--{flag}", str(value)]
    return arguments


def _noted(path: Path) -> LiveServer:
    """The server a note tells of; its certificate is the one whose file it names, and no other."""
    note = json.loads(path.read_text())
    trust = pinned(Path(note["certfile"])) if "certfile" in note else True
    return LiveServer(note["url"], note["token"], int(note["pid"]), trust)


@dataclass
class LiveServer:
    """A server process: where it is and how to talk to it.

    Attributes
    ----------
    url : str
        ``http://127.0.0.1:8000``
    token : str
    pid : int
        0: on another machine.
    trust : bool, str, Path or ssl.SSLContext
        For an https address: True, the certificates the system trusts; a path, those in this PEM file.

    Raises
    ------
    ServerError
        If the file with the certificates to trust cannot be read.
    """

    url: str
    token: str = field(repr=False)  # a notebook keeps what it shows
    pid: int = 0
    trust: Trust = field(default=True, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _note: Path | None = field(default=None, repr=False)
    _guard: Guard | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Read what is to be trusted once, not at every call."""
        context = client_context(self.url, self.trust)
        if context is not None:
            self.trust = context

    @classmethod
    def start(cls, *, reuse: bool = True, port: int | None = None, **options: Any) -> LiveServer:
        """Find the server that is running, or start one.

        A server started here is started again, at the same address, if its native code crashes; see `crashes`.

        Parameters
        ----------
        reuse : bool, default True
            Take a server of this user that already runs on this machine; the one on the usual port if it has several.
        port : int, optional
            Where to listen; the next free one if it is taken. 0: any. By default what ``LIVEDANCE_PORT`` in the
            environment says, else 8000.
        **options
            Further options of ``livedance serve``, with underscores: ``max_sessions=2``, ``certfile="lab.pem"``.

        Returns
        -------
        LiveServer

        Raises
        ------
        ServerError
            If the process ends or does not answer; its last words are in the message.
        """
        if reuse:
            running = find_servers()
            if running:
                return next((server for server in running if server.proxy_url), running[0])
        port = usual_port() if port is None else port
        token = str(options.pop("token", ""))
        launch = Launch(_as_arguments(options), Path(tempfile.mkdtemp(prefix="livedance-")) / "server.json")
        process = launch.begin(port, token)
        try:
            server = cls._wait_for(process, launch)
        except BaseException:  # an interrupted cell, too, leaves neither process nor folder behind
            process.kill()
            process.wait()
            shutil.rmtree(launch.note.parent, ignore_errors=True)
            raise
        bound = urlsplit(server.url).port or port
        server._guard = Guard(process, lambda what: launch.begin(bound, server.token, what), server._goes_on_as)
        return server

    @classmethod
    def _wait_for(cls, process: subprocess.Popen[bytes], launch: Launch) -> LiveServer:
        give_up_s = now_s() + _START_WITHIN_S
        while now_s() < give_up_s:
            if launch.note.exists():
                server = _noted(launch.note)
                server._process, server._note = process, launch.note
                if server.alive():
                    return server
            if process.poll() is not None:
                break
            time.sleep(0.05)  # the process tells by a file; there is nothing to wait on
        process.kill()
        process.wait()
        last = launch.words.read_text(errors="replace").strip()[-1500:]
        raise ServerError(f"the server did not start (exit code {process.returncode}). Its last words:\n{last}")

    def _goes_on_as(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self.pid = process, process.pid

    @property
    def crashes(self) -> list[str]:
        """Crashes of the native code since the start, in words; after each the server was started again, see `guard`.

        Empty, too, for a server that another process started: that one watches it.
        """
        return list(self._guard.crashes) if self._guard is not None else []

    @property
    def proxy_url(self) -> str:
        """Where Jupyter passes on to it, below Jupyter's own address; empty where that is not set up."""
        address = urlsplit(self.url)  # it passes plain HTTP on
        passed_on = PORT_VARIABLE in os.environ and address.scheme == "http" and address.port == usual_port()
        return "livedance/" if passed_on else ""

    def alive(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.get("/health")["status"] == "ok")
        except (ServerError, KeyError):
            return False

    def get(self, path: str) -> Any:
        """An HTTP call's JSON answer.

        Raises
        ------
        ServerError
            With the server's own words where it gave some.
        """
        return json.loads(self.call("GET", path)[0])

    def call(self, method: str, path: str, body: Any = None, timeout_s: float = 10.0) -> tuple[bytes, dict[str, str]]:
        """Any HTTP call: the answer's bytes and headers.

        Raises
        ------
        ServerError
        """
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *self._https())  # past any proxy
        try:
            with opener.open(request, timeout=timeout_s) as answer:
                return answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as exc:
            with exc:
                said = exc.read()
            try:
                message = json.loads(said)["message"]
            except (ValueError, KeyError):
                message = f"status {exc.code}"
            raise ServerError(f"the server refused {method} {path}: {message}") from exc
        except (OSError, TimeoutError) as exc:
            reason = getattr(exc, "reason", exc)
            raise ServerError(f"no server answers at {self.url}: {reason}. Is it running? `livedance serve`") from exc
        except http.client.HTTPException as exc:  # another program has taken the port of a server that is gone
            raise ServerError(f"what answers at {self.url} is no server of livedance_lab, and speaks no HTTP.") from exc

    def _https(self) -> list[urllib.request.HTTPSHandler]:
        return [urllib.request.HTTPSHandler(context=self.trust)] if isinstance(self.trust, ssl.SSLContext) else []

    def stop(self, timeout_s: float = 15.0) -> None:
        """Stop the process if this object started it; sessions are ended in order."""
        if self._guard is not None:
            self._guard.dismiss()
        if self._process is None:
            return
        if sys.platform == "win32":  # where to terminate is to kill: sessions would not be ended in order
            self._process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._note is not None:
            shutil.rmtree(self._note.parent, ignore_errors=True)
        self._process = None

    def __enter__(self) -> LiveServer:
        """Use it in a `with` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop it."""
        self.stop()
