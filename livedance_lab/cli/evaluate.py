"""``livedance evaluate``: measures error, roughness and lag against ground truth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    source: Annotated[Path | None, typer.Option(help="Video with ground truth; default: both sample videos.")] = None,
    seconds: Annotated[float | None, typer.Option(min=4, help="Duration in seconds; default: the whole video.")] = None,
    fps: Annotated[float | None,
        typer.Option(min=1, max=240, help="Frames/s of live streams; default: the video's.")] = None,
    designs: Annotated[str,
        typer.Option(help="Designs to stream; see `livedance bench --designs list`.")] = "original,auto",
    rounds: Annotated[int, typer.Option(min=1, help="How often each design is streamed.")] = 2,
    live: Annotated[bool, typer.Option(help="Also measure live: send the videos to a server.")] = True,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("livedance-evaluation"),
) -> None:  # fmt: skip
    """Measure the accuracy of display, smoothing and joint angles against ground truth, and write a report."""
    from rich import box
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
    from rich.table import Table

    from livedance_lab.benchmarks.designs import DESIGNS
    from livedance_lab.evaluation.report import tables, write_evaluation
    from livedance_lab.evaluation.run import evaluate as run
    from livedance_lab.samples import EVALUATED, sample_path
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr()
    console = Console()
    console.width = max(console.width, 124)  # narrower tables could not be read
    names = [name.strip() for name in designs.split(",") if name.strip()]
    unknown = [name for name in names if name not in DESIGNS]
    if unknown:
        raise typer.BadParameter(f"there is no design {', '.join(unknown)}; the designs are {', '.join(DESIGNS)}.")
    for clip in [source] if source else [sample_path(name) for name in EVALUATED]:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
            task = bar.add_task("starting")

            def show(share: float, what: str, bar: Progress = bar, task: TaskID = task) -> None:
                bar.update(task, description=what if math.isnan(share) else f"{what}: {share:.0%}")

            found = run(clip, seconds=seconds, fps=fps, designs=names, rounds=rounds, live=live, progress=show)
        for title, caption, headings, rows in tables(found):
            table = Table(title=f"{clip.stem}: {title}", caption=caption, title_justify="left", caption_justify="left",
                          box=box.SIMPLE_HEAD)  # fmt: skip
            for number, heading in enumerate(headings):
                table.add_column(heading, no_wrap=True, justify="left" if number == 0 else "right")
            for row in rows:
                table.add_row(*row)
            console.print(table)
        page, *others = write_evaluation(found, out / clip.stem)
        console.print(f"Report: [cyan]{page}[/cyan]; its data: " + ", ".join(p.name for p in others) + ".")
