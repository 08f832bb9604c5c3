"""What a test costs: marks by path and fixture, and a witness that finds a test whose marks are not true.

========== ==========================================================================
process    starts a server, or a Python of its own
model      loads MediaPipe's networks, in its runtime or in LiteRT
slow       computes for more than a second
browser    drives Chromium
notebook   runs Jupyter
soak       runs for a minute or longer
alone      is disturbed by tests that run at the same time
========== ==========================================================================
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BY_PATH = {
    "tests/browser": ("process", "browser"),
    "tests/contract/test_import_cost.py": ("process",),
    "tests/notebooks": ("process", "notebook"),
    "tests/server": ("process",),
    "tests/server/test_evaluation.py": ("model",),
    "tests/server/test_killed_recordings.py": ("model",),
    "tests/server/test_live_equals_offline.py": ("model",),
    "tests/server/test_lsl.py": ("alone",),  # every stream on the machine's network is found by every reader
    "tests/server/test_privacy.py": ("model",),
    "tests/server/test_real_runs.py": ("model",),
    "tests/server/test_replay.py": ("model",),
    "tests/soak": ("process",),
    "tests/unit/batch": ("process", "model"),
    "tests/unit/benchmarks/test_simulation.py": ("slow",),
    "tests/unit/client/test_clip_source.py": ("slow",),
    "tests/unit/client/test_pacing.py": ("slow",),
    "tests/unit/estimators/test_blazepose.py": ("model",),
    "tests/unit/estimators/test_mediapipe_tasks.py": ("model",),
    "tests/unit/estimators/test_model_store.py": ("process",),
    "tests/unit/estimators/test_networks.py": ("model",),
    "tests/unit/evaluation/test_people_clips.py": ("model",),
    "tests/unit/export/test_loaders.py": ("slow",),
    "tests/unit/system/test_native_stderr.py": ("process",),
    "tests/unit/test_bootstrap.py": ("process",),
    "tests/unit/widgets/test_live_plots.py": ("alone",),  # draws as often as the machine allows, and counts
}
MODEL_TIMEOUT_S = 300  # inference takes its time on a busy machine
BY_FIXTURE = {"server": ("process",), "wheel": ("process",)}

ONE_PROCESS = "not (process or model or browser or notebook or soak or alone)"
FAST = f"{ONE_PROCESS} and not slow"
"""For pytest's option ``-m``: the tests that together end within a minute."""

_MODEL_LIBRARY = "mediapipe"


def mark(item: pytest.Item, path: Path) -> None:
    """Give a test the marks of its path (relative to the repository) and of its fixtures."""
    names = {name for place, names in BY_PATH.items() if path.is_relative_to(place) for name in names}
    names |= {name for fixture in getattr(item, "fixturenames", ()) for name in BY_FIXTURE.get(fixture, ())}
    for name in sorted(names):
        item.add_marker(name)
    if item.get_closest_marker("model") and not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(MODEL_TIMEOUT_S))


class Witness:
    """Fails a test that starts a process or loads MediaPipe and is not marked so.

    Without it the fast tests would become slow one by one, unnoticed.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[str, str]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and Path(str(arguments[0])).name.startswith("python"):
            self._seen.append(("process", f"started {arguments[0]}"))
        elif event == "import" and str(arguments[0]).startswith("ai_edge_litert._pywrap"):
            self._seen.append(("model", f"imported {arguments[0]}"))
        elif event == "ctypes.dlopen" and _MODEL_LIBRARY in str(arguments[0]):
            self._seen.append(("model", f"loaded {arguments[0]}"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        yield from self._watched(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        yield from self._watched(item)

    def _watched(self, item: pytest.Item) -> Iterator[None]:
        """Compare what happens meanwhile with the marks.

        The library is loaded once in a process, so whether a test loads it depends on the tests before: for tests
        that start processes anyway the mark `model` is not demanded.
        """
        self._seen.clear()
        yield
        enough = {"process": ("process",), "model": ("model", "process")}
        missing = [f"{what}: mark the test `{mark}`" for mark, what in self._seen
                   if not any(item.get_closest_marker(other) for other in enough[mark])]  # fmt: skip
        if missing:
            pytest.fail("\n".join(missing), pytrace=False)
