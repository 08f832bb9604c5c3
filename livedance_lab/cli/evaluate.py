"""``livedance evaluate``: measures error, roughness and lag against ground truth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

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
    estimator: Annotated[str,
        typer.Option(help="mediapipe, or blazepose: the same networks, run directly.")] = "mediapipe",
    people: Annotated[bool,
        typer.Option("--people", help="Measure how several people are found and told apart.")] = False,
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
    from livedance_lab.samples import EVALUATED, GROUPS, sample_path
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr()
    console = Console()
    console.width = max(console.width, 124)  # narrower tables could not be read
    names = [name.strip() for name in designs.split(",") if name.strip()]
    unknown = [name for name in names if name not in DESIGNS]
    if unknown:
        raise typer.BadParameter(f"there is no design {', '.join(unknown)}; the designs are {', '.join(DESIGNS)}.")
    if people:
        _people(console, [source] if source else [sample_path(name) for name in GROUPS], seconds)
        return
    for clip in [source] if source else [sample_path(name) for name in EVALUATED]:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
            task = bar.add_task("starting")

            def show(share: float, what: str, bar: Progress = bar, task: TaskID = task) -> None:
                bar.update(task, description=what if math.isnan(share) else f"{what}: {share:.0%}")

            found = run(clip, seconds=seconds, fps=fps, designs=names, rounds=rounds, live=live, estimator=estimator,
                        progress=show)  # fmt: skip
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


def _people(console: Console, clips: list[Path], seconds: float | None) -> None:
    """The tables of clips with several people."""
    from rich import box
    from rich.table import Table

    from livedance_lab.evaluation.people import COLUMNS, evaluate_people

    for clip in clips:
        with console.status(f"{clip.stem}: reading the truth") as status:
            rows = evaluate_people(
                clip, seconds=seconds, progress=lambda _, what, clip=clip: status.update(f"{clip.stem}: {what}")
            )
        caption = (
            f"Found: share of the {rows[0]['expected']} person-frames that show half of a silhouette or more; "
            "false: share of what was found that is nobody. RMS of 12 joints, bias removed. Switches: of ids; that of "
            "a pose of num_poses is its index. One of n frames is seen; ms: median."
        )
        table = Table(title=f"{clip.stem}: several people", caption=caption, title_justify="left",
                      caption_justify="left", box=box.SIMPLE_HEAD)  # fmt: skip
        for heading in COLUMNS.values():
            table.add_column(heading, no_wrap=True, justify="left" if heading == COLUMNS["method"] else "right")
        for row in rows:
            table.add_row(*(_cell(key, row[key]) for key in COLUMNS))
        console.print(table)


def _cell(key: str, value: float | str) -> str:
    if key in ("found", "false"):
        return f"{value:.1%}"
    if key in ("idf1", "hota"):
        return f"{value:.3f}"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
