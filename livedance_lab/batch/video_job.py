"""Runs one job: turns a video into a recording, exports and an annotated copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

from livedance_lab._version import __version__
from livedance_lab.batch.frame_analyzer import FrameAnalyzer
from livedance_lab.batch.jobs import RECORDING, Outcome, VideoJob, file_sha256, finished_outcome
from livedance_lab.clock import now_s
from livedance_lab.errors import LiveDanceError
from livedance_lab.estimators.base import ESTIMATORS
from livedance_lab.estimators.model_store import sha256_of
from livedance_lab.export import export
from livedance_lab.media.drawing import VideoFile, draw_body
from livedance_lab.media.video import VideoSource
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.session_data.recording.writer import RecordingWriter
from livedance_lab.session_data.schema import Schemas
from livedance_lab.session_data.session_log import SessionLog
from livedance_lab.settings import Settings
from livedance_lab.system.versions import software

__all__ = ["OnProgress", "run_job"]

OnProgress = Callable[[str, int, int], None]
"""Called with the job's name, the number of frames done, and the number expected (0: unknown)."""

_FLUSH_EVERY = 240  # frames; a slow disk slows the analysis down instead of filling the memory
_LOG_BYTES = 2**20  # small, because the recording keeps everything


def run_job(job: VideoJob, on_progress: OnProgress = lambda _name, _done, _expected: None) -> Outcome:
    """Run a job, unless it was finished before.

    Parameters
    ----------
    job : VideoJob
    on_progress : callable, optional
        See `OnProgress`.

    Returns
    -------
    Outcome
        With `error` set if the video or the disk is the cause; other errors are raised.
    """
    try:
        done = finished_outcome(job)
        if done is not None:
            on_progress(job.name, done.frames_in, done.frames_in)
            return done
        return _attempt(job, on_progress)
    except (LiveDanceError, OSError) as exc:
        return Outcome(job.name, job.video, error=str(exc))


def _attempt(job: VideoJob, on_progress: OnProgress) -> Outcome:
    start_s = now_s()
    folder = job.partial(uuid4().hex[:8])
    folder.mkdir(parents=True)
    try:
        counts = _record(job, folder, on_progress)
        recording = Recording.open(folder / RECORDING)
        files = [file for fmt in job.formats for file in export(recording, fmt, folder, name=job.name)]
        files += folder.glob("*.mp4")
        names = tuple(sorted({str(file.relative_to(folder)) for file in files}))
        outcome = Outcome(job.name, job.video, *counts, now_s() - start_s, names)
        try:
            folder.rename(job.folder)
        except OSError:
            if finished_outcome(job) is None:  # else another attempt has finished first, with the same values
                raise
        return outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _record(job: VideoJob, folder: Path, on_progress: OnProgress) -> tuple[int, int, int]:
    """Record every frame, and annotate it if required; return the numbers of frames in, frames out, persons found."""
    settings = Settings.parse(job.settings)
    frames_in = frames_out = found = 0
    with ExitStack() as stack:
        video = stack.enter_context(VideoSource(job.video))
        analyzer = stack.enter_context(FrameAnalyzer(settings, job.estimator))
        modified_s = Path(job.video).stat().st_mtime
        metadata = {"session_id": job.name, "wall_anchor_s": repr(modified_s), "livedance_lab_version": __version__}
        schemas = Schemas(analyzer.result_builder.angle_names, metadata)
        writer = RecordingWriter(folder / RECORDING, schemas, _manifest(job, video, settings))
        stack.callback(writer.close)
        log = SessionLog(schemas, _LOG_BYTES)
        log.attach(writer)
        log.add_event(0.0, "session", "created", {"settings": settings.plain()})
        copy = VideoFile(folder / f"{job.name}.mp4", video.size_px, video.assumed_fps) if job.annotate else None
        if copy is not None:
            stack.enter_context(copy)
        for frame in video:
            record, result = analyzer(frame)
            frames_in += 1
            log.add_frame(record)
            while analyzer.person_events:
                event = analyzer.person_events.pop(0)
                log.add_event(event.t_s, "people", event.name, event.data)
            if result is not None:
                frames_out += 1
                found += result.found
                log.add_result(result)
            if copy is not None:
                picture = frame.rgb
                for person in result.people if result is not None else ():
                    picture = draw_body(picture, person.smooth, settings.visibility_threshold)
                copy.add(picture)
            if frames_in % _FLUSH_EVERY == 0:
                log.flush()
                writer.flush()
            on_progress(job.name, frames_in, video.frame_count)
        log.flush()
        writer.flush()
    on_progress(job.name, frames_in, frames_in)
    return frames_in, frames_out, found


def _manifest(job: VideoJob, video: VideoSource, settings: Settings) -> dict[str, Any]:
    """The manifest of the recording: software, models, settings and source."""
    return {
        "session_id": job.name,
        **software("mediapipe", "ai-edge-litert", "numpy", "opencv-python"),
        "estimator": job.estimator,
        "models": {name: sha256_of(name) for name in settings.model_names} if job.estimator in ESTIMATORS else {},
        "settings": settings.plain(),
        "wall_anchor": "modification time of the video file: its frames' own date is not known",
        "source": {"video": job.video, "sha256": file_sha256(job.video), "fps": video.fps, "size_px": video.size_px,
                   "frames_by_header": video.frame_count},
        "wish": job.fingerprint(),  # stored analyses have this key
    }  # fmt: skip
