"""``livedance lab``: starts the server and JupyterLab with the notebooks; Ctrl-C stops both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import subprocess

    from livedance_lab.launcher import LiveServer

__all__ = ["lab"]

_FIRST = "01_quickstart.ipynb"
_STOP_WITHIN_S = 20.0


def lab(
    folder: Annotated[Path | None, typer.Option(help="Folder of the notebooks; default: found, or a new copy.")] = None,
    port: Annotated[int, typer.Option(help="Port of JupyterLab; if it is taken, the next free one.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open JupyterLab in the browser.")] = True,
    allow_root: Annotated[bool, typer.Option("--allow-root", help="Allow the user root (in containers).")] = False,
) -> None:  # fmt: skip
    """Open the notebooks: start the server and JupyterLab; Ctrl-C stops both."""
    from importlib.util import find_spec

    from rich.console import Console

    from livedance_lab.errors import LiveDanceError
    from livedance_lab.launcher import LiveServer

    missing = [name for name in ("jupyterlab", "ipywidgets", "anywidget", "ipywebrtc") if find_spec(name) is None]
    if missing:
        raise LiveDanceError(f"{', '.join(missing)}: not installed. Run: pip install 'livedance-lab[notebook]'")
    console = Console()
    place = folder or notebooks_folder(Path.cwd())
    server = LiveServer.start()
    try:
        console.print(f"Server: [cyan]{server.url}[/cyan]. Notebooks: [cyan]{place}[/cyan]. Ctrl-C stops both.")
        options = [*([] if browser else ["--no-browser"]), *(["--allow-root"] if allow_root else [])]
        code = _run(_jupyter(place, port, options, server))
    finally:
        server.stop()
    console.print("Stopped.")
    raise typer.Exit(code)


def notebooks_folder(here: Path) -> Path:
    """Return the folder of the notebooks: this folder, this checkout, or a copy from the package.

    Parameters
    ----------
    here : Path
        The current folder.

    Raises
    ------
    LiveDanceError
        If there are none to copy, or they cannot be copied.
    """
    import shutil

    from livedance_lab.errors import LiveDanceError

    package = Path(__file__).resolve().parents[1]
    own = here / "livedance-notebooks"
    for place in (here, here / "notebooks", own, package.parent / "notebooks"):
        if (place / _FIRST).is_file():
            return place
    if not (package / "_notebooks" / _FIRST).is_file():
        raise LiveDanceError("the notebooks are neither here nor in the package; give their folder with --folder.")
    try:
        shutil.copytree(package / "_notebooks", own)
    except OSError as exc:
        raise LiveDanceError(f"the notebooks cannot be copied to {own}: {exc}") from exc
    return own


def _jupyter(place: Path, port: int, options: list[str], server: LiveServer) -> subprocess.Popen[bytes]:
    """Start JupyterLab in a process group of its own, because it would answer Ctrl-C with a question."""
    import os
    import subprocess
    import sys
    from urllib.parse import urlsplit

    from livedance_lab.launcher.discovery import PORT_VARIABLE

    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={place.resolve()}",
               f"--ServerApp.port={port}", f"--LabApp.default_url=/lab/tree/{_FIRST}", *options]  # fmt: skip
    environment = {**os.environ, PORT_VARIABLE: str(urlsplit(server.url).port)}
    return subprocess.Popen(command, env=environment, start_new_session=True)


def _run(jupyter: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab to end; on Ctrl-C or SIGTERM stop it and its kernels."""
    import signal
    import subprocess

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        return jupyter.wait()
    except KeyboardInterrupt:
        jupyter.terminate()
        try:
            jupyter.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            jupyter.kill()
            jupyter.wait()
        return 0
