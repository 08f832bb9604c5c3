"""Simulates a server with any number of cores: the real sessions and scheduler, stepped by a simulated clock.

Only durations are simulated: an estimator call takes as long as one that was measured. Which lane works next, which
frame it takes, which result is emitted and how each frame is counted is decided by the same code as in the server. So
two cores are enough to make a table for 16. The simulation ignores that cores slow one another down (memory, heat), and
other programs.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from livedance_lab.benchmarks.stage_times import StageTimes
from livedance_lab.client.frame_credit import FrameCredit, Pacing
from livedance_lab.clock import ClockOffset, FakeClock
from livedance_lab.errors import LiveDanceError
from livedance_lab.estimators.base import Estimate, Estimator, HandEstimate
from livedance_lab.media.images import encode_jpeg
from livedance_lab.pipeline.lane import Lane
from livedance_lab.pipeline.ledger import LedgerSummary
from livedance_lab.pipeline.policies import pose_lane_count
from livedance_lab.pipeline.scheduler import Job, Scheduler, SchedulingPolicy
from livedance_lab.pipeline.session import Session
from livedance_lab.pose import FrameState, PoseResult
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.schema import TABLES
from livedance_lab.session_data.summary import summarise
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33
from livedance_lab.wire.frames import FrameHeader

__all__ = ["SIMULATED", "Simulation", "simulate", "simulation_table"]

SIMULATED = {
    "cores": "cores",
    "clients": "cameras",
    "pose_lanes": "pose lanes",
    "results_per_s": "results/s",
    "hands_per_s": "hands/s",
    "age_p50_ms": "age p50 ms",
    "age_p95_ms": "age p95 ms",
    "newest_age_ms": "newest's age ms",
    "late_share": "late",
    "fairness": "slowest/mean",
}
"""Columns of the table, and their headings."""

_SIZE_PX = (480, 640)
_IMAGE = encode_jpeg(np.zeros((48, 36, 3), np.uint8), 0.5)
_WARM_S = 1.0


class _SteppedLane(Lane):
    """A lane without a thread: the simulation runs its jobs."""

    def start(self, policy: SchedulingPolicy) -> None:
        self.policy = policy
        self.state.idle = True
        self.ready.set()

    def stop(self, timeout_s: float = 5.0) -> bool:  # noqa: ARG002  there is no thread to wait for
        return True


class Simulation:
    """Several cameras, one server, and a clock that moves from one event to the next.

    Parameters
    ----------
    cores : int
        Number of estimator calls that may run at the same time.
    clients : int
        Number of cameras, each with its own session.
    stages : StageTimes
    settings : Settings, optional
    fps : float, default 60
        Frames per second that each camera captures.
    pacing : {"auto", "paced", "free"}
    seed : int, default 0
        Of the random durations.
    """

    def __init__(
        self,
        cores: int,
        clients: int,
        stages: StageTimes,
        settings: Settings | None = None,
        *,
        fps: float = 60.0,
        pacing: Pacing = "auto",
        seed: int = 0,
    ) -> None:
        self.clock = FakeClock()
        self.scheduler = Scheduler(cores, self.clock)
        self.stages, self.settings, self.fps = stages, settings or Settings(), fps
        self.lanes: list[_SteppedLane] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._rng = np.random.default_rng(seed)
        self.cameras = [_Camera(self, f"camera-{n}", pacing, n / clients / fps) for n in range(clients)]

    def schedule(self, t_s: float, action: Callable[[], None]) -> None:
        """Run an action at a time of the simulated clock."""
        heapq.heappush(self._events, (t_s, next(self._number), action))

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Run the simulation; return the figures of each session as `summarise` does, without the first second."""
        for camera in self.cameras:
            camera.start(seconds + _WARM_S)
        while self._events:
            self.clock.t_s, _, action = heapq.heappop(self._events)
            action()
            for lane in self.lanes:
                if lane.state.assigned is not None:
                    self._run_job(lane)
        return [camera.figures(round(_WARM_S * self.fps)) for camera in self.cameras]

    def make_lane(self, *args: Any) -> Lane:
        """A lane for one of the sessions."""
        lane = _SteppedLane(*args)
        self.lanes.append(lane)
        return lane

    def _run_job(self, lane: _SteppedLane) -> None:
        """Start a lane's job, and schedule its end."""
        job, lane.state.assigned = lane.state.assigned, None
        assert job is not None
        t_s = self.clock()
        if "decode" not in job.received.stage_ms:
            job.received.stage_ms["decode"] = self.stages.decode_ms
            t_s += self.stages.decode_ms / 1000
        job.t_start_s = t_s
        for kind in job.kinds:
            job.stage_ms[kind] = float(self._rng.choice(getattr(self.stages, f"{kind}_ms")))
            t_s += job.stage_ms[kind] / 1000
        done_s = t_s + (self.stages.result_ms / 1000 if "pose" in job.kinds else 0.0)
        self.schedule(done_s, lambda: self._finish_job(lane, job, t_s))

    def _finish_job(self, lane: _SteppedLane, job: Job, t_end_s: float) -> None:
        lane.owner.lane_done(job, _estimate(job.kinds), t_end_s)
        self.scheduler.done(lane.state, lane.policy)
        self.scheduler.mark_idle(lane.state)


class _Camera:
    """A camera with its client and its session; it is also the session's listener."""

    def __init__(self, simulation: Simulation, name: str, pacing: Pacing, phase_s: float) -> None:
        self._simulation, self._phase_s = simulation, phase_s
        self._credit = FrameCredit(pacing, pose_lane_count(simulation.settings, simulation.scheduler.workers))
        self.session = Session(name, simulation.scheduler, self, _no_estimator, simulation.settings,
                               clock=simulation.clock, make_lane=simulation.make_lane)  # fmt: skip
        self.session.set_clock(ClockOffset(0.0, 0.0))

    def start(self, seconds: float) -> None:
        self.session.start()
        for n in range(round(seconds * self._simulation.fps)):
            self._simulation.schedule(self._phase_s + n / self._simulation.fps, self._capture)
        self._simulation.schedule(self._phase_s + seconds + 1.0, lambda: self.session.end(self._credit.captured))

    def figures(self, from_seq: int) -> dict[str, Any]:
        tables = {name: self.session.log.read(name)[0] for name in TABLES}
        return summarise(SessionData(**tables, manifest={}), from_seq)

    def _capture(self) -> None:
        now_s, travel_s = self._simulation.clock(), self._simulation.stages.travel_ms / 1000
        seq = self._credit.capture()
        self._credit.gauge.offered()
        self._credit.reconsider(now_s, 2 * travel_s)
        if not self._credit.may_send(now_s, socket_busy=False):
            self.session.skipped([(seq, now_s)])
            return
        self._credit.send(seq, now_s)
        header = FrameHeader(seq, _SIZE_PX, now_s, now_s)
        self._simulation.schedule(now_s + travel_s,
                       lambda: self.session.receive(header, _IMAGE, len(_IMAGE), self._simulation.clock()))  # fmt: skip

    def on_result(self, _session: str, result: PoseResult, _closed: list[tuple[int, str]], _l: LedgerSummary) -> None:
        times = result.record.times

        def arrive() -> None:
            self._credit.answer(result.seq)
            self._credit.gauge.result(times.t_emit_s - times.t_receive_s)

        self._simulation.schedule(self._simulation.clock() + self._simulation.stages.travel_ms / 1000, arrive)

    def on_refused(self, session_id: str, seq: int, state: FrameState, code: str, message: str) -> None:
        raise LiveDanceError(f"{session_id}: frame {seq} of the simulation ended as {state}: {code}: {message}")

    def on_event(self, session_id: str, event: dict[str, Any]) -> None: ...

    def on_ended(self, session_id: str, ledger: LedgerSummary) -> None: ...


def _no_estimator(kind: str, settings: Settings) -> Estimator:
    raise NotImplementedError("a simulated lane has no estimator")


def _estimate(kinds: tuple[str, ...]) -> Estimate:
    """The estimate of every simulated job: a person whose wrists, and the hands at them, are inside the frame."""
    xyz = np.full((33, 3), 0.5, np.float32)
    for name, x, y in (("left_shoulder", 0.6, 0.3), ("right_shoulder", 0.4, 0.3), ("left_hip", 0.55, 0.6),
                       ("right_hip", 0.45, 0.6), ("left_wrist", 0.7, 0.5), ("right_wrist", 0.3, 0.5)):  # fmt: skip
        xyz[BLAZEPOSE_33.index(name), :2] = x, y
    certain = np.ones(33, np.float32)
    hands = tuple(HandEstimate(side, 0.9, np.full((21, 3), (x, 0.5, 0.0), np.float32), np.zeros((21, 3), np.float32))
                  for side, x in (("left", 0.7), ("right", 0.3)))  # fmt: skip
    found = hands if "hands" in kinds else ()
    return Estimate(xyz, xyz, certain, certain, found) if "pose" in kinds else Estimate(hands=found)


def simulate(
    cores: Sequence[int],
    clients: Sequence[int],
    stages: StageTimes,
    settings: Settings | None = None,
    *,
    seconds: float = 8.0,
    fps: float = 60.0,
    pacing: Pacing = "auto",
) -> list[dict[str, float]]:
    """Simulate every combination of core count and camera count.

    Returns
    -------
    list of dict
        One row per combination with a value for each column of `SIMULATED`: rates are sums over the cameras, ages are
        means.
    """
    rows = []
    for n_cores, n_clients in itertools.product(cores, clients):
        simulation = Simulation(n_cores, n_clients, stages, settings, fps=fps, pacing=pacing)
        figures = simulation.run(seconds)
        rates = [n["results_per_s"] for n in figures]
        rows.append({
            "cores": n_cores,
            "clients": n_clients,
            "pose_lanes": pose_lane_count(simulation.settings, n_cores),
            "results_per_s": sum(rates),
            "hands_per_s": sum(n["hands_per_s"] for n in figures),
            "age_p50_ms": fmean(n["age_ms"]["p50"] for n in figures),
            "age_p95_ms": fmean(n["age_ms"]["p95"] for n in figures),
            "newest_age_ms": fmean(n["newest_age_ms"] for n in figures),
            "late_share": sum(n["states"]["late"] for n in figures) / sum(n["captured"] for n in figures),
            "fairness": min(rates) / fmean(rates),
        })  # fmt: skip
    return rows


def simulation_table(rows: list[dict[str, float]]) -> str:
    """The rows of `simulate` as a Markdown table."""
    lines = ["| " + " | ".join(SIMULATED.values()) + " |", "|" + "---:|" * len(SIMULATED)]
    lines += ["| " + " | ".join(_cell(name, row[name]) for name in SIMULATED) + " |" for row in rows]
    return "\n".join(lines)


def _cell(name: str, value: float) -> str:
    if name == "late_share":
        return f"{value:.1%}"
    return f"{value:.2f}" if name == "fairness" else f"{value:.1f}" if isinstance(value, float) else str(value)
