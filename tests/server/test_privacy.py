"""Privacy: images are never on disk unless the user asks for it, and nothing leaves this machine.

One real session (server process, models, a filmed person) is observed in four independent ways: the operating system
refuses any file as large as an image; each image carries a mark that is searched for in all files the session left;
Python's audit hooks report every file that is opened and every network address that is used; and the session runs in a
network namespace that holds only loopback, where the system permits that (it does for root).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from livedance_lab.estimators import model_store
from livedance_lab.estimators.base import ESTIMATORS

if sys.platform != "linux":
    pytest.skip("observes with what Linux offers", allow_module_level=True)

from tests.server.witness.rehearsal import LARGEST_FILE, MARK, NOWHERE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLIP = ROOT / "data" / "samples" / "dancer.mp4"
LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|::1|localhost")

pytestmark = pytest.mark.timeout(300)


@dataclass
class Seen:
    """Everything that was observed of one session."""

    report: dict[str, Any] = field(default_factory=dict)
    told: list[tuple[int, str, str]] = field(default_factory=list)
    left_before: dict[str, bytes] = field(default_factory=dict)
    left_after: dict[str, bytes] = field(default_factory=dict)
    models_changed: set[str] = field(default_factory=set)

    def of(self, kind: str) -> set[str]:
        return {what for _, k, what in self.told if k == kind}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}


def stamps(folder: Path) -> set[str]:
    return {f"{p} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module", params=ESTIMATORS)
def seen(request, tmp_path_factory) -> Seen:
    """Run a session with its own home, cache, working and temporary folders, so that all files it leaves are found."""
    for kind in ("pose", "hands"):
        model_store.ensure(kind)
    own, pipe = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("pipe") / "witness"
    folders = {name: own / name for name in ("home", "cache", "runtime", "tmp", "cwd")}
    for folder in folders.values():
        folder.mkdir()
    os.mkfifo(pipe)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
        "HOME": str(folders["home"]), "XDG_CACHE_HOME": str(folders["cache"]), "TMPDIR": str(folders["tmp"]),
        "LIVEDANCE_RUNTIME": str(folders["runtime"]), "LIVEDANCE_MODELS": str(model_store.folder()),
        "LIVEDANCE_WITNESS": str(pipe), "PYTHONPATH": os.pathsep.join([str(HERE / "witness"), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",  # other runs would find a truncated bytecode file
    }  # fmt: skip
    result, models = Seen(), stamps(model_store.folder())
    with listening(pipe, result.told):
        command = [sys.executable, str(HERE / "witness" / "rehearsal.py"), str(CLIP), str(folders["cwd"] / "kept"),
                   request.param]  # fmt: skip
        with subprocess.Popen(command, cwd=folders["cwd"], env=environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as rehearsal:  # fmt: skip
            assert rehearsal.stdout is not None
            assert json.loads(rehearsal.stdout.readline())["phase"] == "private over"
            result.left_before = contents(own)
            told_before = len(result.told)
            said, _ = rehearsal.communicate("go on\n", timeout=240)
        assert rehearsal.returncode == 0
    result.told = result.told[:told_before]
    result.report = json.loads(said)
    result.left_after = contents(own)
    result.models_changed = stamps(model_store.folder()) - models
    return result


@contextlib.contextmanager
def listening(pipe: Path, told: list[tuple[int, str, str]]):
    """Collect the reports of the audit hooks during the block."""
    both_ends = os.open(pipe, os.O_RDWR)  # so that neither side waits for the other to open it

    def listen() -> None:
        with open(both_ends, "rb", buffering=0, closefd=False) as story:
            rest = b""
            while not rest.endswith(b"enough\n"):
                *lines, rest = (rest + story.read(65536)).split(b"\n")
                for line in lines:
                    if line == b"enough":
                        return
                    told.append(tuple(json.loads(line)))

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield
    finally:
        os.write(both_ends, b"enough\n")
        thread.join()
        os.close(both_ends)


def test_it_was_a_real_session(seen):
    ledger = seen.report["ledger"]
    assert ledger["conserved"]
    assert ledger["states"]["processed"] >= 1
    assert seen.report["rows"] > 0
    assert len({pid for pid, kind, _ in seen.told if kind == "here"}) == 2  # client and server


def test_no_file_could_have_taken_a_picture(seen):
    """The limit on file sizes, which holds for memory files too, was below the smallest image; the session worked."""
    assert seen.report["smallest"] > LARGEST_FILE


def test_no_picture_is_in_anything_it_left(seen):
    assert {
        name: True for name, content in seen.left_before.items() if MARK in content or b"\xff\xd8\xff" in content
    } == {}
    assert all(re.fullmatch(r"runtime/server-\d+\.json|tmp/livedance-\w+/server\.(json|log)", name)
               for name in seen.left_before), list(seen.left_before)  # fmt: skip


def test_only_notes_log_and_locks_were_opened_for_writing(seen):
    allowed = re.compile(
        r"/dev/null|\d+"  # a number: an existing descriptor
        r"|.*/runtime(/\.?server-[\w.-]+)?|.*/tmp/livedance-\w+(/\.?server[\w.-]*)?"
        r"|.*/tmp(/(tmp)?\w{8})?"  # Python itself: tests whether it can write there, and searches libraries
        rf"|{re.escape(str(model_store.folder()))}(/[\w.-]+\.lock)?"
    )
    strange = {path for path in seen.of("write") | set(seen.report["files"]) if not allowed.fullmatch(path)}
    assert strange == set()
    assert seen.of("write"), "the witness saw nothing at all"
    assert not {line for line in seen.models_changed if ".lock" not in line}


def test_a_kept_picture_would_have_been_found(seen):
    """A session recorded with its images, as the user asked for it: there the mark is found."""
    assert [name for name, content in seen.left_after.items() if MARK in content]
    assert "consent" in json.loads(seen.left_after["cwd/kept/manifest.json"])["consent"]


def test_nothing_but_loopback_was_spoken_to(seen):
    spoken = {what for what in seen.of("speak") if not what.startswith(("/", "b'", "None"))}  # paths: Unix sockets
    assert spoken, "the witness saw nothing at all"
    strange = {what for what in spoken if not LOOPBACK.search(what)}
    strange -= {NOWHERE[0], str(NOWHERE)}  # tried to show that it cannot be reached
    assert strange == set()
    assert {ip for ip in seen.report["peers"] if not LOOPBACK.fullmatch(ip)} == set()
    assert seen.report["peers"]


def test_it_needs_no_network(seen):
    """In a network with nothing but loopback no other machine can be reached, not even by C libraries."""
    assert seen.report["reached"] in ("Network is unreachable", "not permitted here")
