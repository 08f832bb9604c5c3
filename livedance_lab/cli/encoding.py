"""``livedance encoding``: measures size and time of encoded frames and results in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["encoding"]


def encoding(
    source: Annotated[Path | None, typer.Option(help="Video file; default: the sample video.")] = None,
    stills: Annotated[int, typer.Option(min=2, help="Number of frames whose landmarks are compared.")] = 24,
    timed: Annotated[int, typer.Option(min=2, help="Number of frames whose encoding is timed.")] = 60,
    out: Annotated[Path, typer.Option(help="Output folder: encoding.csv, results.csv.")] = Path("livedance-encoding"),
) -> None:  # fmt: skip
    """Compare image formats and sizes for sending frames: time, bytes, change of the landmarks (needs Chromium)."""
    import csv

    from rich import box
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn
    from rich.table import Table

    from livedance_lab.benchmarks.encodings import COLUMNS, measure_encodings
    from livedance_lab.benchmarks.result_formats import RESULT_COLUMNS, measure_result_forms
    from livedance_lab.samples import sample_path
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr()
    console = Console()
    console.width = max(console.width, 126)  # narrower tables could not be read
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("reading results in both forms")
        results = measure_result_forms()
        pictures = measure_encodings(source or sample_path(), stills=stills, timed=timed,
                                     say=lambda text: bar.update(task, description=text))  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    for name, columns, rows in (("encoding", COLUMNS, pictures), ("results", RESULT_COLUMNS, results)):
        table = Table(box=box.SIMPLE_HEAD)
        for heading in columns.values():
            table.add_column(heading, no_wrap=True, justify="right")
        for row in rows:
            table.add_row(*(_text_of(value) for value in row.values()))
        console.print(table)
        with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(rows)


def _text_of(value: str | float) -> str:
    if isinstance(value, str | int):
        return str(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
