"""`livedance doctor`: checks this machine, and a server, and says what to do about problems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["doctor"]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red", "info": "cyan"}


def doctor(
    server: Annotated[str | None, typer.Option(help="Also check the server at this URL.")] = None,
    token: Annotated[str,
        typer.Option(help="Token of the server; not needed for your own.", envvar="LIVEDANCE_TOKEN")] = "",
    trust: Annotated[Path | None, typer.Option(help="PEM file with the certificate of an https server.")] = None,
    verbose: Annotated[bool, typer.Option(help="Show the log of native libraries.")] = False,
) -> None:  # fmt: skip
    """Check Python, packages, models, cores, memory, ports and one inference; say what to do about problems."""
    from rich.console import Console
    from rich.padding import Padding

    from livedance_lab.cli import doctor_checks
    from livedance_lab.cli.download_progress import progress_bar
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr(verbose)
    console, failed = Console(highlight=False), 0
    with progress_bar() as progress:
        for check in doctor_checks.run(server, progress, token, trust or True):
            console.print(f"[{_COLOURS[check.level]}]{check.level:<5}[/][bold]{check.name:<11}[/]", end="")
            console.print(check.text, markup=False, soft_wrap=True)
            if check.advice:
                console.print(Padding(f"→ {check.advice}", (0, 0, 0, 5)), markup=False, style="italic")
            failed += check.level == "fail"
    if failed:
        console.print(f"[bold red]{failed} of these checks failed; solve them first.[/]")
        raise typer.Exit(1)
    console.print("[green]Ready.[/] Next: livedance demo")
