"""Records a session in the server's process, so that neither a restarted kernel nor a closed browser interrupts it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livedance_lab.errors import RecordingError
from livedance_lab.pipeline.session import Session
from livedance_lab.pose import Body, Frame
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.manifest import manifest
from livedance_lab.session_data.recording.face_blur import blur_faces as hide_faces
from livedance_lab.session_data.recording.writer import RecordingWriter

__all__ = ["Recorder", "resolve_below", "unused_path"]

_MAX_PATH_LENGTH, _MAX_PATH_DEPTH = 1000, 32


def resolve_below(root: Path, wanted: str) -> Path:
    """Return the folder that a client asked for, if it lies below `root`.

    Raises
    ------
    RecordingError
        If it lies anywhere else: a client may write recordings, but not choose any folder of the machine.
    """
    if len(wanted) > _MAX_PATH_LENGTH:
        raise RecordingError(f"a recording's path has at most {_MAX_PATH_LENGTH} characters, got {len(wanted)}.")
    try:
        path = (root / Path(wanted).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as exc:  # too long, of an unknown user, with a zero byte
        raise RecordingError(f"a recording's path must be valid on this system, got {wanted[:100]!r}: {exc}.") from exc
    root = root.resolve()
    if path == root or not path.is_relative_to(root):
        raise RecordingError(f"recordings go below {root} (livedance serve --record-root), got {wanted[:100]!r}.")
    if (depth := len(path.relative_to(root).parts)) > _MAX_PATH_DEPTH:
        raise RecordingError(f"recordings go at most {_MAX_PATH_DEPTH} folders below {root}, got {depth}.")
    return path


def unused_path(path: Path) -> Path:
    """Return `path`, or the first of PATH-2, PATH-3 ... that does not exist: a session's name may occur twice."""
    number = 1
    wanted = path
    while wanted.exists():
        number += 1
        wanted = path.with_name(f"{path.name}-{number}")
    return wanted


class Recorder:
    """Writes one session to disk from now on, together with the earlier rows that its log still holds.

    Parameters
    ----------
    session : Session
    config : ServerConfig
    path : Path
        The folder to create.
    keep_video : bool
        Whether to store the received images as well. The participant must have agreed to it; the manifest then
        carries a statement on consent.
    blur_faces : bool
        Whether to make faces unrecognisable in the stored images.

    Raises
    ------
    RecordingError
        If the folder cannot be created.
    """

    def __init__(
        self, session: Session, config: ServerConfig, path: Path, *, keep_video: bool = False, blur_faces: bool = False
    ) -> None:
        self.session, self.path, self._config = session, path, config
        transform = hide_faces if keep_video and blur_faces else None
        metadata = {**manifest(session, config), "blur_faces": blur_faces}
        self._writer = RecordingWriter(path, session.log.schemas, metadata, keep_video=keep_video, transform=transform)
        session.log.attach(self._writer)
        if keep_video:
            session.video_sink = self._store_image
        session.event("recording", "started", {"path": str(path), "keep_video": keep_video, "blur_faces": blur_faces})

    def _store_image(self, frame: Frame, bodies: Sequence[Body]) -> None:
        try:
            self._writer.write_image(frame, bodies)
        except RecordingError as exc:
            self.session.video_sink = None
            self.session.event("error", "video stopped", {"reason": str(exc)})

    @property
    def state(self) -> dict[str, Any]:
        """The folder, the number of rows on disk by table, and the error that stopped the recording, if any."""
        error = self._writer.error
        return {"path": str(self.path), "rows": self._writer.rows, "error": None if error is None else str(error)}

    def stop(self) -> None:
        """Write the remaining rows and close the recording. Blocks.

        Raises
        ------
        RecordingError
            If the recording failed before; what it had written stays readable.
        """
        self.session.video_sink = None
        self.session.event("recording", "stopped", {"path": str(self.path)})
        self.session.log.detach(self._writer)
        self._writer.close(manifest(self.session, self._config))
