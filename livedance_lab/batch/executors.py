"""Many jobs at once: processes of this machine, or workers of a Dask cluster. The same work either way."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

from livedance_lab.batch.jobs import Job, Outcome, plan
from livedance_lab.batch.video_job import Heard, work
from livedance_lab.errors import LiveDanceError
from livedance_lab.settings import Settings
from livedance_lab.system.native_stderr import silence_native_stderr

__all__ = ["analyze_videos", "run_jobs"]

_REACH_S = 10.0
_TRIES = 3
"""How often a job may take its process down before it is given up: it may be the video, or memory."""


def analyze_videos(
    videos: Iterable[str | Path],
    out: str | Path,
    *,
    settings: Settings | None = None,
    formats: Sequence[str] = (),
    annotate: bool = False,
    workers: int | None = None,
    dask: Any = None,
    heard: Heard | None = None,
    finished: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Analyse every frame of video files into recordings, exports and annotated copies.

    Analyses that are there already, of the same videos with the same wishes, are not done again.

    Parameters
    ----------
    videos : iterable of path
    out : path
        Gets a folder for each video: ``<name>/recording`` (open it with `Recording.open`), the exports, and
        ``<name>/<name>.mp4``.
    settings : Settings, optional
    formats : sequence of str
        Names in `livedance_lab.export.FORMATS`.
    annotate : bool, default False
        Make a copy of each video with the body drawn into it, for looking at: its frames follow at the video's
        nominal rate, while the tables keep the true times of a video of varying rate.
    workers : int, optional
        Processes of this machine; by default one for every two cores (pose and hands take one each).
    dask : str or distributed.Client, optional
        Address of a Dask scheduler ("tcp://..."), or a client of one, to work there instead. Its workers must
        see `videos` and `out` under the same paths and have livedance_lab installed.
    heard : callable, optional
        Called with (name, frames done, frames expected) while the work goes on, from any thread.
    finished : callable, optional
        Called with each `Outcome`.

    Returns
    -------
    list of Outcome
        In the order of the videos.

    Raises
    ------
    LiveDanceError
        If a video does not exist, names clash, or the scheduler cannot be reached.
    """
    jobs = plan(videos, out, settings, formats=formats, annotate=annotate)
    return run_jobs(jobs, workers=workers, dask=dask, heard=heard, finished=finished)


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    dask: Any = None,
    heard: Heard | None = None,
    finished: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Do jobs; see `analyze_videos`."""
    for job in jobs:
        _sweep(job)
    listening = heard or (lambda _name, _done, _expected: None)
    ended = _on_dask(jobs, dask, listening) if dask is not None else _on_processes(jobs, workers, listening)
    outcomes: dict[str, Outcome] = {}
    for outcome in ended:
        outcomes[outcome.name] = outcome
        if finished is not None:
            finished(outcome)
    for job in jobs:
        _sweep(job)  # of workers that were killed
    return [outcomes[job.name] for job in jobs]


def _sweep(job: Job) -> None:
    """Remove what attempts that were killed left behind."""
    for left in Path(job.out).glob(f".{job.name}.*.partial"):
        shutil.rmtree(left, ignore_errors=True)


# --- this machine ---

_QUEUE: Any = None
"""In a worker process: where its progress goes."""


def _begin(queue: Any) -> None:
    global _QUEUE  # the one way to hand a queue to a pool's processes
    _QUEUE = queue
    silence_native_stderr()


def _work_and_tell(job: Job) -> Outcome:
    return work(job, lambda *progress: _QUEUE.put(progress))


def _on_processes(jobs: Sequence[Job], workers: int | None, heard: Heard) -> Iterator[Outcome]:
    """Spawned processes: forking after a landmarker was made would hang."""
    n_workers = workers or max(1, (os.cpu_count() or 1) // 2)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    listener = threading.Thread(target=_listen, args=(queue, heard), daemon=True)
    listener.start()
    try:
        left = list(jobs)
        for attempt in range(_TRIES):
            # after a crash the jobs that were cut off go one by one, so that only the guilty one fails again
            n = n_workers if attempt == 0 else 1
            cut_off = []
            for job, outcome in _one_pool(left, n, context, queue):
                if outcome is None:
                    cut_off.append(job)
                else:
                    yield outcome
            left = cut_off
            if not left:
                return
        for job in left:
            yield Outcome(job.name, job.video, error=f"its process was killed {_TRIES} times: out of memory?")
    finally:
        queue.put(None)
        listener.join()


def _one_pool(jobs: Sequence[Job], n: int, context: Any, queue: Any) -> Iterator[tuple[Job, Outcome | None]]:
    """Each job with its outcome, or None where a process of the pool died before it was done."""
    with ProcessPoolExecutor(n, context, _begin, (queue,)) as pool:
        futures: dict[Future[Outcome], Job] = {pool.submit(_work_and_tell, job): job for job in jobs}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], None


def _listen(queue: Any, heard: Heard) -> None:
    while (progress := queue.get()) is not None:
        heard(*progress)


# --- a Dask cluster ---


def _on_dask(jobs: Sequence[Job], dask: Any, heard: Heard) -> Iterator[Outcome]:
    try:
        distributed = import_module("distributed")
    except ImportError as exc:
        raise LiveDanceError(f"Dask cannot be imported ({exc}): pip install 'livedance-lab[batch]'") from exc
    ours = isinstance(dask, str)
    try:
        client = distributed.Client(dask, timeout=_REACH_S) if ours else dask
    except OSError as exc:
        raise LiveDanceError(f"the Dask scheduler {dask} cannot be reached: {exc}.") from exc
    topic = f"livedance-{uuid4().hex}"
    client.subscribe_topic(topic, lambda event: heard(*event[1]))
    try:
        # a worker that dies gives its jobs back to the scheduler, which hands them to others
        futures = {client.submit(_work_on_worker, job, topic, pure=False, retries=_TRIES): job for job in jobs}
        for future in distributed.as_completed(list(futures)):
            try:
                yield future.result()
            except Exception as exc:  # noqa: BLE001 - whatever a worker raised belongs to that one video
                job = futures[future]
                yield Outcome(job.name, job.video, error=f"{type(exc).__name__}: {exc}")
    finally:
        client.unsubscribe_topic(topic)
        if ours:
            client.close()


def _work_on_worker(job: Job, topic: str) -> Outcome:
    worker = import_module("distributed").get_worker()
    step = 0

    def tell(name: str, done: int, expected: int) -> None:
        nonlocal step
        step += 1
        if step % 30 == 1 or done == expected:  # the scheduler keeps these
            worker.log_event(topic, (name, done, expected))

    return work(job, tell)
