"""``livedance export``: writes a recording in the formats of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["export"]


def export(
    path: Annotated[Path | None, typer.Argument(help="Folder of the recording.")] = None,
    to: Annotated[list[str] | None, typer.Option(help="Format, see --formats; several: repeat --to.")] = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("livedance-export"),
    formats: Annotated[bool, typer.Option("--formats", help="List the formats and their options.")] = False,
    name: Annotated[str | None, typer.Option(help="File name, without suffix.")] = None,
    smooth: Annotated[bool | None, typer.Option("--smooth/--raw", help="Smoothed or raw values; default: raw.")] = None,
    hands: Annotated[bool | None, typer.Option("--hands/--no-hands", help="Also export hand landmarks.")] = None,
    space: Annotated[str | None, typer.Option(help="px: pixels in the picture; m: metres in space.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames/s of formats without times; default: camera's.")] = None,
    fill: Annotated[str | None, typer.Option(help="Rows without a result: nan, or linear (interpolate).")] = None,
    max_gap_s: Annotated[float | None, typer.Option(help="With linear: the longest gap to interpolate, in s.")] = None,
    times: Annotated[str | None, typer.Option(help="NWB time stamps: true, or nominal (constant rate).")] = None,
    subject: Annotated[str | None, typer.Option(help="NWB, Motion-BIDS: label of the person.")] = None,
    task: Annotated[str | None, typer.Option(help="Motion-BIDS: label of what the person did.")] = None,
    people: Annotated[str | None, typer.Option(help="Names of people by their number: 1=Ana,2=Ben.")] = None,
) -> None:  # fmt: skip
    """Export a recording to files for other tools; the export has the full duration of the recording."""
    from livedance_lab.errors import ExportError
    from livedance_lab.export import FORMATS
    from livedance_lab.session_data.recording.reader import Recording

    if formats:
        _list_formats()
        return
    if path is None or not to:
        raise ExportError(f"give the folder of a recording, and a format with --to: {', '.join(FORMATS)}.")
    given = {"name": name, "smooth": smooth, "hands": hands, "space": space, "fps": fps, "fill": fill,
             "max_gap_s": max_gap_s, "times": times, "subject": subject, "task": task}  # fmt: skip
    recording = Recording.open(path)
    options = {key: value for key, value in given.items() if value is not None}
    _export_all(_named(recording, people), recording.missing, to, out, options)


def _named(recording: Any, people: str | None) -> Any:
    """Return the recording with the names that were given."""
    from livedance_lab.errors import ExportError
    from livedance_lab.session_data import name_people

    if people is None:
        return recording
    pairs = [pair.partition("=") for pair in people.split(",")]
    if not all(id.strip().isdecimal() and name for id, _, name in pairs):
        raise ExportError(f"--people must look like 1=Ana,2=Ben, got {people!r}.")
    return name_people(recording, {int(id): name.strip() for id, _, name in pairs})


def _export_all(
    recording: Any, missing: tuple[str, ...], formats: list[str], out: Path, options: dict[str, Any]
) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from livedance_lab.export import export as export_session

    console = Console(highlight=False)
    for text in missing:
        console.print(f"[yellow]missing in the recording[/yellow]: {text}")
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[what]}"))
    with Progress(*columns, console=console, transient=True) as bars:
        for format, taken in _options_by_format(formats, options).items():
            bar = bars.add_task(format, total=1.0, what="")

            def progress(share: float, what: str, bar: Any = bar) -> None:
                bars.update(bar, completed=share, what=what)

            files = export_session(recording, format, out, progress=progress, **taken)
            bars.remove_task(bar)
            n_bytes = sum(file.stat().st_size for file in files)
            console.print(f"[green]{format}[/green]: {len(files)} files, {n_bytes / 1e6:.1f} MB in {out}")


def _options_by_format(formats: list[str], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options for each format; an option that no format has goes to the first, whose error names it."""
    from livedance_lab.export import FORMATS

    known = {format: (*FORMATS[format].options, "name") if format in FORMATS else () for format in formats}
    orphans = {name for name in options if not any(name in takes for takes in known.values())}
    return {
        format: {n: v for n, v in options.items() if n in takes or (n in orphans and format == formats[0])}
        for format, takes in known.items()
    }


def _list_formats() -> None:
    from rich.console import Console
    from rich.markup import escape

    from livedance_lab.export import FORMATS

    console = Console(highlight=False)
    for name, format in FORMATS.items():
        options = " ".join(f"--{option.replace('_', '-')}" for option in ("name", *format.options))
        needs = f"; needs pip install 'livedance-lab[{format.extra}]'" if format.extra else ""
        console.print(f"[bold]{name:<12}[/bold] {format.title}")
        console.print(f"{'':<12} [dim]{escape(f'read with {format.loader}{needs}')}[/dim]", soft_wrap=True)
        console.print(f"{'':<12} [dim]{escape(options)}[/dim]", soft_wrap=True)
