"""Numbers for Prometheus (text exposition format 0.0.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from livedance_lab.pose import FrameRecord
from livedance_lab.system.resources import resident_bytes

if TYPE_CHECKING:
    from livedance_lab.server.session_manager import Hub

__all__ = ["Meters"]

_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


class Meters(Collector):
    """All numbers of one server: histograms filled as results leave, the rest read when asked for.

    Histograms have no session label: a server sees any number of sessions, and each would stay for ever.

    Parameters
    ----------
    hub : Hub
    """

    def __init__(self, hub: Hub) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._hub, self._registry = hub, CollectorRegistry()
        self._age = Histogram("livedance_frame_age_seconds", "Capture to emission of each result",
                              buckets=_BUCKETS_S, registry=self._registry)  # fmt: skip
        self._wait = Histogram("livedance_queue_wait_seconds", "Reception to the beginning of inference",
                               buckets=_BUCKETS_S, registry=self._registry)  # fmt: skip
        self._stages = Histogram("livedance_stage_seconds", "What each step of a result took", ["stage"],
                                 buckets=_BUCKETS_S, registry=self._registry)  # fmt: skip
        self._registry.register(self)

    def observe(self, record: FrameRecord) -> None:
        """A result leaves; may be called in any thread. Unknown times (NaN) are left out."""
        _observe(self._age, record.times.t_emit_s - record.times.t_capture_s)
        for stage, took_ms in record.stage_ms.items():
            _observe(self._wait if stage == "wait" else self._stages.labels(stage), took_ms / 1000)

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What is read when asked for (prometheus_client's hook)."""
        hub = self._hub
        yield GaugeMetricFamily("livedance_up_seconds", "Time since start", hub.clock() - hub.started_s)
        yield GaugeMetricFamily("livedance_resident_memory_bytes", "Memory of the server", resident_bytes())
        for name, value in hub.totals.items():
            yield CounterMetricFamily(f"livedance_{name}", name.replace("_", " "), value)
        yield from self._sessions()

    def _sessions(self) -> Iterator[Metric]:
        summaries = [(room.session.id, room.session.status()) for room in list(self._hub.rooms.values())]
        captured = CounterMetricFamily("livedance_frames_captured", "Frames captured", labels=["session"])
        ended = CounterMetricFamily("livedance_frames", "Frames by how they ended", labels=["session", "state"])
        ages = GaugeMetricFamily("livedance_frame_age_ms", "Capture to emission, last 5 s",
                                 labels=["session", "quantile"])  # fmt: skip
        for session, summary in summaries:
            captured.add_metric([session], summary["ledger"]["captured"])
            for state, n in summary["ledger"]["states"].items():
                ended.add_metric([session, state], n)
            for quantile, age_ms in summary["age_ms"].items():
                ages.add_metric([session, str(int(quantile[1:]) / 100)], age_ms)
        yield from (captured, ended, ages)
        hands = CounterMetricFamily("livedance_hands", "Hands by where they were seen", labels=["session", "place"])
        inferences = CounterMetricFamily("livedance_hand_inferences", "Hands inferences", labels=["session"])
        for session, summary in summaries:
            inferences.add_metric([session], summary["hands"]["inferences"])
            for place in ("at_wrists", "away"):
                hands.add_metric([session, place], summary["hands"][place])
        yield from (hands, inferences)
        for key in ("results_per_s", "hands_per_s"):
            rates = GaugeMetricFamily(f"livedance_{key}", "Rate of the last 2 s", labels=["session"])
            for session, summary in summaries:
                rates.add_metric([session], summary[key])
            yield rates


def _observe(histogram: Histogram, value: float) -> None:
    if not math.isnan(value):
        histogram.observe(value)
