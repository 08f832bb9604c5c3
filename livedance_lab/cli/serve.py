"""``livedance serve``: runs a server until it is stopped."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from livedance_lab.server.config import ServerConfig, new_token

if TYPE_CHECKING:
    from livedance_lab.system.program_logs import LogFormat

__all__ = ["serve"]


def serve(
    port: Annotated[int, typer.Option(help="Port; if it is taken, the next free one; 0: any free port.",
                                     envvar="LIVEDANCE_PORT")] = ServerConfig.port,
    host: Annotated[str, typer.Option(help="Network address on which the server listens.")] = ServerConfig.host,
    public: Annotated[bool, typer.Option(help="Allow other machines; set --host as well.")] = ServerConfig.public,
    certfile: Annotated[Path | None, typer.Option(help="PEM file with a certificate: use TLS (https, wss).")] = None,
    keyfile: Annotated[Path | None, typer.Option(help="PEM file with its private key, if not in --certfile.")] = None,
    token: Annotated[str, typer.Option(help="Secret that clients must send; default: a new one. Other users of the "
                                            "machine can see it here, but not in the environment variable.",
                                       envvar="LIVEDANCE_TOKEN")] = "",
    allow_origin: Annotated[list[str] | None, typer.Option(help="Web site that may connect; repeatable.")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="Another name of this machine that clients use; "
                                                              "repeatable. With TLS any name is allowed.")] = None,
    behind_proxy: Annotated[bool, typer.Option(help="A proxy in front of the server checks origin and host.")] = False,
    max_sessions: Annotated[int, typer.Option(min=0, help="Maximum number of running sessions; 0: two per core.")] = 0,
    max_messages_per_s: Annotated[float, typer.Option(min=0, help="Messages/s of one connection; 0: no limit.")]
    = ServerConfig.max_messages_per_s,
    max_mbytes_per_s: Annotated[float, typer.Option(min=0, help="MB/s of one connection; 0: no limit.")]
    = ServerConfig.max_bytes_per_s / 1e6,
    workers: Annotated[int, typer.Option(min=0, help="Inferences at the same time; 0: one per core.")] = 0,
    resume_s: Annotated[float, typer.Option(min=0, help="Seconds a session waits for its camera to reconnect.")]
    = ServerConfig.resume_s,
    hang_s: Annotated[float, typer.Option(min=1, help="Seconds without an answer until an estimator is replaced.")]
    = ServerConfig.hang_s,
    estimator: Annotated[str, typer.Option(
        help="mediapipe, or blazepose: the same networks, run directly.")] = ServerConfig.estimator,
    queue: Annotated[Literal["latest", "fifo", "keep-oldest"],
                     typer.Option(help="Buffer in which frames wait.", hidden=True)] = "latest",
    complexity: Annotated[Literal["0", "1", "2", "auto"] | None,
                          typer.Option(help="Pose model of new sessions: 0 lite, 1 full, 2 heavy; auto: lite if full "
                                            "is slow on this machine, measured now. Default: the preset's.")] = None,
    preset: Annotated[Path | None, typer.Option(help="TOML file with the settings of new sessions.")] = None,
    record: Annotated[Path | None, typer.Option(help="Record every session, in a new folder inside this one.")] = None,
    record_root: Annotated[Path | None, typer.Option(help="Folder in which clients record; default: current.")] = None,
    after_crash: Annotated[str, typer.Option(help="Logged in each session.", hidden=True)] = "",
    note: Annotated[Path | None, typer.Option(help="Write address and token to this file.", hidden=True)] = None,
    verbose: Annotated[bool, typer.Option(help="Show the log, also that of native libraries.")] = False,
    log_level: Annotated[Literal["debug", "info", "warning", "error"] | None,
                         typer.Option(help="Log level; default: warning, or info with --verbose.")] = None,
    log_format: Annotated[Literal["text", "json"], typer.Option(help="Lines of text or of JSON.")] = "text",
) -> None:  # fmt: skip
    """Run the server alone, until Ctrl-C."""
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
    if complexity == "auto" and estimator != "mediapipe":
        raise typer.BadParameter(f"auto measures the models of the estimator mediapipe, not of {estimator}.")
    if complexity not in (None, "auto"):
        config.settings = config.settings.changed({"complexity": int(complexity)})
    _prepare(config, complexity == "auto", verbose, log_level or ("info" if verbose else "warning"), log_format)
    _run(config, note)


def _prepare(config: ServerConfig, choose: bool, verbose: bool, log_level: str, log_format: LogFormat) -> None:
    """Set up logging and memory, and fetch the models before a client connects."""
    import faulthandler

    from livedance_lab.estimators.base import ESTIMATORS
    from livedance_lab.server.access import check_exposure
    from livedance_lab.system.memory import limit_malloc_retention
    from livedance_lab.system.native_stderr import silence_native_stderr
    from livedance_lab.system.program_logs import configure_logging

    check_exposure(config)
    configure_logging(log_level, log_format, secrets=[config.token])
    limit_malloc_retention()
    faulthandler.enable()  # after a crash of native code, the log says where it happened
    silence_native_stderr(verbose)
    if config.estimator in ESTIMATORS:
        _fetch_models(config, choose)


def _fetch_models(config: ServerConfig, choose: bool) -> None:
    """Fetch the models that sessions start with, after choosing the pose model for this machine if asked."""
    from livedance_lab.cli.download_progress import ensure_models, progress_bar
    from livedance_lab.estimators.speed import suitable_complexity

    if choose:
        with progress_bar() as progress:
            complexity, config.complexity_reason = suitable_complexity(progress)
        config.settings = config.settings.changed({"complexity": complexity})
    ensure_models(config.settings.complexity)


def _run(config: ServerConfig, note: Path | None) -> None:
    from rich.console import Console

    from livedance_lab.launcher.discovery import ServerRecord, register_server, registration_file
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
            path.unlink(missing_ok=True)
    console.print("Stopped; all sessions have been ended.")


def _banner(config: ServerConfig, url: str, *, show_token: bool) -> str:
    """Return the address and the configuration; the token only if the starting program does not read it from a file."""
    from livedance_lab.settings import COMPLEXITY_NAMES

    s = config.settings
    params = ", ".join(f"{k} {v:g}" for k, v in s.smoothing.params.items()) or "default parameters"
    hands = f"hands (up to {s.num_hands}, confidence {s.hand_confidence:g})" if s.hands else "no hands"
    model = config.complexity_reason or COMPLEXITY_NAMES[s.complexity]
    return "\n".join(
        [
            "The [bold]livedance_lab[/bold] server is ready.",
            f"  address    [cyan]{url}[/cyan]",
            f"  token      {config.token if show_token else 'in the file given by --note'}",
            *_warnings(config),
            f"  models     pose {model}, {hands}, {config.estimator}",
            f"  design     {s.design}, up to {config.workers} inferences at once and {config.max_sessions} sessions",
            f"  images     short side {s.short_side_px} px, {s.image_format} quality {s.jpeg_quality:g}",
            f"  smoothing  {s.smoothing.filter} ({params})",
            "Ctrl-C stops it.",
        ]
    )


def _warnings(config: ServerConfig) -> list[str]:
    """Return what the user of a public server should know."""
    if not config.public:
        return []
    lines = ["  [yellow]public[/yellow]     other machines can connect; their web pages need --allow-origin"]
    if config.certfile is None:
        lines.append("             [yellow]not encrypted: others can read images and token; use --certfile[/yellow]")
    return lines
