"""What there is to do for each video, and what has been done already.

Each video gets a folder of its own below the output folder. It is made under another name and renamed when
everything in it is finished, so a folder that is there is complete, whatever was killed on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from livedance_lab.errors import LiveDanceError, RecordingError
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.settings import Settings

__all__ = ["RECORDING", "Job", "Outcome", "fingerprint", "plan", "what_is_done"]

RECORDING = "recording"
"""The recording's folder within a video's."""

_PARTIAL = ".partial"


@dataclass(frozen=True)
class Job:
    """One video to analyse. Plain values, so that it can travel to another machine.

    Attributes
    ----------
    name : str
        Of the video's folder.
    video : str
        Absolute path; every machine that works on it must see it there.
    out : str
        Absolute path of the output folder.
    settings : dict
        `Settings` as plain values.
    formats : tuple of str
        What to export beside the recording.
    annotate : bool
        Whether to make an annotated MP4.
    estimator : str
        Name of the estimator family.
    """

    name: str
    video: str
    out: str
    settings: dict[str, Any]
    formats: tuple[str, ...] = ()
    annotate: bool = False
    estimator: str = "mediapipe"

    @property
    def folder(self) -> Path:
        """Where the finished analysis lies."""
        return Path(self.out) / self.name

    def partial(self, token: str) -> Path:
        """Where one attempt at it is made."""
        return Path(self.out) / f".{self.name}.{token}{_PARTIAL}"

    def wish(self) -> dict[str, Any]:
        """What makes two analyses of the same video the same."""
        values = asdict(self)
        return {name: values[name] for name in ("settings", "formats", "annotate", "estimator")}


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    name, video : str
    frames_in : int
        Frames read from the video.
    frames_out : int
        Frames with a result; less than `frames_in` only where inference failed.
    found : int
        Results that show a person.
    seconds : float
        Time it took; 0 if it was done before.
    files : tuple of str
        What was written, without the recording's own files.
    skipped : bool
        It was done before.
    error : str
        Why there is no result; empty if all went well.
    """

    name: str
    video: str
    frames_in: int = 0
    frames_out: int = 0
    found: int = 0
    seconds: float = 0.0
    files: tuple[str, ...] = field(default=())
    skipped: bool = False
    error: str = ""


def plan(
    videos: Iterable[str | Path],
    out: str | Path,
    settings: Settings | None = None,
    *,
    formats: Sequence[str] = (),
    annotate: bool = False,
    estimator: str = "mediapipe",
) -> list[Job]:
    """A job for each video.

    Raises
    ------
    LiveDanceError
        If a video does not exist, or two of them would get the same folder.
    """
    paths = [Path(video).expanduser().absolute() for video in videos]
    gone = [str(path) for path in paths if not path.is_file()]
    if gone:
        raise LiveDanceError(f"there is no video {', '.join(gone)}.")
    names = _names(list(dict.fromkeys(paths)))
    folder = str(Path(out).expanduser().absolute())
    plain = (settings or Settings(design="join")).plain()
    return [Job(name, str(path), folder, plain, tuple(formats), annotate, estimator) for path, name in names.items()]


def _names(paths: list[Path]) -> dict[Path, str]:
    """The file's stem; where two are equal, with the folder or the ending before it."""
    names: dict[Path, str] = {}
    for name_of in (lambda p: p.stem, lambda p: p.name.replace(".", "_"), lambda p: f"{p.parent.name}_{p.stem}"):
        names = {path: name_of(path) for path in paths}
        if len(set(names.values())) == len(names):
            return names
    same = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    raise LiveDanceError(f"several videos would be called {', '.join(same)}: rename them, or analyse them apart.")


def fingerprint(video: str | Path) -> str:
    """SHA-256 of a video file, hexadecimal."""
    with Path(video).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def what_is_done(job: Job) -> Outcome | None:
    """The outcome of a finished analysis of the same video with the same wishes; None if there is none.

    Raises
    ------
    LiveDanceError
        If the folder holds something else.
    """
    if not job.folder.exists():
        return None
    try:
        recording = Recording.open(job.folder / RECORDING)
    except RecordingError as exc:
        raise LiveDanceError(f"{job.folder} is there, but holds no analysis ({exc}); choose another --out.") from exc
    made_of = recording.manifest.get("source", {})
    if made_of.get("sha256") != fingerprint(job.video):
        raise LiveDanceError(f"{job.folder} is the analysis of another video; choose another --out.")
    wished = {**job.wish(), "formats": list(job.formats)}
    if recording.manifest.get("wish") != wished:
        raise LiveDanceError(f"{job.folder} was analysed with other settings or formats; choose another --out.")
    return Outcome(job.name, job.video, recording.ledger.captured, len(recording.seq),
                   int(recording.column("found").sum()), skipped=True)  # fmt: skip
