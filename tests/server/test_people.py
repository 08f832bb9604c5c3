"""Two people in a real session: followed live, logged by person, smoothed again from the log."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from livedance_lab import LiveServer, LiveSession
from livedance_lab.errors import LiveDanceError
from livedance_lab.samples import sample_path
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.resmoothing import resmooth

pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")


@pytest.fixture(scope="module")
def duet(tmp_path_factory) -> SessionData:
    """The first seconds of two dancers, who cross."""
    with LiveServer.start(reuse=False, port=0, estimator="blazepose") as server, \
            LiveSession.open(server, "duet", max_people=2, hands_max_hz=4) as session:  # fmt: skip
        session.stream(str(sample_path("duet")), seconds=4, end=True)
        return session.data()


def test_both_are_followed_with_ids_that_stay(duet):
    assert duet.people == (1, 2)
    assert duet.ledger.conserved
    per_frame = pd.Series(duet.seq).value_counts()
    assert (per_frame == 2).mean() > 0.5
    assert set(duet.events.loc[duet.events["kind"] == "people", "name"]) == {"person appeared"}
    for id in duet.people:
        steps_px = np.diff(duet.individual(id).array("keypoints_px")[:, [23, 24], 0].mean(axis=1))
        assert np.nanmax(np.abs(steps_px)) < 120  # nobody jumps to the other's place


def test_smoothing_it_again_gives_the_logged_values_of_both(duet):
    again = resmooth(duet)
    for name in ("keypoints_px", "world_m", "hands_px", "angles_deg"):
        logged = duet.array(name + "_smooth" if name != "angles_deg" else "angles_smooth_deg")
        np.testing.assert_array_equal(getattr(again, name), logged)


def test_a_server_whose_estimator_follows_one_refuses(model_server):
    with pytest.raises(LiveDanceError, match="start the server with the estimator blazepose"):
        LiveSession.open(model_server, "two", max_people=2)
