"""Runs one session with real images in a process of its own, isolated from the network as far as the system allows.

Arguments: a clip, a folder for a recording, and the estimator. Prints its observations as JSON.
"""

import ctypes
import fcntl
import json
import os
import resource
import socket
import struct
import sys
import threading

NOWHERE = ("192.0.2.1", 80)  # an address for documentation (RFC 5737)
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
MARK = b"LIVEDANCE-FRAME-OF-A-REAL-PERSON"
LARGEST_FILE = 8192  # every image that is sent is larger


def cut_off() -> str:
    """Move to a network namespace that holds only loopback; return what happens to a connection from there."""
    trial = os.fork()  # a first trial, because a partial success could not be undone
    if trial == 0:
        try:
            _move()
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(trial, 0)[1]:
        return "not permitted here"
    _move()
    try:
        socket.create_connection(NOWHERE, timeout=2)
    except OSError as exc:
        return exc.strerror or str(exc)
    return "everything"


def _move() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def marked(jpeg: bytes) -> bytes:
    """Return the same image with a comment that identifies it wherever it is stored."""
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(MARK) + 2) + MARK + jpeg[2:]


class Glances:
    """Polls the operating system for files and connections of processes; audit hooks miss those of C libraries."""

    def __init__(self, *pids: int) -> None:
        import psutil

        self.files: set[str] = set()
        self.peers: set[str] = set()
        self._processes = [psutil.Process(pid) for pid in pids]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not self._over.wait(0.05):
            for process in self._processes:
                self.files |= {f.path for f in process.open_files() if f.mode != "r"}
                for connection in process.net_connections(kind="inet"):
                    self.peers |= {end.ip for end in (connection.laddr, connection.raddr) if end}

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


def main(clip_path: str, record_to: str, estimator: str) -> None:
    reached = cut_off()
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, resource.RLIM_INFINITY))

    from livedance_lab import LiveServer, LiveSession
    from livedance_lab.client.clip_source import EncodedClip
    from livedance_lab.settings import Settings

    clip = EncodedClip.read(clip_path, Settings(), seconds=2)
    clip.images = [marked(image) for image in clip.images]
    with LiveServer.start(reuse=False, port=0, record_root=os.path.dirname(record_to), estimator=estimator) as server:
        glances = Glances(os.getpid(), server.pid)
        with LiveSession.open(server, "private") as session:
            session.stream(clip)
            seen = session.landmarks
            session.end()
            ledger = session.summary["ledger"]
        glances.stop()
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        tell({"phase": "private over"})
        sys.stdin.readline()  # the test inspects the folders
        with LiveSession.open(server, "kept") as session:
            session.record(record_to, keep_video=True)
            session.stream(clip)
            session.end()
    tell({
        "reached": reached, "ledger": ledger, "rows": len(seen), "smallest": min(map(len, clip.images)),
        "files": sorted(glances.files), "peers": sorted(glances.peers),
    })  # fmt: skip


def tell(what: dict) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
