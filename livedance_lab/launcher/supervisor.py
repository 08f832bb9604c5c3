"""Starts the server again when its native code crashed: at the same address, with the same token.

What finds people in pictures is C++. Where it crashes it takes the server's process with it, and nothing in that
process can prevent or tell it; so whoever started the process watches it. Only crashes are mended: a process that was
killed from outside stays dead, for somebody (or the system, out of memory) wanted it so.
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

__all__ = ["Guard", "Launch"]

_TOKEN_VARIABLE = "LIVEDANCE_TOKEN"  # other users see a process's arguments, but not its environment

_log = logging.getLogger(__name__)

_OWN_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows: Ctrl-Break reaches it alone
_SIGNALS = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")
_WINDOWS = {0xC0000005: "access violation", 0xC000001D: "illegal instruction", 0xC0000409: "stack overrun"}
_MOST, _WITHIN_S = 3, 600.0  # more crashes than this in this time: starting again does not help


@dataclass
class Launch:
    """How a server is started: once, and again after a crash.

    Attributes
    ----------
    options : list of str
        Of ``livedance serve``, without port and note.
    note : Path
        Where it writes down its address; its words go to the log beside it.
    """

    options: list[str]
    note: Path

    @property
    def words(self) -> Path:
        """The log."""
        return self.note.with_suffix(".log")

    def begin(self, port: int, token: str = "", after_crash: str = "") -> subprocess.Popen[bytes]:
        """Start a process; in a session of its own, so that it outlives the kernel."""
        environment = {**os.environ, **({_TOKEN_VARIABLE: token} if token else {})}
        arguments = [sys.executable, "-m", "livedance_lab", "serve", "--port", str(port), "--note", str(self.note),
                     *self.options, *(["--after-crash", after_crash] if after_crash else [])]  # fmt: skip
        with self.words.open("ab") as out:
            return subprocess.Popen(arguments, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment,
                                    start_new_session=True, creationflags=_OWN_GROUP)  # fmt: skip


class Guard:
    """Waits for one server's process in a thread.

    Parameters
    ----------
    process : Popen
        The server's.
    again : callable
        Starts it again, given in words what happened.
    replaced : callable
        Told the new process.

    Attributes
    ----------
    crashes : list of str
        What happened so far, in words.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        again: Callable[[str], subprocess.Popen[bytes]],
        replaced: Callable[[subprocess.Popen[bytes]], None],
    ) -> None:
        self.crashes: list[str] = []
        self._again, self._replaced = again, replaced
        self._lock = threading.Lock()
        self._dismissed = False
        self._thread = threading.Thread(target=self._watch, args=(process,), name="server-guard", daemon=True)
        self._thread.start()

    def dismiss(self) -> None:
        """Watch no more: the process is about to be stopped on purpose."""
        with self._lock:
            self._dismissed = True

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        crashed_s: list[float] = []
        while True:
            how = _crash(process.wait())
            with self._lock:
                if self._dismissed or not how:
                    return
                crashed_s = [t for t in crashed_s if now_s() - t < _WITHIN_S] + [now_s()]
                hopeless = len(crashed_s) > _MOST
                what = "It is not started again: it crashed too often." if hopeless else "It is started again."
                self.crashes.append(f"the server's process crashed ({how}). {what}")
                _log.error("%s Its sessions are gone, their recordings are whole up to then.", self.crashes[-1])
                if hopeless:
                    return
                try:
                    process = self._again(self.crashes[-1])
                except OSError as exc:
                    self.crashes[-1] += f" That failed: {exc}"
                    _log.error("the server cannot be started again: %s", exc)
                    return
                self._replaced(process)


def _crash(code: int) -> str:
    """How a process with this exit code crashed; empty if it ended in another way."""
    by_signal = {-int(getattr(signal, name)): name for name in _SIGNALS if hasattr(signal, name)}
    return by_signal.get(code, _WINDOWS.get(code & 0xFFFFFFFF, "") if sys.platform == "win32" else "")
