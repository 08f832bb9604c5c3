"""The demo: a real server process, a real clip through a real socket, everything measured, nothing mocked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livedance_lab.benchmarks.fresh_session import fresh_session
from livedance_lab.client.live_client import LiveClient
from livedance_lab.evaluation.angle_errors import angle_errors
from livedance_lab.export import export
from livedance_lab.samples import truth_of
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.summary import summarise
from livedance_lab.wire.messages import encode_json

__all__ = ["DemoResult", "run_demo"]

_SECONDS_FROM_CAMERA = 15.0


@dataclass
class DemoResult:
    """What a demo run left.

    Attributes
    ----------
    data : SessionData
    summary : dict
        As stored in ``summary.json``.
    out : Path
    """

    data: SessionData
    summary: dict[str, Any]
    out: Path


def run_demo(
    source: str,
    out: Path,
    *,
    seconds: float | None = None,
    fps: float | None = None,
    settings: dict[str, Any] | None = None,
    pacing: Any = "auto",
    say: Callable[[str], None] = lambda _words: None,
    tick: Callable[[LiveClient], None] | None = None,
) -> DemoResult:
    """Stream a video or a camera through a server of its own and leave tables, numbers and a picture.

    Parameters
    ----------
    source : str
        Video file or camera index.
    out : Path
        Folder for the results; made if missing.
    seconds : float, optional
        How long; the clip's length (a camera: 15 s) if not given.
    fps : float, optional
        Frames offered per second from a file; None: the file's own rate.
    settings : dict, optional
        Changes to the default settings.
    pacing : {"auto", "paced", "free"}
    say : callable, optional
        Told in words what happens.
    tick : callable, optional
        Called with the client after each frame.

    Raises
    ------
    LiveDanceError
        If the source gives no pictures, the server does not start, or `out` cannot be written.
    """
    seconds = _SECONDS_FROM_CAMERA if seconds is None and str(source).isdecimal() else seconds
    say("starting a server of its own")
    with fresh_session(**(settings or {})) as (_, session):
        say("reading the clip" if not str(source).isdecimal() else "opening the camera")
        client = session.stream(source, seconds=seconds, fps=fps, pacing=pacing, tick=tick, end=True)
        say("collecting the log")
        data = session.data()
    truth = None if str(source).isdecimal() else truth_of(Path(source))
    summary = {
        "source": Path(source).name,
        "offered_fps": _offered_fps(data),
        **summarise(data),
        "upload_bytes": client.bytes_up,
        "download_bytes": client.bytes_down,
        "angle_error_deg": angle_errors(data, truth) if truth is not None else None,
        "manifest": data.manifest,
    }
    say("writing tables and pictures")
    out.mkdir(parents=True, exist_ok=True)
    export(data, "csv", out)
    (out / "summary.json").write_text(encode_json(summary), encoding="utf-8")
    _draw(data, source, truth, out)
    return DemoResult(data, summary, out)


def _offered_fps(data: SessionData) -> float:
    """Frames captured per second, as it really was."""
    times_s = data.frames["t_capture_s"].dropna()
    return (len(times_s) - 1) / float(times_s.max() - times_s.min()) if len(times_s) > 1 else float("nan")


def _draw(data: SessionData, source: str, truth: Any, out: Path) -> None:
    """The overview, with the picture of one of the best-seen frames."""
    import numpy as np

    from livedance_lab.media.video import VideoSource
    from livedance_lab.plots.overview import save_overview

    picture = None
    found = data.seq[data.column("found")]
    if not str(source).isdecimal() and len(found):
        wanted = int(found[len(found) // 2])
        with VideoSource(source) as video:
            count = max(video.frame_count, 1)
            for frame in video:
                if frame.index == wanted % count:
                    picture = (wanted, np.asarray(frame.rgb))
                    break
    angles = truth.angles if truth is not None else None
    save_overview(data, out / "overview.png", truth=angles, picture=picture)
