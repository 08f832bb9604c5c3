"""Our bundles leave out what nobody reads: the landmarks must not notice."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from livedance_lab.estimators import factory, mediapipe_tasks
from livedance_lab.media.video import VideoSource
from livedance_lab.samples import sample_path
from livedance_lab.settings import Settings


@pytest.mark.parametrize("complexity", [0, 1, 2])
def test_without_the_outline_every_landmark_stays_the_same_to_the_last_bit(complexity, monkeypatch):
    # the upstream networks run without a stretch, so ours must too
    monkeypatch.setattr(mediapipe_tasks, "_TIME_STRETCH", 1, raising=False)
    with VideoSource(sample_path()) as source:
        clip = [frame.rgb for frame in islice(source, 0, 48, 4)]
    settings = Settings(complexity=complexity)
    upstream, ours = (factory(name)("pose", settings) for name in ("mediapipe_published", "mediapipe"))
    for i, rgb in enumerate(clip):
        theirs, own = upstream.estimate(rgb, 66 * i), ours.estimate(rgb, 66 * i)
        assert own.pose_xyz is not None
        for name in ("pose_xyz", "pose_world_m", "visibility", "presence"):
            np.testing.assert_array_equal(getattr(theirs, name), getattr(own, name))
    upstream.close()
    ours.close()


@pytest.mark.parametrize("kind", ["pose", "hands"])
def test_a_models_file_takes_no_memory_once_it_is_loaded(kind):
    """MediaPipe maps it and copies what it needs: the pages are given back."""
    estimator = factory("mediapipe")(kind, Settings())
    resident_kb = [size for name, size in _mapped() if name.endswith(".task")]
    estimator.close()
    assert resident_kb
    assert sum(resident_kb) < 1024


def _mapped() -> list[tuple[str, int]]:
    """Name and resident kB of each mapping of this process that has a name."""
    found, name = [], ""
    try:
        lines = Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines()
    except OSError:
        pytest.skip("only Linux tells what a process has mapped")
    for line in lines:
        parts = line.split()
        if "-" in parts[0]:
            name = parts[-1]
        elif parts[0] == "Rss:":
            found.append((name, int(parts[1])))
    return found
