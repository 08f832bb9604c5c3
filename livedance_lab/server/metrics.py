"""Metrics of the server for Prometheus (text exposition format 0.0.4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from livedance_lab.pose import FrameRecord
from livedance_lab.system.resources import resident_bytes

__all__ = ["ServerMetrics"]

_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


class ServerMetrics(Collector):
    """All metrics of one server: histograms filled with each result, all other values read on request.

    Histograms have no session label: a server runs any number of sessions, and each would keep its own for ever.

    Parameters
    ----------
    status : callable
        Returns the numbers of every session, see `HostedSession.status`.
    counters : mapping of str to int
        Totals of the server by name.
    up_s : callable
        Returns the seconds since the server's start.
    """

    def __init__(
        self, status: Callable[[], list[dict[str, Any]]], counters: Mapping[str, int], up_s: Callable[[], float]
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._status, self._counters, self._up_s = status, counters, up_s
        self._registry = CollectorRegistry()
        self._age = Histogram("livedance_frame_age_seconds", "Capture to emission of each result",
                              buckets=_BUCKETS_S, registry=self._registry)  # fmt: skip
        self._wait = Histogram("livedance_queue_wait_seconds", "Reception to the start of inference",
                               buckets=_BUCKETS_S, registry=self._registry)  # fmt: skip
        self._stages = Histogram("livedance_stage_seconds", "Duration of each step of a result", ["stage"],
                                 buckets=_BUCKETS_S, registry=self._registry)  # fmt: skip
        self._registry.register(self)

    def observe(self, record: FrameRecord) -> None:
        """Add one result to the histograms; may be called in any thread. Unknown times (NaN) are left out."""
        _observe(self._age, record.times.t_emit_s - record.times.t_capture_s)
        for stage, took_ms in record.stage_ms.items():
            _observe(self._wait if stage == "wait" else self._stages.labels(stage), took_ms / 1000)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Read the values that are not histograms (called by prometheus_client)."""
        yield GaugeMetricFamily("livedance_up_seconds", "Time since start", self._up_s())
        yield GaugeMetricFamily("livedance_resident_memory_bytes", "Memory of the server", resident_bytes())
        for name, value in self._counters.items():
            yield CounterMetricFamily(f"livedance_{name}", name.replace("_", " "), value)
        yield from self._session_metrics()

    def _session_metrics(self) -> Iterator[Metric]:
        captured = CounterMetricFamily("livedance_frames_captured", "Frames captured", labels=["session"])
        ended = CounterMetricFamily("livedance_frames", "Frames by how they ended", labels=["session", "state"])
        ages = GaugeMetricFamily("livedance_frame_age_ms", "Capture to emission, last 5 s",
                                 labels=["session", "quantile"])  # fmt: skip
        hands = CounterMetricFamily("livedance_hands", "Hands by where they were seen", labels=["session", "place"])
        inferences = CounterMetricFamily("livedance_hand_inferences", "Inferences that searched for hands",
                                         labels=["session"])  # fmt: skip
        rates = {key: GaugeMetricFamily(f"livedance_{key}", "Rate of the last 2 s", labels=["session"])
                 for key in ("results_per_s", "hands_per_s")}  # fmt: skip
        for status in self._status():
            session_id = status["id"]
            captured.add_metric([session_id], status["ledger"]["captured"])
            for state, n in status["ledger"]["states"].items():
                ended.add_metric([session_id, state], n)
            for quantile, age_ms in status["age_ms"].items():
                ages.add_metric([session_id, str(int(quantile[1:]) / 100)], age_ms)
            inferences.add_metric([session_id], status["hands"]["inferences"])
            for place in ("at_wrists", "away"):
                hands.add_metric([session_id, place], status["hands"][place])
            for key, rate in rates.items():
                rate.add_metric([session_id], status[key])
        yield from (captured, ended, ages, hands, inferences, *rates.values())


def _observe(histogram: Histogram, value: float) -> None:
    if not math.isnan(value):
        histogram.observe(value)
