"""The user's folder of models: assembled once, checked at every use, safe when two processes start at once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from platformdirs import user_cache_dir

from livedance_lab.errors import ModelError
from livedance_lab.estimators.model_store import bundle, fetch
from livedance_lab.estimators.model_store.catalogue import CATALOGUE, Model, Part, by_kind
from livedance_lab.estimators.model_store.fetch import Progress

__all__ = ["FOLDER_VARIABLE", "ModelStatus", "ensure", "folder", "published", "sha256_of", "verify"]

FOLDER_VARIABLE = "LIVEDANCE_MODELS"
"""Environment variable that names another folder for the models."""


@dataclass(frozen=True)
class ModelStatus:
    """What the folder holds of one model.

    Attributes
    ----------
    model : Model
    path : Path
        Where its bundle is or would be.
    state : str
        "ok": there, and its SHA-256 is the recorded one. "absent". "broken": there, but not as recorded, or made
        by an older recipe.
    sha256 : str
        Of the bundle as it is on disk; empty if absent.
    size_bytes : int
    """

    model: Model
    path: Path
    state: Literal["ok", "absent", "broken"]
    sha256: str = ""
    size_bytes: int = 0


def folder() -> Path:
    """Where the models are kept: ``$LIVEDANCE_MODELS``, or the user's cache folder. It may not exist yet."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("livedance_lab", appauthor=False)) / "models"


def ensure(kind: str, complexity: int = 1, progress: Progress | None = None) -> Path:
    """The path of a model's bundle, which is fetched and assembled first if need be.

    With a warm folder nothing touches the network, and nothing is written: a read-only folder serves.

    Parameters
    ----------
    kind : str
        "pose" or "hands".
    complexity : int, default 1
        Pose only: 0 lite, 1 full, 2 heavy. 1 comes from the package index, 0 and 2 from Google's storage.
    progress : callable, optional
        Called as (what, bytes done, bytes in all) while something is fetched.

    Returns
    -------
    Path
        A ``.task`` file whose SHA-256 is the recorded one.

    Raises
    ------
    ModelError
        If there is no such model, or it is not in the folder and cannot be fetched; says what to do.
    """
    model = _named(kind, complexity)
    status = _status(model)
    if status.state == "ok":
        return status.path
    try:
        status.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(status.path.parent / ".lock"):
            if _status(model).state != "ok":  # else another process was quicker
                _build(model, status.path, progress)
    except OSError as exc:
        raise ModelError(f"the model folder {status.path.parent} cannot be written: {exc}; set {FOLDER_VARIABLE} "
                         "to a folder that can.") from exc  # fmt: skip
    return status.path


def published(kind: str, complexity: int = 1) -> bytes:
    """A bundle as MediaPipe's own is, outputs that nobody reads included; made in memory, for comparison.

    Parameters and errors are those of `ensure`.
    """
    model = _named(kind, complexity)
    return bundle.assemble(model, _parts_in_words(model, folder(), None), published=True)


def is_here(kind: str, complexity: int = 1) -> bool:
    """Whether a bundle lies in the folder; its content is not looked at."""
    return (folder() / _named(kind, complexity).file).is_file()


def verify() -> list[ModelStatus]:
    """What the folder holds of every model, each bundle read whole and compared with its record."""
    return [_status(model) for model in CATALOGUE]


def sha256_of(name: str) -> str:
    """SHA-256 of an assembled bundle, to be written into manifests.

    Parameters
    ----------
    name : str
        "pose_lite", "pose_full", "pose_heavy" or "hands".

    Raises
    ------
    ModelError
        If the model is unknown, or not in the folder as recorded.
    """
    for status in (_status(m) for m in CATALOGUE if m.name == name):
        if status.state == "ok":
            return status.sha256
        raise ModelError(f"the model {name} is {status.state} in {status.path.parent}; run: livedance models fetch.")
    raise ModelError(f"there is no model {name!r}; there are {', '.join(m.name for m in CATALOGUE)}.")


def _named(kind: str, complexity: int) -> Model:
    model = by_kind(kind, complexity)
    if model is None:
        known = "; ".join(_asked_as(m) for m in CATALOGUE)
        raise ModelError(f"there is no model of kind {kind!r} with complexity {complexity!r}; there are {known}.")
    return model


def _asked_as(model: Model) -> str:
    return f"{model.kind!r}" if model.complexity is None else f"{model.kind!r} with complexity {model.complexity}"


def _status(model: Model) -> ModelStatus:
    path = folder() / model.file
    try:
        content = path.read_bytes()
    except OSError:
        return ModelStatus(model, path, "absent")
    sha256 = hashlib.sha256(content).hexdigest()
    record = _record(path)
    as_made = (sha256, bundle.RECIPE) == (record.get("sha256"), record.get("recipe"))
    return ModelStatus(model, path, "ok" if as_made else "broken", sha256, len(content))


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(_record_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # no record, or a broken one: the bundle counts as broken and is made again
    return record if isinstance(record, dict) else {}


def _build(model: Model, path: Path, progress: Progress | None) -> None:
    content = bundle.assemble(model, _parts_in_words(model, path.parent, progress))
    record = {
        "name": model.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "recipe": bundle.RECIPE,
        "parts": {member: {"sha256": part.sha256, "source": part.source} for member, part in model.parts},
        "license": "Apache-2.0, The MediaPipe Authors",
    }
    _write(path, content)
    _write(_record_path(path), json.dumps(record, indent=2).encode())


def _parts_in_words(model: Model, models: Path, progress: Progress | None) -> dict[str, bytes]:
    """As `_parts`; an error says what to do."""
    try:
        return _parts(model, progress)
    except ModelError as exc:
        raise ModelError(f"the model {model.name} is not in {models} and cannot be fetched: {exc} "
                         f"{_what_to_do(model, models)}") from exc  # fmt: skip


def _parts(model: Model, progress: Progress | None) -> dict[str, bytes]:
    """Verified content of all parts of a model: kept ones first, the others fetched and kept."""
    kept = folder() / "parts"
    wanted = [part for _, part in model.parts]
    contents = {part.file: content for part in wanted if (content := _kept(kept, part)) is not None}
    missing = [part for part in wanted if part.file not in contents]
    fresh: dict[str, bytes] = {}
    for part in missing:
        if part.url:  # first: the address is likelier to fail than the index, and cheaper
            fresh[part.file] = fetch.from_url(part, progress)
    if any(part.wheel_path for part in missing):
        # one wheel holds the parts of all models of the index: take them all, download once
        missing = list({p.file: p for m in CATALOGUE for _, p in m.parts if p.wheel_path or p in missing}.values())
        fresh |= fetch.from_wheel([p for p in missing if p.wheel_path], progress)
    for part in missing:
        sha256 = hashlib.sha256(fresh[part.file]).hexdigest()
        if sha256 != part.sha256:
            raise ModelError(f"{part.source} should have SHA-256 {part.sha256}, got {sha256}: not used.")
        _write(kept / part.file, fresh[part.file])
    return contents | fresh


def _kept(folder_of_parts: Path, part: Part) -> bytes | None:
    try:
        content = (folder_of_parts / part.file).read_bytes()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == part.sha256 else None


def _what_to_do(model: Model, models: Path) -> str:
    """The ways out, for someone without a network or behind a wall."""
    ways = [
        f"run `livedance models fetch` once where there is a network, and copy its folder here as {models} "
        f"(or set {FOLDER_VARIABLE})"
    ]
    if not model.from_wheel:
        ways.insert(0, "use complexity 1, which comes from the package index and then works offline")
        ways += [f"save {part.url} as {models / 'parts' / part.file}" for _, part in model.parts if part.url]
    return "What helps: " + "; or ".join(ways) + "."


def _write(path: Path, content: bytes) -> None:
    """Write a whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would lock others out of a shared folder
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
