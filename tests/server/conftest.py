"""Server processes that several modules share: for tests that leave a server as it was. They start once per run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from livedance_lab.launcher import LiveServer


@pytest.fixture(scope="session")
def record_root(tmp_path_factory) -> Path:
    """The folder below which clients of the shared servers may record."""
    return tmp_path_factory.mktemp("recordings")


def start(runtime: Path, record_root: Path, **options: object) -> Iterator[LiveServer]:
    """A server that registers where no test looks for servers, so that none finds or stops it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEDANCE_RUNTIME", str(runtime))
        started = LiveServer.start(reuse=False, port=0, resume_s=0.1, record_root=record_root, **options)
    with started:
        yield started


@pytest.fixture(scope="session")
def replay_server(tmp_path_factory, record_root) -> Iterator[LiveServer]:
    """A server process with the replay estimator."""
    yield from start(tmp_path_factory.mktemp("runtime"), record_root, estimator="replay")


@pytest.fixture(scope="session")
def model_server(tmp_path_factory, record_root) -> Iterator[LiveServer]:
    """A server process with the real models."""
    yield from start(tmp_path_factory.mktemp("runtime"), record_root)
