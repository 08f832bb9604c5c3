"""Shows the progress of a stream in the terminal."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table

from livedance_lab.analysis.statistics import Window, percentiles
from livedance_lab.clock import now_s

if TYPE_CHECKING:
    from livedance_lab.client.live_client import LiveClient

__all__ = ["StreamProgress"]


class StreamProgress:
    """Display of a running stream: progress bar, rates, ages, frame counts, durations of the steps.

    Parameters
    ----------
    seconds : float or None
        Expected duration, for the progress bar.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._text = "starting"
        self._spinner = Spinner("dots")
        self._client: LiveClient | None = None
        self._begun_s: float | None = None
        self._results = Window(2.0)
        self._seen = 0
        self._ages_ms: deque[float] = deque(maxlen=240)
        self._stage_ms: dict[str, float] = {}

    def show(self, text: str) -> None:
        """Show what is being done."""
        self._text = text

    def tick(self, client: LiveClient) -> None:
        """Update the figures; called after each captured frame."""
        now = now_s()
        self._begun_s = now if self._begun_s is None else self._begun_s
        self._client = client
        for _ in range(client.results_received - self._seen):
            self._results.add(now)
        if client.results_received > self._seen and client.latest is not None:
            times = client.latest.times
            self._ages_ms.append((times.t_emit_s - times.t_capture_s) * 1000)
            self._stage_ms = client.latest.stage_ms
            self._seen = client.results_received
        self._text = "streaming"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Called by rich a few times a second."""
        self._spinner.update(text=self._text)
        yield self._spinner
        client = self._client
        if client is None or self._begun_s is None:
            return
        done_s = now_s() - self._begun_s
        if self._seconds:
            yield ProgressBar(total=self._seconds, completed=min(done_s, self._seconds), width=40)
        age = percentiles(list(self._ages_ms))
        ledger = client.latest.ledger if client.latest is not None else {}
        table = Table(show_header=False, box=None, padding=(0, 2))
        table.add_row("frames", f"{client.credit.captured} captured, {client.credit.sent} sent")
        table.add_row("results", f"{self._results.rate_hz(now_s()):.1f} per second")
        table.add_row("age", f"p50 {age['p50']:.0f} ms, p95 {age['p95']:.0f} ms")
        table.add_row("frames by state", ", ".join(f"{k} {v}" for k, v in ledger.items() if v and k != "captured"))
        table.add_row("durations", ", ".join(f"{k} {v:.1f} ms" for k, v in self._stage_ms.items() if v >= 0.1))
        yield table
