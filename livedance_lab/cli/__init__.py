"""The command line. Each command has its own module, which only calls functions of the package."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from livedance_lab._version import __version__
from livedance_lab.errors import LiveDanceError

__all__ = ["app", "main"]

_COMMANDS = (
    "demo",
    "serve",
    "lab",
    "bench",
    "evaluate",
    "encoding",
    "replay",
    "lsl",
    "doctor",
    "info",
    "export",
    "analyze",
)
_GROUPS = ("models",)

app = typer.Typer(
    help="Live pose estimation for JupyterLab: estimate, record, export and measure how a person moves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"livedance_lab {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option(
        "--version", callback=_version, is_eager=True, help="Show the version and exit.")]
    = False,
) -> None:  # fmt: skip
    pass


def main() -> None:
    """Run the command line; errors of this package are shown as messages, not as tracebacks."""
    for name in _COMMANDS:
        app.command(name)(getattr(import_module(f"livedance_lab.cli.{name}"), name))
    for name in _GROUPS:
        app.add_typer(getattr(import_module(f"livedance_lab.cli.{name}"), name), name=name)
    try:
        app()
    except LiveDanceError as exc:
        typer.secho(f"Error: {exc}", fg=typer.colors.RED, err=True)
        raise SystemExit(1) from None
