"""Two people in a real session: followed live, logged by person, smoothed again from the log."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from livedance_lab import LiveServer, LiveSession
from livedance_lab.client.recording_source import ReplaySource
from livedance_lab.errors import LiveDanceError, RecordingError
from livedance_lab.samples import sample_path
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.recording.writer import RecordingWriter
from livedance_lab.session_data.resmoothing import resmooth
from livedance_lab.session_data.schema import TABLES, Schemas

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


def test_a_recording_of_two_is_not_replayed_as_landmarks_of_one(duet, tmp_path):
    with closing(RecordingWriter(tmp_path / "duet", Schemas(duet.angle_names, duet.metadata), duet.manifest)) as writer:
        for table in TABLES:
            for batch in duet.tables[table].to_batches():
                writer.write(table, batch)
    with pytest.raises(RecordingError, match="landmarks of 2 people"):
        ReplaySource(tmp_path / "duet")
