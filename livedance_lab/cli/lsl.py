"""``livedance lsl``: publishes a running session as Lab Streaming Layer streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from livedance_lab.client import LiveSession
    from livedance_lab.client.lsl import LslBridge
    from livedance_lab.launcher import LiveServer

__all__ = ["lsl"]

_UPDATE_EVERY_S = 0.5


def lsl(
    server: Annotated[str, typer.Option(help="URL of the server; auto: your server on this machine.")] = "auto",
    token: Annotated[str,
        typer.Option(help="Token of the server; not needed for your own.", envvar="LIVEDANCE_TOKEN")] = "",
    session: Annotated[str | None, typer.Option(help="Id of the session; default: the newest one.")] = None,
    name: Annotated[str, typer.Option(help="Prefix of the streams' names.")] = "livedance",
    markers: Annotated[str | None, typer.Option(help="LSL marker stream whose markers become marks.")] = None,
) -> None:  # fmt: skip
    """Send pose, angles and marks of a running session to Lab Streaming Layer (LSL), and receive LSL markers."""
    from rich.console import Console

    from livedance_lab.client import LiveSession
    from livedance_lab.client.lsl import LslBridge
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr()
    console = Console(highlight=False)
    with LiveSession.attach(_server(server, token), session) as live, LslBridge(live, name, markers) as bridge:
        streams = ", ".join(f"[cyan]{name}_{kind}[/cyan]" for kind in ("pose", "angles", "markers"))
        console.print(f"Session [bold]{live.id}[/bold] is sent to LSL as {streams}. Ctrl-C stops that.")
        try:
            _watch(live, bridge, markers, console)
            console.print("The session has ended.")
        except KeyboardInterrupt:
            console.print("Stopped; the session continues.")
        console.print(str(bridge), markup=False)


def _server(address: str, token: str) -> LiveServer:
    """Return the server at an address: a registered one of this user, or one whose token is given."""
    from livedance_lab.errors import ServerError
    from livedance_lab.launcher.live_server import LiveServer, find_servers

    address = address.rstrip("/")
    if address != "auto" and token:
        return LiveServer(address, token, pid=0)
    known = [server for server in find_servers() if address in ("auto", server.url)]
    if known:
        return known[0]
    if address == "auto":
        raise ServerError("you have no server on this machine: start `livedance serve`, or give --server and --token.")
    raise ServerError(f"{address} is not your server on this machine: give its --token.")


def _watch(live: LiveSession, bridge: LslBridge, markers: str | None, console: Console) -> None:
    """Show the progress until the session ends."""
    import time

    from rich.markup import escape

    with console.status("") as status:
        while not bridge.ended:
            parts = [f"{bridge.pushed} results sent, {live.results_per_s:.1f}/s",
                     f"times ± {bridge.clock.uncertainty_s * 1e3:.2f} ms",
                     "received" if bridge.listened_to else "no receiver yet"]  # fmt: skip
            if bridge.inlet is not None:
                there = f"{bridge.inlet.taken} received" if bridge.inlet.connected else "not on the network"
                parts += [f"markers {markers}: {there}", bridge.inlet.waiting_for or bridge.inlet.error]
            status.update(escape(", ".join(part for part in [*parts, live.error] if part)))
            time.sleep(_UPDATE_EVERY_S)
