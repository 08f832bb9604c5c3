"""A recording made by an earlier version opens, and gives the values and exports that it gave then.

``tests/assets/recording-b39f057`` is 1.7 s of the rendered sample clip, streamed to a real server of commit b39f057,
with the received pictures, a mark, a change of settings and a late frame. The hashes below are of what that commit
exported from it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from livedance_lab.export import export
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.session_data.resmoothing import resmooth

OLD = Path(__file__).parents[2] / "assets" / "recording-b39f057"
SHA256_BEGINS = {
    ("csv", "angles.csv"): "f4b3beddf9145ca26c5eedc0",
    ("csv", "events.csv"): "8b62bf09846007e8db6e9e73",
    ("csv", "frames.csv"): "3a9c2fbe4f240f0d325ec530",
    ("csv", "landmarks.csv"): "0507afd431c25850341827e3",
    ("dlc-csv", "recorded-by-b39f057_dlc.csv"): "3d9d9e07969022df5975b55a",
    ("trc", "recorded-by-b39f057.trc"): "d53c1e440a6f4ee840158d88",
    ("mot", "recorded-by-b39f057.mot"): "e66190a8e910292b0ea928f2",
}


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording.open(OLD)


def test_it_opens_complete(recording):
    assert recording.complete
    assert recording.missing == ()
    assert recording.ledger.conserved
    assert (recording.ledger.captured, recording.ledger.states["processed"], recording.ledger.states["late"]) == (
        26, 25, 1,
    )  # fmt: skip
    assert recording.events.loc[recording.events["kind"] == "mark", "name"].tolist() == ["turn"]
    assert len(list(recording.images())) == 26


def test_smoothing_it_again_gives_the_logged_values(recording):
    """To the last bit on the machine that recorded it; another processor may round differently."""
    again = resmooth(recording)
    np.testing.assert_allclose(again.keypoints_px, recording.array("keypoints_px_smooth"), rtol=1e-5)
    np.testing.assert_allclose(again.angles_deg, recording.array("angles_smooth_deg"), rtol=1e-5)


@pytest.mark.parametrize(("form", "name"), SHA256_BEGINS)
def test_exports_are_those_of_the_version_that_made_it(recording, form, name, tmp_path):
    """But for the person's number: it was 0 for everybody and in the landmarks only."""
    export(recording, form, tmp_path)
    content = (tmp_path / name).read_bytes()
    if name == "angles.csv":
        content = re.sub(rb"^([^,]*),[^,]*,", rb"\1,", content, flags=re.MULTILINE)
    elif name == "landmarks.csv":
        content = re.sub(rb"^([^,]*,[^,]*),1,", rb"\1,0,", content, flags=re.MULTILINE)
    assert hashlib.sha256(content).hexdigest().startswith(SHA256_BEGINS[form, name])


def test_its_person_is_number_one(recording):
    assert recording.people == (1,)
    assert recording.angles["person"].dropna().eq(1).all()
    assert list(recording.individuals()) == ["person"]
