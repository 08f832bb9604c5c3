"""``livedance bench``: compares designs in one interleaved run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["bench"]

_DEFAULT = "original,sequential,join,decoupled,auto"


def bench(
    designs: Annotated[str,
        typer.Option(help="Designs, with commas; ratios refer to the first. `list` describes all.")] = _DEFAULT,
    source: Annotated[Path | None, typer.Option(help="Video file; default: the sample video.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each design is measured.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each measurement.")] = 6.0,
    fps: Annotated[float, typer.Option(min=1, max=240, help="Frames offered per second.")] = 60.0,
    clients: Annotated[int, typer.Option(min=0, help="Also measure this number of cameras together.")] = 0,
    simulate: Annotated[bool, typer.Option(help="Simulate other machines instead of measuring designs.")] = False,
    cores: Annotated[str, typer.Option(help="With --simulate: numbers of cores.")] = "1,2,4,8,16",
    stage_ms: Annotated[str,
        typer.Option(help="With --simulate: ms per inference, e.g. pose=20,hands=30; default: measured.")] = "",
    bound: Annotated[bool, typer.Option(help="Also measure the speed of the models alone.")] = False,
    out: Annotated[Path, typer.Option(help="Output folder: bench.csv, bench.md, bench.png.")] = Path("livedance-bench"),
) -> None:  # fmt: skip
    """Compare the speed of designs (arrangements of models on cores) on this machine."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from livedance_lab.benchmarks import many_clients
    from livedance_lab.benchmarks.designs import DESIGNS
    from livedance_lab.benchmarks.designs import bench as measure
    from livedance_lab.benchmarks.report import bench_table, write_bench
    from livedance_lab.samples import sample_path
    from livedance_lab.system.native_stderr import silence_native_stderr
    from livedance_lab.system.resources import core_count

    silence_native_stderr()
    console = Console()
    if designs == "list":
        for design in DESIGNS.values():
            console.print(f"[bold]{design.name:18}[/bold] {design.description}")
        return
    clip = source or sample_path()
    if simulate:
        _simulate(console, clip, cores, (1, clients or 4), stage_ms, seconds=seconds, fps=fps)
        return
    names = _chosen(designs, DESIGNS)
    with Progress(TextColumn("{task.description:18}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
                  TimeRemainingColumn(), console=console, transient=True) as bar:  # fmt: skip
        task = bar.add_task("reading the video", total=rounds * len(names))
        rows = measure(
            names, clip, rounds=rounds, seconds=seconds, fps=fps,
            progress=lambda done, _all, name: bar.update(task, completed=done, description=name),
        )  # fmt: skip
    files = write_bench(rows, out, rounds=rounds, seconds=seconds, fps=fps, source=clip.name)
    console.print(bench_table(rows), soft_wrap=True)
    if bound:
        best = many_clients.raw_bound(clip)
        console.print(f"{core_count()} models alone, in threads: {best:.1f} poses per second.")
    if clients:
        many = many_clients.one_and_many(clip, clients, rounds=rounds, seconds=seconds, fps=fps)
        console.print(many_clients.clients_table(many), soft_wrap=True)
    console.print(f"Medians of {rounds} interleaved rounds; after ×, the ratio to {names[0]}. Files: "
                  + ", ".join(str(f) for f in files))  # fmt: skip


def _chosen(designs: str, known: Collection[str]) -> list[str]:
    names = [name.strip() for name in designs.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise typer.BadParameter(f"there is no design {', '.join(unknown)}; the designs are {', '.join(known)}.")
    return names


def _simulate(
    console: Console, clip: Path, cores: str, clients: tuple[int, ...], stage_ms: str, *, seconds: float, fps: float
) -> None:  # fmt: skip
    """Print the table of simulated machines, and the durations it was made with."""
    from livedance_lab.benchmarks.simulation import simulate, simulation_table
    from livedance_lab.benchmarks.stage_times import StageTimes, measure_stage_times
    from livedance_lab.system.resources import core_count

    try:
        counts = [int(number) for number in cores.split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1:
        raise typer.BadParameter(f"numbers of cores are whole numbers from 1, such as 2,4,8; got {cores!r}.")
    if stage_ms:
        stages, how = StageTimes.parse(stage_ms), "given"
    else:
        stages, numbers = measure_stage_times(clip, seconds, fps)
        how = f"measured here with {core_count()} cores"
        simulated = simulate([core_count()], [1], stages, seconds=seconds, fps=fps)[0]
        console.print(
            f"This machine: {numbers['results_per_s']:.1f} results/s, newest's age {numbers['newest_age_ms']:.1f} ms; "
            f"simulated: {simulated['results_per_s']:.1f} results/s, {simulated['newest_age_ms']:.1f} ms.",
            soft_wrap=True,
        )
    console.print(simulation_table(simulate(counts, clients, stages, seconds=seconds, fps=fps)), soft_wrap=True)
    console.print(f"Durations, {how}: {stages}. {fps:g} frames/s from each camera.", soft_wrap=True)
