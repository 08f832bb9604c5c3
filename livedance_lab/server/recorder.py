"""Recording a session in the server's process, so that it goes on whatever becomes of kernel and browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livedance_lab.errors import RecordingError
from livedance_lab.pipeline.session import Session
from livedance_lab.pose import Body, Frame
from livedance_lab.server.config import ServerConfig
from livedance_lab.server.manifest import manifest
from livedance_lab.session_data.recording.writer import RecordingWriter

__all__ = ["Recorder", "unused", "within"]

_LONGEST, _MOST_LEVELS = 1000, 32


def within(root: Path, wanted: str) -> Path:
    """The folder a client asked for, if it lies below `root`.

    Raises
    ------
    RecordingError
        If it points anywhere else: a client may write recordings, not files at will.
    """
    if len(wanted) > _LONGEST:
        raise RecordingError(f"a recording's path has at most {_LONGEST} characters, got {len(wanted)}.")
    try:
        path = (root / Path(wanted).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as exc:  # too long, of an unknown user, with a zero byte
        raise RecordingError(f"a recording's path must be one this system knows, got {wanted[:100]!r}: {exc}.") from exc
    root = root.resolve()
    if path == root or not path.is_relative_to(root):
        raise RecordingError(f"recordings go below {root} (livedance serve --record-root), got {wanted[:100]!r}.")
    if (levels := len(path.relative_to(root).parts)) > _MOST_LEVELS:
        raise RecordingError(f"recordings go at most {_MOST_LEVELS} folders below {root}, got {levels}.")
    return path


def unused(path: Path) -> Path:
    """`path`, or the first of PATH-2, PATH-3 ... that is not there: a session's name may come again."""
    number = 1
    wanted = path
    while wanted.exists():
        number += 1
        wanted = path.with_name(f"{path.name}-{number}")
    return wanted


class Recorder:
    """Writes one session to disk from now on, with what its log still holds of before.

    Parameters
    ----------
    session : Session
    config : ServerConfig
    path : Path
        A new folder.
    keep_video : bool
        Also store the received pictures. The participant must have agreed; the manifest says that it was asked for.
    blur_faces : bool
        Make faces unrecognisable in stored pictures.

    Raises
    ------
    RecordingError
        If the folder cannot be made.
    """

    def __init__(
        self, session: Session, config: ServerConfig, path: Path, *, keep_video: bool = False, blur_faces: bool = False
    ) -> None:
        self.session, self.path, self._config = session, path, config
        transform = None
        if keep_video and blur_faces:
            from livedance_lab.session_data.recording.face_blur import blur_face

            transform = blur_face
        self._writer = RecordingWriter(
            path,
            session.log.schemas,
            {**manifest(session, config), "blur_faces": blur_faces},
            keep_video=keep_video,
            transform=transform,
        )
        session.log.attach(self._writer)
        if keep_video:
            session.video_sink = self._keep
        session.event("recording", "started", {"path": str(path), "keep_video": keep_video, "blur_faces": blur_faces})

    def _keep(self, frame: Frame, body: Body) -> None:
        try:
            self._writer.write_image(frame, body)
        except RecordingError as exc:
            self.session.video_sink = None
            self.session.event("error", "video stopped", {"reason": str(exc)})

    @property
    def state(self) -> dict[str, Any]:
        """Where it writes, what is on disk, and what went wrong if anything did."""
        error = self._writer.error
        return {"path": str(self.path), "rows": self._writer.rows, "error": None if error is None else str(error)}

    def stop(self) -> None:
        """Write what is left and close. Blocks.

        Raises
        ------
        RecordingError
            If the recording had failed; what was written stays readable.
        """
        self.session.video_sink = None
        self.session.event("recording", "stopped", {"path": str(self.path)})
        self.session.log.detach(self._writer)
        self._writer.close(manifest(self.session, self._config))
