"""How a server is found: it registers itself by a file in the user's runtime folder that only the user can read.

A restarted kernel finds the server that is still capturing by these files, see `livedance_lab.launcher.find_servers`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from livedance_lab.errors import ServerError

__all__ = ["PORT_VARIABLE", "ServerRecord", "default_port", "read_record", "register_server", "registration_file",
           "registration_files"]  # fmt: skip

PORT_VARIABLE = "LIVEDANCE_PORT"
"""Environment variable with the server's port, see `livedance_lab.launcher.jupyter_proxy`."""


@dataclass(frozen=True)
class ServerRecord:
    """The content of a registration file.

    Attributes
    ----------
    url : str
        The server's address as seen from this machine.
    token : str
    pid : int
        Process id.
    certfile : Path or None
        The server's certificate, if it speaks TLS.
    record_dir : Path or None
        The folder below which the server records every session.
    """

    url: str
    token: str = field(repr=False)
    pid: int
    certfile: Path | None = None
    record_dir: Path | None = None


def default_port() -> int:
    """Return the port that the environment variable ``LIVEDANCE_PORT`` names, else 8000.

    Raises
    ------
    ServerError
        If the variable holds no port number.
    """
    text = os.environ.get(PORT_VARIABLE, "8000")
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise ServerError(f"{PORT_VARIABLE} must be a port number, got {text[:40]!r}.")
    return int(text)


def _runtime_folder() -> Path:
    """Return the user's runtime folder; where the system has none (containers, cron), a folder in the user's cache."""
    configured = os.environ.get("LIVEDANCE_RUNTIME")
    if configured:
        return Path(configured)
    if sys.platform.startswith("linux") and not os.environ.get("XDG_RUNTIME_DIR"):
        return Path(platformdirs.user_cache_dir("livedance_lab")) / "run"
    return Path(platformdirs.user_runtime_dir("livedance_lab"))


def registration_file(port: int) -> Path:
    """Return the registration file of the server on a port."""
    return _runtime_folder() / f"server-{port}.json"


def registration_files() -> list[Path]:
    """Return the registration files of all servers of this user; a server that was killed leaves its file behind."""
    return sorted(_runtime_folder().glob("server-*.json"))


def register_server(record: ServerRecord, path: Path) -> Path:
    """Write a registration file that only the user can read; return its path."""
    content = {name: str(value.absolute()) if isinstance(value, Path) else value
               for name, value in vars(record).items() if value is not None}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".server-")  # created with mode 600
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
    os.replace(temporary, path)
    return path


def read_record(path: Path) -> ServerRecord:
    """Read a registration file.

    Raises
    ------
    OSError, ValueError, KeyError
        If the file is missing or incomplete.
    """
    content = json.loads(path.read_text())
    paths = {name: Path(content[name]) for name in ("certfile", "record_dir") if name in content}
    return ServerRecord(content["url"], content["token"], int(content["pid"]), **paths)
