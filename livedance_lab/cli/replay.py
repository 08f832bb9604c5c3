"""``livedance replay``: plays a recording as if it were a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["replay"]


def replay(
    path: Annotated[Path, typer.Argument(help="Folder of the recording.")],
    speed: Annotated[float, typer.Option(min=0, help="Multiple of the original speed; 0: as fast as possible.")] = 1.0,
    landmarks: Annotated[bool | None, typer.Option(help="Replay landmarks; default: pictures, if it has any.")] = None,
    out: Annotated[Path | None, typer.Option(help="Record the replayed session to this new folder.")] = None,
    loop: Annotated[bool, typer.Option(help="Repeat the recording until Ctrl-C.")] = False,
) -> None:  # fmt: skip
    """Play a recording as if it were a camera; notebooks can attach to the session."""
    import math
    from functools import partial

    from rich.console import Console
    from rich.progress import Progress

    from livedance_lab.client import LiveSession
    from livedance_lab.client.recording_source import ReplaySource
    from livedance_lab.launcher import LiveServer
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr()
    console = Console()
    source = ReplaySource(path, landmarks=landmarks)
    kind = "raw landmarks" if source.landmarks else "pictures"
    several = source.recording.manifest.get("settings", {}).get("max_people", 1)
    settings = {"design": "sequential"} if source.landmarks else {"max_people": several}
    with (
        LiveServer.start(reuse=False, estimator=source.estimator) as server,
        LiveSession.open(server, **settings) as session,
    ):
        console.print(f"Session [bold]{session.id}[/bold] on [cyan]{server.url}[/cyan] (LiveSession.attach finds it): "
                      f"{kind} of {path}")  # fmt: skip
        if out is not None:
            session.record(out)
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("replaying", total=None if loop else source.n_frames)
            try:
                play = partial(session.replay, source, speed=speed or math.inf,
                               tick=lambda _client: bar.advance(task))  # fmt: skip
                while loop:
                    play()
                play(end=True)
            except KeyboardInterrupt:
                console.print("stopped")
        console.print(f"{session.ledger.plain()}")
