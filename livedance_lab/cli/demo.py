"""``livedance demo``: streams a video through a real server and shows measurements; needs no camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["demo"]


def demo(
    source: Annotated[str, typer.Option(help="Video file or camera number; default: the sample video.")] = "",
    seconds: Annotated[float | None, typer.Option(min=0.5, help="Duration in s; default: the whole video.")] = None,
    fps: Annotated[float | None, typer.Option(min=1, max=240, help="Frames per second; default: the video's.")] = None,
    out: Annotated[Path, typer.Option(help="Output folder: tables, measurements, picture.")] = Path("livedance-demo"),
    design: Annotated[str, typer.Option(help="Use of cores; see `livedance bench --designs list`.")] = "auto",
    pacing: Annotated[str, typer.Option(help="When frames are sent: auto, paced or free.")] = "auto",
    hands: Annotated[bool, typer.Option(help="Also estimate hands.")] = True,
    angles: Annotated[str, typer.Option(help="Joint angles: names of presets or angles, with commas.")] = "included",
    mirrored: Annotated[bool, typer.Option(help="The camera's frames are flipped left to right.")] = False,
    verbose: Annotated[bool, typer.Option(help="Show the log, also that of native libraries.")] = False,
) -> None:  # fmt: skip
    """Stream the sample video, your video or your camera through a real server, and measure the results."""
    from rich.console import Console
    from rich.live import Live

    from livedance_lab.cli.download_progress import ensure_models
    from livedance_lab.cli.stream_progress import StreamProgress
    from livedance_lab.evaluation.demo import run_demo
    from livedance_lab.samples import sample_path
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr(verbose)
    console = Console()
    ensure_models()
    console.print("models are ready", style="dim")
    display = StreamProgress(seconds)
    chosen: dict[str, Any] = {"design": design, "hands": hands, "angles": angles, "mirrored": mirrored}
    with Live(display, console=console, refresh_per_second=8, transient=True):
        summary = run_demo(
            source or str(sample_path()), out, seconds=seconds, fps=fps, settings=chosen, pacing=pacing,
            progress=lambda _share, what: display.show(what), tick=display.tick,
        )  # fmt: skip
    console.print(_numbers(summary))
    console.print(_times(summary))
    if summary["angle_error_deg"]:
        console.print(_errors(summary["angle_error_deg"]))
    kept = "every frame is accounted for" if summary["conserved"] else "BUT NOT ALL OF THEM HAVE A STATE"
    console.print(f"[bold]{summary['captured']} frames captured, {kept}.[/bold]")
    console.print(
        f"Tables and measurements are in [cyan]{out}[/cyan]; the picture is [cyan]{out / 'overview.png'}[/cyan]."
    )
    first = "" if _has_lab() else "pip install 'livedance-lab\\[notebook]', then "
    console.print(f"Next: {first}`livedance lab` opens the notebooks with your own camera.")
    if not summary["conserved"]:
        raise typer.Exit(1)


def _has_lab() -> bool:
    from importlib.util import find_spec

    return find_spec("jupyterlab") is not None and find_spec("anywidget") is not None


def _numbers(summary: dict[str, Any]) -> Table:
    """Return the table of rates and frame counts."""
    from rich.table import Table

    table = Table(title="Rates and frames", show_header=False, title_justify="left", box=None, padding=(0, 2))
    offered = f"{summary['offered_fps']:.0f} offered" if summary["offered_fps"] else ""
    table.add_row("results", f"{summary['results_per_s']:.1f} per second", offered)
    table.add_row("hands", f"{summary['hands_per_s']:.1f} per second", f"on {summary['hands_share']:.0%} of results")
    if summary["hands"].get("inferences"):
        found, cost_ms = summary["hands"]["at_wrists_per_inference"], summary["hands"]["ms_per_inference"]
        table.add_row("", f"{found:.2f} at the wrists per inference", f"{cost_ms:.0f} ms each")
    table.add_row("person found", f"{summary['pose_found_share']:.1%}", "of processed frames")
    for number, (state, n) in enumerate((s, n) for s, n in summary["states"].items() if n):
        table.add_row("frames" if number == 0 else "", f"{n} {state}", f"{n / max(summary['captured'], 1):.1%}")
    return table


def _times(summary: dict[str, Any]) -> Table:
    """Return the table of ages and durations."""
    from rich.table import Table

    table = Table(title="Age of results and duration of steps, ms", title_justify="left", box=None, padding=(0, 2))
    for column in ("", "p50", "p95", "p99"):
        table.add_column(column, justify="right" if column else "left")
    rows = {"age at the server": summary["age_ms"], "age at the client": summary["age_at_client_ms"]}
    rows |= {f"  {s}": summary["stage_ms"][s] for s in ("wait", "decode", "pose", "hands", "angles", "smoothing")}
    for name, values in rows.items():
        table.add_row(name, *(f"{v:.1f}" for v in values.values()))
    return table


def _errors(errors: dict[str, dict[str, float]]) -> Table:
    """Return the table of the errors of the joint angles."""
    from rich.table import Table

    table = Table(
        title="Joint angles against ground truth: mean absolute error in degrees",
        title_justify="left",
        box=None,
        padding=(0, 2),
    )
    for column in ("joint", "raw", "bias", "raw, bias removed", "smoothed", "results"):
        table.add_column(column, justify="left" if column == "joint" else "right")
    for name, e in errors.items():
        numbers = (e["mae"], e["bias"], e["mae_without_bias"], e["mae_smooth"])
        table.add_row(name.replace("_", " "), *(f"{v:.1f}" for v in numbers), f"{e['n']:.0f}")
    return table
