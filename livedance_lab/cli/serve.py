"""``livedance serve``: the server alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from livedance_lab.server.config import ServerConfig
    from livedance_lab.system.logs import LogFormat

__all__ = ["serve"]


def serve(
    port: Annotated[int, typer.Option(help="Port; the next free one if it is taken, 0 for any.",
                                     envvar="LIVEDANCE_PORT")] = 8000,
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
    public: Annotated[bool, typer.Option(help="Other machines may reach it; --host says how.")] = False,
    certfile: Annotated[Path | None, typer.Option(help="PEM certificate: speak TLS (https, wss).")] = None,
    keyfile: Annotated[Path | None, typer.Option(help="Its private key, PEM; if not in --certfile.")] = None,
    token: Annotated[str, typer.Option(help="Secret that clients must know; made fresh if not given. Others see a "
                                            "process's arguments: better in the environment.",
                                       envvar="LIVEDANCE_TOKEN")] = "",
    allow_origin: Annotated[list[str] | None, typer.Option(help="A web origin that may connect, repeatable.")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="A name of this machine, repeatable; with TLS any.")]
    = None,
    behind_proxy: Annotated[bool, typer.Option(help="A proxy in front checks origin and host.")] = False,
    max_sessions: Annotated[int, typer.Option(min=0, help="Producers at once; 0: two per core.")] = 0,
    max_messages_per_s: Annotated[float, typer.Option(min=0, help="Of one connection; 0: any.")] = 4000,
    max_mbytes_per_s: Annotated[float, typer.Option(min=0, help="Of one connection, MB; 0: any.")] = 256,
    workers: Annotated[int, typer.Option(min=0, help="Inferences at once; 0: one per core.")] = 0,
    resume_s: Annotated[float, typer.Option(min=0, help="Seconds a session waits for its producer.")] = 10.0,
    hang_s: Annotated[float, typer.Option(min=1, help="Seconds after which a silent estimator is given up.")] = 10.0,
    estimator: Annotated[str, typer.Option(help="Estimator family.")] = "mediapipe",
    queue: Annotated[Literal["latest", "fifo", "keep-oldest"],
                     typer.Option(help="Buffer in which frames wait.", hidden=True)] = "latest",
    preset: Annotated[Path | None, typer.Option(help="TOML file with settings new sessions start with.")] = None,
    record: Annotated[Path | None, typer.Option(help="Record every session below this folder.")] = None,
    record_root: Annotated[Path | None, typer.Option(help="Clients record below it; default: here.")] = None,
    after_crash: Annotated[str, typer.Option(help="Said in each session's log.", hidden=True)] = "",
    note: Annotated[Path | None, typer.Option(help="Write address and token to this file.", hidden=True)] = None,
    verbose: Annotated[bool, typer.Option(help="Show the log, also of the C libraries.")] = False,
    log_level: Annotated[Literal["debug", "info", "warning", "error"] | None,
                         typer.Option(help="What is logged, on standard error; warning, with --verbose info.")] = None,
    log_format: Annotated[Literal["text", "json"], typer.Option(help="Lines for people, or JSON.")] = "text",
) -> None:  # fmt: skip
    """Run the server until Ctrl-C."""
    from livedance_lab.benchmarks.queues import QUEUES
    from livedance_lab.server.config import ServerConfig, new_token
    from livedance_lab.settings import Settings, load_preset
    from livedance_lab.system.resources import core_count

    config = ServerConfig(
        host=host, port=port, public=public, certfile=certfile, keyfile=keyfile, token=token or new_token(),
        origins=tuple(allow_origin or ()), hosts=tuple(allow_host or ()), behind_proxy=behind_proxy,
        max_sessions=max_sessions, max_messages_per_s=max_messages_per_s, max_bytes_per_s=max_mbytes_per_s * 1e6,
        workers=workers or core_count(), resume_s=resume_s, hang_s=hang_s, estimator=estimator,
        make_slot=QUEUES[queue], settings=load_preset(preset) if preset else Settings(), after_crash=after_crash,
        record_dir=record, record_root=record_root or Path.cwd(),
    )  # fmt: skip
    _prepare(config, verbose, log_level or ("info" if verbose else "warning"), log_format)
    _run(config, note)


def _prepare(config: ServerConfig, verbose: bool, log_level: str, log_format: LogFormat) -> None:
    """A log, C libraries quiet but for their last words, and the models on disk before anybody connects."""
    import faulthandler

    from livedance_lab.server.access import check_exposure
    from livedance_lab.system.logs import set_up
    from livedance_lab.system.memory import return_freed_memory
    from livedance_lab.system.native_stderr import quiet_c_logs

    check_exposure(config)
    set_up(log_level, log_format, secrets=[config.token])
    return_freed_memory()
    faulthandler.enable()  # a crash of native code says where, in the log
    quiet_c_logs(verbose)
    if config.estimator == "mediapipe":
        from livedance_lab.cli.download_progress import progress_bar
        from livedance_lab.estimators import model_store

        with progress_bar() as progress:
            model_store.ensure("pose", config.settings.complexity, progress)
            model_store.ensure("hands", progress=progress)


def _run(config: ServerConfig, note: Path | None) -> None:
    from rich.console import Console

    from livedance_lab.launcher.live_server import forget_server, note_server
    from livedance_lab.server.access import address
    from livedance_lab.server.app import run

    console = Console()
    notes: list[Path] = []

    def ready(port: int) -> None:
        url = address(config, port)
        notes.append(note_server(url, config.token, port, certfile=config.certfile))
        if note is not None:
            notes.append(note_server(url, config.token, port, note, config.certfile))
        console.print(_banner(config, url, told=note is not None), highlight=False)

    try:
        asyncio.run(run(config, ready))
    except KeyboardInterrupt:  # where signals cannot be handled in the loop (Windows)
        console.print()
    finally:
        for path in notes:
            forget_server(path)
    console.print("Stopped; every session was ended and its frames counted.")


def _banner(config: ServerConfig, url: str, *, told: bool) -> str:
    """What it is and where; the token only where nobody has been told it another way."""
    s = config.settings
    params = ", ".join(f"{k} {v:g}" for k, v in s.smoothing.params.items()) or "its own parameters"
    hands = f"hands (up to {s.num_hands}, confidence {s.hand_confidence:g})" if s.hands else "no hands"
    model = ("lite", "full", "heavy")[s.complexity]
    return "\n".join(
        [
            "[bold]livedance_lab[/bold] is ready",
            f"  address    [cyan]{url}[/cyan]",
            f"  token      {'in the note its starter reads' if told else config.token}",
            *_warnings(config),
            f"  models     pose {model}, {hands}, by {config.estimator}",
            f"  design     {s.design}, {config.workers} inferences at once, up to {config.max_sessions} sessions",
            f"  pictures   short side {s.short_side_px} px, {s.image_format} quality {s.jpeg_quality:g}",
            f"  smoothing  {s.smoothing.filter} ({params})",
            "Ctrl-C stops it.",
        ]
    )


def _warnings(config: ServerConfig) -> list[str]:
    """What whoever lets others in should know."""
    if not config.public:
        return []
    lines = ["  [yellow]public[/yellow]     others reach it; their pages only with --allow-origin"]
    if config.certfile is None:
        lines.append("             [yellow]unencrypted: pictures and token can be read; --certfile[/yellow]")
    return lines
