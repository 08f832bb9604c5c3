"""``livedance info``: shows what a recording contains."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["info"]

_LINES = 12  # of a list; more are counted


def info(
    path: Annotated[Path, typer.Argument(help="Folder of the recording.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:  # fmt: skip
    """Show the duration of a recording, its rates, frames by state, gaps, settings changes and marks."""
    from rich.console import Console

    from livedance_lab.session_data.recording.overview import recording_overview
    from livedance_lab.session_data.recording.reader import Recording
    from livedance_lab.wire.messages import encode_json

    about = recording_overview(Recording.open(path))
    if as_json:
        typer.echo(encode_json(about))
        return
    _show(about, Console(highlight=False))


def _show(about: dict[str, Any], console: Console) -> None:
    from rich.markup import escape

    console.print(f"[bold]{escape(about['session_id'] or 'a session')}[/bold]  {escape(about['path'])}")
    if about["complete"]:
        console.print("[green]complete[/green]: the recording was closed, and all of it can be read")
    for text in about["missing"]:
        console.print(f"[yellow]missing[/yellow]: {escape(text)}")
    console.print()
    console.print(_numbers(about))
    console.print(_ledger(about["ledger"]))
    _list(console, "Gaps of 0.25 s and more without a result", about["gaps"],
          lambda gap: f"{gap['duration_s']:6.2f} s   {gap['captured']} frames captured in it")  # fmt: skip
    for title, name in (("Settings changes", "settings_changes"), ("Marks", "marks"), ("Errors", "errors")):
        _list(console, title, about[name], lambda event: escape(f"{event['name']}  {_pairs(event['data'])}"))


def _numbers(about: dict[str, Any]) -> Any:
    from rich.table import Table

    age, clock = about["age_ms"], about["clock"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = [
        ("started", about["started_utc"] or "unknown"),
        ("duration", _duration(about["duration_s"])),
        ("captured", _known(about["captured_per_s"], "{:.2f} frames/s")),
        ("results", _known(about["results_per_s"], "{:.2f} per second")),
        ("person found", _known(about["found_share"], "{:.1%} of results")),
        ("age of results", "  ".join(f"{name} {_known(value, '{:.0f} ms')}" for name, value in age.items())),
        ("clock of the client", _clock(clock)),
        ("pictures", "recorded" if about["has_video"] else "not recorded (landmarks only)"),
        ("versions", ", ".join(f"{name} {version}" for name, version in about["versions"].items() if version)),
        ("estimator", about["estimator"] or "unknown"),
        ("models", ", ".join(f"{name} {str(sha)[:12]}" for name, sha in about["models"].items()) or "unknown"),
    ]
    for name, value in rows:
        table.add_row(f"[dim]{name}[/dim]", value)
    return table


def _ledger(ledger: dict[str, Any]) -> Any:
    from rich.table import Table

    title = f"{ledger['captured']} frames captured" + (
        ", all accounted for" if ledger["conserved"] else f"; {ledger['missing']} without a state"
    )
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    for state, n in ledger["states"].items():
        share = n / ledger["captured"] if ledger["captured"] else 0.0
        table.add_row(f"  {state}", f"{n:>8}", f"{share:6.1%}", "[cyan]" + "▇" * round(share * 40) + "[/cyan]")
    return table


def _list(console: Console, title: str, items: list[dict[str, Any]], line: Any) -> None:
    if not items:
        return
    console.print(f"\n{title} ({len(items)})")
    for item in items[:_LINES]:
        console.print(f"  [dim]{_duration(item['at_s']):>12}[/dim]  {line(item)}")
    if len(items) > _LINES:
        console.print(f"  and {len(items) - _LINES} more; --json shows all")


def _clock(clock: dict[str, Any]) -> str:
    if "uncertainty_s" not in clock:
        return "offset not measured" if not clock else f"offset assumed {clock.get('offset_s', float('nan')):.4f} s"
    return f"offset {clock['offset_s']:.4f} s, uncertainty ± {clock['uncertainty_s'] * 1000:.2f} ms"


def _pairs(data: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in data.items())[:160]


def _known(value: float, form: str) -> str:
    return "unknown" if math.isnan(value) else form.format(value)


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "unknown"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:06.3f}" if hours else f"{minutes}:{rest:06.3f}"
