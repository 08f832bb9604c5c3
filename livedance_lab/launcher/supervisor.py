"""Restarts the server after a crash of its native code, at the same address and with the same token.

The estimators are C++ code. A crash there ends the server's process, and nothing inside the process can prevent or
report it, so the process that started the server watches it. Only a crash (SIGSEGV, SIGABRT ...) leads to a restart:
after SIGTERM or SIGKILL the server stays down, because a user or the system (out of memory) stopped it on purpose.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from livedance_lab.clock import now_s

__all__ = ["ServerCommand", "Supervisor"]

_TOKEN_VARIABLE = "LIVEDANCE_TOKEN"  # other users can see the arguments of a process, but not its environment

_log = logging.getLogger(__name__)

_OWN_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows: Ctrl-Break then reaches it alone
_CRASH_SIGNALS = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")
_WINDOWS_CRASHES = {0xC0000005: "access violation", 0xC000001D: "illegal instruction", 0xC0000409: "stack overrun"}
_MAX_RESTARTS, _WITHIN_S = 3, 600.0  # after more crashes in this time, another restart would not help either


@dataclass
class ServerCommand:
    """The command that starts a server process, for the first start and for restarts.

    Attributes
    ----------
    options : list of str
        Options of ``livedance serve``, without port and registration file.
    registration_file : Path
        The file by which the process tells its address and token; its log is written to a file next to it.
    """

    options: list[str]
    registration_file: Path

    @property
    def log_path(self) -> Path:
        """The file that receives the output of the process."""
        return self.registration_file.with_suffix(".log")

    def start(self, port: int, token: str = "", after_crash: str = "") -> subprocess.Popen[bytes]:
        """Start a process in a session of its own, so that it outlives the kernel.

        Parameters
        ----------
        port : int
        token : str
            Empty: the server makes a new one.
        after_crash : str
            For a restart: the crash that caused it.
        """
        environment = {**os.environ, **({_TOKEN_VARIABLE: token} if token else {})}
        arguments = [sys.executable, "-m", "livedance_lab", "serve", "--port", str(port), "--note",
                     str(self.registration_file), *self.options,
                     *(["--after-crash", after_crash] if after_crash else [])]  # fmt: skip
        with self.log_path.open("ab") as out:
            return subprocess.Popen(arguments, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment,
                                    start_new_session=True, creationflags=_OWN_GROUP)  # fmt: skip


class Supervisor:
    """Watches the process of one server in a thread and restarts it after a crash.

    Parameters
    ----------
    process : Popen
        The server's process.
    restart : callable
        Called with a description of the crash; starts a new process and returns it.
    on_restart : callable
        Called with the new process.

    Attributes
    ----------
    crashes : list of str
        Descriptions of the crashes so far.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        restart: Callable[[str], subprocess.Popen[bytes]],
        on_restart: Callable[[subprocess.Popen[bytes]], None],
    ) -> None:
        self.crashes: list[str] = []
        self._restart, self._on_restart = restart, on_restart
        self._lock = threading.Lock()
        self._watching = True
        threading.Thread(target=self._watch, args=(process,), name="server-supervisor", daemon=True).start()

    def stop_watching(self) -> None:
        """Restart nothing from now on: the process is about to be stopped on purpose."""
        with self._lock:
            self._watching = False

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        crashed_s: list[float] = []
        while True:
            crash = _crash_name(process.wait())
            with self._lock:
                if not self._watching or not crash:
                    return
                crashed_s = [t_s for t_s in crashed_s if now_s() - t_s < _WITHIN_S] + [now_s()]
                too_often = len(crashed_s) > _MAX_RESTARTS
                outcome = "It is not restarted: it crashed too often." if too_often else "It is restarted."
                self.crashes.append(f"the server process crashed ({crash}). {outcome}")
                _log.error("%s Its sessions have ended; their recordings are complete up to then.", self.crashes[-1])
                if too_often:
                    return
                try:
                    process = self._restart(self.crashes[-1])
                except OSError as exc:
                    self.crashes[-1] += f" The restart failed: {exc}"
                    _log.error("the server cannot be restarted: %s", exc)
                    return
                self._on_restart(process)


def _crash_name(exit_code: int) -> str:
    """Return the kind of crash that an exit code means; empty if the process ended in any other way."""
    by_signal = {-int(getattr(signal, name)): name for name in _CRASH_SIGNALS if hasattr(signal, name)}
    windows = _WINDOWS_CRASHES.get(exit_code & 0xFFFFFFFF, "") if sys.platform == "win32" else ""
    return by_signal.get(exit_code, windows)
