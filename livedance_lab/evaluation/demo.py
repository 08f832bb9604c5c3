"""The demo: streams a clip or a camera through a real server process and measures everything."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from livedance_lab.benchmarks.fresh_session import fresh_session
from livedance_lab.client.live_client import LiveClient
from livedance_lab.evaluation.angle_errors import angle_errors
from livedance_lab.export import export
from livedance_lab.media.video import VideoSource
from livedance_lab.progress import Progress, no_progress
from livedance_lab.samples import angle_truth
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.summary import summarise
from livedance_lab.wire.messages import encode_json

__all__ = ["run_demo"]

_SECONDS_FROM_CAMERA = 15.0


def run_demo(
    source: str,
    out: Path,
    *,
    seconds: float | None = None,
    fps: float | None = None,
    settings: dict[str, Any] | None = None,
    pacing: Any = "auto",
    progress: Progress = no_progress,
    tick: Callable[[LiveClient], None] | None = None,
) -> dict[str, Any]:
    """Stream a video or a camera through a new server and write tables, figures and a picture.

    Parameters
    ----------
    source : str
        Video file or camera index.
    out : Path
        Folder for the results; it is created if necessary.
    seconds, fps : float, optional
        How long, by default the clip's length (a camera: 15 s); frames offered per second from a file, by default its
        own rate.
    settings : dict, optional
        Changes to the default settings.
    pacing : {"auto", "paced", "free"}
    progress, tick : callable, optional
        Called at the beginning of each step, with an unknown share; called with the client after each frame.

    Returns
    -------
    dict
        The summary, as stored in ``summary.json``.

    Raises
    ------
    LiveDanceError
        If the source gives no images, the server does not start, or `out` cannot be written.
    """
    is_camera = str(source).isdecimal()
    seconds = _SECONDS_FROM_CAMERA if seconds is None and is_camera else seconds
    progress(math.nan, "starting a server")
    with fresh_session(**(settings or {})) as (_, session):
        progress(math.nan, "opening the camera" if is_camera else "reading the clip")
        client = session.stream(source, seconds=seconds, fps=fps, pacing=pacing, tick=tick, end=True)
        progress(math.nan, "collecting the log")
        data = session.data()
    truth = None if is_camera else angle_truth(Path(source))
    summary = {
        "source": Path(source).name,
        "offered_fps": data.captured_per_s,
        **summarise(data),
        "upload_bytes": client.bytes_up,
        "download_bytes": client.bytes_down,
        "angle_error_deg": angle_errors(data, truth) if truth is not None else None,
        "manifest": data.manifest,
    }
    progress(math.nan, "writing tables and pictures")
    _write(data, summary, None if is_camera else source, truth, out)
    return summary


def _write(data: SessionData, summary: dict[str, Any], clip: str | None, truth: Any, out: Path) -> None:
    """Write all files; the overview has the image of the middle frame in which a person was found."""
    from livedance_lab.plots.overview import save_overview

    out.mkdir(parents=True, exist_ok=True)
    export(data, "csv", out)
    (out / "summary.json").write_text(encode_json(summary), encoding="utf-8")
    picture = None
    found = data.seq[data.column("found")]
    if clip is not None and len(found):
        seq = int(found[len(found) // 2])
        with VideoSource(clip) as video:
            wanted = seq % max(video.frame_count, 1)  # a clip that is shorter than the run begins again
            picture = next(((seq, frame.rgb) for frame in video if frame.index == wanted), None)
    save_overview(data, out / "overview.png", truth=truth, picture=picture)
