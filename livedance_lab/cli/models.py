"""`livedance models`: lists, fetches and verifies the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from livedance_lab.estimators.model_store import Model, ModelStatus

__all__ = ["models"]

models = typer.Typer(no_args_is_help=True, help="List, download and verify the pose and hand models.")

_COLUMNS = {"model": "bold", "complexity": "", "from": "", "MB": "", "state": "", "sha256": "dim"}
_COLOURS = {"ok": "green", "absent": "yellow", "broken": "red"}


@models.command("list")
def list_models() -> None:
    """List all models: where they come from, and whether they are on this machine."""
    from rich.console import Console

    from livedance_lab.estimators import model_store
    from livedance_lab.estimators.model_store import npm

    console, found = Console(), model_store.verify()
    console.print(_table(found))
    missing = [status.model.name for status in found if status.state != "ok" and not status.model.from_wheel]
    if missing:
        console.print(f"To fetch {', '.join(missing)}: {npm.how_to_fetch(missing)}", highlight=False, markup=False)
    console.print(f"Folder: {model_store.folder()}  (to change it, set {model_store.FOLDER_VARIABLE})", highlight=False)


@models.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names of models; default: pose_full and hands.")] = None,
) -> None:  # fmt: skip
    """Download models now, so that the toolkit works without a network later."""
    from rich.console import Console

    from livedance_lab.cli.download_progress import progress_bar
    from livedance_lab.errors import LiveDanceError
    from livedance_lab.estimators import model_store

    console, failed = Console(stderr=True), False
    for model in _named(names or []):
        try:
            with progress_bar() as progress:
                path = model_store.ensure(model.kind, model.complexity or 0, progress)
            console.print(f"[green]ok[/]    {model.name}  {path}", highlight=False, soft_wrap=True)
        except LiveDanceError as exc:
            console.print(f"[red]fail[/]  {model.name}: ", end="", highlight=False)
            console.print(str(exc), highlight=False, markup=False, soft_wrap=True)
            failed = True
    if failed:
        raise typer.Exit(1)


@models.command()
def verify() -> None:
    """Compare every model on this machine with its checksum (SHA-256)."""
    from rich.console import Console

    from livedance_lab.estimators import model_store

    console, found = Console(), model_store.verify()
    console.print(_table(found))
    broken = [status.model.name for status in found if status.state == "broken"]
    if broken:
        console.print(f"Broken: {', '.join(broken)}. They are replaced when they are next used, or now by: "
                      f"livedance models fetch {' '.join(broken)}", highlight=False)  # fmt: skip
        raise typer.Exit(1)
    if all(status.state == "absent" for status in found):
        console.print("There is no model on this machine yet. Download them: livedance models fetch")


def _named(names: list[str]) -> list[Model]:
    """Return the models of these names; without names, those of the package index."""
    from livedance_lab.estimators import model_store

    if not names:
        return [model for model in model_store.CATALOGUE if model.from_wheel]
    known = {model.name: model for model in model_store.CATALOGUE}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(f"there is no model {', '.join(unknown)}; the models are {', '.join(known)}.")
    return [known[name] for name in names]


def _table(found: list[ModelStatus]) -> object:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column, style in _COLUMNS.items():
        table.add_column(column, style=style, justify="right" if column == "MB" else "left", no_wrap=True)
    for status in found:
        model = status.model
        table.add_row(
            model.name,
            "" if model.complexity is None else str(model.complexity),
            "package index" if model.from_wheel else "npm, else web",
            f"{status.size_bytes / 1e6:.1f}" if status.size_bytes else "",
            f"[{_COLOURS[status.state]}]{status.state}[/]",
            status.sha256[:12],
        )
    return table
