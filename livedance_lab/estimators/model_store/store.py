"""The user's model folder: a model is assembled once and verified at every use; a lock file serialises processes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from platformdirs import user_cache_dir

from livedance_lab.errors import ModelError
from livedance_lab.estimators.model_store import bundle, fetch, npm
from livedance_lab.estimators.model_store.catalogue import CATALOGUE, Model, Part
from livedance_lab.estimators.model_store.fetch import Progress

__all__ = ["FOLDER_VARIABLE", "ModelStatus", "ensure", "folder", "is_stored", "network", "sha256_of", "upstream_bundle",
           "verify"]  # fmt: skip

FOLDER_VARIABLE = "LIVEDANCE_MODELS"
"""Environment variable with the path of another folder for the models."""


@dataclass(frozen=True)
class ModelStatus:
    """State of one model in the folder.

    Attributes
    ----------
    model : Model
    path : Path
        Path of its bundle, which may not exist.
    state : str
        "ok": the bundle exists and has the recorded SHA-256. "absent": it does not exist. "broken": it exists, but with
        another SHA-256, or its `BUNDLE_VERSION` is not the current one.
    sha256 : str
        Of the bundle on disk; empty if absent.
    size_bytes : int
    """

    model: Model
    path: Path
    state: Literal["ok", "absent", "broken"]
    sha256: str = ""
    size_bytes: int = 0


def folder() -> Path:
    """The folder of the models: ``$LIVEDANCE_MODELS``, or one in the user's cache folder. It may not exist yet."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("livedance_lab", appauthor=False)) / "models"


def ensure(kind: str, complexity: int = 1, progress: Progress | None = None) -> Path:
    """The path of a model's bundle; it is fetched and assembled first if the folder does not have it.

    If the folder has it, the network is not used and nothing is written: the folder may be read-only.

    Parameters
    ----------
    kind : str
        "pose" or "hands".
    complexity : int, default 1
        Pose only: 0 lite, 1 full, 2 heavy. 1 comes from the package index, 0 and 2 from npm
        or from Google's storage.
    progress : callable, optional
        See `Progress`; called during a download.

    Returns
    -------
    Path
        A ``.task`` file whose SHA-256 is the recorded one.

    Raises
    ------
    ModelError
        If there is no such model, or it is not in the folder and cannot be fetched. The message says what to do.
    """
    model = _named(kind, complexity)
    status = _status(model)
    if status.state == "ok":
        return status.path
    try:
        status.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(status.path.parent / ".lock"):
            if _status(model).state != "ok":  # else another process has built it
                _build(model, status.path, progress)
    except OSError as exc:
        raise ModelError(f"the model folder {status.path.parent} cannot be written: {exc}; set {FOLDER_VARIABLE} "
                         "to a folder that can.") from exc  # fmt: skip
    return status.path


def network(kind: str, complexity: int, member: str) -> bytes:
    """One network of a bundle, for a runtime other than MediaPipe's.

    Parameters
    ----------
    kind, complexity
        Those of `ensure`, whose errors are raised too.
    member : str
        Its file name in the bundle, e.g. "pose_detector.tflite".

    Raises
    ------
    ModelError
        If the bundle has no such member.
    """
    with zipfile.ZipFile(ensure(kind, complexity)) as bundle_file:
        try:
            return bundle_file.read(member)
        except KeyError:
            names = ", ".join(bundle_file.namelist())
            raise ModelError(f"the model {kind} has no network {member!r}; it has {names}.") from None


def upstream_bundle(kind: str, complexity: int = 1) -> bytes:
    """A bundle with all outputs, as MediaPipe publishes it; assembled in memory, for comparison.

    Parameters and errors are those of `ensure`.
    """
    model = _named(kind, complexity)
    return bundle.assemble(model, _parts_or_advice(model, folder(), None), upstream=True)


def is_stored(kind: str, complexity: int = 1) -> bool:
    """Whether the folder has a file for this bundle; the content is not verified."""
    return (folder() / _named(kind, complexity).file).is_file()


def verify() -> list[ModelStatus]:
    """The state of every model; each bundle is read completely and compared with its record."""
    return [_status(model) for model in CATALOGUE]


def sha256_of(name: str) -> str:
    """SHA-256 of an assembled bundle, for manifests.

    Parameters
    ----------
    name : str
        "pose_lite", "pose_full", "pose_heavy" or "hands".

    Raises
    ------
    ModelError
        If the model is unknown, absent or broken.
    """
    for status in (_status(m) for m in CATALOGUE if m.name == name):
        if status.state == "ok":
            return status.sha256
        raise ModelError(f"the model {name} is {status.state} in {status.path.parent}; run: livedance models fetch.")
    raise ModelError(f"there is no model {name!r}; the models are {', '.join(m.name for m in CATALOGUE)}.")


def _named(kind: str, complexity: int) -> Model:
    """The model of a kind ("pose" or "hands"); the complexity matters for "pose" only."""
    for model in CATALOGUE:
        if model.kind == kind and model.complexity in (None, complexity):
            return model
    known = "; ".join(_arguments_of(m) for m in CATALOGUE)
    raise ModelError(f"there is no model of kind {kind!r} with complexity {complexity!r}; the models are {known}.")


def _arguments_of(model: Model) -> str:
    return f"{model.kind!r}" if model.complexity is None else f"{model.kind!r} with complexity {model.complexity}"


def _status(model: Model) -> ModelStatus:
    path = folder() / model.file
    try:
        content = path.read_bytes()
    except OSError:
        return ModelStatus(model, path, "absent")
    sha256 = hashlib.sha256(content).hexdigest()
    record = _record(path)
    is_recorded = (sha256, bundle.BUNDLE_VERSION) == (record.get("sha256"), record.get("recipe"))
    return ModelStatus(model, path, "ok" if is_recorded else "broken", sha256, len(content))


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(_record_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # without a readable record the bundle counts as broken and is made again
    return record if isinstance(record, dict) else {}


def _build(model: Model, path: Path, progress: Progress | None) -> None:
    content = bundle.assemble(model, _parts_or_advice(model, path.parent, progress))
    record = {
        "name": model.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "recipe": bundle.BUNDLE_VERSION,
        "parts": {member: {"sha256": part.sha256, "source": part.source} for member, part in model.parts},
        "license": "Apache-2.0, The MediaPipe Authors",
    }
    _write(path, content)
    _write(_record_path(path), json.dumps(record, indent=2).encode())


def _parts_or_advice(model: Model, models: Path, progress: Progress | None) -> dict[str, bytes]:
    """The parts of a model; if that fails, the error also says what the user can do."""
    try:
        return _parts(model, progress)
    except ModelError as exc:
        raise ModelError(f"the model {model.name} is not in {models} and cannot be fetched: {exc} "
                         f"{_advice(model, models)}") from exc  # fmt: skip


def _parts(model: Model, progress: Progress | None) -> dict[str, bytes]:
    """Verified content of all parts of a model; parts that are not in the folder are fetched and stored there."""
    stored = folder() / "parts"
    wanted = [part for _, part in model.parts]
    contents = {part.file: content for part in wanted if (content := _stored(stored, part)) is not None}
    missing = [part for part in wanted if part.file not in contents]
    # One download has the parts of several models, so all of them are kept. The wheel comes last: the other parts are
    # the likelier ones to fail.
    if any(part.npm_path for part in missing):
        contents |= _kept(_from_npm_or_address([p for p in _all_parts() if p.npm_path], missing, progress))
    if any(part.wheel_path for part in missing):
        from_wheel = [part for part in _all_parts() if part.wheel_path]
        contents |= _kept(_verified(from_wheel, fetch.from_wheel(from_wheel, progress)))
    return contents


def _all_parts() -> list[Part]:
    return list({part.file: part for model in CATALOGUE for _, part in model.parts}.values())


def _from_npm_or_address(published: list[Part], missing: list[Part], progress: Progress | None) -> dict[str, bytes]:
    """Verified content of all parts of the npm package, or of the missing ones from their addresses."""
    try:
        return _verified(published, npm.from_npm(published, progress))
    except ModelError as by_npm:
        alone = [part for part in missing if part.url]
        try:
            return _verified(alone, {part.file: fetch.from_url(part, progress) for part in alone})
        except ModelError as by_address:
            raise ModelError(f"{by_npm} Then {by_address}") from by_address


def _verified(parts: list[Part], contents: dict[str, bytes]) -> dict[str, bytes]:
    for part in parts:
        sha256 = hashlib.sha256(contents[part.file]).hexdigest()
        if sha256 != part.sha256:
            raise ModelError(f"{part.source} should have SHA-256 {part.sha256}, got {sha256}: not used.")
    return contents


def _kept(contents: dict[str, bytes]) -> dict[str, bytes]:
    for file, content in contents.items():
        _write(folder() / "parts" / file, content)
    return contents


def _stored(folder_of_parts: Path, part: Part) -> bytes | None:
    try:
        content = (folder_of_parts / part.file).read_bytes()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == part.sha256 else None


def _advice(model: Model, models: Path) -> str:
    """What the user can do without a network, or behind a firewall."""
    ways = [
        f"run `livedance models fetch` once where there is a network, and copy its folder here as {models} "
        f"(or set {FOLDER_VARIABLE})"
    ]
    if not model.from_wheel:
        ways.insert(0, "use complexity 1, which comes from the package index and then works offline")
        if not npm.commands():
            ways.insert(0, f"get npm, for instance with {npm.EXTRA}")
        ways += [f"save {part.url} as {models / 'parts' / part.file}" for _, part in model.parts if part.url]
    return "What helps: " + "; or ".join(ways) + "."


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would exclude other users of a shared folder
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
