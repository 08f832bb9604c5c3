"""Every format, read by its own tool: nothing is shortened, nothing is changed.

The session is ten minutes at 30/s with 15 % lost frames. Loaders that are not installed are skipped, except
where LIVEDANCE_LOADERS=required says that all must be there (`pip install -e '.[export-test]'`).
"""

import importlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from livedance_lab.errors import ExportError
from livedance_lab.export import export
from livedance_lab.export.opensim import MARKERS
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.people_edits import name_people
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.session_data.recording.writer import RecordingWriter
from livedance_lab.skeletons import BLAZEPOSE_33
from tests.support import recorded_session, two_people

# the loaders' warnings are not about this package
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

FPS = 30.0
SECONDS = 600.0


def loader(module: str):
    try:
        return importlib.import_module(module)
    except ImportError:
        if os.environ.get("LIVEDANCE_LOADERS") == "required":
            raise
        pytest.skip(f"{module} is not installed")


@pytest.fixture(scope="module")
def data():
    session = recorded_session.session(seconds=SECONDS, rate_hz=FPS, lost=0.15, jitter_s=0.006)
    assert session.ledger.dropped_share > 0.14
    return session


@pytest.fixture(scope="module")
def duet() -> SessionData:
    """Two people, the second away for a while, one of them named."""
    return name_people(two_people.session(), {1: "Ana"})


NAMES = ["Ana", "person_2"]
LABELS = ["Ana", "person2"]


def of_duet(duet, name: str, t_s: np.ndarray) -> np.ndarray:
    """An array of both people at given times, shape (T, 2, ...); NaN where somebody is not in the results."""
    seqs = np.round(t_s * two_people.RATE_HZ).astype(int)
    values = duet.array(name)
    out = np.full((len(t_s), 2, *values.shape[1:]), np.nan, np.float32)
    for person, rows in enumerate(duet.rows_of_people()):
        for row in rows:
            out[seqs == duet.seq[row], person] = values[row]
    assert np.isfinite(out[:, 0]).any(axis=tuple(range(1, out[:, 0].ndim))).sum() > 80
    assert np.isfinite(out[:, 1]).any(axis=tuple(range(1, out[:, 1].ndim))).sum() > 50
    return out


def files_of_people(files, suffix) -> list[Path]:
    """The file of each of the two, in order."""
    return [one(files, f"{label}{suffix}") for label in LABELS]


def one(files, suffix) -> Path:
    (path,) = [file for file in files if file.name.endswith(suffix)]
    return path


def rows_of(files, data) -> np.ndarray:
    """Return the row of each result from the file with the true times."""
    times = pd.read_csv(one(files, "_times.csv")).set_index("seq")
    rows = times.loc[data.seq, "row"]
    assert rows.notna().all()
    return rows.to_numpy().astype(int)


def assert_on_grid(rows, values, of_results, t_s, data, **tolerance):
    """Check that each result's values are in its row, at most one frame from its true time; other rows are NaN."""
    assert abs(t_s[-1] - data.duration_s) <= 1 / FPS
    assert np.abs(t_s[rows] - (data.t_capture_s - data.t0_s)).max() <= 1 / FPS
    assert len(np.unique(rows)) == len(rows)
    np.testing.assert_allclose(values[rows], of_results, **({"rtol": 0, "atol": 0} | tolerance))
    others = np.delete(values, rows, axis=0)
    assert len(others) >= 0.1 * len(values)
    assert np.isnan(others).all()


@pytest.mark.parametrize("format", ["dlc-csv", "dlc-h5"])
def test_deeplabcut_in_movement(tmp_path, data, format):
    load_poses = loader("movement.io.load_poses")
    files = export(data, format, tmp_path)

    ds = load_poses.from_dlc_file(tmp_path / f"made-up_dlc.{format[4:]}", fps=FPS)

    assert ds["keypoints"].values.tolist() == list(BLAZEPOSE_33.landmarks)
    position = ds.position.values[..., 0].transpose(0, 2, 1)
    assert_on_grid(
        rows_of(files, data), position, data.array("keypoints_px")[:, :, :2], ds.time.values, data, rtol=1e-7
    )
    confidence = ds.confidence.values[rows_of(files, data), :, 0]
    np.testing.assert_allclose(confidence, data.array("visibility"), rtol=1e-7)


@pytest.mark.parametrize("format", ["dlc-csv", "dlc-h5"])
def test_deeplabcut_of_two_people_in_movement(tmp_path, duet, format):
    load_poses = loader("movement.io.load_poses")
    export(duet, format, tmp_path)

    ds = load_poses.from_dlc_file(tmp_path / f"duet_dlc.{format[4:]}", fps=FPS)

    assert ds["individuals"].values.tolist() == NAMES
    expected = of_duet(duet, "keypoints_px", ds.time.values)[..., :2]
    np.testing.assert_allclose(ds.position.values.transpose(0, 3, 2, 1), expected, rtol=1e-7)
    seen = of_duet(duet, "visibility", ds.time.values)
    np.testing.assert_allclose(ds.confidence.values.transpose(0, 2, 1), seen, rtol=1e-7)


def test_sleap_in_movement(tmp_path, data):
    load_poses = loader("movement.io.load_poses")
    files = export(data, "sleap-h5", tmp_path)

    ds = load_poses.from_sleap_file(one(files, ".analysis.h5"), fps=FPS)

    assert ds["keypoints"].values.tolist() == list(BLAZEPOSE_33.landmarks)
    position = ds.position.values[..., 0].transpose(0, 2, 1)
    assert_on_grid(rows_of(files, data), position, data.array("keypoints_px")[:, :, :2], ds.time.values, data)
    np.testing.assert_array_equal(ds.confidence.values[rows_of(files, data), :, 0], data.array("visibility"))


def test_sleap_of_two_people_in_movement(tmp_path, duet):
    load_poses = loader("movement.io.load_poses")
    path = one(export(duet, "sleap-h5", tmp_path), ".analysis.h5")

    ds = load_poses.from_sleap_file(path, fps=FPS)

    assert ds["individuals"].values.tolist() == NAMES
    expected = of_duet(duet, "keypoints_px", ds.time.values)[..., :2]
    np.testing.assert_array_equal(ds.position.values.transpose(0, 3, 2, 1), expected)
    seen = of_duet(duet, "visibility", ds.time.values)
    np.testing.assert_array_equal(ds.confidence.values.transpose(0, 2, 1), seen)
    with loader("h5py").File(path) as file:
        np.testing.assert_array_equal(file["track_occupancy"][:].astype(bool), np.isfinite(seen[:, :, 0]))


@pytest.mark.parametrize(("space", "array"), [("px", "keypoints_px"), ("m", "world_m")])
def test_netcdf_in_movement_keeps_true_times(tmp_path, data, space, array):
    xarray, loaded_by = loader("xarray"), loader("movement.validators.datasets")
    kinematics = loader("movement.kinematics")
    files = export(data, "movement", tmp_path, space=space)

    with xarray.open_dataset(one(files, ".nc")) as ds:
        loaded_by.ValidPosesInputs.validate(ds)
        speed = kinematics.compute_speed(ds.position)
        assert speed.shape == (len(data.frames), 33, 1)
        assert np.isfinite(speed.values).any()
        np.testing.assert_array_equal(ds.time.values, data.frames["t_capture_s"] - data.t0_s)
        processed = ds["state"].values == ds["state"].attrs["flag_meanings"].split().index("processed")
        position = ds.position.values[..., 0].transpose(0, 2, 1)
        expected = data.array(array)[:, :, : position.shape[2]]
        np.testing.assert_array_equal(position[processed], expected)
        assert np.isnan(position[~processed]).all()
        np.testing.assert_array_equal(ds.seq.values[processed], data.seq)
        assert ds.attrs["fps"] == FPS
        assert orjson.loads(ds.attrs["ledger"])["conserved"]


def test_netcdf_of_two_people_in_movement(tmp_path, duet):
    xarray, loaded_by = loader("xarray"), loader("movement.validators.datasets")
    files = export(duet, "movement", tmp_path, space="m")

    with xarray.open_dataset(one(files, ".nc")) as ds:
        loaded_by.ValidPosesInputs.validate(ds)
        individual = next(dim for dim in ds.position.dims if dim.startswith("individual"))
        assert ds[individual].values.tolist() == NAMES
        assert len(ds.time) == two_people.N_FRAMES
        position = ds.position.values.transpose(0, 3, 2, 1)
        np.testing.assert_array_equal(position, of_duet(duet, "world_m", ds.time.values))
        angles = ds.joint_angle.transpose("time", individual, "angle").values
        np.testing.assert_array_equal(angles, of_duet(duet, "angles_deg", ds.time.values))


def test_a_recording_is_an_xarray_dataset(tmp_path):
    loader("xarray")
    writer = RecordingWriter(tmp_path / "a", recorded_session.schemas(), recorded_session.manifest())
    for table, batch in recorded_session.batches(seconds=2, hands_every=2):
        writer.write(table, batch)
    writer.close()
    recording = Recording.open(tmp_path / "a")

    ds = recording.to_xarray("m", smooth=True, hands=True)

    keypoint = next(dim for dim in ds.position.dims if dim.startswith("keypoint"))
    hips = ds.position.sel({keypoint: "left_hip"}).values[..., 0]
    processed = (recording.frames["state"] == "processed").to_numpy()
    np.testing.assert_array_equal(hips[processed], recording.array("world_m_smooth")[:, BLAZEPOSE_33.index("left_hip")])
    assert ds.sizes[keypoint] == 33 + 42
    assert ds.joint_angle.sel(angle="left_knee").notnull().sum() == processed.sum()


def test_nwb_keeps_true_times(tmp_path, data):
    pynwb = loader("pynwb")
    loader("ndx_pose")
    path = one(export(data, "nwb", tmp_path), ".nwb")

    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        assert file.session_start_time == datetime.fromtimestamp(
            recorded_session.T0_S + recorded_session.WALL_ANCHOR_S, UTC
        )
        pose = file.processing["behavior"]["PoseEstimation"]
        assert set(pose.pose_estimation_series) == set(BLAZEPOSE_33.landmarks)
        knee = pose["left_knee"]
        t_s = np.asarray(knee.timestamps)
        np.testing.assert_array_equal(t_s, data.frames["t_capture_s"] - data.t0_s)
        processed = (data.frames["state"] == "processed").to_numpy()
        expected = data.array("keypoints_px")[:, BLAZEPOSE_33.index("left_knee"), :2]
        np.testing.assert_array_equal(knee.data[:][processed], expected)
        assert np.isnan(knee.data[:][~processed]).all()
        angles = file.processing["behavior"]["joint_angles"]
        np.testing.assert_array_equal(angles.data[:][processed], data.array("angles_deg"))
        assert pose.skeleton.edges.shape[1] == 2


def test_nwb_of_two_people_is_a_file_for_each(tmp_path, duet):
    pynwb, load_poses = loader("pynwb"), loader("movement.io.load_poses")
    loader("ndx_pose")
    paths = files_of_people(export(duet, "nwb", tmp_path), ".nwb")

    identifiers = set()
    for person, path in enumerate(paths):
        assert not pynwb.validate(path=str(path))
        with pynwb.NWBHDF5IO(str(path), "r") as io:
            file = io.read()
            assert (file.subject.subject_id, file.session_id) == (LABELS[person], "duet")
            identifiers.add(file.identifier)
            knee = file.processing["behavior"]["PoseEstimation"]["left_knee"]
            t_s = np.asarray(knee.timestamps)
            np.testing.assert_allclose(t_s, np.arange(two_people.N_FRAMES) / FPS, atol=1e-9)
            expected = of_duet(duet, "keypoints_px", t_s)[:, person, BLAZEPOSE_33.index("left_knee"), :2]
            np.testing.assert_array_equal(knee.data[:], expected)
            angles = file.processing["behavior"]["joint_angles"].data[:]
            np.testing.assert_array_equal(angles, of_duet(duet, "angles_deg", t_s)[:, person])
        assert load_poses.from_nwb_file(path).sizes["time"] == two_people.N_FRAMES
    assert len(identifiers) == 2


def test_nwb_on_the_grid_in_movement(tmp_path, data):
    load_poses = loader("movement.io.load_poses")
    files = export(data, "nwb", tmp_path, times="nominal")

    ds = load_poses.from_nwb_file(one(files, ".nwb"))

    position = ds.position.sel(keypoints=list(BLAZEPOSE_33.landmarks)).values[..., 0].transpose(0, 2, 1)
    assert_on_grid(rows_of(files, data), position, data.array("keypoints_px")[:, :, :2], ds.time.values, data)


def test_nwb_passes_the_validator(tmp_path, data):
    loader("ndx_pose")
    path = one(export(data, "nwb", tmp_path), ".nwb")

    errors = loader("pynwb").validate(path=str(path))

    assert not errors


def test_trc_in_opensim(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)  # OpenSim writes a log file
    opensim = loader("opensim")
    files = export(data, "trc", tmp_path)

    table = opensim.TimeSeriesTableVec3(str(one(files, ".trc")))

    assert list(table.getColumnLabels()) == list(MARKERS)
    assert float(table.getTableMetaDataAsString("DataRate")) == FPS
    t_s = np.array(table.getIndependentColumn())
    values = table.getMatrix()
    nose = np.array([values.getElt(i, 0).to_numpy() for i in range(values.nrow())])
    world = data.array("world_m")[:, 0]
    assert_on_grid(rows_of(files, data), nose, -world[:, ::-1], t_s, data, atol=1e-7)
    hip = data.array("world_m")[:, [23, 24]].mean(axis=1)
    column = list(MARKERS).index("Hip")
    rows = rows_of(files, data)[:50]
    np.testing.assert_allclose([values.getElt(int(r), column).to_numpy() for r in rows], -hip[:50, ::-1], atol=1e-7)
    markers = opensim.MarkerData(str(one(files, ".trc")))
    assert markers.getNumFrames() == len(t_s)
    assert markers.getUnits().getLabel() == "meters"


def test_mot_in_opensim(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opensim = loader("opensim")
    files = export(data, "mot", tmp_path)

    table = opensim.TimeSeriesTable(str(one(files, ".mot")))

    assert list(table.getColumnLabels()) == list(recorded_session.ANGLES)
    values = table.getMatrix().to_numpy()
    t_s = np.array(table.getIndependentColumn())
    assert_on_grid(rows_of(files, data), values, data.array("angles_deg"), t_s, data, rtol=1e-7)


def test_opensim_files_of_two_people(tmp_path, duet, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opensim = loader("opensim")
    trc = files_of_people(export(duet, "trc", tmp_path), ".trc")
    mot = files_of_people(export(duet, "mot", tmp_path), ".mot")

    for person in range(2):
        table = opensim.TimeSeriesTableVec3(str(trc[person]))
        t_s = np.array(table.getIndependentColumn())
        assert len(t_s) == two_people.N_FRAMES
        values = table.getMatrix()
        nose = np.array([values.getElt(i, 0).to_numpy() for i in range(values.nrow())])
        world = of_duet(duet, "world_m", t_s)[:, person, 0]
        np.testing.assert_allclose(nose, -world[:, ::-1], rtol=1e-6)
        table = opensim.TimeSeriesTable(str(mot[person]))
        np.testing.assert_array_equal(np.array(table.getIndependentColumn()), t_s)
        expected = of_duet(duet, "angles_deg", t_s)[:, person]
        np.testing.assert_allclose(table.getMatrix().to_numpy(), expected, rtol=1e-6)


def test_mot_without_nan_in_opensims_older_reader(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opensim = loader("opensim")
    files = export(data, "mot", tmp_path, fill="linear", max_gap_s=10)

    storage = opensim.Storage(str(one(files, ".mot")))

    assert storage.isInDegrees()
    assert storage.getLastTime() == pytest.approx(data.duration_s, abs=1 / FPS)


def test_c3d_in_ezc3d(tmp_path, data):
    ezc3d = loader("ezc3d")
    files = export(data, "c3d", tmp_path)

    file = ezc3d.c3d(str(one(files, ".c3d")))

    point = file["parameters"]["POINT"]
    assert point["LABELS"]["value"] == list(MARKERS)
    assert point["UNITS"]["value"] == ["mm"]
    rate = point["RATE"]["value"][0]
    points = file["data"]["points"][:3].transpose(2, 1, 0)
    nose = -data.array("world_m")[:, 0, ::-1] * np.float32(1000)
    t_s = np.arange(len(points)) / rate
    assert_on_grid(rows_of(files, data), points[:, 0], nose, t_s, data, rtol=1e-6, atol=1e-5)
    missing = file["data"]["meta_points"]["residuals"][0, 0] < 0
    np.testing.assert_array_equal(missing, np.isnan(points[:, 0, 0]))


def test_c3d_of_two_people_has_their_labels_before_the_markers(tmp_path, duet):
    ezc3d = loader("ezc3d")
    path = one(export(duet, "c3d", tmp_path), ".c3d")

    file = ezc3d.c3d(str(path))

    labels = [f"{label}:{marker}" for label in LABELS for marker in MARKERS]
    assert file["parameters"]["POINT"]["LABELS"]["value"] == labels
    points = file["data"]["points"][:3].transpose(2, 1, 0)
    world = of_duet(duet, "world_m", np.arange(len(points)) / FPS)
    for person, label in enumerate(LABELS):
        nose = points[:, labels.index(f"{label}:Nose")]
        np.testing.assert_allclose(nose, -1000 * world[:, person, 0, ::-1], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("n_people", [9, 10])
def test_c3d_holds_as_many_people_as_it_has_labels_for(tmp_path, n_people):
    ezc3d = loader("ezc3d")
    crowd = two_people.session(lambda seq: (1, 2 + min(max(seq - 5, 0) // 2, n_people - 2)))
    assert len(crowd.people) == n_people
    if n_people == 10:
        with pytest.raises(ExportError, match="c3d holds at most 9 people, the session has 10"):
            export(crowd, "c3d", tmp_path / "new")
        assert not (tmp_path / "new").exists()
        return

    file = ezc3d.c3d(str(one(export(crowd, "c3d", tmp_path), ".c3d")))

    assert len(file["parameters"]["POINT"]["LABELS"]["value"]) == n_people * len(MARKERS)


def test_motion_bids_passes_the_validator(tmp_path, data):
    validator = Path(sys.executable).with_name("bids-validator-deno")  # installed next to Python
    loader("bids_validator_deno")
    export(data, "motion-bids", tmp_path)

    ran = subprocess.run([validator, "--json", tmp_path], capture_output=True, text=True)

    report = orjson.loads(ran.stdout)
    issues = report["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert report["summary"]["tasks"] == ["dance"]
    assert "motion" in [kind.lower() for kind in report["summary"]["modalities"] + report["summary"]["dataTypes"]]


def test_motion_bids_of_two_people_passes_the_validator(tmp_path, duet):
    validator = Path(sys.executable).with_name("bids-validator-deno")
    loader("bids_validator_deno")
    files = export(duet, "motion-bids", tmp_path)

    ran = subprocess.run([validator, "--json", tmp_path], capture_output=True, text=True)

    report = orjson.loads(ran.stdout)
    assert [issue for issue in report["issues"]["issues"] if issue["severity"] == "error"] == []
    assert sorted(report["summary"]["subjects"]) == LABELS
    participants = pd.read_csv(tmp_path / "participants.tsv", sep="\t")["participant_id"].tolist()
    assert participants == [f"sub-{label}" for label in LABELS]
    for person, label in enumerate(LABELS):
        of = [file for file in files if f"sub-{label}" in file.name]
        names = pd.read_csv(one(of, "_channels.tsv"), sep="\t", keep_default_na=False)["name"]
        samples = pd.read_csv(one(of, "_motion.tsv"), sep="\t", header=None, na_values="n/a", names=names)
        assert len(samples) == two_people.N_FRAMES
        knee = samples[[f"left_knee_{axis}" for axis in "xyz"]].to_numpy()
        world = of_duet(duet, "world_m", np.arange(len(samples)) / FPS)[:, person, BLAZEPOSE_33.index("left_knee")]
        np.testing.assert_allclose(knee, world, rtol=1e-6)


def test_motion_bids_values(tmp_path, data):
    files = export(data, "motion-bids", tmp_path)
    channels = pd.read_csv(one(files, "_channels.tsv"), sep="\t", keep_default_na=False)
    samples = pd.read_csv(one(files, "_motion.tsv"), sep="\t", header=None, na_values="n/a", names=channels["name"])
    description = orjson.loads(one(files, "_motion.json").read_bytes())
    rows = rows_of(files, data)

    np.testing.assert_allclose(samples["latency"].to_numpy()[rows], data.t_capture_s - data.t0_s, atol=1e-6)
    knee = samples[[f"left_knee_{axis}" for axis in "xyz"]].to_numpy()
    t_s = np.arange(len(samples)) / description["SamplingFrequency"]
    assert_on_grid(rows, knee, data.array("world_m")[:, BLAZEPOSE_33.index("left_knee")], t_s, data, rtol=1e-7)
    np.testing.assert_allclose(
        samples[list(recorded_session.ANGLES)].to_numpy()[rows], data.array("angles_deg"), rtol=1e-7
    )
    assert description["RecordingDuration"] == pytest.approx(SECONDS, abs=2 / FPS)
    assert description["MotionChannelCount"] == len(channels) == 1 + 99 + len(recorded_session.ANGLES)


def test_pose_format(tmp_path, data):
    pose_format = loader("pose_format")
    files = export(data, "pose-format", tmp_path)

    pose = pose_format.Pose.read(one(files, ".pose").read_bytes())

    assert pose.body.fps == FPS
    assert pose.header.dimensions.width, pose.header.dimensions.height == recorded_session.SIZE_PX
    assert pose.header.components[0].points == [name.upper() for name in BLAZEPOSE_33.landmarks]
    values = pose.body.data.filled(np.nan)[:, 0]
    t_s = np.arange(len(values)) / pose.body.fps
    assert_on_grid(rows_of(files, data), values, data.array("keypoints_px"), t_s, data)


def test_pose_format_of_two_people(tmp_path, duet):
    pose_format = loader("pose_format")
    files = export(duet, "pose-format", tmp_path, hands=True)

    pose = pose_format.Pose.read(one(files, ".pose").read_bytes())

    values = pose.body.data.filled(np.nan)
    assert values.shape[:2] == (two_people.N_FRAMES, 2)
    t_s = np.arange(len(values)) / pose.body.fps
    np.testing.assert_array_equal(values[:, :, :33], of_duet(duet, "keypoints_px", t_s))
    seen = np.isfinite(values[:, :, 0, 0])
    np.testing.assert_array_equal(pose.body.confidence[:, :, 0] > 0, seen)
    hands = np.isfinite(values[:, :, 33:, 0]).any(axis=2)
    assert hands[:, 0].any()
    assert not hands[:, 1].any()


def test_c3d_of_more_frames_than_it_can_count(tmp_path, data, monkeypatch):
    ezc3d = loader("ezc3d")
    monkeypatch.setattr("livedance_lab.export.c3d._MOST_FRAMES", 10_000)
    whole, parts = tmp_path / "whole", export(data, "c3d", tmp_path)
    monkeypatch.undo()

    (one_file,) = [file for file in export(data, "c3d", whole) if file.suffix == ".c3d"]

    read = [ezc3d.c3d(str(file))["data"]["points"] for file in (tmp_path / "made-up_part1.c3d", parts[1])]
    assert [points.shape[2] for points in read] == [10_000, len(pd.read_csv(one(parts, "_times.csv"))) - 10_000]
    np.testing.assert_array_equal(np.concatenate(read, axis=2), ezc3d.c3d(str(one_file))["data"]["points"])
