"""Servers started and stopped again and again leave no process, no file and no open descriptor."""

from __future__ import annotations

import psutil
import pytest

from livedance_lab.launcher import LiveServer
from livedance_lab.launcher.live_server import find_servers

STARTS = 30


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_starts_leave_nothing_behind(tmp_path, monkeypatch):
    runtime = tmp_path / "runtime"
    monkeypatch.setenv("LIVEDANCE_RUNTIME", str(runtime))
    process = psutil.Process()
    open_files = []
    for _ in range(STARTS):
        with LiveServer.start(reuse=False, port=0, estimator="replay") as server:
            assert [found.url for found in find_servers()] == [server.url]
        open_files.append(process.num_fds())
    assert find_servers() == []
    assert list(runtime.glob("server-*")) == []
    assert process.children() == []
    assert open_files[-1] <= open_files[0]
