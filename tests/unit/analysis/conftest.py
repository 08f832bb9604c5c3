"""Motions that every filter and measure is tried on."""

import numpy as np
import pytest

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
