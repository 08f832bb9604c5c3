"""``livedance analyze``: analyses every frame of video files."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from livedance_lab.batch import Outcome

__all__ = ["analyze"]


def analyze(
    videos: Annotated[list[Path], typer.Argument(help="Video files.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Output folder; one folder for each video.")] = Path("livedance-analysis"),
    to: Annotated[list[str] | None, typer.Option(help="Also export; formats: livedance export --formats.")] = None,
    annotate: Annotated[bool, typer.Option(help="Also write each video with the skeleton drawn into it.")] = False,
    hands: Annotated[bool, typer.Option(help="Also estimate hands.")] = True,
    angles: Annotated[str, typer.Option(help="Joint angles: names of presets or angles, with commas.")] = "included",
    mirrored: Annotated[bool, typer.Option(help="The camera's frames are flipped left to right.")] = False,
    complexity: Annotated[int, typer.Option(min=0, max=2, help="Pose model: 0 lite, 1 full, 2 heavy.")] = 1,
    estimator: Annotated[str,
        typer.Option(help="mediapipe, or blazepose: the same networks, run directly.")] = "mediapipe",
    setting: Annotated[list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, e.g. num_hands=1; repeatable.")] = None,
    workers: Annotated[int | None,
        typer.Option(min=1, help="Videos analysed at the same time; default: one per two cores.")] = None,
    dask: Annotated[str, typer.Option(help="Use a Dask cluster: address of its scheduler, tcp://...")] = "",
    verbose: Annotated[bool, typer.Option(help="Show the log, also that of native libraries.")] = False,
) -> None:  # fmt: skip
    """Analyse every frame of video files; if interrupted, continue where it stopped."""
    from rich.console import Console

    from livedance_lab.batch import plan_jobs, run_jobs
    from livedance_lab.cli.download_progress import ensure_models
    from livedance_lab.errors import ExportError
    from livedance_lab.export import FORMATS
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr(verbose)
    console = Console(highlight=False)
    unknown = [format for format in to or () if format not in FORMATS]
    if unknown:
        raise ExportError(f"there is no format {unknown[0]!r}; the formats are {', '.join(FORMATS)}.")
    chosen = {"complexity": complexity, "hands": hands, "angles": angles, "mirrored": mirrored}
    settings = _settings(chosen, setting or [])
    jobs = plan_jobs(videos, out, settings, formats=to or (), annotate=annotate, estimator=estimator)
    if not dask:
        ensure_models(settings.complexity, hands=settings.hands)
    bars = _Bars(console, len(jobs))
    with bars.progress:
        outcomes = run_jobs(jobs, workers=workers, dask=dask or None, on_progress=bars.show, on_finished=bars.finished)
    failed = [outcome for outcome in outcomes if outcome.error]
    frames = sum(outcome.frames_in for outcome in outcomes)
    console.print(f"[bold]{len(outcomes) - len(failed)} of {len(outcomes)} videos analysed, {frames} frames[/bold], "
                  f"in [cyan]{out}[/cyan]")  # fmt: skip
    if failed:
        raise typer.Exit(1)


def _settings(chosen: dict[str, Any], more: list[str]) -> Any:
    """Return the settings; the design is join where one person is followed, because every frame gets pose and hands."""
    import json

    from livedance_lab.analysis.angle_definitions import angle_ids
    from livedance_lab.errors import SettingsError
    from livedance_lab.settings import Settings

    changes: dict[str, Any] = dict(chosen)
    for text in more:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"--set needs NAME=VALUE, got {text!r}.")
        try:
            changes[name] = json.loads(value)
        except json.JSONDecodeError:
            changes[name] = value  # a word needs no quotes
    if Settings.parse(changes).max_people == 1:
        changes = {"design": "join", **changes}
    settings = Settings.parse(changes)
    angle_ids(settings.angles)  # report a wrong name once, now, rather than for each video
    return settings


class _Bars:
    """A progress bar for each running video, one for all videos, and a line for each finished one."""

    def __init__(self, console: Console, n_videos: int) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(show_speed=True),
                   TimeRemainingColumn())  # fmt: skip
        self.progress = Progress(*columns, console=console, transient=True)
        self._console, self._lock = console, threading.Lock()
        self._whole = self.progress.add_task("[bold]videos[/bold]", total=n_videos)
        self._of: dict[str, Any] = {}

    def show(self, name: str, done: int, expected: int) -> None:
        """Update the bar of a video."""
        with self._lock:
            if name not in self._of:
                self._of[name] = self.progress.add_task(name, total=None)
            self.progress.update(self._of[name], completed=done, total=max(expected, done) or None)

    def finished(self, outcome: Outcome) -> None:
        """Replace the bar of a finished video by a line."""
        with self._lock:
            if outcome.name in self._of:
                self.progress.update(self._of[outcome.name], visible=False)
        self.progress.advance(self._whole)
        self._console.print(_line(outcome))


def _line(outcome: Outcome) -> str:
    from rich.markup import escape

    name = escape(outcome.name)
    if outcome.error:
        return f"[red]{name}[/red]: {escape(outcome.error)}"
    counts = f"{outcome.frames_in} frames read, {outcome.frames_out} results"
    person = f", person found in {outcome.found / max(1, outcome.frames_out):.1%}"
    took = "already analysed" if outcome.skipped else f"{outcome.seconds:.1f} s"
    return f"[green]{name}[/green]: {counts}{person}, {took}"
