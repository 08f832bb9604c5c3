"""Reports every file opened for writing and every network address used by a Python process with this on its path.

Python's audit hooks (PEP 578) cannot be taken out again, and see what any library does through Python. The story goes
to a named pipe, whose reader is the test: nothing is written to disk for it.
"""

import json
import os
import sys

_PIPE = os.environ.get("LIVEDANCE_WITNESS")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SPEAKS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0, "socket.bind": 1}
_CHANGES = ("os.rename", "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil.copyfile", "shutil.move")


def _watch(pipe: int) -> None:
    def tell(kind: str, what: object) -> None:
        os.write(pipe, json.dumps([os.getpid(), kind, str(what)]).encode()[:4000] + b"\n")

    def hook(event: str, args: tuple) -> None:
        if event == "open":
            path, mode, flags = args
            if (mode is not None and set("wax+") & set(mode)) or (isinstance(flags, int) and flags & _WRITES):
                tell("write", path)
        elif event in _SPEAKS:
            tell("speak", args[_SPEAKS[event]])
        elif event in _CHANGES:
            tell("write", args[0] if event == "os.mkdir" else args[1])
        elif event == "subprocess.Popen":
            tell("run", args[0])

    sys.addaudithook(hook)
    tell("here", sys.argv[:1] if hasattr(sys, "argv") else "")


if _PIPE:
    _watch(os.open(_PIPE, os.O_WRONLY))
