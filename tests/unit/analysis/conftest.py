"""Motions that every filter and measure is tried on."""

import numpy as np
import pytest

from livedance_lab.analysis.filter_trials import LandmarkSeries
from livedance_lab.pose import Body


@pytest.fixture
def irregular_s():
    """Capture times that begin at exactly 0 and step unevenly, as dropped frames leave them."""
    rng = np.random.default_rng(7)
    return np.concatenate(([0.0], np.cumsum(rng.choice([1, 1, 1, 2, 3, 5], 199) / 60 + rng.uniform(0, 2e-3, 199))))


@pytest.fixture
def make_body():
    """A person standing 300 px tall (torso 100 px, 0.5 m), moved by `shift_px`."""

    def make(shift_px=0.0, visibility=1.0):
        rng = np.random.default_rng(3)
        world = rng.normal(0, 0.3, (33, 3))
        world[[11, 12, 23, 24]] = [(0.15, -0.5, 0), (-0.15, -0.5, 0), (0.1, 0, 0), (-0.1, 0, 0)]
        keypoints = world * 200 + (300, 300, 0) + shift_px
        hands = rng.normal(0, 0.05, (2, 21, 3))
        arrays = {
            "keypoints_px": keypoints,
            "world_m": world,
            "visibility": np.full(33, visibility),
            "presence": np.ones(33),
            "hands_px": hands * 200 + shift_px,
            "hands_world_m": hands,
            "hands_score": np.ones(2),
        }
        return Body(**{name: np.asarray(a, dtype=np.float32) for name, a in arrays.items()})

    return make


def noise(times_s, seed):
    """Jitter as trackers have it: white noise and a slower random walk."""
    rng = np.random.default_rng(seed)
    white = rng.normal(0, 0.5, (len(times_s), 4, 2))
    return white + 0.3 * np.cumsum(rng.normal(0, 0.2, white.shape), axis=0) / np.sqrt(len(times_s) / 30)


@pytest.fixture(scope="module")
def still():
    t = np.arange(240) / 30
    return LandmarkSeries(t, 100 + noise(t, 0), 100.0)


@pytest.fixture(scope="module")
def moving():
    t = np.arange(300) / 30
    phase = 2 * np.pi * t[:, None] * [0.5, 0.8, 1.1, 1.4]
    return LandmarkSeries(t, np.stack((60 * np.sin(phase), 40 * np.cos(phase)), axis=2) + noise(t, 1), 100.0)
