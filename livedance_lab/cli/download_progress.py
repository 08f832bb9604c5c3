"""Progress bars of downloads in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from livedance_lab.estimators.model_store.fetch import Progress

__all__ = ["ensure_models", "progress_bar"]


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Provide a `Progress` that draws bars on standard error and removes them at the end.

    Yields
    ------
    callable
        For `livedance_lab.estimators.model_store.ensure`. No bar is drawn before its first call.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("[bold]fetching[/] {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks = {}

    def show(what: str, done_bytes: int, total_bytes: int) -> None:
        if not bars.live.is_started:
            bars.start()
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=None)
        bars.update(tasks[what], completed=done_bytes, total=total_bytes or None)

    try:
        yield show
    finally:
        if bars.live.is_started:  # stopping what never started would print an empty line
            bars.stop()


def ensure_models(complexity: int = 1, *, hands: bool = True) -> None:
    """Fetch the models that are not stored yet, with a bar."""
    from livedance_lab.estimators import model_store

    with progress_bar() as progress:
        model_store.ensure("pose", complexity, progress)
        if hands:
            model_store.ensure("hands", progress=progress)
