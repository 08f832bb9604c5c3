"""``livedance lsl``: a running session as Lab Streaming Layer streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from livedance_lab.client import LiveSession
    from livedance_lab.client.lsl import LslBridge
    from livedance_lab.launcher import LiveServer

__all__ = ["lsl"]

_LOOK_EVERY_S = 0.5


def lsl(
    server: Annotated[str, typer.Option(help="The server's address; auto: yours on this machine.")] = "auto",
    token: Annotated[str, typer.Option(help="Its token, if it is not yours.", envvar="LIVEDANCE_TOKEN")] = "",
    session: Annotated[str | None, typer.Option(help="Session id; the newest one if not given.")] = None,
    name: Annotated[str, typer.Option(help="What the streams' names begin with.")] = "livedance",
    markers: Annotated[str | None, typer.Option(help="A marker stream that becomes marks of the session.")] = None,
) -> None:
    """Put a running session on LSL: pose, angles and marks out, markers in; until it ends, or Ctrl-C."""
    from rich.console import Console

    from livedance_lab.client import LiveSession
    from livedance_lab.client.lsl import LslBridge
    from livedance_lab.system.native_stderr import silence_native_stderr

    silence_native_stderr()
    console = Console(highlight=False)
    with LiveSession.attach(_server(server, token), session) as live, LslBridge(live, name, markers) as bridge:
        streams = ", ".join(f"[cyan]{name}_{kind}[/cyan]" for kind in ("pose", "angles", "markers"))
        console.print(f"Session [bold]{live.id}[/bold] is on LSL: {streams}. Ctrl-C takes it off.")
        try:
            _watch(live, bridge, markers, console)
            console.print("The session has ended.")
        except KeyboardInterrupt:
            console.print("Stopped; the session goes on.")
        console.print(str(bridge), markup=False)


def _server(address: str, token: str) -> LiveServer:
    """The server meant: one that is known by its note, or one whose token is given."""
    from livedance_lab.errors import ServerError
    from livedance_lab.launcher.live_server import LiveServer, find_servers

    address = address.rstrip("/")
    if address != "auto" and token:
        return LiveServer(address, token, pid=0)
    known = [server for server in find_servers() if address in ("auto", server.url)]
    if known:
        return known[0]
    if address == "auto":
        raise ServerError("no server of yours runs on this machine: `livedance serve`, or give --server and --token.")
    raise ServerError(f"{address} is no server of yours on this machine: give its --token.")


def _watch(live: LiveSession, bridge: LslBridge, markers: str | None, console: Console) -> None:
    """Show how it goes until the session ends."""
    import time

    from rich.markup import escape

    with console.status("") as status:
        while not bridge.ended:
            words = [f"{bridge.pushed} results pushed, {live.results_per_s:.1f}/s",
                     f"stamps ± {bridge.clock.uncertainty_s * 1e3:.2f} ms",
                     "received" if bridge.listened_to else "nobody receives them yet"]  # fmt: skip
            if bridge.inlet is not None:
                there = f"{bridge.inlet.taken} taken" if bridge.inlet.connected else "not on the network"
                words += [f"markers {markers}: {there}", bridge.inlet.waiting_for or bridge.inlet.error]
            status.update(escape(", ".join(word for word in [*words, live.error] if word)))
            time.sleep(_LOOK_EVERY_S)
