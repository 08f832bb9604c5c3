"""Smoothing a logged session again reproduces the live values bit for bit."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from livedance_lab.client import LiveSession
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.resmoothing import resmooth
from livedance_lab.settings import Settings

CLIP = "data/samples/dancer.mp4"
PAIRS = {
    "keypoints_px": "keypoints_px_smooth",
    "world_m": "world_m_smooth",
    "hands_px": "hands_px_smooth",
    "hands_world_m": "hands_world_m_smooth",
    "angles_deg": "angles_smooth_deg",
    "flags": "flags",
}


@pytest.fixture(scope="module")
def live_session(model_server) -> SessionData:
    """A real session during which the smoothing and `mirrored` are changed; some angles jump at 180 degrees."""
    changes = iter(
        [
            {"smoothing": {"filter": "one_euro", "params": {}}},
            {"smoothing": {"filter": "ema", "params": {"alpha": 0.3}, "groups": {"hands": {"filter": "none"}}},
             "mirrored": True},
        ]
    )  # fmt: skip
    with LiveSession.open(model_server, angles="included, clinical, sports2d") as session:

        def tick(client) -> None:
            if client.credit.captured % 80 == 79 and (change := next(changes, None)):
                threading.Thread(target=session.set, kwargs=change).start()

        session.stream(CLIP, seconds=4, tick=tick, end=True)
        return session.data()


@pytest.mark.parametrize(("again", "logged"), PAIRS.items())
def test_recorded_settings_reproduce_live_values_bit_for_bit(live_session, again, logged):
    assert set(live_session.column("settings_version")) == {1, 2, 3}

    np.testing.assert_array_equal(getattr(resmooth(live_session), again), live_session.array(logged))


def test_other_settings_give_other_values(live_session):
    """So the comparison above does not compare raw values with themselves."""
    plain = resmooth(live_session, Settings.parse({"smoothing": {"filter": "none"}}))

    np.testing.assert_array_equal(plain.keypoints_px, live_session.array("keypoints_px"))
    assert not np.array_equal(plain.keypoints_px, live_session.array("keypoints_px_smooth"))
