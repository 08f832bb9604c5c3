"""``livedance bench``: designs side by side in one interleaved run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["bench"]

_DEFAULT = "original,sequential,join,decoupled,auto"


def bench(
    designs: Annotated[
        str, typer.Option(help="Comma-separated; ratios refer to the first. 'list' shows all.")
    ] = _DEFAULT,
    source: Annotated[Path | None, typer.Option(help="Video file; the sample clip if not given.")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Per measurement.")] = 6.0,
    fps: Annotated[float, typer.Option(min=1, max=240, help="Frames offered per second.")] = 60.0,
    clients: Annotated[int, typer.Option(min=0, help="Also measure so many cameras at once.")] = 0,
    bound: Annotated[bool, typer.Option(help="Also measure the bare landmarkers' speed.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for bench.csv, bench.md, bench.png.")] = Path("livedance-bench"),
) -> None:
    """Measure how designs differ on this machine, now."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from livedance_lab.pipeline.scheduler import core_count
    from livedance_lab.quiet import quiet_c_logs
    from livedance_lab.runs import bench as run
    from livedance_lab.runs import load
    from livedance_lab.runs.report import bench_table, write_bench
    from livedance_lab.runs.samples import sample_path

    quiet_c_logs()
    console = Console()
    if designs == "list":
        for design in run.DESIGNS.values():
            console.print(f"[bold]{design.name:18}[/bold] {design.words}")
        return
    names = [name.strip() for name in designs.split(",") if name.strip()]
    unknown = [name for name in names if name not in run.DESIGNS]
    if unknown or not names:
        raise typer.BadParameter(f"no design {', '.join(unknown)}; there are {', '.join(run.DESIGNS)}.")
    with Progress(TextColumn("{task.description:18}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
                  TimeRemainingColumn(), console=console, transient=True) as bar:  # fmt: skip
        task = bar.add_task("reading the clip", total=rounds * len(names))
        rows = run.bench(
            names, source or sample_path(), rounds=rounds, seconds=seconds, fps=fps,
            progress=lambda done, _all, name: bar.update(task, completed=done, description=name),
        )  # fmt: skip
    files = write_bench(rows, out, rounds=rounds, seconds=seconds, fps=fps, source=(source or sample_path()).name)
    console.print(bench_table(rows), soft_wrap=True)
    if bound:
        cores = core_count()
        best = load.raw_bound(source or sample_path())
        console.print(f"{cores} bare landmarkers in threads: {best:.1f} poses per second.")
    if clients:
        for n in (1, clients):
            many = load.many_clients(source or sample_path(), n, seconds=seconds, fps=fps)
            each = ", ".join(f"{rate:.1f}" for rate in many["results_per_s"])
            console.print(f"{n} clients: {many['total_per_s']:.1f} results/s in all ({each}), slowest over mean "
                          f"{many['fairness']:.2f}, server {many['rss_mb']:.0f} MB")  # fmt: skip
    console.print(f"Median of {rounds} interleaved rounds, ratio to {names[0]} behind ×. Written: "
                  + ", ".join(str(f) for f in files))  # fmt: skip
