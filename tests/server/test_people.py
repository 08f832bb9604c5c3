"""Two people in a real session: followed live, logged by person, smoothed again from the log."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from livedance_lab import LiveServer, LiveSession
from livedance_lab.client.recording_source import ReplaySource
from livedance_lab.errors import LiveDanceError, RecordingError, ServerError
from livedance_lab.samples import sample_path
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.recording.writer import RecordingWriter
from livedance_lab.session_data.resmoothing import resmooth
from livedance_lab.session_data.schema import TABLES, Schemas

pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")


@pytest.fixture(scope="module")
def people_server():
    with LiveServer.start(reuse=False, port=0, estimator="blazepose") as server:
        yield server


@pytest.fixture(scope="module")
def duet(people_server) -> SessionData:
    """The first seconds of two dancers, who cross."""
    with LiveSession.open(people_server, "duet", max_people=2, hands_max_hz=4) as session:
        session.stream(str(sample_path("duet")), seconds=4, end=True)
        return session.data()


def test_another_dancer_is_followed_on_request_and_the_change_is_logged(people_server):
    with LiveSession.open(people_server, "choice", max_people=2, hands=False) as session:
        with pytest.raises(ServerError, match="no person 1 to follow; the known ids are: none so far"):
            session.follow(1)
        results, messages = [], []

        def choose(result) -> None:
            results.append(result)
            if len(result.people) == 2 and result.followed_id == 1:
                session.follow(2)  # perhaps a second time, before the next result: no change, no event

        session.on_result(choose)
        session.on_message(lambda message: messages.append(message) if message["type"] == "event" else None)
        session.stream(str(sample_path("duet")), seconds=3, end=True)
        with pytest.raises(ServerError, match="no person 9 to follow; the known ids are: 1, 2"):
            session.follow(9)
        events = session.events

    followed = [result.followed_id for result in results if result.people]
    assert (followed[0], followed[-1]) == (1, 2)
    assert followed == sorted(followed), "the choice stays"
    last = next(result for result in reversed(results) if len(result.people) == 2)
    assert last.person is last.people[1]
    assert "followed person changed" in [message["name"] for message in messages]
    (data,) = events.loc[events["name"] == "followed person changed", "data"]
    assert data == {"person": 2, "before": 1}


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
    with pytest.raises(LiveDanceError, match="choose the estimator blazepose"):
        LiveSession.open(model_server, "two", max_people=2)


def test_a_recording_of_two_is_not_replayed_as_landmarks_of_one(duet, tmp_path):
    with closing(RecordingWriter(tmp_path / "duet", Schemas(duet.angle_names, duet.metadata), duet.manifest)) as writer:
        for table in TABLES:
            for batch in duet.tables[table].to_batches():
                writer.write(table, batch)
    with pytest.raises(RecordingError, match="landmarks of 2 people"):
        ReplaySource(tmp_path / "duet")
