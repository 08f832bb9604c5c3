"""``livedance encoding``: what pictures and results cost on the wire, measured in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["encoding"]


def encoding(
    source: Annotated[Path | None, typer.Option(help="Video file; the sample clip if not given.")] = None,
    stills: Annotated[int, typer.Option(min=2, help="Frames whose landmarks are compared.")] = 24,
    timed: Annotated[int, typer.Option(min=2, help="Frames whose encoding is timed, for each way.")] = 60,
    out: Annotated[Path, typer.Option(help="Folder for encoding.csv and results.csv.")] = Path("livedance-encoding"),
) -> None:
    """Encode a clip as the view does, in every way the settings offer: time, bytes, landmarks moved."""
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
                                     say=lambda words: bar.update(task, description=words))  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    for name, columns, rows in (("encoding", COLUMNS, pictures), ("results", RESULT_COLUMNS, results)):
        table = Table(box=box.SIMPLE_HEAD)
        for heading in columns.values():
            table.add_column(heading, no_wrap=True, justify="right")
        for row in rows:
            table.add_row(*(_in_words(value) for value in row.values()))
        console.print(table)
        with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(rows)


def _in_words(value: str | float) -> str:
    if isinstance(value, str | int):
        return str(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
