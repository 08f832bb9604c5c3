"""The jobs of an analysis, one per video, and the outcomes of those that were finished before.

Each video gets its own folder below the output folder. The folder has a temporary name until everything in it is
finished, so a folder with the final name is complete, even if processes were killed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livedance_lab.errors import LiveDanceError, RecordingError
from livedance_lab.estimators.base import factory, settings_for
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.settings import Settings

__all__ = ["RECORDING", "Outcome", "VideoJob", "file_sha256", "finished_outcome", "plan_jobs"]

RECORDING = "recording"
"""Name of the recording's folder inside the folder of a video."""

_PARTIAL = ".partial"


@dataclass(frozen=True)
class VideoJob:
    """One video to analyse. It has plain values only, so that it can be sent to another machine.

    Attributes
    ----------
    name : str
        Name of the video's folder.
    video : str
        Absolute path, the same on every machine that may do the job.
    out : str
        Absolute path of the output folder.
    settings : dict
        `Settings` as plain values.
    formats : tuple of str
        Export formats.
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
        """Folder of the finished analysis."""
        return Path(self.out) / self.name

    def partial(self, token: str) -> Path:
        """Temporary folder of one attempt, identified by a token."""
        return Path(self.out) / f".{self.name}.{token}{_PARTIAL}"

    def fingerprint(self) -> dict[str, Any]:
        """What identifies an analysis of one video, as JSON values: equal fingerprints mean equal analyses."""
        return {"settings": self.settings, "formats": list(self.formats), "annotate": self.annotate,
                "estimator": self.estimator}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes
    ----------
    name, video : str
    frames_in : int
        Frames read from the video.
    frames_out : int
        Frames with a result; fewer than `frames_in` only if inference failed.
    found : int
        Results in which a person was found.
    seconds : float
        Duration; 0 if the analysis was finished before.
    files : tuple of str
        Files that were written, without those of the recording.
    skipped : bool
        Whether the analysis was finished before.
    error : str
        Why there is no analysis; empty on success.
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


def plan_jobs(
    videos: Iterable[str | Path],
    out: str | Path,
    settings: Settings | None = None,
    *,
    formats: Sequence[str] = (),
    annotate: bool = False,
    estimator: str = "mediapipe",
) -> list[VideoJob]:
    """Make a job for each video.

    Parameters are those of `analyze_videos`.

    Raises
    ------
    LiveDanceError
        If a video does not exist, two of them would get the same folder, or there is no such estimator.
    """
    paths = [Path(video).expanduser().absolute() for video in videos]
    gone = [str(path) for path in paths if not path.is_file()]
    factory(estimator)  # an unknown name is an error before anything runs
    if gone:
        raise LiveDanceError(f"there is no video {', '.join(gone)}.")
    names = _names(list(dict.fromkeys(paths)))
    folder = str(Path(out).expanduser().absolute())
    plain = settings_for(estimator, settings or Settings(design="join")).plain()
    common = (folder, plain, tuple(formats), annotate, estimator)
    return [VideoJob(name, str(path), *common) for path, name in names.items()]


def _names(paths: list[Path]) -> dict[Path, str]:
    """A folder name for each video: the stem; if stems are equal, with the suffix, or with the parent folder's name."""
    names: dict[Path, str] = {}
    for name_of in (lambda p: p.stem, lambda p: p.name.replace(".", "_"), lambda p: f"{p.parent.name}_{p.stem}"):
        names = {path: name_of(path) for path in paths}
        if len(set(names.values())) == len(names):
            return names
    same = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    raise LiveDanceError(
        f"several videos would get the folder {', '.join(same)}: rename them, or use a different --out for each."
    )


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def finished_outcome(job: VideoJob) -> Outcome | None:
    """The outcome of this job if it was finished before, else None.

    Raises
    ------
    LiveDanceError
        If the job's folder contains something else.
    """
    if not job.folder.exists():
        return None
    try:
        recording = Recording.open(job.folder / RECORDING)
    except RecordingError as exc:
        raise LiveDanceError(f"{job.folder} exists, but contains no analysis ({exc}); choose another --out.") from exc
    if recording.manifest.get("source", {}).get("sha256") != file_sha256(job.video):
        raise LiveDanceError(f"{job.folder} is the analysis of another video; choose another --out.")
    if recording.manifest.get("wish") != job.fingerprint():
        raise LiveDanceError(f"{job.folder} was analysed with other settings or formats; choose another --out.")
    found = recording.by_frame("found")
    return Outcome(job.name, job.video, recording.ledger.captured, len(found), int(found.sum()), skipped=True)
