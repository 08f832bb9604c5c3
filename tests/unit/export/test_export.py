from functools import partial
from io import StringIO

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest

from livedance_lab.errors import ExportError
from livedance_lab.export import FORMATS, export
from livedance_lab.pose import FrameState
from livedance_lab.session_data import name_people
from livedance_lab.session_data.data import SessionData
from tests.support import recorded_session, two_people


@pytest.fixture(scope="module")
def data():
    return recorded_session.session(seconds=4, hands_every=3)


@pytest.fixture(scope="module")
def duet():
    return name_people(two_people.session(), {2: "Ben"})


def frame_equal(read: pd.DataFrame, view: pd.DataFrame) -> None:
    """Check that values are equal; NaN is an empty cell, and texts are read as texts."""
    assert list(read.columns) == list(view.columns)
    for name in view.columns:
        if view[name].dtype == "Int32":  # whole numbers, or empty
            assert read[name].astype("Int32").equals(view[name]), name
        elif pd.api.types.is_numeric_dtype(view[name]):
            np.testing.assert_array_equal(read[name].to_numpy(view[name].dtype), view[name].to_numpy(), err_msg=name)
        else:
            assert read[name].fillna("").astype(str).tolist() == view[name].astype(str).tolist(), name


# before version 3 the default rounds the last digit
exactly = partial(pd.read_csv, float_precision="round_trip") if pd.__version__ < "3" else pd.read_csv


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_come_back_as_they_were(tmp_path, data, suffix):
    export(data, suffix, tmp_path)
    read = {"csv": exactly, "parquet": pd.read_parquet}[suffix]

    for name, view in (("frames", data.frames), ("angles", data.angles), ("landmarks", data.landmarks),
                       ("landmarks_wide", data.results)):  # fmt: skip
        frame_equal(read(tmp_path / f"{name}.{suffix}"), view)
    events = read(tmp_path / f"events.{suffix}")
    assert [orjson.loads(text) for text in events["data"]] == data.events["data"].tolist()


def test_every_column_is_explained(tmp_path, data):
    export(data, "csv", tmp_path)
    meanings = pd.read_csv(tmp_path / "data_dictionary.csv", keep_default_na=False)

    for name in ("frames", "angles", "landmarks", "landmarks_wide", "events"):
        columns = pd.read_csv(tmp_path / f"{name}.csv", nrows=1).columns
        assert meanings.loc[meanings["table"] == name, "column"].tolist() == list(columns)
    of = meanings[meanings["table"] == "landmarks_wide"].set_index("column")
    assert of.loc["left_knee_x_px", "unit"] == "px"
    assert "smoothed" in of.loc["left_knee_x_smooth_m", "meaning"]
    assert of.loc["left_knee", "unit"] == "deg"


def test_long_sessions_are_written_in_pieces(tmp_path, monkeypatch):
    data = recorded_session.session(seconds=4, hands_every=3)
    monkeypatch.setattr("livedance_lab.export.csv_parquet._CHUNK", 17)
    done = []

    export(data, "csv", tmp_path, progress=lambda share, what: done.append(share))

    frame_equal(exactly(tmp_path / "landmarks.csv"), data.landmarks)
    assert len(done) > 5
    assert done == sorted(done)
    assert done[-1] == 1


def test_manifest_says_what_it_is_made_of(tmp_path, data):
    files = export(data, "dlc-csv", tmp_path, smooth=True, name="trial 1: warm/up")
    export(data, "trc", tmp_path)

    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())

    assert set(manifest["exports"]) == {"dlc-csv", "trc"}
    entry = manifest["exports"]["dlc-csv"]
    assert entry["options"] == {
        "name": "trial_1_warm_up", "smooth": True, "hands": False, "fps": None, "fill": "nan", "max_gap_s": 0.25,
    }  # fmt: skip
    assert entry["grid"]["fps"] == 30
    assert entry["grid"]["rows_with_a_result"] == len(data.seq)
    assert entry["files"] == sorted(file.name for file in files if file.name != "manifest.json")
    assert manifest["session"] == data.manifest
    assert manifest["ledger"]["conserved"]
    assert manifest["clock"]["offsets"][0]["uncertainty_s"] == 0.001
    assert manifest["clock"]["t0_unix_s"] == recorded_session.T0_S + recorded_session.WALL_ANCHOR_S


def test_another_session_does_not_inherit_the_manifest(tmp_path, data):
    export(data, "trc", tmp_path)
    tables = {n: t.replace_schema_metadata(recorded_session.schemas().frames.metadata | {b"session_id": b"other"})
              for n, t in data.tables.items()}  # fmt: skip
    export(SessionData(**tables, manifest={}), "mot", tmp_path)

    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())

    assert manifest["session_id"] == "other"
    assert set(manifest["exports"]) == {"mot"}


def test_smooth_and_hands_are_taken_where_asked(tmp_path, data):
    export(data, "dlc-csv", tmp_path / "raw")
    export(data, "dlc-csv", tmp_path / "more", smooth=True, hands=True)
    raw, more = (pd.read_csv(tmp_path / d / "made-up_dlc.csv", header=[0, 1, 2], index_col=0) for d in ("raw", "more"))

    assert raw.shape[1] == 33 * 3
    assert more.shape[1] == (33 + 42) * 3
    x = [frame[("livedance_lab", "left_knee", "x")] for frame in (raw, more)]
    np.testing.assert_allclose((x[1] - x[0]).dropna(), 0.5, atol=1e-4)
    hand = more[("livedance_lab", "left_hand_wrist", "x")].notna()
    assert hand.sum() == (data.landmarks["keypoint"] == "left_hand_wrist").sum() > 0


def test_a_resampled_export_says_which_rows_were_measured(tmp_path, data):
    export(data, "mot", tmp_path, fill="linear", max_gap_s=1)

    mask = pd.read_csv(tmp_path / "made-up_mot_mask.csv")
    rows = (tmp_path / "made-up.mot").read_text().split("endheader\n")[1].splitlines()[1:]
    assert len(mask) == len(rows)
    assert mask["measured"].sum() == len(data.seq)
    assert "nan" not in "".join(rows)


def test_signed_angles_are_resampled_the_short_way_round(tmp_path, data):
    """A forearm that turns past 180 degrees is never half-way, at 0."""
    names = ["sports2d_left_forearm", "left_shoulder_flexion", "left_knee", "right_knee"]
    results = data.tables["results"]
    turning = 150 + 40 * (data.t_capture_s - data.t0_s)
    angles = np.stack(
        (180 - np.mod(180 - turning, 360), 270 - np.mod(270 - 2 * turning, 360), turning, turning), axis=1
    )
    column = pa.FixedSizeListArray.from_arrays(pa.array(angles.astype(np.float32).ravel()), 4)
    results = results.set_column(
        results.schema.get_field_index("angles_deg"), results.schema.field("angles_deg"), column
    )
    results = results.replace_schema_metadata({**results.schema.metadata, b"angle_names": orjson.dumps(names)})
    tables = {**data.tables, "results": results}
    export(SessionData(**tables, manifest={}), "mot", tmp_path, fps=97, fill="linear", max_gap_s=1)

    text = (tmp_path / "made-up.mot").read_text().split("endheader\n")[1]
    rows = pd.read_csv(StringIO(text), sep="\t")
    assert list(rows.columns) == ["time", *names]
    assert rows["sports2d_left_forearm"].max() > 170
    wanted = 150 + 40 * rows["time"]
    for name, turns in zip(names, (1, 2, 1, 1), strict=True):
        off = np.mod(rows[name] - turns * wanted + 180, 360) - 180
        assert np.nanmax(np.abs(off)) < 0.1, name


def test_rows_of_lost_frames_are_nan_in_text_formats(tmp_path, data):
    export(data, "mot", tmp_path)
    rows = (tmp_path / "made-up.mot").read_text().split("endheader\n")[1].splitlines()[1:]

    lost = (data.frames["state"] != FrameState.PROCESSED).sum()
    assert sum("nan" in row for row in rows) == pytest.approx(lost, abs=2)
    assert float(rows[-1].split("\t")[0]) == pytest.approx(data.duration_s, abs=1 / 30)


@pytest.mark.parametrize(
    ("format", "options", "words"),
    [
        ("xlsx", {}, "there is no format 'xlsx'; the formats are csv, parquet"),
        ("csv", {"fps": 30}, "csv takes no option 'fps'"),
        ("trc", {"fill": "zero"}, "fill must be one of nan, linear"),
        ("trc", {"fps": -1}, "fps must lie in"),
        ("motion-bids", {"subject": "a b"}, "letters and digits"),
    ],
)
def test_what_cannot_be_exported_is_named(tmp_path, data, format, options, words):
    with pytest.raises(ExportError, match=words):
        export(data, format, tmp_path, **options)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, data):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(ExportError, match="cannot write csv"):
        export(data, "csv", tmp_path / "file")


@pytest.mark.parametrize("format", [name for name, f in FORMATS.items() if f.extra])
def test_a_missing_library_names_its_extra(tmp_path, data, monkeypatch, format):
    def without(name, *args, **kwargs):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("livedance_lab.system.optional_packages.import_module", without)
    with pytest.raises(ExportError, match=rf"pip install 'livedance-lab\[{FORMATS[format].extra}\]'"):
        export(data, format, tmp_path)


def test_every_writer_can_be_imported_without_its_library():
    for format in FORMATS.values():
        assert callable(format.load_writer())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("rows_at_a_time", [2000, 16])
def test_tables_of_two_people_come_back_as_they_were(tmp_path, duet, monkeypatch, suffix, rows_at_a_time):
    """A piece may end between the rows of one frame."""
    monkeypatch.setattr("livedance_lab.export.csv_parquet._CHUNK", rows_at_a_time)
    export(duet, suffix, tmp_path)
    read = {"csv": exactly, "parquet": pd.read_parquet}[suffix]

    for name, view in (("angles", duet.angles), ("landmarks", duet.landmarks), ("landmarks_wide", duet.results)):
        frame_equal(read(tmp_path / f"{name}.{suffix}"), view)
    people = read(tmp_path / f"landmarks_wide.{suffix}")["person"]
    assert people.isna().sum() == len(two_people.NOBODY)
    events = read(tmp_path / f"events.{suffix}")
    assert orjson.loads(events.loc[events["kind"] == "people", "data"].item())["names"] == {"2": "Ben"}


def test_whose_rows_were_measured(tmp_path, duet):
    export(duet, "mot", tmp_path, fill="linear", max_gap_s=10)

    mask = pd.read_csv(tmp_path / "duet_mot_mask.csv")
    assert list(mask) == ["row", "t_row_s", "measured_person1", "measured_Ben"]
    measured = [mask[f"measured_{label}"].sum() for label in ("person1", "Ben")]
    assert measured == [len(rows) for rows in duet.rows_of_people()]
    assert mask.loc[mask["row"].isin(two_people.AWAY), "measured_Ben"].sum() == 0
    assert (tmp_path / "duet_person1.mot").is_file()
    assert "nan" not in (tmp_path / "duet_Ben.mot").read_text().split("endheader")[1].splitlines()[40]


def test_manifest_names_everybody(tmp_path, duet, data):
    export(duet, "trc", tmp_path)
    entry = orjson.loads((tmp_path / "manifest.json").read_bytes())["exports"]["trc"]
    assert entry["people"] == {"person_1": 1, "Ben": 2}
    assert {"duet_person1.trc", "duet_Ben.trc"} < set(entry["files"])
    export(data, "trc", tmp_path)
    assert "people" not in orjson.loads((tmp_path / "manifest.json").read_bytes())["exports"]["trc"]


def test_one_label_for_two_people_is_refused(tmp_path, duet):
    with pytest.raises(ExportError, match="label of one person, the session has 2"):
        export(duet, "motion-bids", tmp_path / "new", subject="07")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("format", ["csv", "dlc-csv", "trc", "mot", "motion-bids"])
def test_one_person_whose_id_changed_is_one_individual(tmp_path, data, format):
    """Exports of a session that follows one person do not depend on the ids, except for the column."""
    person = pa.array(np.where(data.seq < 50, 1, 4), pa.int32())
    results = data.sorted_results
    results = results.set_column(results.schema.names.index("person"), results.schema.field("person"), person)
    changed = SessionData(**{**data.tables, "results": results}, manifest={})
    assert changed.people == (1, 4)
    wanted = {file.relative_to(tmp_path / "a"): file for file in export(data, format, tmp_path / "a")}
    files = {file.relative_to(tmp_path / "b"): file for file in export(changed, format, tmp_path / "b")}
    assert files.keys() == wanted.keys()
    for name, file in files.items():
        if name.name not in ("manifest.json", "angles.csv", "landmarks.csv", "landmarks_wide.csv"):
            assert file.read_bytes() == wanted[name].read_bytes(), name


def test_an_individual_alone_is_exported_as_a_session_of_one(tmp_path, duet):
    export(duet.individual(2), "dlc-csv", tmp_path)
    rows = pd.read_csv(tmp_path / "duet_dlc.csv", skiprows=3, header=None, index_col=0)
    assert rows.shape == (two_people.N_FRAMES, 33 * 3)
    assert rows[1].notna().sum() == len(duet.rows_of_people()[1])
