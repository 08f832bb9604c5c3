"""How fast would it be on a machine with other cores? The server's own sessions and scheduler, stepped by a clock.

Only what takes time is imagined: an estimator call is a pause as long as one that was measured. Who works next,
which frame is taken, which result leaves and how each frame is counted is decided by the code that decides it in
the server. So a table for 16 cores can be made on two. What it leaves out: cores that slow one another down
(memory, heat), and other programs.
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
from livedance_lab.pipeline.scheduler import Job, Plan, Scheduler
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
"""What is simulated, and its headings."""

_SIZE_PX = (480, 640)
_PICTURE = encode_jpeg(np.zeros((48, 36, 3), np.uint8), 0.5)
_WARM_S = 1.0


class _SteppedLane(Lane):
    """A lane without a thread: the simulation does its work when its time has come."""

    plan: Plan

    def start(self, plan: Plan) -> None:
        self.plan = plan
        self.handle.idle = True
        self.ready.set()

    def stop(self, timeout_s: float = 5.0) -> bool:  # noqa: ARG002  there is nothing to wait for
        return True


class Simulation:
    """Some cameras, one server, a clock that moves from one event to the next.

    Parameters
    ----------
    cores : int
        Estimator calls at once.
    clients : int
        Cameras, each with a session of its own.
    stages : StageTimes
    settings : Settings, optional
    fps : float, default 60
        Frames each camera captures per second.
    pacing : {"auto", "paced", "free"}
    seed : int, default 0
        Of the draws of times.
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

    def at(self, t_s: float, do: Callable[[], None]) -> None:
        """Let something happen at a time to come."""
        heapq.heappush(self._events, (t_s, next(self._number), do))

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Let it run; the sessions in numbers, as `summarise` gives them, without their first second."""
        for camera in self.cameras:
            camera.begin(seconds + _WARM_S)
        while self._events:
            self.clock.t_s, _, do = heapq.heappop(self._events)
            do()
            for lane in self.lanes:
                if lane.handle.job is not None:
                    self._work(lane)
        return [camera.numbers(round(_WARM_S * self.fps)) for camera in self.cameras]

    def make_lane(self, *args: Any) -> Lane:
        """A lane of one of the sessions."""
        lane = _SteppedLane(*args)
        self.lanes.append(lane)
        return lane

    def _work(self, lane: _SteppedLane) -> None:
        """A lane takes its job; when it is done it says so, as its thread would."""
        job, lane.handle.job = lane.handle.job, None
        assert job is not None
        t_s = self.clock()
        if "decode" not in job.picture.stage_ms:
            job.picture.stage_ms["decode"] = self.stages.decode_ms
            t_s += self.stages.decode_ms / 1000
        job.t_start_s = t_s
        for kind in lane.kinds:
            job.stage_ms[kind] = float(self._rng.choice(getattr(self.stages, f"{kind}_ms")))
            t_s += job.stage_ms[kind] / 1000
        out_s = t_s + (self.stages.result_ms / 1000 if "pose" in lane.kinds else 0.0)
        self.at(out_s, lambda: self._done(lane, job, t_s))

    def _done(self, lane: _SteppedLane, job: Job, t_end_s: float) -> None:
        lane._owner.lane_done(job, _seen(lane.kinds), t_end_s)
        self.scheduler.done(lane.handle, lane.plan)
        self.scheduler.ask(lane.handle)


class _Camera:
    """A camera, its client, and the session it feeds; the session's listener, too."""

    def __init__(self, world: Simulation, name: str, pacing: Pacing, phase_s: float) -> None:
        self._world, self._phase_s = world, phase_s
        self._credit = FrameCredit(pacing, pose_lane_count(world.settings, world.scheduler.workers))
        self.session = Session(name, world.scheduler, self, _no_estimator, world.settings, clock=world.clock,
                               make_lane=world.make_lane)  # fmt: skip
        self.session.set_clock(ClockOffset(0.0, 0.0))

    def begin(self, seconds: float) -> None:
        self.session.start()
        for n in range(round(seconds * self._world.fps)):
            self._world.at(self._phase_s + n / self._world.fps, self._capture)
        self._world.at(self._phase_s + seconds + 1.0, lambda: self.session.end(self._credit.captured))

    def numbers(self, from_seq: int) -> dict[str, Any]:
        tables = {name: self.session.log.read(name)[0] for name in TABLES}
        return summarise(SessionData(**tables, manifest={}), from_seq)

    def _capture(self) -> None:
        now_s, travel_s = self._world.clock(), self._world.stages.travel_ms / 1000
        seq = self._credit.capture()
        self._credit.gauge.offered()
        self._credit.reconsider(now_s, 2 * travel_s)
        if not self._credit.may_send(now_s, socket_busy=False):
            self.session.skipped([(seq, now_s)])
            return
        self._credit.send(seq, now_s)
        header = FrameHeader(seq, _SIZE_PX, now_s, now_s)
        self._world.at(now_s + travel_s,
                       lambda: self.session.receive(header, _PICTURE, len(_PICTURE), self._world.clock()))  # fmt: skip

    def on_result(self, session: Session, result: PoseResult, closed: list[tuple[int, str]]) -> None:  # noqa: ARG002
        times = result.record.times

        def arrived() -> None:
            self._credit.answer(result.seq)
            self._credit.gauge.result(times.t_emit_s - times.t_receive_s)

        self._world.at(self._world.clock() + self._world.stages.travel_ms / 1000, arrived)

    def on_refused(self, session: Session, seq: int, state: FrameState, code: str, message: str) -> None:
        raise LiveDanceError(f"{session.id}: frame {seq} of the simulation ended as {state}: {code}: {message}")

    def on_event(self, session: Session, event: dict[str, Any]) -> None: ...

    def on_ended(self, session: Session, summary: LedgerSummary) -> None: ...


def _no_estimator(kind: str, settings: Settings) -> Estimator:
    raise NotImplementedError("a simulated lane has no estimator")


def _seen(kinds: tuple[str, ...]) -> Estimate:
    """What a look gives: somebody whose wrists, and the hands at them, are in the picture."""
    xyz = np.full((33, 3), 0.5, np.float32)
    for name, x, y in (("left_shoulder", 0.6, 0.3), ("right_shoulder", 0.4, 0.3), ("left_hip", 0.55, 0.6),
                       ("right_hip", 0.45, 0.6), ("left_wrist", 0.7, 0.5), ("right_wrist", 0.3, 0.5)):  # fmt: skip
        xyz[BLAZEPOSE_33.index(name), :2] = x, y
    sure = np.ones(33, np.float32)
    hands = tuple(HandEstimate(side, 0.9, np.full((21, 3), (x, 0.5, 0.0), np.float32), np.zeros((21, 3), np.float32))
                  for side, x in (("left", 0.7), ("right", 0.3)))  # fmt: skip
    seen = hands if "hands" in kinds else ()
    return Estimate(xyz, xyz, sure, sure, seen) if "pose" in kinds else Estimate(hands=seen)


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
    """One row per number of cores and of cameras: a value for each of `SIMULATED`, all cameras together.

    Ages are means over the cameras.
    """
    rows = []
    for n_cores, n_clients in itertools.product(cores, clients):
        world = Simulation(n_cores, n_clients, stages, settings, fps=fps, pacing=pacing)
        numbers = world.run(seconds)
        rates = [n["results_per_s"] for n in numbers]
        rows.append({
            "cores": n_cores,
            "clients": n_clients,
            "pose_lanes": pose_lane_count(world.settings, n_cores),
            "results_per_s": sum(rates),
            "hands_per_s": sum(n["hands_per_s"] for n in numbers),
            "age_p50_ms": fmean(n["age_ms"]["p50"] for n in numbers),
            "age_p95_ms": fmean(n["age_ms"]["p95"] for n in numbers),
            "newest_age_ms": fmean(n["newest_age_ms"] for n in numbers),
            "late_share": sum(n["states"]["late"] for n in numbers) / sum(n["captured"] for n in numbers),
            "fairness": min(rates) / fmean(rates),
        })  # fmt: skip
    return rows


def simulation_table(rows: list[dict[str, float]]) -> str:
    """The rows of `simulate` in Markdown."""
    lines = ["| " + " | ".join(SIMULATED.values()) + " |", "|" + "---:|" * len(SIMULATED)]
    lines += ["| " + " | ".join(_cell(name, row[name]) for name in SIMULATED) + " |" for row in rows]
    return "\n".join(lines)


def _cell(name: str, value: float) -> str:
    if name == "late_share":
        return f"{value:.1%}"
    return f"{value:.2f}" if name == "fairness" else f"{value:.1f}" if isinstance(value, float) else str(value)
