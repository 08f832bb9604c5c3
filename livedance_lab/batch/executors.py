"""Runs jobs in parallel, in processes of this machine or on a Dask cluster; the values are the same."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from importlib import import_module
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any
from uuid import uuid4

from livedance_lab.batch.jobs import Outcome, VideoJob, plan_jobs
from livedance_lab.batch.video_job import OnProgress, run_job
from livedance_lab.errors import LiveDanceError
from livedance_lab.settings import Settings
from livedance_lab.system.native_stderr import silence_native_stderr

__all__ = ["analyze_videos", "run_jobs"]

_CONNECT_TIMEOUT_S = 10.0
_MAX_TRIES = 3
"""Number of processes that a job may crash before it is given up; the cause may be the video, or a lack of memory."""


def analyze_videos(
    videos: Iterable[str | Path],
    out: str | Path,
    *,
    settings: Settings | None = None,
    formats: Sequence[str] = (),
    annotate: bool = False,
    workers: int | None = None,
    dask: Any = None,
    on_progress: OnProgress | None = None,
    on_finished: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Analyse every frame of video files; write recordings, exports and annotated copies.

    An analysis that was finished before, of the same video with the same parameters, is not repeated.

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
        Make a copy of each video with the body drawn into it. The copy has the video's nominal frame rate; the tables
        have the true times, also of a video with a variable rate.
    workers : int, optional
        Number of processes on this machine; by default one per two cores, because pose and hands take one core each.
    dask : str or distributed.Client, optional
        Address of a Dask scheduler ("tcp://..."), or a client of one, to use instead of this machine. Its workers need
        `videos` and `out` under the same paths, and livedance_lab installed.
    on_progress : callable, optional
        Called with (name, frames done, frames expected), from any thread.
    on_finished : callable, optional
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
    jobs = plan_jobs(videos, out, settings, formats=formats, annotate=annotate)
    return run_jobs(jobs, workers=workers, dask=dask, on_progress=on_progress, on_finished=on_finished)


def run_jobs(
    jobs: Sequence[VideoJob],
    *,
    workers: int | None = None,
    dask: Any = None,
    on_progress: OnProgress | None = None,
    on_finished: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Run jobs; see `analyze_videos`."""
    for job in jobs:
        _remove_partial(job)
    progress = on_progress or (lambda _name, _done, _expected: None)
    ended = _on_dask(jobs, dask, progress) if dask is not None else _on_processes(jobs, workers, progress)
    outcomes: dict[str, Outcome] = {}
    for outcome in ended:
        outcomes[outcome.name] = outcome
        if on_finished is not None:
            on_finished(outcome)
    for job in jobs:
        _remove_partial(job)  # of workers that were killed
    return [outcomes[job.name] for job in jobs]


def _remove_partial(job: VideoJob) -> None:
    """Remove the temporary folders of attempts that were killed."""
    for left in Path(job.out).glob(f".{job.name}.*.partial"):
        shutil.rmtree(left, ignore_errors=True)


# --- this machine ---

_WORKER, _CLOSE = "worker", "close"
"""First message of a connection: whether it is a worker's, or asks the listener to end."""

_TO_PARENT: Connection | None = None
"""In a worker process: the connection for its progress."""


def _init_worker(address: str, key: bytes) -> None:
    global _TO_PARENT  # a pool's processes get arguments through their initializer only
    _TO_PARENT = Client(address, authkey=key)
    _TO_PARENT.send(_WORKER)
    silence_native_stderr()


def _run_in_process(job: VideoJob) -> Outcome:
    def report(*progress: Any) -> None:
        if _TO_PARENT is not None:
            with suppress(OSError):  # nobody listens any more; the work goes on
                _TO_PARENT.send(progress)

    return run_job(job, report)


class _ProgressListener:
    """Receives the progress of worker processes, each over a connection of its own.

    One queue for all of them would do, but a process that is killed while it holds the queue's lock would stop the
    others, and this process with them.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress, self._lock = on_progress, threading.Lock()
        self.key = os.urandom(32)
        self._listener = Listener(authkey=self.key)
        self.address = str(self._listener.address)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            with suppress(EOFError, OSError, AuthenticationError):  # a worker that was killed while it connected
                connection = self._listener.accept()
                if connection.recv() == _CLOSE:
                    connection.close()
                    return
                reader = threading.Thread(target=self._read, args=(connection,), daemon=True)
                self._threads.append(reader)
                reader.start()

    def _read(self, connection: Connection) -> None:
        with connection, suppress(EOFError, OSError):  # the worker has ended, or was killed
            while True:
                progress = connection.recv()
                with self._lock:
                    self._on_progress(*progress)

    def close(self) -> None:
        """Stop listening; call it when the workers have ended."""
        with Client(self.address, authkey=self.key) as connection:
            connection.send(_CLOSE)
            self._threads[0].join()  # no reader is added any more
        for thread in self._threads:
            thread.join()
        self._listener.close()


def _on_processes(jobs: Sequence[VideoJob], workers: int | None, on_progress: OnProgress) -> Iterator[Outcome]:
    """Run jobs in spawned processes, because a process that is forked after a landmarker was made hangs."""
    n_workers = workers or max(1, (os.cpu_count() or 1) // 2)
    context = multiprocessing.get_context("spawn")
    listener = _ProgressListener(on_progress)
    try:
        left = list(jobs)
        for attempt in range(_MAX_TRIES):
            # after a crash the interrupted jobs run one by one, so that only the one that causes it fails again
            n = n_workers if attempt == 0 else 1
            interrupted = []
            for job, outcome in _one_pool(left, n, context, listener):
                if outcome is None:
                    interrupted.append(job)
                else:
                    yield outcome
            left = interrupted
            if not left:
                return
        for job in left:
            yield Outcome(job.name, job.video, error=f"its process was killed {_MAX_TRIES} times: out of memory?")
    finally:
        listener.close()


def _one_pool(
    jobs: Sequence[VideoJob], n: int, context: Any, listener: _ProgressListener
) -> Iterator[tuple[VideoJob, Outcome | None]]:
    """Yield each job with its outcome, or with None if a process of the pool died before the job was finished."""
    with ProcessPoolExecutor(n, context, _init_worker, (listener.address, listener.key)) as pool:
        futures: dict[Future[Outcome], VideoJob] = {pool.submit(_run_in_process, job): job for job in jobs}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], None


# --- a Dask cluster ---


def _on_dask(jobs: Sequence[VideoJob], dask: Any, on_progress: OnProgress) -> Iterator[Outcome]:
    try:
        distributed = import_module("distributed")
    except ImportError as exc:
        raise LiveDanceError(f"Dask cannot be imported ({exc}): pip install 'livedance-lab[batch]'") from exc
    ours = isinstance(dask, str)
    try:
        client = distributed.Client(dask, timeout=_CONNECT_TIMEOUT_S) if ours else dask
    except OSError as exc:
        raise LiveDanceError(f"the Dask scheduler {dask} cannot be reached: {exc}.") from exc
    topic = f"livedance-{uuid4().hex}"
    client.subscribe_topic(topic, lambda event: on_progress(*event[1]))
    try:
        # if a worker dies, the scheduler gives its jobs to others
        futures = {client.submit(_run_on_worker, job, topic, pure=False, retries=_MAX_TRIES): job for job in jobs}
        for future in distributed.as_completed(list(futures)):
            try:
                yield future.result()
            except Exception as exc:  # noqa: BLE001 - whatever a worker raises concerns that one video only
                job = futures[future]
                yield Outcome(job.name, job.video, error=f"{type(exc).__name__}: {exc}")
    finally:
        client.unsubscribe_topic(topic)
        if ours:
            client.close()


def _run_on_worker(job: VideoJob, topic: str) -> Outcome:
    worker = import_module("distributed").get_worker()
    step = 0

    def report(name: str, done: int, expected: int) -> None:
        nonlocal step
        step += 1
        if step % 30 == 1 or done == expected:  # the scheduler stores every event
            worker.log_event(topic, (name, done, expected))

    return run_job(job, report)
