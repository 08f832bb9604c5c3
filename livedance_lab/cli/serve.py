"""``livedance serve``: runs a server until it is stopped."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from livedance_lab.server.config import ServerConfig, new_token

if TYPE_CHECKING:
    from livedance_lab.system.logs import LogFormat

__all__ = ["serve"]


def serve(
    port: Annotated[int, typer.Option(help="Port; the next free one if it is taken, 0 for any.",
                                     envvar="LIVEDANCE_PORT")] = ServerConfig.port,
    host: Annotated[str, typer.Option(help="Address to bind to.")] = ServerConfig.host,
    public: Annotated[bool, typer.Option(help="Let other machines in; set --host as well.")] = ServerConfig.public,
    certfile: Annotated[Path | None, typer.Option(help="PEM certificate: speak TLS (https, wss).")] = None,
    keyfile: Annotated[Path | None, typer.Option(help="Its private key, PEM, if it is not in --certfile.")] = None,
    token: Annotated[str, typer.Option(help="Secret that clients must send; default: a new one. Other users see the "
                                            "arguments of a process, so prefer the environment variable.",
                                       envvar="LIVEDANCE_TOKEN")] = "",
    allow_origin: Annotated[list[str] | None, typer.Option(help="A web origin that may connect, repeatable.")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="A name of this machine that clients use, repeatable; "
                                                              "with TLS any name.")] = None,
    behind_proxy: Annotated[bool, typer.Option(help="A proxy in front checks origin and host.")] = False,
    max_sessions: Annotated[int, typer.Option(min=0, help="Producers at once; 0: two per core.")] = 0,
    max_messages_per_s: Annotated[float, typer.Option(min=0, help="Limit of one connection; 0: none.")]
    = ServerConfig.max_messages_per_s,
    max_mbytes_per_s: Annotated[float, typer.Option(min=0, help="Limit of one connection, MB/s; 0: none.")]
    = ServerConfig.max_bytes_per_s / 1e6,
    workers: Annotated[int, typer.Option(min=0, help="Inferences at once; 0: one per core.")] = 0,
    resume_s: Annotated[float, typer.Option(min=0, help="How long, in seconds, a session waits for its producer.")]
    = ServerConfig.resume_s,
    hang_s: Annotated[float, typer.Option(min=1, help="After how many seconds a silent estimator is replaced.")]
    = ServerConfig.hang_s,
    estimator: Annotated[str, typer.Option(help="What finds people: mediapipe, or blazepose: the same networks run "
                                                "directly.")] = ServerConfig.estimator,
    queue: Annotated[Literal["latest", "fifo", "keep-oldest"],
                     typer.Option(help="Buffer in which frames wait.", hidden=True)] = "latest",
    preset: Annotated[Path | None, typer.Option(help="TOML file with the settings new sessions start with.")] = None,
    record: Annotated[Path | None, typer.Option(help="Record every session below this folder.")] = None,
    record_root: Annotated[Path | None, typer.Option(help="Clients may record below it; default: here.")] = None,
    after_crash: Annotated[str, typer.Option(help="Logged in each session.", hidden=True)] = "",
    note: Annotated[Path | None, typer.Option(help="Write address and token to this file.", hidden=True)] = None,
    verbose: Annotated[bool, typer.Option(help="Show the log, also that of native libraries.")] = False,
    log_level: Annotated[Literal["debug", "info", "warning", "error"] | None,
                         typer.Option(help="Level of the log; default: warning, with --verbose info.")] = None,
    log_format: Annotated[Literal["text", "json"], typer.Option(help="Lines of text, or JSON.")] = "text",
) -> None:  # fmt: skip
    """Run the server until Ctrl-C."""
    from livedance_lab.benchmarks.queues import QUEUES
    from livedance_lab.settings import Settings, load_preset

    config = ServerConfig(
        host=host, port=port, public=public, certfile=certfile, keyfile=keyfile, token=token or new_token(),
        origins=tuple(allow_origin or ()), hosts=tuple(allow_host or ()), behind_proxy=behind_proxy,
        max_sessions=max_sessions, max_messages_per_s=max_messages_per_s, max_bytes_per_s=max_mbytes_per_s * 1e6,
        workers=workers, resume_s=resume_s, hang_s=hang_s, estimator=estimator, make_slot=QUEUES[queue],
        settings=load_preset(preset) if preset else Settings(), after_crash=after_crash,
        record_dir=record, record_root=record_root or Path.cwd(),
    )  # fmt: skip
    _prepare(config, verbose, log_level or ("info" if verbose else "warning"), log_format)
    _run(config, note)


def _prepare(config: ServerConfig, verbose: bool, log_level: str, log_format: LogFormat) -> None:
    """Set up logging and memory, and fetch the models before a client connects."""
    import faulthandler

    from livedance_lab.server.access import check_exposure
    from livedance_lab.system.logs import configure_logging
    from livedance_lab.system.memory import limit_malloc_retention
    from livedance_lab.system.native_stderr import silence_native_stderr

    check_exposure(config)
    configure_logging(log_level, log_format, secrets=[config.token])
    limit_malloc_retention()
    faulthandler.enable()  # after a crash of native code, the log says where it happened
    silence_native_stderr(verbose)
    from livedance_lab.estimators.base import ESTIMATORS

    if config.estimator in ESTIMATORS:
        from livedance_lab.cli.download_progress import progress_bar
        from livedance_lab.estimators import model_store

        with progress_bar() as progress:
            model_store.ensure("pose", config.settings.complexity, progress)
            model_store.ensure("hands", progress=progress)


def _run(config: ServerConfig, note: Path | None) -> None:
    from rich.console import Console

    from livedance_lab.launcher.discovery import ServerRecord, register_server, registration_file, unregister_server
    from livedance_lab.server.access import local_url
    from livedance_lab.server.app import run

    console = Console()
    files: list[Path] = []

    def ready(port: int) -> None:
        url = local_url(config, port)
        record = ServerRecord(url, config.token, os.getpid(), config.certfile, config.record_dir)
        paths = [registration_file(port), *([note] if note is not None else [])]
        files.extend(register_server(record, path) for path in paths)
        console.print(_banner(config, url, show_token=note is None), highlight=False)

    try:
        asyncio.run(run(config, ready))
    except KeyboardInterrupt:  # where the event loop cannot handle signals (Windows)
        console.print()
    finally:
        for path in files:
            unregister_server(path)
    console.print("Stopped; every session was ended and its frames counted.")


def _banner(config: ServerConfig, url: str, *, show_token: bool) -> str:
    """Return the address and the configuration; the token only if the starting program does not read it from a file."""
    from livedance_lab.settings import COMPLEXITY_NAMES

    s = config.settings
    params = ", ".join(f"{k} {v:g}" for k, v in s.smoothing.params.items()) or "default parameters"
    hands = f"hands (up to {s.num_hands}, confidence {s.hand_confidence:g})" if s.hands else "no hands"
    model = COMPLEXITY_NAMES[s.complexity]
    return "\n".join(
        [
            "[bold]livedance_lab[/bold] is ready",
            f"  address    [cyan]{url}[/cyan]",
            f"  token      {config.token if show_token else 'in the file given by --note'}",
            *_warnings(config),
            f"  models     pose {model}, {hands}, {config.estimator}",
            f"  design     {s.design}, {config.workers} inferences at once, up to {config.max_sessions} sessions",
            f"  images     short side {s.short_side_px} px, {s.image_format} quality {s.jpeg_quality:g}",
            f"  smoothing  {s.smoothing.filter} ({params})",
            "Ctrl-C stops it.",
        ]
    )


def _warnings(config: ServerConfig) -> list[str]:
    """Return what the user of a public server should know."""
    if not config.public:
        return []
    lines = ["  [yellow]public[/yellow]     other machines reach it; web pages from there need --allow-origin"]
    if config.certfile is None:
        lines.append("             [yellow]unencrypted: images and token can be read; use --certfile[/yellow]")
    return lines
